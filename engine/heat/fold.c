/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - what samples change in the table. */
#include "estimate.h"
#include "log.h"
#include "table.h"

/* Half-life of the short memory that SAMPLE_RATE feeds. */
#define RATE_HALF_LIFE_TICKS (4.0f * TICKS_PER_S)

static void
page_arm(struct page_heat *page, uint64_t armed, uint64_t tick)
{
	/* The kernel leaves a page that is still marked alone; it is watched on. */
	if (page->watched)
		estimate_untouched(page, ticks_since(tick, armed));
	page->watched = 1;
}

static int
tier_is_watched(uint32_t tiers, uint8_t tier)
{
	return tier != HEAT_TIER_ABSENT && (!tiers || (tier < 32 && (tiers >> tier) & 1u));
}

/* A window that ends within the region leaves the rest of it to the next one, which comes a little
 * later, or much. */
static void
armed_set(struct region *region, uint32_t first, uint32_t end, uint64_t tick)
{
	if (end < region_pages(region)) {
		region->armed[0] = tick;
		region->split = (uint16_t)end;
		return;
	}
	region->armed[1] = tick;
	if (first == 0)
		region->armed[0] = tick;
	else
		region->split = (uint16_t)first;
}

/* Pages from `first` to before `end` are watched from now on. */
static void
region_arm(struct heat *heat, uint32_t index, const struct sample *sample, uint32_t first,
	   uint32_t end, uint64_t tick)
{
	struct region *region = &heat->regions[index];
	struct detail *detail;

	if (region_is_huge(region)) {
		if (tier_is_watched(sample->tiers, region->whole.tier))
			page_arm(&region->whole, region->armed[0], tick);
		first = 0;
		end = region_pages(region);
	} else if ((detail = table_detail(heat, index)) != NULL) {
		for (uint32_t p = first; p < end; p++) {
			if (tier_is_watched(sample->tiers, detail->page[p].tier))
				page_arm(&detail->page[p], region_armed(region, p), tick);
		}
	}
	armed_set(region, first, end, tick);
	heat->gaps_known = 1;
	region->renew = 0;
}

static void
region_rate(struct region *region, const struct sample *sample, uint64_t tick, int gaps_known)
{
	float keep = exp2f(-(float)ticks_since(tick, region->seen) / RATE_HALF_LIFE_TICKS);

	if (!region->seen)
		keep = 0;
	region->events = region->events * keep + sample->events;
	region->exposure_s = region->exposure_s * keep + sample->exposure_s;
	region->seen = tick;
	if (!gaps_known)
		region->renew = 0;
}

/* A coarse tracker may see far more than the pages' estimates, which last, predict: then the
 * program has changed its ways, and the estimates must give way to new gaps at once. Far less is no
 * alarm: trackers that clear accessed bits without flushing TLBs miss accesses. With fewer events
 * than these, chance alone would raise an alarm every few minutes. */
#define ALARM_EVENTS 6.0f
#define ALARM_TIMES 8.0f

/* What is known stays, but the next gap weighs as much as all before it, nearly. */
static void
page_doubt(struct page_heat *page)
{
	if (page->touches > 2)
		page->touches = 2;
}

/* Trackers do not agree on the scale (TLBs hide accesses from one, faults slow the program for the
 * other), so what the coarse one should see is learned from the last few hundred samples. */
static float
expected_events(struct heat *heat, const struct sample *sample, float believed)
{
	float expected = believed * sample->exposure_s;
	float scale = heat->coarse_expected > 0.01f ? heat->coarse_seen / heat->coarse_expected : 1;

	heat->coarse_seen += 0.005f * (sample->events - heat->coarse_seen);
	heat->coarse_expected += 0.005f * (expected - heat->coarse_expected);
	return expected * fminf(fmaxf(scale, 0.125f), 8.0f);
}

