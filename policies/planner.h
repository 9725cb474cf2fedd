/* SPDX-License-Identifier: Apache-2.0 */
/*
 * planner.h - what one decide() may still ask for: room in every tier, budget, and time passed.
 *
 * For policies that imitate others: these ask as their originals move, one region after the other,
 * and the planner says where the engine's limits end that.
 */
#ifndef POLICIES_PLANNER_H
#define POLICIES_PLANNER_H

#include <errno.h>
#include <math.h>

#include "sluice/policy.h"
#include "sluice/topology.h"

/* Longer pauses count as this: nobody knows what was accessed meanwhile. */
#define PLANNER_PAUSE_MAX_S 60.0

struct planner {
	const struct sluice_host *host; /* set by init(), outlives us */
	uint64_t last_ms;
	int has_begun;

	/* This round. */
	const struct sluice_view *view;
	struct sluice_plan *plan;
	double elapsed_s; /* since the round before; of the first one second, as is usual */
	uint64_t budget_bytes;
	uint64_t room_bytes[SLUICE_TIERS_MAX];
	uint64_t shortage_bytes[SLUICE_TIERS_MAX]; /* what demotions cure before they make room */
	int is_over;                               /* the budget is used up, or the plan is full */
};

/* Begin a round over at most `regions_max` entries. Returns 0 or -E2BIG with a sentence. */
static inline int
planner_begin(struct planner *planner, const struct sluice_view *view, struct sluice_plan *plan,
	      uint64_t regions_max, struct sluice_err *reterr)
{
	if (view->tier_count > SLUICE_TIERS_MAX)
		return sluice_fail(reterr, -E2BIG,
				   "this policy handles %d tiers, this machine has %u",
				   SLUICE_TIERS_MAX, view->tier_count);
	if (view->region_count > regions_max)
		return sluice_fail(reterr, -E2BIG,
				   "the view has %llu entries, this policy remembers at most %llu; "
				   "raise that with --policy-set regions_max=%llu",
				   (unsigned long long)view->region_count,
				   (unsigned long long)regions_max,
				   2 * (unsigned long long)view->region_count);
	planner->elapsed_s = planner->has_begun && view->now_ms >= planner->last_ms
				     ? (double)(view->now_ms - planner->last_ms) / 1e3
				     : 1;
	if (planner->elapsed_s > PLANNER_PAUSE_MAX_S)
		planner->elapsed_s = PLANNER_PAUSE_MAX_S;
	planner->has_begun = 1;
	planner->last_ms = view->now_ms;
	planner->view = view;
	planner->plan = plan;
	planner->budget_bytes = view->budget_bytes;
	planner->is_over = view->budget_bytes == 0;
	for (uint32_t t = 0; t < view->tier_count; t++) {
		planner->room_bytes[t] = sluice_view_tier(view, t)->room_bytes;
		planner->shortage_bytes[t] = sluice_view_tier(view, t)->shortage_bytes;
	}
	return 0;
}

/* Ask for one move. Returns whether that was possible: there is room, and the round is not over.
 * The first move may exceed the budget, lest one smaller than a region stop everything; the engine
 * then moves what part of it may move. */
static inline int
planner_move(struct planner *planner, uint64_t i, uint32_t to, double gain)
{
	const struct sluice_region *r = sluice_view_region(planner->view, i);
	uint64_t cured;

	if (planner->is_over || to == r->tier || to >= planner->view->tier_count ||
	    r->tier >= planner->view->tier_count || planner->room_bytes[to] < r->bytes)
		return 0;
	if ((planner->budget_bytes < r->bytes &&
	     planner->budget_bytes < planner->view->budget_bytes) ||
	    planner->host->move(planner->plan, i, to, gain > 0 ? (float)gain : 0) < 0) {
		planner->is_over = 1;
		return 0;
	}
	cured = r->bytes < planner->shortage_bytes[r->tier] ? r->bytes
							    : planner->shortage_bytes[r->tier];
	planner->room_bytes[to] -= r->bytes;
	planner->shortage_bytes[r->tier] -= cured;
	planner->room_bytes[r->tier] += r->bytes - cured;
	planner->budget_bytes -=
		r->bytes < planner->budget_bytes ? r->bytes : planner->budget_bytes;
	planner->is_over = planner->budget_bytes == 0;
	return 1;
}

/* Ask for a move to the next slower tier that has room. Returns whether there was one. */
static inline int
planner_demote(struct planner *planner, uint64_t i)
{
	const struct sluice_region *r = sluice_view_region(planner->view, i);

	for (uint32_t to = r->tier + 1; to < planner->view->tier_count; to++) {
		if (planner_move(planner, i, to, 0))
			return 1;
	}
	return 0;
}

/* What has to leave tier `t` so that the share of it has room that a policy keeps: a shortage comes
 * first. */
static inline uint64_t
planner_need(const struct planner *planner, uint32_t t, double headroom_percent)
{
	const struct sluice_tier *tier = sluice_view_tier(planner->view, t);
	uint64_t keep = (uint64_t)(headroom_percent / 100 * (double)tier->total_bytes);

	return planner->shortage_bytes[t] +
	       (keep > planner->room_bytes[t] ? keep - planner->room_bytes[t] : 0);
}

/* Heat as a number to count with: what is not known yet counts as nothing. */
static inline double
planner_heat(const struct sluice_region *r)
{
	return r->heat > 0 && r->heat < 1e12f ? (double)r->heat : 0;
}

/* A tier's latency under the present load where the engine tells it, else its idle one; 0 unknown.
 */
static inline double
planner_latency_ns(const struct sluice_view *view, uint32_t t)
{
	const struct sluice_tier *tier = sluice_view_tier(view, t);

	if (SLUICE_HAS(view->tier_stride, tier, loaded_latency_ns) && tier->loaded_latency_ns)
		return tier->loaded_latency_ns;
	return tier->latency_ns;
}

/* The first entry of the view at or behind an address of a process: where a walk goes on. */
static inline uint64_t
planner_find(const struct planner *planner, int32_t pid, uint64_t addr)
{
	uint64_t low = 0, high = planner->view->region_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const struct sluice_region *r = sluice_view_region(planner->view, middle);

		if (r->pid < pid || (r->pid == pid && r->addr < addr))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
