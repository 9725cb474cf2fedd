/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - what samples change in the table: pages that are watched, and when they were touched. */
#include "fold.h"

#include "pace.h"
#include "surprise.h"

static void
page_arm(const struct region *region, struct page_heat *page, uint64_t armed, uint64_t tick)
{
	/* The kernel leaves a page that is still marked alone; it is watched on. */
	if (page->watched)
		estimate_untouched(page, pace_since(region, tick, armed));
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
armed_set(struct heat *heat, struct region *region, uint32_t first, uint32_t end, uint64_t tick)
{
	region->touched = 0;
	if (end < region_pages(region)) {
		region->armed[0] = tick;
		region->split = end & 1023u;
		pace_armed(heat, region, 0);
		return;
	}
	region->armed[1] = tick;
	pace_armed(heat, region, 1);
	if (first == 0) {
		region->armed[0] = tick;
		pace_armed(heat, region, 0);
	} else {
		region->split = first & 1023u;
	}
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
		estimate_untouched(page, pace_since(before, now, then));
		page->again = 1;
	}
}

/* Of the pages of a region without detail it is counted only how many are watched. Those that were
 * not touched since their marking were watched in vain. */
static void
region_arm_coarsely(struct region *region, uint32_t tiers, uint32_t first, uint32_t end,
		    uint64_t tick)
{
	uint32_t pages = region_pages(region), part = end - first, resident = 0;
	uint32_t left = region->watched * part / pages;
	uint64_t armed = region_armed(region, first);

	for (uint8_t tier = 0; tier < 6; tier++)
		resident += tier_is_watched(tiers, tier) ? region->resident[tier] : 0;
	if (armed && left)
		region_remember_gaps(
			region, 0, region_silence_s(region, left, pace_since(region, tick, armed)),
			tick);
	region->watched = (region->watched - left + resident * part / pages) & 1023u;
}

