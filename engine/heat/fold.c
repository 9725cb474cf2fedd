/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - what samples change in the table. */
#include "estimate.h"
#include "table.h"

/* Half-life of the short memory that SAMPLE_RATE feeds. */
#define RATE_HALF_LIFE_TICKS (4.0f * TICKS_PER_S)

static uint32_t
watched_since(const struct region *region, const struct page_heat *page)
{
	return page->carried ? region->armed_before : region->armed;
}

static void
page_arm(const struct region *region, struct page_heat *page, uint32_t tick)
{
	if (page->watched) {
		/* The kernel leaves a page that is still marked alone, so its gap runs on. */
		estimate_fold_untouched(page, tick - watched_since(region, page));
		page->carried = 1;
	} else {
		page->watched = 1;
		page->carried = 0;
	}
}

static int
tier_is_watched(uint32_t tiers, uint8_t tier)
{
	return tier != HEAT_TIER_ABSENT && (!tiers || (tier < 32 && (tiers >> tier) & 1u));
}

static void
region_arm(struct heat *heat, uint32_t index, const struct sample *sample, uint32_t tick)
{
	struct region *region = &heat->regions[index];
	struct detail *detail;

	if (region_is_huge(region)) {
		if (tier_is_watched(sample->tiers, region->whole.tier))
			page_arm(region, &region->whole, tick);
	} else if ((detail = table_detail(heat, index)) != NULL) {
		for (uint32_t p = 0; p < region_pages(region); p++) {
			if (tier_is_watched(sample->tiers, detail->page[p].tier))
				page_arm(region, &detail->page[p], tick);
		}
	}
	region->armed_before = region->armed;
	region->armed = tick;
}

static void
region_rate(struct region *region, const struct sample *sample, uint32_t tick)
{
	float keep = exp2f(-(float)(tick - region->seen) / RATE_HALF_LIFE_TICKS);

	if (!region->seen)
		keep = 0;
	region->events = region->events * keep + sample->events;
	region->exposure_s = region->exposure_s * keep + sample->exposure_s;
	region->seen = tick;
}

/* Regions that lie at least by half in the sample's range get it as a whole: trackers' ranges are
 * not aligned to ours, and a sliver says little about the rest. */
static void
fold_range(struct heat *heat, const struct sample *sample, uint32_t tick)
{
	uint64_t addr = sample->addr, end = sample->addr + sample->len_bytes;
	int known = 0;

	while (addr < end) {
		int64_t index = table_find(heat, sample->pid, addr);

		if (index < 0) {
			/* A hole; the next chance is the next 2 MiB boundary. */
			addr = (addr | (HEAT_REGION_BYTES - 1)) + 1;
			continue;
		}
		struct region *region = &heat->regions[index];
		uint64_t region_end = region->addr + region->len_bytes;
		uint64_t covered_end = region_end < end ? region_end : end;

		if ((covered_end - addr) * 2 >= region->len_bytes) {
			known = 1;
			if (sample->kind == SAMPLE_ARMED)
				region_arm(heat, (uint32_t)index, sample, tick);
			else
				region_rate(region, sample, tick);
		}
		addr = region_end;
	}
	heat->samples_lost += !known;
}

static void
fold_touch(struct heat *heat, const struct sample *sample, uint32_t tick)
{
	int64_t index = table_find(heat, sample->pid, sample->addr);
	struct region *region;
	struct page_heat *page;

	if (index < 0) {
		heat->samples_lost++;
		return;
	}
	region = &heat->regions[index];
	if (region_is_huge(region))
		page = &region->whole;
	else if (region->detail != NO_DETAIL)
		page = &heat->details[region->detail]
		                .page[(sample->addr - region->addr) / HEAT_PAGE_BYTES];
	else
		page = NULL;
	if (page && page->watched) {
		uint32_t since = watched_since(region, page);

		/* Rings of several CPUs may hand over a touch a little late: before the arming. */
		if ((int32_t)(tick - since) >= 0) {
			estimate_fold(page, rate_of_gap(tick - since));
			page->watched = 0;
			page->carried = 0;
		}
	} else if (!page && region->armed) {
		/* No room for detail: the region learns the mean rate of the pages touched. */
		struct sample mean = {.events = 1,
		                      .exposure_s = (float)(tick - region->armed) / TICKS_PER_S};

		region_rate(region, &mean, tick);
	}
}

void
heat_fold(struct heat *heat, const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t tick = table_tick(heat, samples[i].time_ns);

		if (samples[i].kind == SAMPLE_TOUCH)
			fold_touch(heat, &samples[i], tick);
		else
			fold_range(heat, &samples[i], tick);
	}
	heat->samples += count;
}
