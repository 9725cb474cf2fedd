/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - how fast a process is just now: all of its memory is accessed more often, or less often,
 * than usual.
 *
 * A program whose hot memory has just come to fast memory runs several times faster; programs have
 * busy and idle hours; machines share their processors. Then all rates change together, and what
 * was seen of one region before and of another one after would differ, though they do not: cold
 * memory would be swapped for cold memory. So pages' gaps are measured by the process's own time,
 * that runs as fast as the process does, and all that is believed is in accesses per second of
 * that. A view tells it as of the pace that lasts.
 *
 * The pace is told by regions that are marked again: by how much sooner the first of their pages
 * are touched than they usually were. Where the heat itself changes, some regions differ by much;
 * the pace is what most of them agree on. It may change from second to second, so a region that is
 * not far from that counts by its own.
 */
#ifndef HEAT_PACE_H
#define HEAT_PACE_H

#include "table.h"

/* Octaves by which the process is faster than usual. */
float pace_now(struct heat *heat, int32_t pid);

/* What a view makes of a region's rates. */
struct pace_view {
	float shown; /* octaves by which they are higher than in the process's own time, */
	float var;   /* and how uncertain beyond what is known of them, octaves squared */
};

struct pace_view pace_view(struct heat *heat, const struct region *region);
float pace_var_most(const struct heat *heat); /* of any process's regions that are well known */

/* Pages of the region are watched from now on. */
void pace_armed(struct heat *heat, struct region *region);
/* One more page of the region, which is not huge, was touched since its marking. */
void pace_touched(struct heat *heat, struct region *region, uint64_t tick);

/* Before a view: entries of processes whose lasting pace has changed are not used again. */
void pace_renew(struct heat *heat);
void pace_forget(struct heat *heat, int32_t pid);

/* So long since the region's marking, in the process's own time. */
static inline uint64_t
pace_ticks(const struct region *region, uint64_t ticks)
{
	return (uint64_t)((float)ticks * region->pace);
}

static inline uint64_t
pace_since(const struct region *region, uint64_t tick, uint64_t then)
{
	return pace_ticks(region, ticks_since(tick, then));
}

/* Mean access rate of its pages as of the last view, at the present pace; 0: unknown. */
static inline float
region_believed(struct heat *heat, const struct region *region)
{
	return region->alarmed || region->prior_var < 0
		       ? 0
		       : exp2f(region->prior_mean + MEAN_OF_LOG * region->prior_var +
			       pace_now(heat, region->pid));
}

#endif
