/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_parts.h - what generators of workloads are made of; private to them.
 *
 * A generator is a row: how large it is, how its memory is used in an epoch, and when that changes.
 * Rates are accesses a second of all its threads together, while its memory is fast.
 */
#ifndef REPLAY_WORKLOAD_PARTS_H
#define REPLAY_WORKLOAD_PARTS_H

#include "workload.h"

#define PAGE WORKLOAD_PAGE_BYTES
#define REGION_BYTES ((uint64_t)WORKLOAD_REGION_PAGES * PAGE)
#define GIB (1ull << 30)
#define PHASE_ONLY 0 /* a workload that never changes has one phase */

struct workload_row {
	const char *name, *summary;
	uint64_t bytes; /* by default */
	uint32_t threads;
	int page_grained;
	uint32_t processes; /* 0: one */
	double param;       /* the row's own: a period, a skew */
	/* Choose what is fixed: places of hot memory, graphs. own is private_bytes of zeroes; the
	 * rest of the workload is ready. Optional. */
	size_t private_bytes;
	int (*prepare)(struct workload *workload, struct sluice_err *reterr);
	void (*discard)(struct workload *workload); /* what prepare allocated. Optional. */
	/* Optional: the workload never changes. */
	uint64_t (*phase)(const struct workload *workload, uint32_t epoch);
	/* uses are zeroed. Required. */
	void (*fill)(const struct workload *workload, uint32_t epoch, struct workload_use *uses);
	struct workload_load (*load)(const struct workload *workload, uint32_t epoch);
};

struct workload {
	struct workload_info info;
	const struct workload_row *row;
	struct workload_unit *units;
	uint32_t *order; /* of the units, shuffled: see workload_shuffled() */
	double epoch_s;
	uint64_t seed;
	void *own;
};

/* An array of rows ends at name == NULL. */
extern const struct workload_row workload_gups[], workload_zipf[], workload_sweeps[],
	workload_graphs[], workload_stores[], workload_mixes[];

/* Accesses a second, spread over all pages of the units [first, first + count). Units that are
 * used in several ways get the mlp that gives the same stall. */
void workload_spread(const struct workload *workload, struct workload_use *uses, size_t first,
		     size_t count, double reads, double writes, double mlp);
/* The same for units [first, first + count) of the shuffled order. */
void workload_scatter(const struct workload *workload, struct workload_use *uses, size_t first,
		      size_t count, double reads, double writes, double mlp);
/* A stretch of an array, walked through again and again: of the units [first, first + count) those
 * that a walk at so many bytes a second passes in this epoch, each page in full (64 accesses). */
void workload_walk(const struct workload *workload, struct workload_use *uses, uint32_t epoch,
		   size_t first, size_t count, double bytes_per_s, double write_share, double mlp);
/* Access of popularity rank^-skew to slots [0, slots), where slot i is the units
 * [first + i * count / slots, ...): pick maps a slot to its rank's place. */
void workload_popular(const struct workload *workload, struct workload_use *uses, size_t first,
		      size_t count, double skew, int scattered, double reads, double writes,
		      double mlp);

/* The start of the epoch, in seconds of work. */
static inline double
workload_time_s(const struct workload *workload, uint32_t epoch)
{
	return epoch * workload->epoch_s;
}

/* A random number that is the same whenever it is asked for: 64 bits of a seed and an index. */
uint64_t workload_random(uint64_t seed, uint64_t index);

#endif
