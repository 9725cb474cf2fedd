/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entries.c - from page estimates to what a policy sees of one region: pages that end up in the
 * same half octave, tier and state become one entry.
 */
#include <math.h>

#include "entries.h"
#include "kinds.h"
#include "pace.h"

/* What policy.h calls 69 %; with 1.0 a scattered Zipf workload stays 2 points below its best, and
 * nothing else gets better. */
#define BOUND_SIGMAS 0.5f
#define BINS 64u /* half octaves from RATE_LOWEST */

static struct belief
belief_of(struct evidence evidence, struct prior *prior)
{
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
	   struct pace_view pace, float mean, float sigma, int known)
{
	float median = known ? exp2f(mean + pace.shown + pace.leap) : 0;
	float times = known ? exp2f(BOUND_SIGMAS * sigma) : 1;

	*entry = (struct sluice_region){
		.addr = region->addr,
		.span_bytes = region_pages(region) * HEAT_PAGE_BYTES,
		.bytes = pages * HEAT_PAGE_BYTES,
		.pid = region->pid,
		.tier = tier,
		.heat = known ? median * exp2f(MEAN_OF_LOG * sigma * sigma) : 0,
		.heat_low = known ? median / times : 0,
		.heat_high = known ? median * times : HUGE_VALF,
		.age_ms = HEAT_NEVER_MOVED_MS,
	};
}

/* One entry a tier for all of a region. */
static size_t
whole_entries(struct region *region, const struct prior *prior, struct pace_view pace,
	      struct sluice_region *entries, uint16_t *keys)
{
	struct belief belief = {prior->mean, prior->sigma[0], 2};
	size_t count = 0;
	uint32_t age_ms;

	prior_forget_move(prior, &region->whole);
	age_ms = key_age_ms(page_key(prior, &region->whole, &belief));
	for (uint32_t tier = 0; tier < 6; tier++) {
		if (!region->resident[tier])
			continue;
		entry_fill(&entries[count], region, tier, region->resident[tier], pace, prior->mean,
			   prior->sigma[0], region->prior_var >= 0);
		entries[count].age_ms = age_ms;
		keys[count++] = WHOLE_REGION;
	}
	return count;
}

#define BESIDE_VAR 0.5f /* pages that differ by so much share half of what the pace is off by */

/* What their touches do not remove: all pages of a region were seen at the same pace, which is
 * known as well as the region is. Those that differ are mostly compared with those beside them. */
static float
with_pace(const struct region *region, struct pace_view pace, float sigma)
{
	float var = fabsf(region->prior_var), left;

	if (pace.var <= 0)
		return sigma;
	left = pace.var * var / (var + pace.var) * BESIDE_VAR / (BESIDE_VAR + var);
	return sqrtf(sigma * sigma + left);
}

/* Pages of a region in detail that become one entry. */
struct group {
	float mean_sum, sigma_sum;
	uint32_t pages;
	uint16_t key;
};

static size_t
groups_find(struct heat *heat, struct prior *prior, struct group *groups)
{
	uint16_t *group_of_key = heat->group_of_key;
	size_t count = 0;

	for (uint32_t k = 0; k < heat->kinds.count; k++) {
		const struct kind *kind = &heat->kinds.kind[k];
		struct belief belief = belief_of(kind->evidence, prior);
		uint16_t key = page_key(prior, &kind->page, &belief);
		float pages = kind->pages;
		struct group *group;

		if (!group_of_key[key]) {
			groups[count] = (struct group){.key = key};
			group_of_key[key] = (uint16_t)++count;
		}
		group = &groups[group_of_key[key] - 1];
		group->mean_sum += pages * belief.mean;
		group->sigma_sum += pages * belief.sigma;
		group->pages += kind->pages;
	}
	for (size_t g = 0; g < count; g++)
		group_of_key[groups[g].key] = 0;
	return count;
}

size_t
entries_find(struct heat *heat, struct region *region, struct prior *prior, size_t room,
	     struct sluice_region *entries, uint16_t *keys)
{
	struct group groups[HEAT_REGION_PAGES];
	struct pace_view pace = pace_view(heat, region);
	size_t count;

	if (region->detail == NO_DETAIL || region->guessed)
		return whole_entries(region, prior, pace, entries, keys);
	count = groups_find(heat, prior, groups);
	if (count > ENTRIES_MOST || count > room)
		return whole_entries(region, prior, pace, entries, keys);
	for (size_t g = 0; g < count; g++) {
		float pages = (float)groups[g].pages;
		int known = heat->have_spread &&
			    (region->prior_var >= 0 || ((groups[g].key >> 6) & 3u) > 0);

		entry_fill(&entries[g], region, (uint32_t)(groups[g].key >> 10) & 7u,
			   groups[g].pages, pace, groups[g].mean_sum / pages,
			   with_pace(region, pace, groups[g].sigma_sum / pages), known);
		entries[g].age_ms = key_age_ms(groups[g].key);
		keys[g] = groups[g].key;
	}
	return count;
}

size_t
heat_entry_pages(const struct heat *heat, size_t i, uint64_t *addrs, size_t capacity)
{
	const struct sluice_region *entry;
	const struct region *region;
	struct prior prior;
	size_t count = 0;
	uint64_t tick;
	uint16_t key;

	if (i >= heat->entries_shown)
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
			if (region->detail == NO_DETAIL || region->guessed ||
			    page_tier(&heat->details[region->detail].page[p]) == entry->tier)
				addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
		}
		return count;
	}
	/* The entry may be of an earlier view; then and now its pages are those of then. */
	tick = heat->view_tick - ticks_since_when(heat->view_tick, region->viewed);
	prior_set_time(&prior, region, tick, table_epoch(tick));
	prior_set(&prior, region);
	for (uint32_t p = 0; p < region_pages(region) && count < capacity; p++) {
		const struct page_heat *page = &heat->details[region->detail].page[p];
		struct belief belief;

		if (page_tier(page) != entry->tier)
			continue;
		belief = belief_of(page_evidence(page, p >= prior.split, &prior), &prior);
		if (page_key(&prior, page, &belief) == key)
			addrs[count++] = region->addr + (uint64_t)p * HEAT_PAGE_BYTES;
	}
	return count;
}

uint32_t
heat_entry_unit(const struct heat *heat, size_t i)
{
	const struct sluice_region *entry = &heat->entries[i];

	return i < heat->entries_shown &&
			       region_is_huge(
				       &heat->regions[table_lower(heat, entry->pid, entry->addr)])
		       ? HEAT_REGION_BYTES
		       : HEAT_PAGE_BYTES;
}