static void
raise_alarm(struct heat *heat, const struct sample *sample)
{
	uint64_t end = sample->addr + sample->len_bytes;

	heat->alarms++;
	int64_t first = table_next(heat, sample->pid, sample->addr);

	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];

		if (region->pid != sample->pid || region->addr >= end)
			break;
		region->renew = 0;
		region->believed = 0; /* until the next view; one alarm is enough */
		page_doubt(&region->whole);
		for (uint32_t p = 0; region->detail != NO_DETAIL && p < region_pages(region); p++)
			page_doubt(&heat->details[region->detail].page[p]);
	}
}

/* Regions that lie at least by half in a rate's range get it as a whole: trackers' ranges are not
 * aligned to ours, and a sliver says little about the rest. Markings are known to the page. */
static void
fold_range(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t end = sample->addr + sample->len_bytes;
	int64_t first = table_next(heat, sample->pid, sample->addr);
	int known = 0;
	float believed = 0, believed_bytes = 0;

	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint64_t region_end = region->addr + region->len_bytes;
		uint64_t addr = region->addr > sample->addr ? region->addr : sample->addr;
		uint64_t covered_end = region_end < end ? region_end : end;

		if (region->pid != sample->pid || region->addr >= end)
			break;
		if (sample->kind == SAMPLE_ARMED) {
			known = 1;
			region_arm(heat, i, sample,
				   (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES,
				   (uint32_t)(covered_end - region->addr) / HEAT_PAGE_BYTES, tick);
		} else if ((covered_end - addr) * 2 >= region->len_bytes) {
			known = 1;
			region_rate(region, sample, tick, heat->gaps_known);
			if (region->believed > 0) {
				believed += region->believed * (float)(covered_end - addr);
				believed_bytes += (float)(covered_end - addr);
			}
		}
	}
	heat->samples_lost += !known;
	if (believed_bytes <= 0)
		return;
	float b0=believed/believed_bytes;believed = expected_events(heat, sample, believed / believed_bytes);
	if (sample->events >= ALARM_EVENTS && sample->events >= ALARM_TIMES * believed)
	{
		log_debug("heat","alarm: process %d, %llu MiB at %#llx: %.1f events in %.2f s, expected %.2f, believed %.3f/s over %.1f MiB, scale %.3f", sample->pid,(unsigned long long)(sample->len_bytes>>20),(unsigned long long)sample->addr,(double)sample->events,(double)sample->exposure_s,(double)believed,(double)b0,(double)believed_bytes/1048576,(double)(heat->coarse_seen/heat->coarse_expected));
		raise_alarm(heat, sample);}
}

static void
fold_touch(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	int64_t index = table_find(heat, sample->pid, sample->addr);
	struct region *region;
	struct page_heat *page = NULL;
	uint64_t armed;
	uint32_t p;

	if (index < 0) {
		heat->samples_lost++;
		return;
	}
	region = &heat->regions[index];
	p = (uint32_t)(sample->addr - region->addr) / HEAT_PAGE_BYTES;
	armed = region_armed(region, p);
	if (region_is_huge(region))
		page = &region->whole;
	else if (region->detail != NO_DETAIL)
		page = &heat->details[region->detail].page[p];
	region->renew = 0;
	/* Rings of several CPUs may hand over a touch a little late: before the marking. */
	if (!armed || tick < armed)
		return;
	if (page && page->watched) {
		estimate_touched(page, tick - armed);
		page->watched = 0;
	} else if (!page) {
		/* No room for detail: the region learns the mean rate of the pages touched. */
		struct sample mean = {.events = 1,
				      .exposure_s = (float)(tick - armed) / TICKS_PER_S};

		region_rate(region, &mean, tick, 0);
	}
}

void
heat_fold(struct heat *heat, const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t tick = table_tick(heat, samples[i].time_ns);

		if (samples[i].kind == SAMPLE_TOUCH)
			fold_touch(heat, &samples[i], tick);
		else
			fold_range(heat, &samples[i], tick);
	}
	heat->samples += count;
}
