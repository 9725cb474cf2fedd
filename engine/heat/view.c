/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - all regions' entries in a row. Most of a view is the last one: what nothing was heard of
 * stays where it is, a stretch of the table at a time.
 */
#include <math.h>
#include <string.h>

#include "entries.h"
#include "pace.h"

#define SPREAD_TICKS 1000000u       /* after a second, twice that, and so on up to */
#define SPREAD_TICKS_MOST 30000000u /* 30 s, */
#define SPREAD_SAMPLES 32u          /* or so many samples a region */

/* The new view is as long as what was read of the old one: move the rest of that on. */
static void
make_room(struct heat *heat)
{
	size_t unread = heat->old_end - heat->old, room = unread / REBUILD_PART + REBUILD_MORE;

	memmove(heat->entries + heat->old + room, heat->entries + heat->old,
		unread * sizeof(*heat->entries));
	memmove(heat->keys + heat->old + room, heat->keys + heat->old,
		unread * sizeof(*heat->keys));
	heat->old += room;
	heat->old_end += room;
}

static void
count_entry(struct totals *totals, const struct sluice_region *entry)
{
	if (isinf(entry->heat_high))
		totals->unknown_bytes += entry->bytes;
	if (entry->tier < 8) {
		totals->resident_bytes[entry->tier] += entry->bytes;
		totals->access_rate[entry->tier] +=
			(double)(entry->bytes / HEAT_PAGE_BYTES) * (double)entry->heat;
	}
}

static void
discount_entry(struct totals *totals, const struct sluice_region *entry)
{
	if (isinf(entry->heat_high))
		totals->unknown_bytes -= entry->bytes;
	if (entry->tier < 8) {
		totals->resident_bytes[entry->tier] -= entry->bytes;
		totals->access_rate[entry->tier] -=
			(double)(entry->bytes / HEAT_PAGE_BYTES) * (double)entry->heat;
	}
}

void
view_drop(struct heat *heat, size_t entry)
{
	discount_entry(&heat->totals, &heat->entries[entry]);
	heat->keys[entry] = DROPPED_ENTRY;
	heat->entries_dropped = 1;
}

/* Close the gaps that dropped entries leave. */
static void
close_gaps(struct heat *heat)
{
	size_t kept = 0;

	for (size_t e = 0; e < heat->entry_count; e++) {
		if (heat->keys[e] == DROPPED_ENTRY)
			continue;
		if (kept != e) {
			heat->entries[kept] = heat->entries[e];
			heat->keys[kept] = heat->keys[e];
		}
		kept++;
	}
	heat->entry_count = kept;
	heat->entries_dropped = 0;
}

/* A region of which nothing was heard keeps its entries, for a while: most regions most of the
 * time. Silence says more the longer it lasts, but only in proportion. */
#define RENEW_TICKS 2000000u

static uint32_t
renew_at(const struct heat *heat, const struct region *region)
{
	uint64_t armed = region_armed_last(region);
	uint64_t silence = armed ? ticks_since(heat->view_tick, armed) : UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint32_t when = i ? region->seen : region->drawn_at;

		if (when && ticks_since_when(heat->view_tick, when) < silence)
			silence = ticks_since_when(heat->view_tick, when);
	}
	if (silence == UINT64_MAX || silence / 4 < RENEW_TICKS)
		silence = 4 * RENEW_TICKS;
	return when_of(heat->view_tick + silence / 4);
}

/* The next entries of the old view are those of the new one. */
static void
keep_entries(struct heat *heat, uint32_t count)
{
	if (heat->old != heat->entry_count) {
		memmove(heat->entries + heat->entry_count, heat->entries + heat->old,
			count * sizeof(*heat->entries));
		memmove(heat->keys + heat->entry_count, heat->keys + heat->old,
			count * sizeof(*heat->keys));
	}
	heat->old += count;
	heat->entry_count += count;
}

static void
renew_entries(struct heat *heat, struct region *region, uint32_t left, struct spread *spread)
{
	struct sluice_region entries[ENTRIES_MOST];
	uint16_t keys[ENTRIES_MOST];
	/* Two entries for each region to come are kept free, so that they are seen too. */
	size_t used = heat->entry_count + (size_t)left * 2, count;
	size_t room = used < heat->entry_max ? heat->entry_max - used : 0;
	struct prior prior;

	for (uint32_t e = 0; e < region->entry_count && !heat->all_renewed; e++)
		discount_entry(&heat->totals, &heat->entries[heat->old + e]);
	heat->old += region->entry_count;
	prior_find(heat, region, &prior, spread);
	count = entries_find(heat, region, &prior, room, entries, keys);
	if (count > heat->entry_max - heat->entry_count)
		count = heat->entry_max - heat->entry_count;
	while (heat->entry_count + count > heat->old && heat->old < heat->old_end)
		make_room(heat);
	for (size_t e = 0; e < count; e++)
		count_entry(&heat->totals, &entries[e]);
	memcpy(heat->entries + heat->entry_count, entries, count * sizeof(*entries));
	memcpy(heat->keys + heat->entry_count, keys, count * sizeof(*keys));
	heat->entry_count += count;
	region->entry_count = (uint8_t)count;
	region->viewed = when_of(heat->view_tick);
	/* Without the spreads nothing is known; the next pass has them. */
	region->renew = heat->have_spread ? renew_at(heat, region) : 0;
}

