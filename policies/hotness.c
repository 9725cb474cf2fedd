/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotness.c - the hottest bytes live in the fast tier, to the byte. It remembers nothing.
 *
 * Fast memory holds the hottest K bytes when no memory in slow tiers is hotter than any in fast
 * ones. So rank slow memory from its hottest and fast memory from its coldest, and swap from the
 * tops of both lists for as long as a swap is surely a gain:
 *
 *   slow, by lower bound:   900  700  300 | 20  10 ...      admit on the lower bound,
 *   fast, by upper bound:     1    2    8 | 30  90 ...      evict on the upper bound
 *
 * The two bounds are the warm band: between them nothing moves, however noisy the estimates, and it
 * narrows by itself as evidence comes in. Tiers are done from the fastest down, each taking from
 * all slower ones; what gives way goes to the next slower tier with room.
 *
 * Cost: two passes over the view, and log n for each entry moved. Nothing is allocated in decide().
 */
#include <stdio.h>
#include <string.h>

#include "param.h"
#include "sluice/topology.h"

/* Demotions and the promotions that they make room for alternate in pieces of this size, so that a
 * plan that is cut off anywhere has done something useful. */
#define PIECE_BYTES (8u << 20)

struct candidate {
	float key; /* the higher, the sooner it moves; of a promotion that is decided, its gain */
	uint32_t entry;
};

/* Candidates, ranked as far as anybody asked: a heap in [0, unranked), and behind it, counted from
 * the end, those that were taken off it. */
struct ranking {
	struct candidate *items;
	uint32_t count, unranked;
	uint32_t next; /* rank of the first that has not been planned yet */
};

struct hotness {
	const struct sluice_host *host;
	double band, slack_percent;
	uint32_t min_age_ms, entries_max;
	struct ranking hot, cold;
	uint8_t *promoted; /* by entry: planned for a faster tier already */

	/* This round. */
	const struct sluice_view *view;
	struct sluice_plan *plan;
	uint64_t budget_bytes;
	uint64_t room_bytes[SLUICE_TIERS_MAX];
	uint64_t shortage_bytes[SLUICE_TIERS_MAX]; /* what leaves cures this before it makes room */
	const struct sluice_region *victim;        /* the last that gave way in this tier */
	int plan_full;
};

enum { BAND, MIN_AGE_MS, SLACK_PERCENT, ENTRIES_MAX };
static const struct sluice_param params[] = {
	[BAND] = {"band", "1.2",
		  "swap when the hot memory is surely hotter than the cold, by this factor"},
	[MIN_AGE_MS] = {"min_age_ms", "3000",
			"leave memory where it is for this long after a move"},
	[SLACK_PERCENT] = {"slack_percent", "0.5",
			   "share of a tier whose room is left alone, so that small ups and downs "
			   "of free memory move nothing"},
	[ENTRIES_MAX] = {"entries_max", "9437184",
			 "most view entries that can be ranked, at 17 bytes each when used"},
	{0},
};

static int
goes_before(struct candidate a, struct candidate b)
{
	return a.key > b.key ||
	       (a.key == b.key && a.entry < b.entry); /* neighbours move together */
}

static void
sift_down(struct ranking *ranking, uint32_t i)
{
	struct candidate moving = ranking->items[i];

	for (uint32_t child; (child = 2 * i + 1) < ranking->unranked; i = child) {
		if (child + 1 < ranking->unranked &&
		    goes_before(ranking->items[child + 1], ranking->items[child]))
			child++;
		if (!goes_before(ranking->items[child], moving))
			break;
		ranking->items[i] = ranking->items[child];
	}
	ranking->items[i] = moving;
}

static void
ranking_begin(struct ranking *ranking)
{
	ranking->unranked = ranking->count;
	ranking->next = 0;
	for (uint32_t i = ranking->count / 2; i-- > 0;)
		sift_down(ranking, i);
}

