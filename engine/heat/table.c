/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - the sorted table of regions and the pool of 4 KiB detail. */
#include "table.h"
#include "fold.h"
#include "pace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reserve.h"

/* Regions and entries are written over the ones before, and those that are yet to be read move on
 * when they are in the way. This is all address space; only use costs memory. */
static size_t
rebuild_room(size_t most)
{
	return most * 2 + most / REBUILD_PART + REBUILD_MORE;
}

static size_t
stretch_bytes(const struct heat *heat)
{
	return sizeof(struct stretch) * (rebuild_room(heat->region_max) / STRETCH_REGIONS + 1);
}

static uint64_t
detail_max(const struct heat_options *options)
{
	uint64_t details = options->detail_bytes_max / sizeof(struct detail);

	return details > options->region_max ? options->region_max : details;
}

/* A view has an entry for each tier that a region lies in, two as a rule, and at most a few dozen
 * for each in detail. */
size_t
heat_entry_max(const struct heat_options *options)
{
	return (size_t)options->region_max * 2 + (size_t)detail_max(options) * 64;
}

size_t
heat_view_bytes(const struct heat_options *options)
{
	return sizeof(struct sluice_region) * rebuild_room(heat_entry_max(options));
}

int
heat_new(const struct heat_options *options, struct heat **ret, struct sluice_err *reterr)
{
	struct heat *heat;

	if (!options->region_max || options->region_max > (1u << 26))
		return sluice_fail(reterr, -EINVAL,
				   "a region table needs 1 to 2^26 regions, not %u",
				   options->region_max);
	heat = calloc(1, sizeof(*heat));
	if (!heat)
		goto no_memory;
	estimate_begin();
	/* All, until more is known. */
	for (int i = 0; i < COARSE_SPEEDS; i++)
		heat->coarse[i] = (struct coarse){1, 1};
	heat->region_max = options->region_max;
	heat->detail_max = (uint32_t)detail_max(options);
	heat->entry_max = heat_entry_max(options);
	heat->regions = reserve(sizeof(struct region) * rebuild_room(heat->region_max));
	heat->details = reserve(sizeof(struct detail) * (heat->detail_max + 1u));
	heat->stretches = reserve(stretch_bytes(heat));
	heat->detail_free = reserve(sizeof(uint32_t) * (heat->detail_max + 1u));
	heat->entries_borrowed = options->view_memory != NULL;
	heat->entries =
		heat->entries_borrowed ? options->view_memory : reserve(heat_view_bytes(options));
	heat->keys = reserve(sizeof(uint16_t) * rebuild_room(heat->entry_max));
	if (!heat->regions || !heat->stretches || !heat->details || !heat->detail_free ||
	    !heat->entries || !heat->keys)
		goto no_memory;
	*ret = heat;
	return 0;

no_memory:
	heat_free(heat);
	return sluice_fail(reterr, -ENOMEM, "no memory for a table of %u regions",
			   options->region_max);
}

void
heat_free(struct heat *heat)
{
	if (!heat)
		return;
	release(heat->regions, sizeof(struct region) * rebuild_room(heat->region_max));
	release(heat->stretches, stretch_bytes(heat));
	release(heat->details, sizeof(struct detail) * (heat->detail_max + 1u));
	release(heat->detail_free, sizeof(uint32_t) * (heat->detail_max + 1u));
	if (!heat->entries_borrowed)
		release(heat->entries,
			sizeof(struct sluice_region) * rebuild_room(heat->entry_max));
	release(heat->keys, sizeof(uint16_t) * rebuild_room(heat->entry_max));
	free(heat);
}

uint64_t
table_tick(struct heat *heat, uint64_t time_ns)
{
	if (!heat->origin_ns)
		heat->origin_ns = time_ns > 1000000000u ? time_ns - 1000000000u : 1;
	if (time_ns <= heat->origin_ns)
		return 1;
	return (time_ns - heat->origin_ns) / TICK_NS;
}

uint8_t
table_epoch(uint64_t tick)
{
	return (uint8_t)(1u + (tick / 4000000u) % 255u);
}

static int
region_before(const struct region *region, int32_t pid, uint64_t addr)
{
	return region->pid != pid ? region->pid < pid : region_end(region) <= addr;
}

static int
region_holds(const struct region *region, int32_t pid, uint64_t addr)
{
	return region->pid == pid && addr >= region->addr && addr < region_end(region);
}

