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
	page->again = page->watched;
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

/* Two times do for three windows in a region: the pages beside this one may get another time than
 * they were marked at. Those that are watched on keep what they were silent for; where the new time
 * lies before, they are not watched any more. */
static void
keep_silence(const struct region *region, struct detail *detail, const struct region *before,
	     uint32_t first, uint32_t end)
{
	for (uint32_t p = 0; p < region_pages(region); p++) {
		struct page_heat *page = &detail->page[p];
		uint64_t then = region_armed(before, p), now = region_armed(region, p);

		if ((p >= first && p < end) || !page->watched || now == then)
			continue;
		if (now < then) {
			page->watched = 0;
			continue;
		}
		estimate_untouched(page, now - then);
		page->again = 1;
	}
}

/* Pages from `first` to before `end` are watched from now on. */
static void
region_arm(struct heat *heat, uint32_t index, uint32_t tiers, uint32_t first, uint32_t end,
	   uint64_t tick)
{
	struct region *region = &heat->regions[index], before = *region;
	struct detail *detail = NULL;

	if (region_is_huge(region)) {
		if (tier_is_watched(tiers, region->whole.tier))
			page_arm(&region->whole, region->armed[0], tick);
		first = 0;
		end = region_pages(region);
	} else if ((detail = table_detail(heat, index)) != NULL) {
		for (uint32_t p = first; p < end; p++) {
			if (tier_is_watched(tiers, detail->page[p].tier))
				page_arm(&detail->page[p], region_armed(region, p), tick);
		}
	}
	armed_set(region, first, end, tick);
	if (detail && (first > 0 || end < region_pages(region)))
		keep_silence(region, detail, &before, first, end);
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
 * alarm: trackers that clear accessed bits without flushing TLBs miss accesses. One look at few
 * pages may be chance, so evidence is added up for each region: how much likelier it is that the
 * region is hotter by ALARM_TIMES than that it is as hot as believed, as a logarithm. */
#define ALARM_TIMES 4.0f
#define ALARM_LOG 14.0f
#define COARSE_SURE_VAR 0.5f /* of what is believed, octaves squared, to learn from it */
/* Memory is cold with so many accesses expected between looks, or so many times the mean. */
#define COARSE_COLD 2.0f
#define COARSE_COLD_TIMES 1.5f

/* What is known stays, but the next gaps weigh more; when there is no doubt that there is heat
 * where there was none, the next one that does not fit replaces it. False alarms must not cost more
 * than a little noise: cold memory was swapped for cold memory after them. */
static void
page_doubt(struct page_heat *page, int certain)
{
	if (page->touches > 4)
		page->touches = 4;
	if (certain)
		page->doubted = 1;
}

/* The coarse tracker sees less than happens, and much less where TLBs are large, as accesses that
 * hit them leave no trace. How much it sees is learned from memory that is no hotter than most, of
 * which it sees each access that it can see, and whose pages were watched one by one. What grew
 * hotter must not make the others look cold, so what is seen of each counts up to twice what was to
 * be expected. */
static void
learn_coarse_scale(struct heat *heat, const struct sample *sample, float expected)
{
	static const float step[COARSE_SPEEDS] = {[COARSE_SLOW] = 0.002f, [COARSE_FAST] = 0.02f};

	heat->coarse_mean += step[COARSE_SLOW] * (expected - heat->coarse_mean);
	if (expected > fmaxf(COARSE_COLD, COARSE_COLD_TIMES * heat->coarse_mean))
		return;
	for (int i = 0; i < COARSE_SPEEDS; i++) {
		struct coarse *coarse = &heat->coarse[i];
		float most = 2 * expected * coarse_scale(coarse) + 1;

		coarse->seen += step[i] * (fminf(sample->events, most) - coarse->seen);
		coarse->expected += step[i] * (expected - coarse->expected);
	}
}

/* What a sample says for "far hotter than believed". */
static float
suspicion_of(const struct heat *heat, const struct sample *sample, float expected)
{
	/* All memory at once: the program is faster, or the tracker sees more. */
	float scale = fmaxf(coarse_scale(&heat->coarse[COARSE_SLOW]),
			    coarse_scale(&heat->coarse[COARSE_FAST]));

	return sample->events * logf(ALARM_TIMES) - (ALARM_TIMES - 1) * (expected * scale + 0.02f);
}

/* When effort is low the kernel marks pages again only after half a minute. If none was marked for
 * a while, and what the coarse tracker saw lately leaves no doubt, its word counts until then. */
#define COARSE_WORD_TICKS 4000000u

static int
coarse_word_counts(const struct heat *heat, const struct region *region, uint64_t tick)
{
	return region->detail != NO_DETAIL && region->suspicion > ALARM_LOG &&
	       ticks_since(tick, region_armed_last(region)) > COARSE_WORD_TICKS &&
	       region->events > ALARM_TIMES * region->believed * region->exposure_s *
					coarse_scale(&heat->coarse[COARSE_FAST]);
}

static void
region_alarmed(struct heat *heat, struct region *region, int certain, uint64_t tick)
{
	int forget = coarse_word_counts(heat, region, tick);

	region->renew = 0;
	region->believed = 0; /* until the next view; one alarm is enough */
	region->suspicion = 0;
	page_doubt(&region->whole, certain);
	for (uint32_t p = 0; region->detail != NO_DETAIL && p < region_pages(region); p++) {
		struct page_heat *page = &heat->details[region->detail].page[p];

		if (forget)
			page->rate = page->touches = page->watched = 0;
		else
			page_doubt(page, certain);
	}
}

static void
raise_alarm(struct heat *heat, const struct sample *sample, uint32_t first, int certain,
	    uint64_t tick)
{
	uint64_t end = sample->addr + sample->len_bytes;

	heat->alarms++;
	for (uint32_t i = first; i < heat->region_count; i++) {
		if (heat->regions[i].pid != sample->pid || heat->regions[i].addr >= end)
			break;
		region_alarmed(heat, &heat->regions[i], certain, tick);
	}
}

/* Add up for each region that the sample covers; the most of any of them. */
static float
suspect(struct heat *heat, const struct sample *sample, uint32_t first, float suspicion)
{
	uint64_t end = sample->addr + sample->len_bytes;
	float most = 0;

	for (uint32_t i = first; i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];

		if (region->pid != sample->pid || region->addr >= end)
			break;
		if (region->addr + region->len_bytes / 2 < sample->addr ||
		    region->addr + region->len_bytes / 2 > end)
			continue;
		region->suspicion = fmaxf(region->suspicion + suspicion, 0);
		most = fmaxf(most, region->suspicion);
	}
	return most;
}

