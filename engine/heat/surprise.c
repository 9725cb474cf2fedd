/* SPDX-License-Identifier: Apache-2.0 */
/*
 * surprise.c - see surprise.h.
 *
 * Of n pages that are marked, with rate r each, n r t are touched in a short time t. Each touch
 * makes it likelier by a factor of SURPRISE_TIMES that all are hotter by as much, and each second
 * of a page's waiting less likely; it counts from the marking for all of them, also for those that
 * were touched. In a region whose pages differ the hotter ones come first, and there it says
 * nothing. Where touched pages lie apart it is certain: one short gap of a page is believed then,
 * where it takes two elsewhere.
 */
#include "surprise.h"

#include "log.h"
#include "pace.h"

/* Programs, and machines that others use too, change their pace several times over. */
#define SURPRISE_TIMES 8.0f
/* Colder memory than that is no news, whatever it was before: accesses per second, and beside the
 * mean of what fast memory holds. */
#define NEWS_RATE 1.0f
#define NEWS_SHARE 0.5f
#define NEWS_TICKS 1000000u
/* To count those that wait takes a while, so that is done at each power of two from there on. */
#define TOUCHES_LEAST 16u
/* It is surer than what a coarse tracker sees, and comes region by region. */
#define WORTH_ALARMS 2u
#define ALIKE_VAR 0.7f /* octaves squared */

/* Without detail that is what was found when it had some, or what others with detail tell. */
static int
pages_are_alike(struct heat *heat, const struct region *region)
{
	if (region_believed(heat, region) <= 0 || region->by_bits)
		return 0;
	if (region->detail != NO_DETAIL)
		return region->prior_var < ALIKE_VAR;
	if (region->differ)
		return region_differ_var(region) < ALIKE_VAR;
	return heat->detail_most > 0 && heat->within_var < ALIKE_VAR;
}

static float
news_rate(const struct heat *heat)
{
	double pages = (double)heat->told.resident_bytes[0] / HEAT_PAGE_BYTES;

	return fmaxf(NEWS_RATE,
		     pages > 0 ? (float)(NEWS_SHARE * heat->told.access_rate[0] / pages) : 0);
}

/* A scan touches page after page, once: slow pages that were touched then lie beside each other,
 * and no gap of theirs tells how hot they are. Of 16 touched at random among 512 about one pair
 * does. Pages that were not marked count as touched: then it is not known. */
#define SCAN_PART 4u

static int
lie_apart(const struct heat *heat, const struct region *region)
{
	const struct page_heat *page;
	uint32_t pairs = 0;
	int before = 0;

	if (region->detail == NO_DETAIL)
		return 0;
	page = heat->details[region->detail].page;
	for (uint32_t p = 0; p < region_pages(region); p++) {
		uint8_t tier = page_tier(&page[p]);
		int waits_not = !page[p].watched && tier && tier != HEAT_TIER_ABSENT;

		pairs += before && waits_not;
		before = waits_not;
	}
	return pairs <= region->touched / SCAN_PART;
}

void
surprise_touched(struct heat *heat, struct region *region, uint64_t ticks, uint64_t tick)
{
	/* Rings of several CPUs are read one after the other, so later touches may have come. */
	uint64_t armed = tick - ticks, elapsed = ticks_since(heat->latest_tick, armed);
	uint32_t waiting;
	float touched, waiting_s, believed, most;

	if (region->touched < TOUCHES_LEAST || (region->touched & (region->touched - 1u)) ||
	    elapsed > NEWS_TICKS || !pages_are_alike(heat, region) || !region_is_slow(region))
		return;
	touched = region->touched;
	waiting = region_waiting(heat, region);
	waiting_s = (touched + (float)waiting) * (float)elapsed / TICKS_PER_S;
	believed = region_believed(heat, region);
	most = believed * pace_unrest_times(heat, region->pid); /* as its pace may be */
	if (touched < news_rate(heat) * waiting_s ||
	    touched * logf(SURPRISE_TIMES) - (SURPRISE_TIMES - 1) * most * waiting_s < ALARM_LOG)
		return;
	log_debug("heat",
		  "process %d, region at %#llx: %u pages touched in %.0f ms, %u wait, believed "
		  "%.2f/s",
		  region->pid, (unsigned long long)region->addr, region->touched,
		  (double)elapsed / 1e3, waiting, (double)believed);
	heat->alarms += WORTH_ALARMS;
	region_alarmed(heat, region, lie_apart(heat, region), tick);
}