/* The candidate of that rank, 0 for the first; NULL behind the last. */
static struct candidate *
ranking_at(struct ranking *ranking, uint32_t rank)
{
	if (rank >= ranking->count)
		return NULL;
	while (ranking->count - ranking->unranked <= rank) {
		struct candidate first = ranking->items[0];

		ranking->items[0] = ranking->items[--ranking->unranked];
		ranking->items[ranking->unranked] = first;
		if (ranking->unranked > 0)
			sift_down(ranking, 0);
	}
	return &ranking->items[ranking->count - 1 - rank];
}

static const struct sluice_region *
region_of(const struct hotness *h, const struct candidate *candidate)
{
	return sluice_view_region(h->view, candidate->entry);
}

/* The view's bounds hold with 69 %, half a sigma. Of ten thousand regions with equal heat many lie
 * outside of them at any time, and would be swapped for nothing, so we go half as far again. The
 * lower bound by a factor, for it must stay above 0; the upper one by a sum, for what was never
 * seen accessed has no factor. On the noisy machine of test_policy_hotness.c, whose bounds are one
 * sigma, this cuts the moves of a steady minute from 81 MiB to 4, and costs a second until 100 MiB
 * of hot memory are found. */
static float
surely_above(const struct sluice_region *region)
{
	return region->heat_low < region->heat
		       ? region->heat_low * sqrtf(region->heat_low / region->heat)
		       : region->heat_low;
}

static float
surely_below(const struct sluice_region *region)
{
	return region->heat < region->heat_high
		       ? region->heat_high + (region->heat_high - region->heat) / 2
		       : region->heat_high;
}

static int
is_hotter(const struct hotness *h, const struct sluice_region *hot,
	  const struct sluice_region *cold)
{
	return surely_above(hot) > h->band * surely_below(cold);
}

/* Collect who could move into and out of `tier`, leaving out all that is sure not to: in the steady
 * state that is nearly everything. */
static void
gather(struct hotness *h, uint32_t tier, int evict_young)
{
	const struct sluice_view *view = h->view;
	float hottest = 0, coldest = HUGE_VALF;

	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		if (r->age_ms < h->min_age_ms || h->promoted[i])
			continue;
		if (r->tier == tier && r->heat_high < coldest)
			coldest = r->heat_high;
		else if (r->tier > tier && r->heat_low > hottest)
			hottest = r->heat_low;
	}
	h->hot.count = h->cold.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);
		int young = r->age_ms < h->min_age_ms;

		if (r->tier < tier || h->promoted[i] || (young && !evict_young))
			continue;
		/* Nobody is evicted for room's sake before it is known how hot it is. */
		if (r->tier == tier && (evict_young || h->band * r->heat_high < hottest))
			h->cold.items[h->cold.count++] =
				(struct candidate){.key = -surely_below(r), .entry = (uint32_t)i};
		else if (r->tier > tier && !young && r->heat_low > 0 &&
			 (h->room_bytes[tier] > 0 || r->heat_low > h->band * coldest))
			h->hot.items[h->hot.count++] =
				(struct candidate){.key = surely_above(r), .entry = (uint32_t)i};
	}
	ranking_begin(&h->hot);
	ranking_begin(&h->cold);
}

static int
ask(struct hotness *h, uint32_t entry, uint32_t tier, float gain)
{
	if (!h->plan_full && h->host->move(h->plan, entry, tier, gain) < 0)
		h->plan_full = 1; /* what is planned so far is useful by itself */
	return !h->plan_full;
}

/* A budget smaller than a region must not stop everything: the first move may exceed it, and the
 * engine moves what part of it may move. */
static int
is_affordable(const struct hotness *h, uint64_t bytes)
{
	return bytes <= h->budget_bytes ||
	       (h->budget_bytes > 0 && h->budget_bytes == h->view->budget_bytes);
}

static void
spend(struct hotness *h, uint64_t bytes)
{
	h->budget_bytes -= bytes < h->budget_bytes ? bytes : h->budget_bytes;
}

static void
vacate(struct hotness *h, const struct sluice_region *leaving)
{
	uint64_t *shortage_bytes = &h->shortage_bytes[leaving->tier];
	uint64_t cured = leaving->bytes < *shortage_bytes ? leaving->bytes : *shortage_bytes;

	*shortage_bytes -= cured;
	h->room_bytes[leaving->tier] += leaving->bytes - cured;
}

