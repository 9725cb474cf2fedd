/* SPDX-License-Identifier: Apache-2.0 */
/* damon_plan.c - see damon_plan.h. */
#include "damon_plan.h"

#include <math.h>

#include "heat.h"

#define REGIONS_LEAST 32
#define REGIONS_MOST 1000
#define SAMPLE_LEAST_NS 5e6
/* Longer than this and all that is at all warm is seen at every look: rather fewer regions. */
#define SAMPLE_LONG_NS 3e7
#define SAMPLE_MOST_NS 1e9
/* Regions cannot be merged below this part of the most: a start from ten, as DAMON's own is, would
 * need as many aggregations to tell the parts of a large target as it has octaves above that. */
#define REGIONS_MIN_PART 8
#define REGIONS_MIN_LEAST 16
/* The same where a flush gives one look at each region: many regions make up for few looks. */
#define REGIONS_MIN_PART_FLUSHED 2

static double
between(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

void
damon_plan_make(uint64_t resident_bytes, double cpu_share, double check_ns, double flush_ns,
		struct damon_plan *ret)
{
	double regions =
		between((double)resident_bytes / HEAT_REGION_BYTES, REGIONS_LEAST, REGIONS_MOST);
	/* A look sees something if a flush came before it: one to an aggregation, at least. */
	double flush_look_ns = flush_ns / DAMON_CHECKS;
	double long_ns = fmax(flush_look_ns, SAMPLE_LONG_NS);
	double sample_ns = regions * check_ns / cpu_share;

	if (sample_ns > long_ns) {
		regions = fmax(long_ns * cpu_share / check_ns, REGIONS_LEAST);
		sample_ns = regions * check_ns / cpu_share;
	}
	sample_ns = between(sample_ns, fmax(flush_look_ns, SAMPLE_LEAST_NS), SAMPLE_MOST_NS);
	ret->sample_us = (uint64_t)(sample_ns / 1000);
	ret->aggregate_us = ret->sample_us * DAMON_CHECKS;
	ret->update_us = ret->aggregate_us > 1000000 ? ret->aggregate_us : 1000000;
	ret->regions_max = (uint32_t)regions;
	ret->regions_min =
		ret->regions_max / (flush_ns > 0 ? REGIONS_MIN_PART_FLUSHED : REGIONS_MIN_PART);
	if (ret->regions_min < REGIONS_MIN_LEAST)
		ret->regions_min = REGIONS_MIN_LEAST;
}

int
damon_plan_differs(const struct damon_plan *now, const struct damon_plan *wanted)
{
	/* Looks a second, in all, and how they are spread. */
	double looks_now = (double)now->regions_max / (double)now->sample_us;
	double looks = (double)wanted->regions_max / (double)wanted->sample_us;

	return looks > 1.6 * looks_now || looks * 1.6 < looks_now ||
	       wanted->regions_max > now->regions_max * 2 ||
	       wanted->regions_max * 2 < now->regions_max;
}