/* Pages from `first` to before `end` are watched from now on. */
static void
region_arm(struct heat *heat, uint32_t index, uint32_t tiers, uint32_t first, uint32_t end,
	   uint64_t tick)
{
	struct region *region = &heat->regions[index], before = *region;
	struct detail *detail = NULL;

	count_tell(heat, region, tick);
	if (region_is_huge(region)) {
		if (tier_is_watched(tiers, page_tier(&region->whole)))
			page_arm(region, &region->whole, region->armed[0], tick);
		first = 0;
		end = region_pages(region);
	} else if (table_wants_detail(heat, region) &&
		   (detail = table_detail(heat, index)) != NULL) {
		for (uint32_t p = first; p < end && !region->guessed; p++) {
			if (tier_is_watched(tiers, page_tier(&detail->page[p])))
				page_arm(region, &detail->page[p], region_armed(region, p), tick);
		}
	} else {
		region_arm_coarsely(region, tiers, first, end, tick);
	}
	armed_set(heat, region, first, end, tick);
	if (detail && (first > 0 || end < region_pages(region)))
		keep_silence(region, detail, &before, first, end);
	heat->gaps_known = 1;
	region_renew(heat, region);
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
		*(page_tier(&region->whole) ? &slow : &fast) =
			region->whole.watched ? 0 : HEAT_REGION_PAGES;
	} else if (region->detail == NO_DETAIL) {
		/* Of single pages nothing is known so far: a part is like the whole. */
		for (uint32_t tier = 0; tier < 6; tier++)
			*(tier ? &slow : &fast) +=
				region->resident[tier] * (end - first) / region_pages(region);
	} else {
		const struct page_heat *pages = heat->details[region->detail].page;

		for (uint32_t p = first; p < end; p++) {
			if (page_tier(&pages[p]) != HEAT_TIER_ABSENT && !pages[p].watched)
				(*(page_tier(&pages[p]) ? &slow : &fast))++;
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
		uint64_t to = region_end(region);

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

static void
fold_armed(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t end = sample->addr + sample->len_bytes;
	int64_t first = table_next(heat, sample->pid, sample->addr);
	uint32_t tiers = first >= 0 ? marked_tiers(heat, sample, (uint32_t)first) : 0;
	int known = 0;

	if (tiers == NONE_MARKED)
		return;
	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		const struct region *region = &heat->regions[i];
		uint64_t own_end = region_end(region);
		uint64_t addr = region->addr > sample->addr ? region->addr : sample->addr;

		if (region->pid != sample->pid || region->addr >= end)
			break;
		known = 1;
		region_arm(heat, i, tiers, (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES,
			   (uint32_t)((own_end < end ? own_end : end) - region->addr) /
				   HEAT_PAGE_BYTES,
			   tick);
	}
	heat->samples_lost += !known;
}

static void
fold_touch(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	int64_t index = table_find(heat, sample->pid, sample->addr);
	struct region *region;
	struct page_heat *page = NULL;
	uint64_t armed, gap;
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
	region_renew(heat, region);
	/* Rings of several CPUs may hand over a touch a little late: before the marking. */
	if (!armed || tick < armed)
		return;
	heat->touches_known = 1;
	region->page_spread = region->by_time = 0;
	if (page && !page->watched)
		return;
	gap = pace_since(region, tick, armed);
	if (page) {
		estimate_touched(page, gap, region->prior_mean);
		page->watched = 0;
	} else {
		/* No room for detail: the region learns the mean rate of its pages. */
		region->watched = (region->watched - (region->watched > 0)) & 1023u;
		region_remember_gaps(region, 1, (float)gap / TICKS_PER_S, tick);
	}
	region->by_bits = 0;
	if (region_is_huge(region) || region->touched == UINT16_MAX)
		return;
	region->touched++;
	surprise_touched(heat, region, tick - armed, tick);
	pace_touched(heat, region, tick);
}

/* Of an access bit that is set it is known that there was an access in the time T since the bit was
 * cleared, and no more. One touch in T/2 is then right: of pages accessed with rate r, 1 - exp(-rT)
 * are seen so, and touches by watched time are (1 - exp(-rT)) / (T - T/2 (1 - exp(-rT))), which is
 * r to the second order of rT. From rT of about 2 on it stays at 2/T: bits cannot tell how much
 * hotter a page is that is accessed in each T anyway. */
static void
region_seen(struct heat *heat, struct region *region, uint32_t first, uint32_t end, float spread,
	    uint64_t tick)
{
	struct page_heat *pages =
		region->detail != NO_DETAIL ? heat->details[region->detail].page : NULL;

	if (region_is_huge(region)) {
		pages = &region->whole;
		first = 0;
		end = 1;
	}
	region_renew(heat, region);
	for (uint32_t p = first; p < end; p++) {
		uint64_t armed = region_armed(region, p);
		uint64_t gap;

		if (!armed || tick < armed || (pages ? !pages[p].watched : !region->watched))
			continue;
		gap = pace_since(region, tick, armed);
		heat->seen_gap_s += ((float)(tick - armed) / TICKS_PER_S - heat->seen_gap_s) / 256;
		region->by_bits = region->by_time = 1;
		region->page_spread = 15u & spread_code(spread);
		if (pages) {
			estimate_touched(&pages[p], gap / 2, region->prior_mean);
			pages[p].watched = 0;
		} else {
			region->watched--;
			region_remember_gaps(region, 1, (float)gap / (2 * TICKS_PER_S), tick);
		}
	}
}

static void
fold_seen(struct heat *heat, const struct sample *sample, uint64_t tick)
{
	uint64_t addr = sample->addr, end = addr + sample->len_bytes;
	int64_t index = table_find(heat, sample->pid, addr);
	int known = 0;

	if (index < 0)
		index = table_next(heat, sample->pid, addr);
	for (uint32_t i = (uint32_t)index; index >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint64_t own_end = region_end(region);

		if (region->pid != sample->pid || region->addr >= end)
			break;
		addr = region->addr > sample->addr ? region->addr : sample->addr;
		known = 1;
		region_seen(heat, region, (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES,
			    (uint32_t)((own_end < end ? own_end : end) - region->addr) /
				    HEAT_PAGE_BYTES,
			    sample->spread, tick);
	}
	heat->samples_lost += !known;
}

/* Samples of large targets come from anywhere, and most of the time goes by waiting for memory: so
 * the regions of those to come are asked for first, and then their pages. */
#define AHEAD_REGION 16u
#define AHEAD_PAGE 8u

static void
fetch_ahead(const struct heat *heat, const struct sample *samples, size_t left)
{
	uint32_t i;

	if (left > AHEAD_REGION) {
		i = table_guess(heat, samples[AHEAD_REGION].addr);
		if (i < heat->region_count) {
			__builtin_prefetch(&heat->regions[i], 1);
			__builtin_prefetch((const char *)(&heat->regions[i] + 1) - 1, 1);
		}
	}
	if (left > AHEAD_PAGE) {
		const struct region *region;
		uint64_t addr = samples[AHEAD_PAGE].addr;

		i = table_guess(heat, addr);
		region = &heat->regions[i];
		if (i < heat->region_count && region->detail != NO_DETAIL)
			__builtin_prefetch(
				&heat->details[region->detail]
					 .page[addr / HEAT_PAGE_BYTES % HEAT_REGION_PAGES],
				1);
	}
}

void
heat_fold(struct heat *heat, const struct sample *samples, size_t count)
{
	static void (*const fold[])(struct heat *, const struct sample *, uint64_t) = {
		[SAMPLE_ARMED] = fold_armed,       [SAMPLE_TOUCH] = fold_touch,
		[SAMPLE_RATE] = fold_rate,         [SAMPLE_SEEN] = fold_seen,
		[SAMPLE_COUNTING] = fold_counting, [SAMPLE_COUNT] = fold_count,
		[SAMPLE_EXACT] = fold_exact,
	};

	for (size_t i = 0; i < count; i++) {
		uint64_t tick = table_tick(heat, samples[i].time_ns);

		if (tick > heat->latest_tick)
			heat->latest_tick = tick;
		fetch_ahead(heat, samples + i, count - i);
		if (samples[i].kind < sizeof(fold) / sizeof(fold[0]))
			fold[samples[i].kind](heat, &samples[i], tick);
		else
			heat->samples_lost++;
	}
	heat->samples += count;
}
