/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_walk.h - going over the memory of all targets in slices of at most a region, for trackers
 * that look at pages themselves. Each target's mappings are read anew when its turn comes, so what
 * is kept does not grow with memory. One thread.
 */
#ifndef SAMPLER_SCAN_WALK_H
#define SAMPLER_SCAN_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"
#include "sluice/err.h"

#define SCAN_TARGETS_MAX 256
#define SCAN_SPANS_MAX 65536

struct scan_slice {
	int32_t pid;
	uint64_t addr;
	uint32_t pages; /* at most HEAT_REGION_PAGES, within one region */
};

struct scan_walk {
	char sysroot[256];
	int32_t pids[SCAN_TARGETS_MAX];
	size_t count;
	struct heat_span *spans; /* of the target under way */
	int32_t pid;             /* which that is */
	size_t span_count, span_at, target_at;
	uint64_t addr;
	uint32_t stride, phase; /* only each stride-th slice, of those the phase-th */
	uint64_t slices;        /* passed by in this pass, taken or not */
};

int scan_walk_init(struct scan_walk *walk, const char *sysroot, struct sluice_err *reterr);
void scan_walk_destroy(struct scan_walk *walk);

/* As a sampler's add; `name` is the sampler's. */
int scan_walk_add(struct scan_walk *walk, const char *name, int32_t pid, struct sluice_err *reterr);
void scan_walk_remove(struct scan_walk *walk, int32_t pid);
int scan_walk_has(const struct scan_walk *walk, int32_t pid);

/* Begin a pass over all targets, or over one of them (0: it has no memory to look at). */
void scan_walk_begin(struct scan_walk *walk);
int scan_walk_begin_one(struct scan_walk *walk, int32_t pid);
/* 1 and the next slice; 0 the pass is over. */
int scan_walk_next(struct scan_walk *walk, struct scan_slice *ret);
/* Leave out the rest of the target under way. */
void scan_walk_skip(struct scan_walk *walk);

/* Mappings that may be moved, sorted, at most capacity; -errno. */
int scan_spans_read(const char *sysroot, int32_t pid, struct heat_span *spans, size_t capacity,
		    size_t *ret_count);

#endif