/* Trackers leave out what they must not touch: pages shared with a forked child, and the fast pages
 * of a program with one thread, unless somebody just reads its page table: that the kernel decides
 * anew for every 2 MiB. A page that is wrongly believed to be watched would look cold, so what is
 * armed is what the tracker's own count agrees with, and of fast memory so nearly that no region is
 * missing. */
#define COUNT_AGREES 0.75f
#define COUNT_REGION_LEAST 128u /* fast pages; fewer are lost in what changes all the time */

/* Pages that would be newly watched. */
struct unwatched {
	uint32_t fast, slow;
	uint32_t fast_least; /* of any region that has COUNT_REGION_LEAST fast ones or more */
};

static void
count_unwatched(const struct heat *heat, const struct region *region, uint32_t first, uint32_t end,
		struct unwatched *sum)
{
	uint32_t fast = 0, slow = 0;

	if (region_is_huge(region)) {
		*(region->whole.tier ? &slow : &fast) =
			region->whole.watched ? 0 : HEAT_REGION_PAGES;
	} else if (region->detail == NO_DETAIL) {
		/* Of single pages nothing is known so far: a part is like the whole. */
		for (uint32_t tier = 0; tier < 6; tier++)
			*(tier ? &slow : &fast) +=
				region->resident[tier] * (end - first) / region_pages(region);
	} else {
		const struct page_heat *pages = heat->details[region->detail].page;

		for (uint32_t p = first; p < end; p++) {
			if (pages[p].tier != HEAT_TIER_ABSENT && !pages[p].watched)
				(*(pages[p].tier ? &slow : &fast))++;
		}
	}
	sum->fast += fast;
	sum->slow += slow;
	if (fast >= COUNT_REGION_LEAST && fast < sum->fast_least)
		sum->fast_least = fast;
}