/* Whether `count` entries of the old view can be used again. */
static int
is_fresh(const struct heat *heat, uint32_t renew, uint32_t count)
{
	return renew && (int32_t)(renew - when_of(heat->view_tick)) > 0 &&
	       heat->entry_count + count <= heat->entry_max;
}

/* With `sweep` none of its regions is done by its old entries. */
static void
view_stretch(struct heat *heat, struct stretch *stretch, uint32_t first, int sweep,
	     struct spread *spread)
{
	uint32_t end = heat->region_count - first < STRETCH_REGIONS ? heat->region_count
								    : first + STRETCH_REGIONS;
	uint32_t now = when_of(heat->view_tick);
	int32_t soonest = INT32_MAX;
	size_t before = heat->entry_count;

	if (!sweep && is_fresh(heat, stretch->renew, stretch->entry_count)) {
		keep_entries(heat, stretch->entry_count);
		return;
	}
	for (uint32_t i = first; i < end; i++) {
		struct region *region = &heat->regions[i];

		if (!sweep && is_fresh(heat, region->renew, region->entry_count))
			keep_entries(heat, region->entry_count);
		else
			renew_entries(heat, region, heat->region_count - i, spread);
		if (!region->renew)
			soonest = 0;
		else if ((int32_t)(region->renew - now) < soonest)
			soonest = (int32_t)(region->renew - now);
	}
	stretch->renew = soonest > 0 ? now + (uint32_t)soonest : 0;
	stretch->entry_count = (uint32_t)(heat->entry_count - before);
}

static void
sweep_begin(struct heat *heat)
{
	memset(&heat->sweep, 0, sizeof(heat->sweep));
	heat->sweep.is_under_way = 1;
	heat->spread_tick = heat->view_tick;
	heat->spread_samples = heat->samples;
}

/* Begins a sweep when it is due. The first is of all regions at once, as before it nothing is
 * known. Returns how many regions are swept in this view. */
static uint64_t
sweep_due(struct heat *heat)
{
	int is_whole = !heat->have_spread || heat->region_count <= SWEEP_REGIONS;

	if (!heat->have_spread || (is_whole && heat->sweep.is_under_way) ||
	    (!heat->sweep.is_under_way &&
	     (heat->view_tick - heat->spread_tick > heat->spread_ticks ||
	      heat->samples - heat->spread_samples >
		      (uint64_t)heat->region_count * SPREAD_SAMPLES)))
		sweep_begin(heat);
	if (!heat->sweep.is_under_way)
		return 0;
	return is_whole ? UINT64_MAX : SWEEP_PART;
}

/* What a stretch takes of that. */
static uint64_t
sweep_price(const struct heat *heat, uint32_t first)
{
	uint64_t price = 0;

	for (uint32_t i = first; i < heat->region_count && i < first + STRETCH_REGIONS; i++)
		price += heat->regions[i].detail == NO_DETAIL ? 1 : SWEEP_DETAIL;
	return price;
}

static void
sweep_end(struct heat *heat)
{
	struct sweep *sweep = &heat->sweep;

	if (!sweep->is_under_way || sweep->next < heat->region_count)
		return;
	sweep->is_under_way = 0;
	if (!heat->have_spread)
		heat->spread_ticks = SPREAD_TICKS / 2;
	heat->spread_ticks = heat->spread_ticks < SPREAD_TICKS_MOST / 2 ? 2 * heat->spread_ticks
									: SPREAD_TICKS_MOST;
	prior_learn_spread(heat, &sweep->found);
	prior_learn_cut(heat, &sweep->found);
}

/* `left` regions are swept, UINT64_MAX: all; news: of all that were not done by old entries. */
static void
view_pass(struct heat *heat, uint64_t left, struct spread *ret_news)
{
	struct spread swept;

	memset(ret_news, 0, sizeof(*ret_news));
	memset(&swept, 0, sizeof(swept));
	heat->old = 0;
	heat->old_end = heat->entry_count;
	heat->entry_count = 0;
	heat->all_renewed = left == UINT64_MAX;
	if (heat->all_renewed)
		memset(&heat->totals, 0, sizeof(heat->totals));
	for (uint32_t first = 0; first < heat->region_count; first += STRETCH_REGIONS) {
		struct stretch *stretch = &heat->stretches[first / STRETCH_REGIONS];
		uint64_t price;

		if (!left || first < heat->sweep.next) {
			view_stretch(heat, stretch, first, 0, ret_news);
			continue;
		}
		view_stretch(heat, stretch, first, 1, &swept);
		heat->sweep.next = first + STRETCH_REGIONS;
		price = sweep_price(heat, first);
		left -= price < left ? price : left;
	}
	spread_join(&heat->sweep.found, &swept);
	spread_join(ret_news, &swept);
	if (heat->entry_count > heat->entry_most)
		heat->entry_most = heat->entry_count;
	if (heat->old_end > heat->entry_most)
		heat->entry_most = heat->old_end;
}

