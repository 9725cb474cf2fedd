/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.c - accesses that were drawn one of so many (hardware counters), and exact counts.
 *
 * While one access of `odds` is drawn from a process, a second watches each of its pages as well as
 * 1/odds of a second of watching all accesses would. So each process has a clock of such watched
 * time. A draw only adds a touch to its page: time is told to all pages of a region when a view
 * looks at it, or a page can hold no more. So draws may come in any order, and memory that is not
 * drawn costs nothing.
 */
#include "fold.h"

/* Of the clock, in a microsecond of watching everything. */
#define COUNT_UNIT 65536.0
/* A tracker that has not said for so long that it still draws does not. */
#define LAPSE_TICKS 4000000u
/* Rings of several CPUs come one after the other, so while they are read, draws of less time than
 * this may not all be there. */
#define TELL_TICKS 200000.0
#define TOUCHES_MOST 127u /* of struct page_heat */
/* A region that was drawn so often may have pages that differ; when the pool is full, one draw of
 * so many looks for a region that needs its detail no more. */
#define DETAIL_TOUCHES 4u
#define DETAIL_LOOKS 64u

static struct counter *
counter_of(struct heat *heat, int32_t pid)
{
	if (heat->last_counter < heat->counter_count &&
	    heat->counters[heat->last_counter].pid == pid)
		return &heat->counters[heat->last_counter];
	for (uint32_t i = 0; i < heat->counter_count; i++) {
		if (heat->counters[i].pid == pid) {
			heat->last_counter = i;
			return &heat->counters[i];
		}
	}
	return NULL;
}

static uint64_t
counter_at(const struct counter *counter, uint64_t tick)
{
	uint64_t ticks = ticks_since(tick, counter->since);

	if (counter->odds <= 0)
		return counter->watched;
	if (ticks > LAPSE_TICKS)
		ticks = LAPSE_TICKS;
	return counter->watched + (uint64_t)((double)ticks * COUNT_UNIT / (double)counter->odds);
}

uint64_t
count_clock(struct heat *heat, int32_t pid, uint64_t tick)
{
	const struct counter *counter = counter_of(heat, pid);

	return counter ? counter_at(counter, tick) : 0;
}

void
count_forget(struct heat *heat, int32_t pid)
{
	struct counter *counter = counter_of(heat, pid);

	if (counter)
		*counter = heat->counters[--heat->counter_count];
}

void
fold_counting(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	struct counter *counter = counter_of(heat, sample->pid);

	if (!counter) {
		if (sample->events <= 0 || table_next(heat, sample->pid, 0) < 0 ||
		    heat->counter_count == HEAT_COUNTERS_MAX) {
			heat->samples_lost++;
			return;
		}
		counter = &heat->counters[heat->counter_count++];
		*counter = (struct counter){.pid = sample->pid, .since = tick};
	}
	counter->watched = counter_at(counter, tick);
	if (tick > counter->since)
		counter->since = tick;
	counter->odds = sample->events;
	if (sample->events > 0)
		heat->gaps_known = 1;
}

/* Pages whose mean a region's own estimate tells. */
static float
whole_pages(const struct region *region)
{
	uint32_t pages = 0;

	if (region_is_huge(region))
		return 1;
	for (int tier = 0; tier < 6; tier++)
		pages += region->resident[tier];
	return pages ? (float)pages : (float)region_pages(region);
}

/* Seconds of the clock that the region's pages were not told of; they are now. 0: less than that.
 */
static float
tell_clock(struct heat *heat, struct region *region, uint64_t tick, double least_ticks)
{
	const struct counter *counter = heat->counter_count ? counter_of(heat, region->pid) : NULL;
	uint64_t units = counter ? ticks_since(counter_at(counter, tick), region->counted) : 0;

	if (!units || (double)units * (double)counter->odds < least_ticks * COUNT_UNIT)
		return 0;
	region->counted += units;
	if (!region->drawn_at)
		region->drawn_at = when_of(tick);
	region->by_time |= !region_armed_last(region);
	return (float)((double)units / (COUNT_UNIT * (double)TICKS_PER_S));
}

static void
tell_whole(struct region *region, float seconds)
{
	if (seconds > 0)
		estimate_told(&region->whole, region->draws, seconds * whole_pages(region));
	region->draws = 0;
}

void
count_tell(struct heat *heat, struct region *region, uint64_t tick)
{
	float seconds = tell_clock(heat, region, tick, 0);

	if (seconds <= 0)
		return;
	if (region->detail == NO_DETAIL)
		tell_whole(region, seconds);
	else
		estimate_told_all(heat->details[region->detail].page, region_pages(region),
				  seconds);
}

