/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draw.h - what a coarse tracker would have seen of memory with a known heat.
 *
 * Accessed bits, hint faults and single samples tell of single accesses. A view tells of rates. So
 * the moments of accesses are drawn, memoryless as independent accesses are, from a seed that is
 * the view's alone: the same views give the same plans.
 */
#ifndef POLICIES_DRAW_H
#define POLICIES_DRAW_H

#include <math.h>

#include "planner.h"
#include "sluice/policy.h"

/* Evenly distributed in (0, 1]. `what` tells draws of one entry in one round apart. */
static inline double
draw_number(const struct sluice_view *view, uint64_t i, uint64_t what)
{
	const struct sluice_region *r = sluice_view_region(view, i);
	uint64_t x = r->addr ^ (uint64_t)(uint32_t)r->pid << 40;

	/* The finalizer of splitmix64: every bit of the seed changes half of the result's. */
	x += (view->now_ms + 1) * 0x9e3779b97f4a7c15u + (what << 56) + (i << 1);
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return ((double)(x >> 11) + 1) / 9007199254740992.0;
}

/* Seconds from any moment to the next access of a page of entry i; the same distribution as from
 * the last one. */
static inline double
draw_gap_s(const struct sluice_view *view, uint64_t i, uint64_t what)
{
	double heat = planner_heat(sluice_view_region(view, i));

	return heat > 0 ? -(double)logf((float)draw_number(view, i, what)) / heat : HUGE_VAL;
}

/* Whether a page of entry i was accessed within so many seconds. */
static inline int
draw_touched(const struct sluice_view *view, uint64_t i, double seconds, uint64_t what)
{
	double mean = planner_heat(sluice_view_region(view, i)) * seconds, number;

	if (!(mean > 0))
		return 0;
	/* exp(-mean) lies between 1 - mean and 1 / (1 + mean), which mostly decides it. */
	number = draw_number(view, i, what);
	return number > 1 - mean && (number * (1 + mean) > 1 || number > exp(-mean));
}

#endif