const struct sluice_region *
heat_view(struct heat *heat, uint64_t now_ns, size_t *ret_count)
{
	struct spread news;
	uint64_t swept;
	int is_first = !heat->have_spread;

	if (heat->entries_dropped)
		close_gaps(heat);
	/* So that it can be told again by when_of(). */
	heat->view_tick = table_tick(heat, now_ns) / WHEN_TICKS * WHEN_TICKS;
	heat->view_epoch = table_epoch(heat->view_tick);
	pace_show(heat);
	swept = sweep_due(heat);
	view_pass(heat, swept, &news);
	if (swept != UINT64_MAX && prior_spread_is_off(heat, &news)) {
		/* By what is new all memory is to be seen anew, and often for a while: at once, but
		 * for a large table. */
		double pages = heat->spread_pages;

		prior_learn_spread(heat, &news);
		/* Half of all memory, not of what was new. */
		heat->spread_pages = fmax(pages, heat->spread_pages);
		heat->spread_ticks = SPREAD_TICKS / 2;
		/* One of a large table that is under way goes on, or it might never end. */
		if (!heat->sweep.is_under_way || heat->region_count <= SWEEP_REGIONS)
			sweep_begin(heat);
		if (heat->region_count <= SWEEP_REGIONS)
			view_pass(heat, UINT64_MAX, &news);
	}
	sweep_end(heat);
	/* Only by how alike memory is can it be told what is known of it: that was found just now.
	 */
	if (is_first && heat->have_spread && heat->region_count <= SWEEP_REGIONS)
		view_pass(heat, 0, &news);
	heat->told = heat->totals;
	for (int tier = 0; tier < 8; tier++)
		heat->told.access_rate[tier] = fmax(heat->told.access_rate[tier], 0);
	*ret_count = heat->entries_shown = heat->entry_count;
	return heat->entries;
}

uint64_t
heat_alarms(const struct heat *heat)
{
	return heat->alarms;
}

/* By chance a few are always touched that soon. */
#define SURPRISED_PART 8u

static uint32_t
surprised_pages(const struct heat *heat, const struct region *region)
{
	uint32_t pages = region_pages(region), count = 0;

	if (region->detail == NO_DETAIL)
		return 0;
	for (uint32_t p = 0; p < pages; p++)
		count += heat->details[region->detail].page[p].surprise &&
			 !heat->details[region->detail].page[p].watched;
	return count > pages / SURPRISED_PART ? count : 0;
}

/* Pages in slow memory that would not tell of an access. */
static uint32_t
unwatched_pages(const struct heat *heat, const struct region *region)
{
	uint32_t waiting = region_waiting(heat, region), pages = 0;

	for (uint32_t t = 1; t < 6; t++)
		pages += region->resident[t];
	return pages > waiting ? pages - waiting : 0;
}

void
heat_unsettled(const struct heat *heat, uint64_t since_ns, uint64_t *ret_stale_bytes,
	       uint64_t *ret_surprised_bytes)
{
	uint64_t since = since_ns > heat->origin_ns ? (since_ns - heat->origin_ns) / TICK_NS : 0;

	*ret_stale_bytes = *ret_surprised_bytes = 0;
	for (uint32_t i = 0; i < heat->region_count; i++) {
		const struct region *region = &heat->regions[i];
		uint64_t armed = region_armed_last(region);

		if (!armed || !region_is_slow(region))
			continue;
		if (armed < since)
			*ret_stale_bytes +=
				(uint64_t)unwatched_pages(heat, region) * HEAT_PAGE_BYTES;
		else
			*ret_surprised_bytes +=
				(uint64_t)surprised_pages(heat, region) * HEAT_PAGE_BYTES;
	}
}

void
heat_get_stats(const struct heat *heat, struct heat_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->regions = heat->region_count;
	ret->regions_in_detail = heat->detail_most - heat->detail_free_count;
	ret->metadata_bytes =
		(uint64_t)heat->region_most * sizeof(struct region) +
		(uint64_t)heat->detail_most * (sizeof(struct detail) + sizeof(uint32_t)) +
		heat->entry_most * (sizeof(uint16_t) + sizeof(struct sluice_region));
	ret->never_known_var = HEAT_MODEL_VAR + pace_var_mean(heat);
	ret->samples = heat->samples;
	ret->samples_lost = heat->samples_lost;
	ret->alarms = heat->alarms;
	ret->tracked_bytes = heat->tracked_bytes;
	memcpy(ret->resident_bytes, heat->told.resident_bytes, sizeof(ret->resident_bytes));
	ret->unknown_bytes = heat->told.unknown_bytes;
	memcpy(ret->access_rate, heat->told.access_rate, sizeof(ret->access_rate));
	ret->within_var = heat->within_var;
	ret->between_var = heat->between_var;
}