/* Send it to the next slower tier that has room. Returns whether that was possible. */
static int
demote(struct hotness *h, const struct candidate *candidate)
{
	const struct sluice_region *cold = region_of(h, candidate);

	for (uint32_t to = cold->tier + 1; to < h->view->tier_count; to++) {
		if (h->room_bytes[to] < cold->bytes || !is_affordable(h, cold->bytes))
			continue;
		if (!ask(h, candidate->entry, to, 0))
			return 0;
		h->room_bytes[to] -= cold->bytes;
		vacate(h, cold);
		spend(h, cold->bytes);
		return 1;
	}
	return 0;
}

/* Whether evicting `cold` wins more accesses than it loses: one hot page is no reason to evict
 * 2 MiB that are, together, in greater demand. All that could take its place count. */
static int
is_worth(struct hotness *h, const struct sluice_region *cold)
{
	double win = 0, loss = h->band * (double)surely_below(cold) * cold->bytes;
	uint64_t left_bytes = cold->bytes;
	const struct candidate *candidate;

	for (uint32_t rank = h->hot.next; win <= loss && left_bytes > 0; rank++) {
		candidate = ranking_at(&h->hot, rank);
		if (!candidate || !is_hotter(h, region_of(h, candidate), cold))
			break;
		const struct sluice_region *hot = region_of(h, candidate);
		uint64_t bytes = hot->bytes < left_bytes ? hot->bytes : left_bytes;

		win += (double)surely_above(hot) * (double)bytes;
		left_bytes -= bytes;
	}
	return win > loss;
}

/* The kernel comes first: when the tier is below its watermark the coldest leave, whatever their
 * age. Returns whether that was enough. */
static int
cure_shortage(struct hotness *h, uint32_t tier)
{
	const struct candidate *cold;

	while (h->shortage_bytes[tier] > 0) {
		cold = ranking_at(&h->cold, h->cold.next++);
		if (!cold || !demote(h, cold))
			return 0;
	}
	return 1;
}

/* Evict what is surely colder than `hot` until that fits. Returns whether it does. */
static int
make_room(struct hotness *h, uint32_t tier, const struct sluice_region *hot)
{
	const struct candidate *candidate;

	while (hot->bytes > h->room_bytes[tier]) {
		const struct sluice_region *cold;

		candidate = ranking_at(&h->cold, h->cold.next);
		if (!candidate)
			return 0;
		cold = region_of(h, candidate);
		if (cold->age_ms >= h->min_age_ms) {
			if (!is_hotter(h, hot, cold) || !is_worth(h, cold) || !demote(h, candidate))
				return 0;
			h->victim = cold;
		}
		h->cold.next++;
	}
	return 1;
}

/* Decide on promotions of about PIECE_BYTES, and plan the demotions that they need. They end up
 * ranked from where hot.next was to where it is; returns how many. */
static uint32_t
choose_piece(struct hotness *h, uint32_t tier, int may_swap)
{
	uint32_t first = h->hot.next;
	uint64_t piece_bytes = 0;
	struct candidate *candidate;

	while (piece_bytes < PIECE_BYTES && (candidate = ranking_at(&h->hot, h->hot.next))) {
		const struct sluice_region *hot = region_of(h, candidate);

		/* Room left over by a victim is not for what is no hotter than the victim. */
		if (h->victim && !is_hotter(h, hot, h->victim))
			break;
		if (hot->bytes > h->room_bytes[tier] && !(may_swap && make_room(h, tier, hot)))
			break;
		if (!is_affordable(h, hot->bytes))
			break;
		h->room_bytes[tier] -= hot->bytes;
		spend(h, hot->bytes);
		piece_bytes += hot->bytes;
		candidate->key = hot->heat - (h->victim ? h->victim->heat : 0);
		h->hot.next++;
	}
	return h->hot.next - first;
}

