/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - what samples change in the table. */
#include "estimate.h"
#include "table.h"

/* Half-life of the short memory that SAMPLE_RATE feeds. */
#define RATE_HALF_LIFE_TICKS (4.0f * TICKS_PER_S)

static void
page_arm(const struct region *region, struct page_heat *page, uint32_t tick)
{
	if (page->watched) {
		/* The kernel leaves a page that is still marked alone, so its gap runs on. */
		estimate_fold_untouched(page, tick - region_watched_since(region, page));
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
	heat->gaps_known = 1;
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

/* A coarse tracker may see far more than the pages' estimates, which last, predict: then the program
 * has changed its ways, and the estimates must give way to new gaps at once. Far less is no alarm:
 * trackers that clear accessed bits without flushing TLBs miss accesses. With fewer events than
 * these, chance alone would raise an alarm every few minutes. */
#define ALARM_EVENTS 6.0f
#define ALARM_TIMES 8.0f

static void
raise_alarm(struct heat *heat, const struct sample *sample)
{
	uint64_t end = sample->addr + sample->len_bytes;

	heat->alarms++;
	for (uint64_t addr = sample->addr; addr < end; addr = (addr | (HEAT_REGION_BYTES - 1)) + 1) {
		int64_t index = table_find(heat, sample->pid, addr);
		struct region *region = index < 0 ? NULL : &heat->regions[index];

		if (!region)
			continue;
		region->believed = 0; /* until the next view; one alarm is enough */
		region->whole.samples = 0;
		for (uint32_t p = 0; region->detail != NO_DETAIL && p < region_pages(region); p++)
			heat->details[region->detail].page[p].samples = 0;
	}
}

/* Regions that lie at least by half in the sample's range get it as a whole: trackers' ranges are
 * not aligned to ours, and a sliver says little about the rest. */
static void
fold_range(struct heat *heat, const struct sample *sample, uint32_t tick)
{
	uint64_t addr = sample->addr, end = sample->addr + sample->len_bytes;
	int known = 0;
	float believed = 0, believed_bytes = 0;

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
			if (sample->kind == SAMPLE_ARMED) {
				region_arm(heat, (uint32_t)index, sample, tick);
			} else {
				region_rate(region, sample, tick);
				if (region->believed > 0) {
					believed += region->believed * (float)(covered_end - addr);
					believed_bytes += (float)(covered_end - addr);
				}
			}
		}
		addr = region_end;
	}
	heat->samples_lost += !known;
	if (believed_bytes > 0 && sample->events >= ALARM_EVENTS &&
	    sample->events >= ALARM_TIMES * sample->exposure_s * believed / believed_bytes)
		raise_alarm(heat, sample);
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
		uint32_t since = region_watched_since(region, page);

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
