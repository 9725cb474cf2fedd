/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload.h - programs to replay, as numbers: which memory is accessed how often, epoch by epoch.
 *
 * An epoch is a piece of the program's work, not of time: what it does in `epoch_ns` when all of
 * its memory is fast and nobody else uses it. Slower memory stretches it, the accesses stay the
 * same, so every policy does the same work. Memory is cut into units, fixed for the workload's
 * life, whose pages are accessed alike; in each epoch each unit has a use. Accesses are those that
 * miss all caches.
 *
 *     struct workload_options options = {.epoch_ns = 1000000000, .epoch_count = 600, .seed = 1};
 *     workload_new("gups", &options, &workload, &err);
 *     const struct workload_info *info = workload_info(workload);
 *     struct workload_use *uses = calloc(info->unit_count, sizeof(*uses));
 *     for (uint32_t n = 0; n < info->epoch_count; n++)
 *             if (n == 0 || workload_phase(workload, n) != workload_phase(workload, n - 1))
 *                     workload_epoch(workload, n, uses);
 *
 * Equal options give equal workloads, on every machine. One thread at a time for each workload; any
 * number of them beside each other.
 */
#ifndef REPLAY_WORKLOAD_H
#define REPLAY_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#define WORKLOAD_PAGE_BYTES 4096u
#define WORKLOAD_REGION_PAGES 512u
#define WORKLOAD_PROCESSES_MAX 16u

/* Pages [addr, addr + pages * 4 KiB) of a process; never crosses a line of 2 MiB. */
struct workload_unit {
	uint64_t addr;
	uint32_t pages; /* 1 to 512 */
	int32_t pid;
};

struct workload_use {
	float reads,
		writes; /* of each of its pages, in the epoch; a store that misses is a write */
	float mlp;      /* how many of its accesses are under way at once, on average: at least 1 */
};

/* What others do to the fastest tier meanwhile: bytes a second. */
struct workload_load {
	double read_bps, write_bps;
};

struct workload_options {
	uint64_t bytes; /* footprint of all its processes; 0: the workload's own. In 2 MiB steps */
	uint64_t seed;
	uint64_t epoch_ns;
	uint32_t epoch_count;
};

struct workload_info {
	const char *name, *summary;
	const struct workload_unit *units; /* sorted by pid, then address; disjoint. Each process
					    * has touched its memory in this order, one process
					    * after the other: where first-touch puts it */
	size_t unit_count;
	uint64_t bytes; /* of all units */
	uint64_t epoch_ns;
	uint32_t epoch_count;
	uint32_t threads; /* that do the work, all processes together */
	int page_grained; /* units are single pages; otherwise whole regions of 2 MiB */
};

struct workload;

/* The standard set, by name. */
size_t workload_count(void);
const char *workload_name(size_t i);    /* NULL past the last */
const char *workload_summary(size_t i); /* one line */

/* -ENOENT: no workload of that name; the sentence lists all. -EINVAL: options. -ENOMEM. */
int workload_new(const char *name, const struct workload_options *options, struct workload **ret,
		 struct sluice_err *reterr);
void workload_free(struct workload *workload); /* NULL is fine */

const struct workload_info *workload_info(const struct workload *workload); /* borrowed */

/* Epochs of the same phase have the same uses and load. */
uint64_t workload_phase(const struct workload *workload, uint32_t epoch);
/* Fill uses, one for each unit, for an epoch (below epoch_count, in any order). */
void workload_epoch(const struct workload *workload, uint32_t epoch, struct workload_use *uses);
struct workload_load workload_load(const struct workload *workload, uint32_t epoch);

#endif