/* Fill one tier from all slower ones, evicting what is colder. */
static void
fill(struct hotness *h, uint32_t tier)
{
	const struct sluice_tier *t = sluice_view_tier(h->view, tier);
	uint64_t slack_bytes = (uint64_t)(h->slack_percent / 100 * (double)t->total_bytes);
	uint64_t *room_bytes = &h->room_bytes[tier];
	uint32_t count;
	int may_swap;

	*room_bytes -= *room_bytes < slack_bytes ? *room_bytes : slack_bytes;
	/* Room that is still there although it was on offer means that promotions do not get
	 * through; then evicting more would be for nothing. */
	may_swap = *room_bytes < PIECE_BYTES;
	h->victim = NULL;
	gather(h, tier, h->shortage_bytes[tier] > 0);
	if (!cure_shortage(h, tier))
		return;
	while ((count = choose_piece(h, tier, may_swap)) > 0) {
		for (uint32_t rank = h->hot.next - count; rank < h->hot.next; rank++) {
			const struct candidate *candidate = ranking_at(&h->hot, rank);
			const struct sluice_region *hot = region_of(h, candidate);

			if (!ask(h, candidate->entry, tier, candidate->key))
				return;
			h->promoted[candidate->entry] = 1;
			vacate(h, hot);
		}
	}
}

static int
hotness_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	struct hotness *h = self;

	if (view->tier_count > SLUICE_TIERS_MAX)
		return sluice_fail(reterr, -E2BIG, "hotness handles %d tiers, this machine has %u",
				   SLUICE_TIERS_MAX, view->tier_count);
	if (view->region_count > h->entries_max)
		return sluice_fail(
			reterr, -E2BIG,
			"the view has %llu entries, hotness ranks at most %u; raise it with "
			"--policy-set entries_max=%llu",
			(unsigned long long)view->region_count, h->entries_max,
			2 * (unsigned long long)view->region_count);
	h->view = view;
	h->plan = plan;
	h->budget_bytes = view->budget_bytes;
	h->plan_full = 0;
	memset(h->promoted, 0, view->region_count);
	for (uint32_t i = 0; i < view->tier_count; i++) {
		h->room_bytes[i] = sluice_view_tier(view, i)->room_bytes;
		h->shortage_bytes[i] = sluice_view_tier(view, i)->shortage_bytes;
	}
	for (uint32_t tier = 0; tier + 1 < view->tier_count && !h->plan_full; tier++)
		fill(h, tier);
	return 0;
}

static void
hotness_fini(void *self)
{
	struct hotness *h = self;

	if (!h)
		return;
	free(h->hot.items);
	free(h->cold.items);
	free(h->promoted);
	free(h);
}

static int
hotness_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	     struct sluice_err *reterr)
{
	struct hotness *h = calloc(1, sizeof(*h));
	double min_age_ms = 0, entries_max = 0;
	int r;

	if (!h)
		return sluice_fail(reterr, -ENOMEM, "no memory for hotness");
	h->host = host;
	if ((r = param_number(params, values, BAND, 1, 100, &h->band, reterr)) < 0 ||
	    (r = param_number(params, values, MIN_AGE_MS, 0, 1e9, &min_age_ms, reterr)) < 0 ||
	    (r = param_number(params, values, SLACK_PERCENT, 0, 50, &h->slack_percent, reterr)) <
		    0 ||
	    (r = param_number(params, values, ENTRIES_MAX, 1, 1e9, &entries_max, reterr)) < 0)
		goto fail;
	h->min_age_ms = (uint32_t)min_age_ms;
	h->entries_max = (uint32_t)entries_max;
	/* The kernel backs these as they are touched, so a high limit costs nothing. */
	h->hot.items = malloc(h->entries_max * sizeof(*h->hot.items));
	h->cold.items = malloc(h->entries_max * sizeof(*h->cold.items));
	h->promoted = calloc(h->entries_max, 1);
	if (!h->hot.items || !h->cold.items || !h->promoted) {
		r = sluice_fail(reterr, -ENOMEM, "no memory to rank %u entries; lower entries_max",
				h->entries_max);
		goto fail;
	}
	*ret_self = h;
	return 0;
fail:
	hotness_fini(h);
	return r;
}

SLUICE_POLICY(.name = "hotness", .summary = "keep the hottest bytes in the fastest tiers",
	      .params = params, .init = hotness_init, .decide = hotness_decide,
	      .fini = hotness_fini);
