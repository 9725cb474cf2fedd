/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - which steps a measurement has, and how much of the time each may take. Pure.
 *
 * Memory of a node is set up once and then measured from each node with CPUs in turn. A step gets
 * its share of the time that is left, so what one leaves over is the later ones', and what one
 * takes too long is taken from them: the whole stays within its time.
 */
#ifndef MEASURE_SCHEDULE_H
#define MEASURE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "figure.h"
#include "sluice/err.h"

#define SCHEDULE_PAIR_MS_MIN 250 /* less gives too few passes to tell their spread */
#define SCHEDULE_SETUP MEASURE_COUNT

struct schedule_pair {
	uint32_t cpu_node, memory_node;
};

struct schedule_step {
	size_t pair;     /* index of the pair; for a set-up, of the first on that memory */
	uint32_t what;   /* enum measure_what, or SCHEDULE_SETUP */
	uint32_t weight; /* of its share */
};

struct schedule {
	struct schedule_pair *pairs; /* by memory node, then CPU node; no two are equal */
	size_t pair_count;
	struct schedule_step *steps;
	size_t step_count;
};

/* Copies the pairs. -EINVAL: there are none. -ERANGE: the time is too short for so many, and the
 * sentence says what would do. -ENOMEM. */
int schedule_make(const struct schedule_pair *pairs, size_t count, uint64_t time_ms,
		  struct schedule *ret, struct sluice_err *reterr);
void schedule_clear(struct schedule *schedule);

/* The time of a step when so much is left for it and all after it. */
uint64_t schedule_slice_ns(const struct schedule *schedule, size_t step, uint64_t left_ns);
/* The first step after this one that is not of the pair; or not of its memory. */
size_t schedule_next_pair(const struct schedule *schedule, size_t step);
size_t schedule_next_memory(const struct schedule *schedule, size_t step);

#endif
