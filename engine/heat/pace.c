/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - see pace.h. */
#include "pace.h"

#include <stdlib.h>

#include "log.h"

#define PACE_UNITS 256.0f /* of region.usual, in an octave */
/* So many touches tell a region's rate to a sixth. */
#define TOUCHES 32u
/* Sooner than that, the faults themselves take as long as the gaps; later, they tell of a pace that
 * is gone. */
#define SOONEST_TICKS 20000u
#define LATEST_TICKS 2000000u
/* Regions that tell one pace: so many, in so long, tell it to a fifth of an octave. */
#define WINDOW_REGIONS 4u
#define WINDOW_TICKS 50000u
#define STALE_TICKS 1000000u /* too few in so long tell nothing */
/* It counts if such a share of them is so near to their median. */
#define AGREE_SHARE 0.6f
#define AGREE_OCTAVES 0.75f
#define OWN_OCTAVES 1.5f /* further from the pace a region's own heat has changed */
/* Octaves squared. Of the touches of one region, twice: now, and when it was learned what is
 * usual. */
#define CHANCE_VAR 0.13f
#define UNREST_FIRST 0.3f /* until it is known */
#define UNREST_MOST 1.0f
#define BESIDE_VAR 0.5f   /* pages that differ by so much share half of the unrest */
#define UNREST_STEP 0.03f /* part of it that one region's marking makes up */
#define USUAL_TIMES 5u    /* markings that what is usual is the mean of */
/* What lasts so long, and is so far from what views show, is shown. */
#define LASTS_TICKS (5.0f * TICKS_PER_S)
#define SHOWN_OFF 0.3f
#define PACE_MOST 8.0f /* octaves */

static struct pace *
pace_find(struct heat *heat, int32_t pid)
{
	if (heat->last_pace < heat->pace_count && heat->paces[heat->last_pace].pid == pid)
		return &heat->paces[heat->last_pace];
	for (uint32_t i = 0; i < heat->pace_count; i++) {
		if (heat->paces[i].pid == pid) {
			heat->last_pace = i;
			return &heat->paces[i];
		}
	}
	return NULL;
}

static struct pace *
pace_make(struct heat *heat, int32_t pid)
{
	struct pace *pace = pace_find(heat, pid);

	if (pace || heat->pace_count == HEAT_PACES_MAX)
		return pace;
	heat->last_pace = heat->pace_count++;
	pace = &heat->paces[heat->last_pace];
	*pace = (struct pace){.pid = pid, .unrest = UNREST_FIRST + CHANCE_VAR};
	return pace;
}

void
pace_forget(struct heat *heat, int32_t pid)
{
	struct pace *pace = pace_find(heat, pid);

	if (pace)
		*pace = heat->paces[--heat->pace_count];
}

float
pace_now(struct heat *heat, int32_t pid)
{
	const struct pace *pace = pace_find(heat, pid);

	return pace ? pace->now : 0;
}

static float
unrest_of(const struct pace *pace)
{
	return fmaxf(pace->unrest - CHANCE_VAR, 0);
}

struct pace_view
pace_view(struct heat *heat, const struct region *region)
{
	const struct pace *pace = pace_find(heat, region->pid);
	struct pace_view view = {0, 0};

	if (!pace)
		return view;
	view.shown = pace->shown;
	/* Pages that differ are mostly compared with those beside them, seen at the same pace. */
	view.var = fminf(unrest_of(pace), UNREST_MOST) / ((float)region->usual_times + 1) *
		   BESIDE_VAR / (BESIDE_VAR + fabsf(region->prior_var));
	return view;
}

float
pace_var_most(const struct heat *heat)
{
	float most = 0;

	for (uint32_t i = 0; i < heat->pace_count; i++)
		most = fmaxf(most, unrest_of(&heat->paces[i]));
	return fminf(most, UNREST_MOST) / USUAL_TIMES;
}

static void
follow(struct pace *pace, float now, uint64_t tick)
{
	float part =
		pace->told ? 1 - exp2f(-(float)ticks_since(tick, pace->told) / LASTS_TICKS) : 1;

	pace->now = fminf(fmaxf(now, -PACE_MOST), PACE_MOST);
	pace->lasting += part * (pace->now - pace->lasting);
	pace->told = tick;
	if (fabsf(pace->lasting - pace->shown) < SHOWN_OFF)
		return;
	pace->shown = pace->lasting;
	pace->renew = 1;
}

static int
by_off(const void *va, const void *vb)
{
	float a = ((const struct pace_region *)va)->off, b = ((const struct pace_region *)vb)->off;

	return a < b ? -1 : a > b;
}

