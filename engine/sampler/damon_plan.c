/* SPDX-License-Identifier: Apache-2.0 */
/* damon_plan.c - see damon_plan.h. */
#include "damon_plan.h"

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

void
damon_plan_make(uint64_t resident_bytes, double cpu_share, double check_ns, struct damon_plan *ret)
{
	double regions = (double)resident_bytes / HEAT_REGION_BYTES;
	double sample_ns;

	if (regions > REGIONS_MOST)
		regions = REGIONS_MOST;
	if (regions < REGIONS_LEAST)
		regions = REGIONS_LEAST;
	sample_ns = regions * check_ns / cpu_share;
	if (sample_ns > SAMPLE_LONG_NS) {
		regions = SAMPLE_LONG_NS * cpu_share / check_ns;
		if (regions < REGIONS_LEAST)
			regions = REGIONS_LEAST;
		sample_ns = regions * check_ns / cpu_share;
	}
	if (sample_ns < SAMPLE_LEAST_NS)
		sample_ns = SAMPLE_LEAST_NS;
	if (sample_ns > SAMPLE_MOST_NS)
		sample_ns = SAMPLE_MOST_NS;
	ret->sample_us = (uint64_t)(sample_ns / 1000);
	ret->aggregate_us = ret->sample_us * DAMON_CHECKS;
	ret->update_us = ret->aggregate_us > 1000000 ? ret->aggregate_us : 1000000;
	ret->regions_max = (uint32_t)regions;
	ret->regions_min = ret->regions_max / REGIONS_MIN_PART;
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
