/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - how fast a process is just now: all of its memory is accessed more often, or less often,
 * than usual.
 *
 * A program whose hot memory has just come to fast memory runs several times faster; programs have
 * busy and idle hours; machines share their processors. Then all rates change together, and what
 * was seen of one region before and of another one after would differ, though they do not: cold
 * memory would be swapped for cold memory. So gaps are measured in the process's own time, which
 * runs as fast as the process does, and rates are believed per second of that. Only a view turns
 * them into rates per second of the clock, by its mean pace of the last minute.
 *
 * Regions tell the pace when they are marked again: by how much sooner the first of their pages are
 * touched than usual. Some differ by much, since their own heat has changed; the pace is what most
 * agree on. It may change within a second, so a region that differs by little has a pace of its own
 * until its next marking.
 *
 * As heat.h: one thread at a time.
 */
#ifndef HEAT_PACE_H
#define HEAT_PACE_H

#include "table.h"

/* Octaves by which the process is faster than usual: 1 is twice as fast; 0 also when unknown. */
float pace_now(struct heat *heat, int32_t pid);
struct pace *pace_find(struct heat *heat, int32_t pid); /* NULL: unknown */

/* How a view differs from what is believed of a region in the process's own time. */
struct pace_view {
	float shown; /* octaves that rates are higher by, */
	float leap;  /* and by so much more, of a region that was seen as the pace leapt */
	float var;   /* octaves squared that its mean is more uncertain by */
};

struct pace_view pace_view(struct heat *heat, const struct region *region);
/* Times by which what is seen of the process may differ from what is believed just because its pace
 * changes all the time: two sigma; 1 where it does not. */
float pace_unrest_times(struct heat *heat, int32_t pid);
/* About the mean of `var` of regions that were marked often. */
float pace_var_mean(const struct heat *heat);

/* region->touched counts one more page; the region is not huge. Its 32nd tells the pace. */
void pace_touched(struct heat *heat, struct region *region, uint64_t tick);

/* Before a view: what is shown of processes is chosen anew, and old entries show it. */
void pace_show(struct heat *heat);
void pace_forget(struct heat *heat, int32_t pid);

/* Pages of the region were marked at this one of its times, as region->armed has it. */
void pace_armed(struct heat *heat, struct region *region, int part);

/* Ticks of the process's own time between a marking of the region and now. What a moment's pace was
 * is told of little more than a moment. */
uint64_t pace_since(const struct region *region, uint64_t tick, uint64_t armed);

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