static int16_t
usual_code(float rate)
{
	int16_t code = (int16_t)(fminf(fmaxf(rate, -32), 32) * PACE_UNITS);

	return code ? code : 1; /* 0: not known */
}

/* The mean of the first few, then a fifth of each: what was learned while the pace was hardly known
 * is soon outweighed. */
static void
learn_usual(struct region *region, float beyond)
{
	float step = 1.0f / ((float)region->usual_times + 1);

	region->usual = usual_code((float)region->usual / PACE_UNITS + step * beyond);
	if (region->usual_times < USUAL_TIMES - 1)
		region->usual_times++;
}

static void
window_end(struct heat *heat, struct pace *pace, uint64_t tick)
{
	const struct pace_region *regions = pace->region;
	uint32_t agree = 0;
	float median;

	qsort(pace->region, pace->count, sizeof(pace->region[0]), by_off);
	median = regions[pace->count / 2].off;
	for (uint32_t i = 0; i < pace->count; i++)
		agree += fabsf(regions[i].off - median) < AGREE_OCTAVES;
	if ((float)agree >= AGREE_SHARE * (float)pace->count)
		follow(pace, median, tick);
	log_debug("heat", "process %d: %u of %u regions are touched %.2f octaves sooner than usual",
		  pace->pid, agree, pace->count, (double)median);
	/* After the pace is found: what all regions are off by is the pace, and only the rest is
	 * news of the region. */
	for (uint32_t i = 0; i < pace->count; i++) {
		int64_t index = table_find(heat, pace->pid, regions[i].addr);
		struct region *region = index < 0 ? NULL : &heat->regions[index];

		if (region && region->usual)
			learn_usual(region, regions[i].off - pace->now);
	}
	pace->count = 0;
}

static void
region_tells(struct heat *heat, struct pace *pace, struct pace_region region, uint64_t tick)
{
	if (!pace->count || tick > pace->since + STALE_TICKS) {
		pace->since = tick;
		pace->count = 0;
	}
	pace->region[pace->count++] = region;
	if (pace->count == PACE_REGIONS ||
	    (pace->count >= WINDOW_REGIONS && tick >= pace->since + WINDOW_TICKS))
		window_end(heat, pace, tick);
}

/* With other tiers marked than before, other pages are touched: the two cannot be compared. */
static int
is_comparable(const struct region *region, uint32_t pages)
{
	uint32_t before = region->usual_pages * 2u;

	return region->usual && 4 * pages < 5 * before && 4 * before < 5 * pages;
}

/* A region's own pace until its next marking. What it is off beyond the process's pace is partly
 * chance, and partly a change since that was found: only as much of it counts as the latter usually
 * is, which is learned here too. */
static float
learn_own_pace(const struct region *region, struct pace *pace, float off)
{
	float beyond = off - pace->now, sure;

	if (fabsf(beyond) > OWN_OCTAVES)
		return pace->now;
	pace->unrest += UNREST_STEP * (beyond * beyond - pace->unrest);
	sure = (float)region->usual_times / ((float)region->usual_times + 1);
	return pace->now + sure * unrest_of(pace) / pace->unrest * beyond;
}

void
pace_touched(struct heat *heat, struct region *region, uint64_t tick)
{
	uint64_t elapsed = ticks_since(tick, region_armed_last(region));
	struct pace *pace;
	uint32_t pages;
	float rate, off;

	if (region->touched != TOUCHES || elapsed < SOONEST_TICKS || elapsed > LATEST_TICKS ||
	    !(pace = pace_make(heat, region->pid)))
		return;
	pages = TOUCHES + region_waiting(heat, region);
	rate = log2f((float)TOUCHES * TICKS_PER_S / ((float)pages * (float)elapsed));
	if (!is_comparable(region, pages)) {
		region->usual = usual_code(rate - pace->now);
		region->usual_pages = (uint8_t)(pages < 510 ? pages / 2 : 255);
		region->usual_times = 1;
		return;
	}
	off = rate - (float)region->usual / PACE_UNITS;
	region->pace = exp2f(learn_own_pace(region, pace, off));
	region_tells(heat, pace, (struct pace_region){region->addr, off}, tick);
}

/* A large table's are done anew part by part, with the next sweep. */
void
pace_renew(struct heat *heat)
{
	for (uint32_t i = 0; i < heat->pace_count; i++) {
		struct pace *pace = &heat->paces[i];
		uint32_t r = table_lower(heat, pace->pid, 0);
		int renew = pace->renew && heat->region_count <= SWEEP_REGIONS;

		pace->renew = 0;
		for (; renew && r < heat->region_count && heat->regions[r].pid == pace->pid; r++)
			region_renew(heat, &heat->regions[r]);
	}
}
