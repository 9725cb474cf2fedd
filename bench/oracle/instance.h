/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h - a problem that owns its memory: made of a named pattern, or read from JSON.
 */
#ifndef ORACLE_INSTANCE_H
#define ORACLE_INSTANCE_H

#include <jansson.h>

#include "oracle.h"

struct instance {
	struct oracle_problem problem; /* points into what follows */
	float **rows;                  /* by epoch */
	uint32_t *bytes;
	float *up, *down;
	uint64_t *initial;
};

enum pattern_name {
	PATTERN_HOTSET,  /* a hot set gets 9 of 10 accesses; another one each period */
	PATTERN_ZIPF,    /* popularity by Zipf's law, scattered; another order each period */
	PATTERN_PHASES,  /* two hot sets in turns, a period each */
	PATTERN_DRIFT,   /* a hot set that slides through all memory in a period */
	PATTERN_SCAN,    /* all memory in order, once a period */
	PATTERN_UNIFORM, /* every item alike */
	PATTERN_RANDOM,  /* every item and epoch by itself, up to twice the mean */
	PATTERNS
};
extern const char *const pattern_names[PATTERNS];

struct pattern {
	enum pattern_name name;
	uint32_t item_count, epoch_count;
	uint32_t item_bytes;  /* 0: from 4 KiB to 2 MiB, drawn */
	double fast_percent;  /* capacity, of all memory */
	double hot_percent;   /* the hot set, of all items */
	uint32_t period;      /* epochs; 0: as long as all of it */
	double accesses;      /* per epoch, of all items together */
	double delta_ns;      /* what one access takes longer in slow memory */
	double move_ns;       /* for 2 MiB, each way; in proportion */
	double noise_percent; /* each item's accesses in each epoch are off by up to so much */
	uint64_t seed;
};

/* Each: 0, -ENOMEM, -EINVAL with a sentence. The instance is the caller's, and then to be freed. */
int instance_make(const struct pattern *pattern, struct instance *ret, struct sluice_err *reterr);
/* name: of the file, for sentences. */
int instance_read(const json_t *json, const char *name, struct instance *ret,
		  struct sluice_err *reterr);
void instance_free(struct instance *instance); /* also when zeroed */

/* Memory for so much, all zero; the problem's pointers are set. -ENOMEM. */
int instance_new(uint32_t item_count, uint32_t epoch_count, struct instance *ret,
		 struct sluice_err *reterr);

#endif