/* Tiers that the marking reached, as SAMPLE_ARMED has them, or NONE_MARKED. */
#define NONE_MARKED 0x80000000u

static uint32_t
marked_tiers(const struct heat *heat, const struct sample *sample, uint32_t first)
{
	uint64_t end = sample->addr + sample->len_bytes;
	struct unwatched pages = {0, 0, HEAT_REGION_PAGES};
	int all = tier_is_watched(sample->tiers, 0);

	if (sample->events <= 0)
		return sample->tiers;
	for (uint32_t i = first; i < heat->region_count; i++) {
		const struct region *region = &heat->regions[i];
		uint64_t from = region->addr > sample->addr ? region->addr : sample->addr;
		uint64_t to = region->addr + region->len_bytes;

		if (region->pid != sample->pid || region->addr >= end)
			break;
		to = to < end ? to : end;
		count_unwatched(heat, region, (uint32_t)(from - region->addr) / HEAT_PAGE_BYTES,
				(uint32_t)(to - region->addr) / HEAT_PAGE_BYTES, &pages);
	}
	if (all && sample->events >= COUNT_AGREES * (float)(pages.fast + pages.slow) &&
	    sample->events + (float)pages.fast_least / 4 >= (float)(pages.fast + pages.slow))
		return sample->tiers;
	if (pages.slow && sample->events >= COUNT_AGREES * (float)pages.slow)
		return sample->tiers ? sample->tiers & ~1u : ~1u;
	return NONE_MARKED;
}

/* Regions that lie at least by half in a rate's range get it as a whole: trackers' ranges are not
 * aligned to ours, and a sliver says little about the rest. Markings are known to the page. */
static void
fold_range(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t end = sample->addr + sample->len_bytes;
	int64_t first = table_next(heat, sample->pid, sample->addr);
	int known = 0, all_watched = 1;
	float believed = 0, believed_bytes = 0, expected, suspicion;
	uint32_t tiers = 0;

	if (first >= 0 && sample->kind == SAMPLE_ARMED)
		tiers = marked_tiers(heat, sample, (uint32_t)first);
	if (tiers == NONE_MARKED)
		return;

	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint64_t region_end = region->addr + region->len_bytes;
		uint64_t addr = region->addr > sample->addr ? region->addr : sample->addr;
		uint64_t covered_end = region_end < end ? region_end : end;

		if (region->pid != sample->pid || region->addr >= end)
			break;
		if (sample->kind == SAMPLE_ARMED) {
			known = 1;
			region_arm(heat, i, tiers,
				   (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES,
				   (uint32_t)(covered_end - region->addr) / HEAT_PAGE_BYTES, tick);
		} else if ((covered_end - addr) * 2 >= region->len_bytes) {
			known = 1;
			region_rate(region, sample, tick, heat->gaps_known);
			if (region->believed > 0) {
				believed += region->believed * (float)(covered_end - addr);
				believed_bytes += (float)(covered_end - addr);
				all_watched &= region_armed_last(region) != 0 &&
					       region->prior_var >= 0 &&
					       region->prior_var < COARSE_SURE_VAR;
			}
		}
	}
	heat->samples_lost += !known;
	if (believed_bytes <= 0)
		return;
	believed /= believed_bytes;
	expected = believed * sample->exposure_s;
	if (all_watched)
		learn_coarse_scale(heat, sample, expected);
	suspicion = suspicion_of(heat, sample, expected);
	if (suspect(heat, sample, (uint32_t)first, suspicion) <= ALARM_LOG)
		return;
	log_debug("heat",
		  "process %d, %llu KiB at %#llx: seen accessed %.1f times in %.2f s, believed "
		  "%.2f/s; it sees %.2f of that",
		  sample->pid, (unsigned long long)(sample->len_bytes >> 10),
		  (unsigned long long)sample->addr, (double)sample->events,
		  (double)sample->exposure_s, (double)believed,
		  (double)coarse_scale(&heat->coarse[COARSE_FAST]));
	raise_alarm(heat, sample, (uint32_t)first, suspicion > ALARM_LOG / 2, tick);
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
		estimate_touched(page, tick - armed, region->prior_mean);
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
