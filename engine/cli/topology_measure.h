/* SPDX-License-Identifier: Apache-2.0 */
/* topology_measure.h - sluice topology --measure: wish, progress, Ctrl-C, result. */
#ifndef CLI_TOPOLOGY_MEASURE_H
#define CLI_TOPOLOGY_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

struct topology_measure {
	bool wanted;
	const char *dependent; /* the first option given that makes sense with --measure only */
	uint64_t time_ms;      /* 0: by default */
	uint64_t memory_bytes; /* 0: by default */
	json_t *pairs;         /* NULL: all */
};

/* The values of --seconds, --memory and --pair. 0, or -errno with the sentence. */
int topology_measure_seconds(struct topology_measure *wish, const char *text,
			     struct sluice_err *reterr);
int topology_measure_memory(struct topology_measure *wish, const char *text,
			    struct sluice_err *reterr);
int topology_measure_pair(struct topology_measure *wish, const char *text,
			  struct sluice_err *reterr);
void topology_measure_clear(struct topology_measure *wish);

/* Measures, prints. Returns the exit status: 128 and the signal's number when one ended it. */
int topology_measure_run(struct cli *cli, const struct topology_measure *wish);

#endif
