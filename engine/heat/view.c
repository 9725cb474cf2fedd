/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - from page estimates to what a policy sees: pages of a region that end up in the same
 * half octave, tier and state become one entry.
 */
#include <math.h>
#include <string.h>

#include "prior.h"

/* What policy.h calls 69 %; with 1.0 a scattered Zipf workload stays 2 points below its best, and
 * nothing else gets better. */
#define BOUND_SIGMAS 0.5f
#define BINS 64u                    /* half octaves from RATE_LOWEST */
#define SPREAD_TICKS 1000000u       /* after a second, twice that, and so on up to */
#define SPREAD_TICKS_MOST 30000000u /* 30 s, */
#define SPREAD_SAMPLES 32u          /* or so many samples a region */

static struct belief
page_belief(const struct page_heat *page, uint32_t p, struct prior *prior)
{
	struct evidence evidence = page_evidence(page, p, prior);

	if (evidence.touches) {
		float rate = rate_of(&evidence, prior->by_time);

		return (struct belief){
			prior->mean + prior->weight[evidence.touches] * (rate - prior->mean),
			prior->sigma[evidence.touches], evidence.touches <= 2 ? 1 : 2};
	}
	if (!evidence.known)
		return (struct belief){prior->mean, prior->sigma[0], 0};
	if (!prior->last.known || evidence.rate < prior->last.rate ||
	    evidence.rate > prior->last.rate) {
		prior->last = evidence;
		prior->of_last.certainty = 1;
		estimate_silent(evidence.rate, prior->mean, prior->var, &prior->of_last.mean,
				&prior->of_last.sigma);
	}
	return prior->of_last;
}

/* Which pages go into one entry: same tier, half octave, number of samples and age, roughly. */
static uint16_t
page_key(const struct prior *prior, const struct page_heat *page, const struct belief *belief)
{
	int bin = (int)((belief->mean - RATE_LOWEST) * 2.0f);
	unsigned int age = 0;

	if (page->moved) {
		unsigned int epochs = (prior->epoch + 255u - page->moved) % 255u;

		age = epochs <= 1 ? 3 : epochs <= 15 ? 2 : 1;
	}
	bin = bin < 0 ? 0 : bin >= (int)BINS ? (int)BINS - 1 : bin;
	return (uint16_t)((unsigned int)bin | belief->certainty << 6 | age << 8 |
			  (page_tier(page) & 7u) << 10);
}

static uint32_t
key_age_ms(uint16_t key)
{
	static const uint32_t age_ms[] = {HEAT_NEVER_MOVED_MS, 180000, 30000, 2000};

	return age_ms[(key >> 8) & 3u];
}

static void
entry_fill(struct sluice_region *entry, const struct region *region, uint32_t tier, uint32_t pages,
	   float mean, float sigma, int known)
{
	float off = BOUND_SIGMAS * sigma;

	*entry = (struct sluice_region){
		.addr = region->addr,
		.span_bytes = region_pages(region) * HEAT_PAGE_BYTES,
		.bytes = pages * HEAT_PAGE_BYTES,
		.pid = region->pid,
		.tier = tier,
		.heat = known ? exp2f(mean + MEAN_OF_LOG * sigma * sigma) : 0,
		.heat_low = known ? exp2f(mean - off) : 0,
		.heat_high = known ? exp2f(mean + off) : HUGE_VALF,
		.age_ms = HEAT_NEVER_MOVED_MS,
	};
}

struct group {
	float mean_sum, sigma_sum;
	uint32_t pages;
	uint16_t key;
};

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

/* An entry of the view; it may be the one that is read next of the old view. */
static void
emit(struct heat *heat, const struct sluice_region *entry, uint16_t key)
{
	double pages = entry->bytes / (double)HEAT_PAGE_BYTES;

	if (isinf(entry->heat_high))
		heat->unknown_bytes += entry->bytes;
	if (entry->tier < 8) {
		heat->resident_bytes[entry->tier] += entry->bytes;
		heat->access_rate[entry->tier] += pages * (double)entry->heat;
	}
	if (heat->entry_count >= heat->entry_max)
		return;
	if (heat->entry_count == heat->old && heat->old < heat->old_end)
		make_room(heat);
	if (entry != &heat->entries[heat->entry_count])
		heat->entries[heat->entry_count] = *entry;
	heat->keys[heat->entry_count] = key;
	heat->entry_count++;
}