/* Whether the region has detail by now. */
static int
refine(struct heat *heat, uint32_t index, uint64_t tick)
{
	struct region *region = &heat->regions[index];

	if (region->detail != NO_DETAIL)
		return 1;
	if (region_is_huge(region) || region->whole.touches + region->draws < DETAIL_TOUCHES ||
	    (!table_has_room(heat) && heat->looks++ % DETAIL_LOOKS) || !table_detail(heat, index))
		return 0;
	tell_whole(region, tell_clock(heat, region, tick, 0));
	return 1;
}

/* How many touches are added for a draw of that weight. */
static unsigned int
draws_of(struct heat *heat, struct region *region, struct page_heat *page, unsigned int pending,
	 float weight, uint64_t tick)
{
	uint64_t units;
	float untold_s;

	if (weight <= 1)
		return weight < 1 ? estimate_whole(weight) : 1;
	units = ticks_since(count_clock(heat, region->pid, tick), region->counted);
	untold_s = (float)((double)units / (COUNT_UNIT * (double)TICKS_PER_S));
	if (region->detail == NO_DETAIL)
		untold_s *= whole_pages(region);
	return estimate_weighted(page, pending, weight, untold_s) ? 1 : estimate_whole(weight);
}

void
fold_count(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	int64_t index = table_find(heat, sample->pid, sample->addr);
	const struct counter *counter;
	struct region *region;
	struct page_heat *page;
	unsigned int draws;
	float weight = 1;

	counter = index < 0 ? NULL : counter_of(heat, sample->pid);
	if (!counter) {
		heat->samples_lost++;
		return;
	}
	region = &heat->regions[index];
	/* Odds may have changed since, and events of two kinds may have two. */
	if (sample->events > 0 && counter->odds > 0 &&
	    (sample->events < counter->odds || sample->events > counter->odds))
		weight = sample->events / counter->odds;
	region_renew(heat, region);
	region->drawn = region->by_time = 1;
	region->drawn_at = when_of(tick);
	region->page_spread = 15u & spread_code(sample->spread);
	if (!refine(heat, (uint32_t)index, tick)) {
		region->draws +=
			draws_of(heat, region, &region->whole, region->draws, weight, tick);
		return;
	}
	page = &heat->details[region->detail]
			.page[(uint32_t)(sample->addr - region->addr) / HEAT_PAGE_BYTES];
	draws = draws_of(heat, region, page, 0, weight, tick);
	if (page->touches + draws > TOUCHES_MOST) {
		float seconds = tell_clock(heat, region, tick, TELL_TICKS);

		if (seconds > 0)
			estimate_told_all(heat->details[region->detail].page, region_pages(region),
					  seconds);
	}
	draws += page->touches;
	page->touches = (uint8_t)((draws < TOUCHES_MOST ? draws : TOUCHES_MOST) & 127u);
	page->drawn = 1;
}

/* All that it says is true of each page, so a region whose pages are alike needs no detail. */
static void
region_exact(struct heat *heat, uint32_t index, const struct sample *sample, uint32_t first,
	     uint32_t end, uint64_t tick)
{
	struct region *region = &heat->regions[index];
	float pages = (float)(end - first);
	int whole = first == 0 && end == region_pages(region);
	struct detail *detail;

	region_renew(heat, region);
	region->drawn = region->by_time = 1;
	region->drawn_at = when_of(tick);
	if (region_is_huge(region)) {
		estimate_exact(&region->whole, sample->events * HEAT_REGION_PAGES,
			       sample->exposure_s);
		return;
	}
	if (whole || (region->detail == NO_DETAIL &&
		      estimate_agrees(&region->whole, sample->events, sample->exposure_s))) {
		table_drop_detail(heat, index);
		estimate_exact(&region->whole, sample->events * pages, sample->exposure_s * pages);
		return;
	}
	detail = table_detail(heat, index);
	if (!detail) {
		/* The pages' mean, as they come. */
		estimate_exact(&region->whole, sample->events * pages, sample->exposure_s * pages);
		return;
	}
	for (uint32_t p = first; p < end; p++)
		estimate_exact(&detail->page[p], sample->events, sample->exposure_s);
}

void
fold_exact(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t addr = sample->addr, end = addr + sample->len_bytes;
	int64_t index = sample->exposure_s > 0 ? table_find(heat, sample->pid, addr) : -1;

	if (index < 0 && sample->exposure_s > 0)
		index = table_next(heat, sample->pid, addr);
	if (index < 0 || heat->regions[index].addr >= end) {
		heat->samples_lost++;
		return;
	}
	heat->gaps_known = 1;
	for (uint32_t i = (uint32_t)index; i < heat->region_count; i++) {
		const struct region *region = &heat->regions[i];
		uint64_t own_end = region_end(region);

		if (region->pid != sample->pid || region->addr >= end)
			break;
		addr = region->addr > sample->addr ? region->addr : sample->addr;
		region_exact(heat, i, sample, (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES,
			     (uint32_t)((own_end < end ? own_end : end) - region->addr) /
				     HEAT_PAGE_BYTES,
			     tick);
	}
}