uint32_t
table_lower(const struct heat *heat, int32_t pid, uint64_t addr)
{
	uint32_t low = 0, high = heat->region_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (region_before(&heat->regions[middle], pid, addr))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
table_guess(const struct heat *heat, uint64_t addr)
{
	uint32_t last = heat->last_region;

	if (last >= heat->region_count)
		return 0;
	return last +
	       (uint32_t)(addr / HEAT_REGION_BYTES - heat->regions[last].addr / HEAT_REGION_BYTES);
}

int64_t
table_find(struct heat *heat, int32_t pid, uint64_t addr)
{
	uint32_t i = table_guess(heat, addr);

	if (i < heat->region_count && region_holds(&heat->regions[i], pid, addr)) {
		heat->last_region = i;
		return i;
	}
	i = table_lower(heat, pid, addr);
	if (i >= heat->region_count || !region_holds(&heat->regions[i], pid, addr))
		return -1;
	heat->last_region = i;
	return i;
}

int64_t
table_next(struct heat *heat, int32_t pid, uint64_t addr)
{
	int64_t found = table_find(heat, pid, addr);
	uint32_t i;

	if (found >= 0)
		return found;
	i = table_lower(heat, pid, addr);
	return i < heat->region_count && heat->regions[i].pid == pid ? (int64_t)i : -1;
}

/* As events, what is kept of a region whose pages are not kept: enough to stand until it is watched
 * again, and to give way then. */
#define KEPT_EVENTS 8.0f

/* What its pages are like on average and how far they differ, as of the last view. */
static void
keep_mean(struct heat *heat, struct region *region)
{
	const struct page_heat *pages = heat->details[region->detail].page;

	region->differ =
		(uint8_t)(1 + spread_code(sqrtf(fmaxf(region->prior_var - HEAT_MODEL_VAR, 0))));
	/* Draws go on, to the region as a whole. */
	if (region->drawn) {
		estimate_guess(&region->whole, region->prior_mean);
		return;
	}
	region->watched = 0;
	for (uint32_t p = 0; p < region_pages(region); p++)
		region->watched = (region->watched + pages[p].watched) & 1023u;
	region->fine = 1;
	region->seen = when_of(heat->view_tick);
	region->events = KEPT_EVENTS;
	region->exposure_s = (KEPT_EVENTS + 0.5f) * exp2f(-region->prior_mean);
}

void
table_drop_detail(struct heat *heat, uint32_t index)
{
	struct region *region = &heat->regions[index];

	if (region->detail == NO_DETAIL)
		return;
	if (region->prior_var >= 0 && heat->have_spread)
		keep_mean(heat, region);
	heat->detail_free[heat->detail_free_count++] = region->detail;
	region->detail = NO_DETAIL;
	region_renew(heat, region);
}

#define EVEN_VAR 0.5f   /* pages that differ by no more are alike */
#define FAR_SIGMAS 3.0f /* from the cut line: next to no page is on its other side */

/* Detail tells nothing more than its region does where pages are alike, and nothing that matters
 * where all of them are on one side of the cut line. */
int
table_is_one_thing(const struct heat *heat, float mean, float var)
{
	float distance = (mean - heat->cut_mean) / FAR_SIGMAS;

	return var < EVEN_VAR || (heat->have_cut && distance * distance > var);
}

static int
detail_is_spare(const struct heat *heat, const struct region *region)
{
	return region->detail != NO_DETAIL && region->prior_var >= 0 && heat->have_spread &&
	       region->one_thing;
}

/* One marking of 16, about, asks whether a region has changed that needed no detail before. By a
 * hash, as regions are marked in turns: every 16th would be the same ones each time. */
#define ASK_AGAIN_LOG2 4u

static uint32_t
by_hash(uint32_t number)
{
	number = (number ^ number >> 16) * 0x85ebca6bu;
	number = (number ^ number >> 13) * 0xc2b2ae35u;
	return number ^ number >> 16;
}

int
table_wants_detail(struct heat *heat, const struct region *region)
{
	if (table_has_room(heat) || !region->differ || region->prior_var < 0)
		return 1;
	return !table_is_one_thing(heat, region->prior_mean,
				   region_differ_var(region) + HEAT_MODEL_VAR) ||
	       by_hash(++heat->looks) >> (32 - ASK_AGAIN_LOG2) == 0;
}

/* A region with so many pages outside of its main tier is in two tiers; a few strays are not worth
 * waiting for residency. */
#define MIXED_PAGES 32u

/* Where most of its pages are, and how many are elsewhere. */
static uint8_t
main_tier(const struct region *region, uint32_t *ret_others)
{
	uint8_t tier = HEAT_TIER_ABSENT;
	uint32_t most = 0, all = 0;

	for (uint8_t t = 0; t < 6; t++) {
		all += region->resident[t];
		if (region->resident[t] > most) {
			most = region->resident[t];
			tier = t;
		}
	}
	*ret_others = all - most;
	return tier;
}

struct detail *
table_detail(struct heat *heat, uint32_t index)
{
	struct region *region = &heat->regions[index];
	struct detail *detail;
	uint32_t others;

	if (region->detail != NO_DETAIL)
		return &heat->details[region->detail];
	if (region_is_huge(region))
		return NULL;
	/* A short walk of the clock hand, so that a full pool costs little. */
	for (uint32_t step = 0; !table_has_room(heat) && heat->detail_max && step < 64; step++) {
		heat->evict_hand = (heat->evict_hand + 1) % heat->region_count;
		if (detail_is_spare(heat, &heat->regions[heat->evict_hand]))
			table_drop_detail(heat, heat->evict_hand);
	}
	if (!table_has_room(heat))
		return NULL;
	region->detail = heat->detail_free_count ? heat->detail_free[--heat->detail_free_count]
						 : heat->detail_most++;
	region_renew(heat, region);
	region->watched = 0;
	detail = &heat->details[region->detail];
	memset(detail, 0, sizeof(*detail));
	/* Until residency is told, pages count as being where most of the region is. */
	uint8_t tier = main_tier(region, &others);

	region->guessed = others >= MIXED_PAGES;
	for (uint32_t i = 0; i < HEAT_REGION_PAGES; i++)
		page_set(&detail->page[i], i < region_pages(region) ? tier : HEAT_TIER_ABSENT);
	return detail;
}

uint32_t
region_waiting(const struct heat *heat, const struct region *region)
{
	uint32_t count = 0;

	if (region->detail == NO_DETAIL)
		return region->watched;
	for (uint32_t p = 0; p < region_pages(region); p++)
		count += heat->details[region->detail].page[p].watched;
	return count;
}

static void
region_init(struct region *region, int32_t pid, uint64_t addr, uint32_t len_bytes)
{
	memset(region, 0, sizeof(*region));
	region->pid = pid;
	region->addr = addr;
	region->pages = len_bytes / HEAT_PAGE_BYTES & 1023u;
	region->detail = NO_DETAIL;
	region->prior_var = -1.0f;
	page_set(&region->whole, HEAT_TIER_ABSENT);
}

/* While a process's regions are rebuilt where they are: new ones are written from `write` on, and
 * the old ones of [own, own_end) and of other processes up to `end` are yet to be read. */
struct rebuild {
	uint32_t write, own, own_end, end;
	size_t entry; /* of the last view, the first of region `own` */
};

static void
rebuild_shift(struct heat *heat, struct rebuild *at, uint32_t by)
{
	memmove(heat->regions + at->own + by, heat->regions + at->own,
		(at->end - at->own) * sizeof(*heat->regions));
	at->own += by;
	at->own_end += by;
	at->end += by;
	if (at->end > heat->region_most)
		heat->region_most = at->end;
}

/* The next view has nothing from the last one of region `own`. */
static void
rebuild_leave(struct heat *heat, struct rebuild *at)
{
	struct region *region = &heat->regions[at->own];

	for (uint32_t e = 0; e < region->entry_count; e++)
		view_drop(heat, at->entry + e);
	at->entry += region->entry_count;
	region->entry_count = 0;
	table_drop_detail(heat, at->own++);
}

/* Keep what is known of [addr, addr+len) from the region that covered it before. A mapping that
 * grew at its end keeps its detail; one that was cut at its start moves, so page numbers would no
 * longer fit, and it starts anew. */
static int
rebuild_inherit(struct heat *heat, struct rebuild *at, struct region *fresh)
{
	struct region *old;
	uint16_t pages = fresh->pages;

	while (at->own < at->own_end && region_end(&heat->regions[at->own]) <= fresh->addr)
		rebuild_leave(heat, at);
	old = &heat->regions[at->own];
	if (at->own == at->own_end || old->addr != fresh->addr)
		return 0;
	if (old->pages != pages)
		old->renew = 0;
	*fresh = *old;
	fresh->pages = pages & 1023u;
	at->entry += fresh->entry_count;
	at->own++;
	for (uint32_t p = pages; fresh->detail != NO_DETAIL && p < HEAT_REGION_PAGES; p++)
		page_set(&heat->details[fresh->detail].page[p], HEAT_TIER_ABSENT);
	return 1;
}

int
heat_set_spans(struct heat *heat, int32_t pid, const struct heat_span *spans, size_t span_count,
	       uint64_t now_ns, struct sluice_err *reterr)
{
	struct rebuild at = {.end = heat->region_count};
	uint64_t left_out = 0, clock = count_clock(heat, pid, table_tick(heat, now_ns));
	uint32_t others_after;

	if (!span_count) {
		count_forget(heat, pid);
		pace_forget(heat, pid);
	}
	at.own = at.own_end = at.write = table_lower(heat, pid, 0);
	for (uint32_t r = 0; r < at.own; r++)
		at.entry += heat->regions[r].entry_count;
	while (at.own_end < at.end && heat->regions[at.own_end].pid == pid)
		heat->tracked_bytes -=
			(uint64_t)heat->regions[at.own_end++].pages * HEAT_PAGE_BYTES;
	others_after = at.end - at.own_end;
	for (size_t s = 0; s < span_count; s++) {
		uint64_t addr = spans[s].start;

		while (addr < spans[s].end) {
			uint64_t next = (addr | (HEAT_REGION_BYTES - 1)) + 1;
			struct region fresh;

			if (next > spans[s].end)
				next = spans[s].end;
			if (at.write + others_after >= heat->region_max) {
				left_out += spans[s].end - addr;
				break;
			}
			region_init(&fresh, pid, addr, (uint32_t)(next - addr));
			if (!rebuild_inherit(heat, &at, &fresh))
				fresh.counted = clock;
			/* What is left in the table is at most region_max. */
			if (at.write == at.own && at.own < at.end)
				rebuild_shift(heat, &at, (at.own_end - at.own) / REBUILD_PART + 64);
			heat->regions[at.write++] = fresh;
			heat->tracked_bytes += next - addr;
			addr = next;
		}
	}
	while (at.own < at.own_end)
		rebuild_leave(heat, &at);
	memmove(heat->regions + at.write, heat->regions + at.own_end,
		others_after * sizeof(*heat->regions));
	heat->region_count = at.write + others_after;
	if (heat->region_count > heat->region_most)
		heat->region_most = heat->region_count;
	heat->last_region = 0;
	heat->entries_shown = 0;
	memset(heat->stretches, 0,
	       (heat->region_count / STRETCH_REGIONS + 1) * sizeof(*heat->stretches));
	if (left_out)
		return sluice_fail(
			reterr, -ENOSPC,
			"process %d: %llu MiB are not tracked, the table of %u regions is full",
			pid, (unsigned long long)(left_out >> 20), heat->region_max);
	return 0;
}

size_t
heat_region_count(const struct heat *heat)
{
	return heat->region_count;
}

void
heat_region_at(const struct heat *heat, size_t index, int32_t *ret_pid, uint64_t *ret_addr,
	       uint32_t *ret_len_bytes)
{
	const struct region *region = &heat->regions[index];

	*ret_pid = region->pid;
	*ret_addr = region->addr;
	*ret_len_bytes = region_pages(region) * HEAT_PAGE_BYTES;
}

static void
page_set_tier(const struct region *region, struct page_heat *page, uint64_t armed, uint8_t tier,
	      uint64_t tick)
{
	if (page_tier(page) == tier)
		return;
	if (page_tier(page) == HEAT_TIER_ABSENT || tier == HEAT_TIER_ABSENT) {
		/* Another page than before, or none: what we knew does not carry over. */
		*page = (struct page_heat){0};
		page_set(page, tier);
		return;
	}
	/* Its silence so far is evidence; without it only early touches would count, and the region
	 * would look hotter than it is. */
	if (page->watched)
		estimate_untouched(page, pace_since(region, tick, armed));
	/* The kernel gives a moved page plain access rights: nobody watches it any more. */
	page->watched = 0;
	page->moved = table_epoch(tick);
	page_set(page, tier);
}

int
heat_set_residency(struct heat *heat, size_t index, const uint8_t *tiers, int huge, uint64_t now_ns)
{
	struct region *region = &heat->regions[index];
	uint32_t pages = region_pages(region);
	uint16_t resident[6];
	uint64_t tick = table_tick(heat, now_ns);
	uint32_t others;
	int changed;
	/* Most regions lie in one tier: their pages are counted at once. */
	uint16_t same = memcmp(tiers, tiers + 1, pages - 1) == 0 ? (uint16_t)region->pages : 1;

	memset(resident, 0, sizeof(resident));
	for (uint32_t p = 0; p < pages; p += same) {
		uint16_t *count = &resident[tiers[p] < 5 ? tiers[p] : 5];

		if (tiers[p] != HEAT_TIER_ABSENT)
			*count = (uint16_t)(*count + same);
	}
	changed = memcmp(resident, region->resident, sizeof(resident)) != 0;
	if (changed)
		region_renew(heat, region);
	memcpy(region->resident, resident, sizeof(resident));
	if (huge && pages == HEAT_REGION_PAGES) {
		table_drop_detail(heat, (uint32_t)index);
		region->watched = 0;
		region->seen = 0; /* single pages' mean */
		page_set_tier(region, &region->whole, region->armed[0], tiers[0], tick);
		return changed;
	}
	if (region_is_huge(region))
		memset(&region->whole, 0, sizeof(region->whole));
	page_set(&region->whole, HEAT_TIER_ABSENT);
	/* Trackers tell of pages in one tier only, so a region in two wants to be known in detail.
	 */
	(void)main_tier(region, &others);
	if (others >= MIXED_PAGES && heat->gaps_known && heat->detail_free_count)
		(void)table_detail(heat, (uint32_t)index);
	if (region->detail != NO_DETAIL) {
		struct detail *detail = &heat->details[region->detail];

		for (uint32_t p = 0; p < pages; p++) {
			struct page_heat *page = &detail->page[p];

			/* As many pages in each tier as before may be other pages. */
			if (page_tier(page) == tiers[p])
				continue;
			changed = 1;
			region_renew(heat, region);
			if (region->guessed)
				page_set(page, tiers[p]);
			else
				page_set_tier(region, page, region_armed(region, p), tiers[p],
					      tick);
		}
	}
	region->guessed = 0;
	return changed;
}

/* Pages by tier, for views in which the region is shown as a whole though it has detail. */
static void
resident_count(struct region *region, uint8_t tier, int change)
{
	uint16_t *pages = &region->resident[tier < 5 ? tier : 5];

	if (tier != HEAT_TIER_ABSENT && (change > 0 || *pages > 0))
		*pages = (uint16_t)(*pages + change);
}

void
heat_page_moved(struct heat *heat, int32_t pid, uint64_t addr, uint8_t from, uint8_t tier,
		uint64_t now_ns)
{
	int64_t index = table_find(heat, pid, addr);
	struct region *region;
	uint64_t tick = table_tick(heat, now_ns);

	if (index < 0)
		return;
	region = &heat->regions[index];
	region_renew(heat, region);
	if (region_is_huge(region)) {
		memset(region->resident, 0, sizeof(region->resident));
		if (tier != HEAT_TIER_ABSENT)
			region->resident[tier < 5 ? tier : 5] = HEAT_REGION_PAGES;
		page_set_tier(region, &region->whole, region->armed[0], tier, tick);
	} else if (region->detail != NO_DETAIL && !region->guessed) {
		uint32_t p = (uint32_t)(addr - region->addr) / HEAT_PAGE_BYTES;
		struct page_heat *page = &heat->details[region->detail].page[p];

		resident_count(region, page_tier(page), -1);
		resident_count(region, tier, 1);
		page_set_tier(region, page, region_armed(region, p), tier, tick);
	} else {
		resident_count(region, from, -1);
		resident_count(region, tier, 1);
		/* Moved pages are not watched any more; whether this one was is not known. */
		region->watched = (region->watched - (region->watched > 0)) & 1023u;
		if (from != HEAT_TIER_ABSENT && tier != HEAT_TIER_ABSENT)
			region->whole.moved = table_epoch(tick);
	}
}

void
heat_restart(struct heat *heat, int32_t pid, uint64_t now_ns)
{
	int64_t first = table_next(heat, pid, 0);
	uint64_t tick = table_tick(heat, now_ns), clock = count_clock(heat, pid, tick);

	for (uint32_t i = (uint32_t)first; first >= 0 && i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];

		if (region->pid != pid)
			break;
		region_renew(heat, region);
		region->seen = 0;
		region->touched = 0;
		region->usual = 0;
		region->usual_times = 0;
		region->pace[0] = region->pace[1] = region->lasting = 0;
		region->counted = clock;
		region->whole.time = region->whole.touches = 0;
		for (int part = 0; part < 2; part++)
			region->armed[part] = region->armed[part] ? tick : 0;
		for (uint32_t p = 0; region->detail != NO_DETAIL && p < region_pages(region); p++) {
			struct page_heat *page = &heat->details[region->detail].page[p];

			page->time = page->touches = 0;
		}
	}
	pace_forget(heat, pid);
	heat->have_spread = 0;
}