/* Stamps wrap after 17 minutes; forget them well before. */
static void
forget_move(const struct prior *prior, struct page_heat *page)
{
	if (page->moved && (prior->epoch + 255u - page->moved) % 255u > 150)
		page->moved = 0;
}

/* One entry a tier for all of a region. */
static void
emit_whole(struct heat *heat, uint32_t index, const struct prior *prior)
{
	struct region *region = &heat->regions[index];
	struct belief belief = {prior->mean, prior->sigma[0], 2};
	uint32_t age_ms;

	forget_move(prior, &region->whole);
	age_ms = key_age_ms(page_key(prior, &region->whole, &belief));

	for (uint32_t tier = 0; tier < 6; tier++) {
		struct sluice_region entry;

		if (!region->resident[tier])
			continue;
		entry_fill(&entry, region, tier, region->resident[tier], prior->mean,
			   prior->sigma[0], region->prior_var >= 0);
		entry.age_ms = age_ms;
		emit(heat, &entry, WHOLE_REGION);
	}
}

/* A region in detail: one entry for each kind of page in it. */
static void
emit_groups(struct heat *heat, uint32_t index, struct prior *prior)
{
	uint16_t *group_of_key = heat->group_of_key;
	const struct region *region = &heat->regions[index];
	struct detail *detail = &heat->details[region->detail];
	struct group groups[HEAT_REGION_PAGES];
	size_t count = 0;

	for (uint32_t p = 0; p < region_pages(region); p++) {
		struct page_heat *page = &detail->page[p];
		struct belief belief;
		uint16_t key;

		if (page_tier(page) == HEAT_TIER_ABSENT)
			continue;
		forget_move(prior, page);
		belief = page_belief(page, p, prior);
		key = page_key(prior, page, &belief);
		if (!group_of_key[key]) {
			groups[count] = (struct group){.key = key};
			group_of_key[key] = (uint16_t)++count;
		}
		struct group *group = &groups[group_of_key[key] - 1];

		group->mean_sum += belief.mean;
		group->sigma_sum += belief.sigma;
		group->pages++;
	}
	for (size_t g = 0; g < count; g++)
		group_of_key[groups[g].key] = 0;
	/* Two entries for each region are kept free, so that the last ones are seen too. */
	if (count > 64 ||
	    heat->entry_count + count + (size_t)heat->region_count * 2 > heat->entry_max) {
		emit_whole(heat, index, prior);
		return;
	}
	for (size_t g = 0; g < count; g++) {
		struct sluice_region entry;
		float pages = (float)groups[g].pages;
		int known = heat->have_spread &&
			    (region->prior_var >= 0 || ((groups[g].key >> 6) & 3u) > 0);

		entry_fill(&entry, region, (uint32_t)(groups[g].key >> 10) & 7u, groups[g].pages,
			   groups[g].mean_sum / pages, groups[g].sigma_sum / pages, known);
		entry.age_ms = key_age_ms(groups[g].key);
		emit(heat, &entry, groups[g].key);
	}
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

static int
is_fresh(const struct heat *heat, const struct region *region)
{
	return region->renew && !heat->all_renewed &&
	       (int32_t)(region->renew - when_of(heat->view_tick)) > 0;
}

static void
emit_again(struct heat *heat, const struct region *region)
{
	for (uint32_t e = 0; e < region->entry_count; e++) {
		heat->old++;
		emit(heat, &heat->entries[heat->old - 1], heat->keys[heat->old - 1]);
	}
}

const struct sluice_region *
heat_view(struct heat *heat, uint64_t now_ns, size_t *ret_count)
{
	struct spread spread = {0};
	int priors_due;

	heat->old = 0;
	heat->old_end = heat->entry_count;
	heat->entry_count = 0;
	/* So that it can be told again by when_of(). */
	heat->view_tick = table_tick(heat, now_ns) / WHEN_TICKS * WHEN_TICKS;
	memset(heat->resident_bytes, 0, sizeof(heat->resident_bytes));
	memset(heat->access_rate, 0, sizeof(heat->access_rate));
	heat->unknown_bytes = 0;
	/* The spreads need all regions, so now and then all are done anew. */
	priors_due = !heat->have_spread ||
		     heat->view_tick - heat->spread_tick > heat->spread_ticks ||
		     heat->samples - heat->spread_samples > heat->region_count * SPREAD_SAMPLES;
	heat->all_renewed = priors_due;
	for (uint32_t i = 0; i < heat->region_count; i++) {
		struct region *region = &heat->regions[i];
		uint32_t first = (uint32_t)heat->entry_count;
		struct prior prior;

		if (is_fresh(heat, region)) {
			emit_again(heat, region);
		} else {
			heat->old += region->entry_count;
			prior_find(heat, region, &prior, &spread);
			if (region->detail != NO_DETAIL)
				emit_groups(heat, i, &prior);
			else
				emit_whole(heat, i, &prior);
			region->viewed = when_of(heat->view_tick);
			/* Without the spreads nothing is known; the next view has them. */
			region->renew = heat->have_spread ? renew_at(heat, region) : 0;
		}
		region->entry_count = (uint16_t)(heat->entry_count - first);
	}
	if (priors_due) {
		if (!heat->have_spread)
			heat->spread_ticks = SPREAD_TICKS / 2;
		heat->spread_ticks = heat->spread_ticks < SPREAD_TICKS_MOST / 2
					     ? 2 * heat->spread_ticks
					     : SPREAD_TICKS_MOST;
		prior_learn_spread(heat, &spread);
		heat->spread_tick = heat->view_tick;
		heat->spread_samples = heat->samples;
	}
	if (heat->entry_count > heat->entry_most)
		heat->entry_most = heat->entry_count;
	if (heat->old_end > heat->entry_most)
		heat->entry_most = heat->old_end;
	*ret_count = heat->entry_count;
	return heat->entries;
}

size_t
heat_entry_pages(const struct heat *heat, size_t i, uint64_t *addrs, size_t capacity)
{
	const struct sluice_region *entry;
	const struct region *region;
	struct prior prior;
	size_t count = 0;
	uint16_t key;

	if (i >= heat->entry_count)
		return 0;
	entry = &heat->entries[i];
	key = heat->keys[i];
	region = &heat->regions[table_lower(heat, entry->pid, entry->addr)];
	if (region_is_huge(region)) {
		if (capacity)
			addrs[count++] = region->addr;
		return count;
	}
	if (region->detail == NO_DETAIL || key == WHOLE_REGION) {
		for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
			if (region->detail == NO_DETAIL ||
			    page_tier(&heat->details[region->detail].page[p]) == entry->tier)
				addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
		}
		return count;
	}
	/* The entry may be of an earlier view; then and now its pages are those of then. */
	prior_set_time(&prior, region,
		       heat->view_tick - ticks_since_when(heat->view_tick, region->viewed));
	prior_set(&prior, region);
	for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
		const struct page_heat *page = &heat->details[region->detail].page[p];
		struct belief belief;

		if (page_tier(page) != entry->tier)
			continue;
		belief = page_belief(page, p, &prior);
		if (page_key(&prior, page, &belief) == key)
			addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
	}
	return count;
}

uint32_t
heat_entry_unit(const struct heat *heat, size_t i)
{
	const struct sluice_region *entry = &heat->entries[i];

	return i < heat->entry_count &&
			       region_is_huge(
				       &heat->regions[table_lower(heat, entry->pid, entry->addr)])
		       ? HEAT_REGION_BYTES
		       : HEAT_PAGE_BYTES;
}

uint64_t
heat_alarms(const struct heat *heat)
{
	return heat->alarms;
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
	ret->samples = heat->samples;
	ret->samples_lost = heat->samples_lost;
	ret->alarms = heat->alarms;
	for (uint32_t i = 0; i < heat->region_count; i++)
		ret->tracked_bytes += (uint64_t)heat->regions[i].pages * HEAT_PAGE_BYTES;
	memcpy(ret->resident_bytes, heat->resident_bytes, sizeof(ret->resident_bytes));
	ret->unknown_bytes = heat->unknown_bytes;
	memcpy(ret->access_rate, heat->access_rate, sizeof(ret->access_rate));
	ret->within_var = heat->within_var;
	ret->between_var = heat->between_var;
}
