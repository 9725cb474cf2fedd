/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracked.h - a program whose true heat is known at any time, in a process of its own: it accesses
 * an arena by one of the patterns of bench/workloads, and moves on when, and only when, it is asked
 * to.
 */
#ifndef BENCH_MAIN_TRACKED_H
#define BENCH_MAIN_TRACKED_H

#include <stdint.h>
#include <sys/types.h>

#include "wl_arena.h"
#include "wl_pattern.h"

enum tracked_moves {
	TRACKED_STAYS,
	TRACKED_JUMPS, /* by its own length at once */
	TRACKED_SLIDES /* by a part of its length with each move */
};
#define TRACKED_SLIDES_PARTS 32

struct tracked_kind {
	const char *name, *summary;
	const char *pattern; /* as hotset has it */
	double hot_part;     /* of the arena: the pages that are looked for */
	double hot_share;    /* of the accesses, where the pattern does not say it */
	double write_share;
	enum arena_thp thp;
	enum tracked_moves moves; /* what the hot part does, as often as it is asked to */
};

extern const struct tracked_kind tracked_kinds[];
extern const size_t tracked_kind_count;

struct tracked;

/* Starts the program and waits until it has touched its memory, on `node` (-1: anywhere). -errno;
 * -EOPNOTSUPP: it is to have huge pages, and the kernel gave it none. */
int tracked_start(const struct tracked_kind *kind, uint64_t bytes, int node, struct tracked **ret);
/* Ends it; NULL is fine. */
void tracked_stop(struct tracked *tracked);

pid_t tracked_pid(const struct tracked *tracked);
uint64_t tracked_base(const struct tracked *tracked);
uint64_t tracked_hot_pages(const struct tracked *tracked);
/* Accesses so far, to some milliseconds. */
uint64_t tracked_count(const struct tracked *tracked);
/* Its accesses go there from its next batch (ACCESS_BATCH) on; takes some milliseconds. */
void tracked_move(struct tracked *tracked);
/* Whether page n of the arena is one of the hot ones now. */
int tracked_is_hot(const struct tracked *tracked, uint64_t page);

#endif
