/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotness.c - the default policy: the hottest bytes live in the fast tier, to the byte.
 *
 * Fast memory holds the hottest K bytes when no memory in slow tiers is hotter than any in fast
 * ones. So rank slow memory from its hottest and fast memory from its coldest, and swap from the
 * tops of both lists for as long as a swap is surely a gain:
 *
 *   slow, by heat_low:   900  700  300 | 20  10 ...      admit on the lower bound,
 *   fast, by heat_high:    1    2    8 | 30  90 ...      evict on the upper bound
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
	int plan_full;
};

enum { BAND, MIN_AGE_MS, SLACK_PERCENT, ENTRIES_MAX };
static const struct sluice_param params[] = {
	[BAND] = {"band", "1.2",
		  "swap when the lower bound of the hot memory's heat is above this "
		  "many times the upper bound of the cold memory's"},
	[MIN_AGE_MS] = {"min_age_ms", "2000",
			"leave memory where it is for this long after a move"},
	[SLACK_PERCENT] = {"slack_percent", "0.5",
			   "share of a tier whose room is left alone, so that small ups and downs "
			   "of free memory move nothing"},
	[ENTRIES_MAX] = {"entries_max", "4194304",
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

/* Whether the two bounds are far enough apart for a swap. */
static int
is_hotter(const struct hotness *h, const struct sluice_region *hot,
	  const struct sluice_region *cold)
{
	return hot->heat_low > h->band * cold->heat_high;
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
				(struct candidate){.key = -r->heat_high, .entry = (uint32_t)i};
		else if (r->tier > tier && !young && r->heat_low > 0 &&
			 (h->room_bytes[tier] > 0 || r->heat_low > h->band * coldest))
			h->hot.items[h->hot.count++] =
				(struct candidate){.key = r->heat_low, .entry = (uint32_t)i};
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

/* Send it to the next slower tier that has room. Returns whether that was possible. */
static int
demote(struct hotness *h, const struct candidate *candidate)
{
	const struct sluice_region *cold = region_of(h, candidate);

	for (uint32_t to = cold->tier + 1; to < h->view->tier_count; to++) {
		if (h->room_bytes[to] < cold->bytes || h->budget_bytes < cold->bytes)
			continue;
		if (!ask(h, candidate->entry, to, 0))
			return 0;
		h->room_bytes[to] -= cold->bytes;
		h->room_bytes[cold->tier] += cold->bytes;
		h->budget_bytes -= cold->bytes;
		return 1;
	}
	return 0;
}

/* Whether evicting `cold` wins more accesses than it loses: one hot page is no reason to evict
 * 2 MiB that are, together, in greater demand. All that could take its place count. */
static int
is_worth(struct hotness *h, uint32_t hot_rank, const struct sluice_region *cold)
{
	double win = 0, loss = h->band * (double)cold->heat_high * cold->bytes;
	uint64_t left_bytes = cold->bytes;
	const struct candidate *candidate;

	while (win <= loss && left_bytes > 0 && (candidate = ranking_at(&h->hot, hot_rank++))) {
		const struct sluice_region *hot = region_of(h, candidate);
		uint64_t bytes = hot->bytes < left_bytes ? hot->bytes : left_bytes;

		if (!is_hotter(h, hot, cold))
			break;
		win += (double)hot->heat_low * (double)bytes;
		left_bytes -= bytes;
	}
	return win > loss;
}

/* Fill one tier from all slower ones, evicting what is colder. */
static void
fill(struct hotness *h, uint32_t tier)
{
	const struct sluice_tier *t = sluice_view_tier(h->view, tier);
	uint64_t slack_bytes = (uint64_t)(h->slack_percent / 100 * (double)t->total_bytes);
	uint64_t *room_bytes = &h->room_bytes[tier];
	const struct sluice_region *victim = NULL; /* the last that gave way */
	uint32_t next_hot = 0, next_cold = 0;
	uint64_t piece_bytes;
	struct candidate *candidate;
	int may_swap;

	*room_bytes -= *room_bytes < slack_bytes ? *room_bytes : slack_bytes;
	/* Room that is still there although it was on offer means that promotions do not get
	 * through; then evicting more would be for nothing. */
	may_swap = *room_bytes < PIECE_BYTES;
	gather(h, tier, t->shortage_bytes > 0);

	/* The kernel comes first: cure a shortage before anything else. */
	if (t->shortage_bytes > 0) {
		*room_bytes = 0;
		while (*room_bytes < t->shortage_bytes) {
			candidate = ranking_at(&h->cold, next_cold++);
			if (!candidate || !demote(h, candidate))
				return;
		}
		*room_bytes -= t->shortage_bytes;
	}

	do {
		uint32_t hot_rank = next_hot;

		piece_bytes = 0;
		while (piece_bytes < PIECE_BYTES && (candidate = ranking_at(&h->hot, next_hot))) {
			const struct sluice_region *hot = region_of(h, candidate);
			struct candidate *cold;

			/* The room that a victim left is not for what is no hotter than the victim.
			 */
			if ((victim && !is_hotter(h, hot, victim)) || hot->bytes > h->budget_bytes)
				break;
			while (hot->bytes > *room_bytes && may_swap &&
			       (cold = ranking_at(&h->cold, next_cold))) {
				const struct sluice_region *r = region_of(h, cold);

				if (r->age_ms >= h->min_age_ms) {
					if (!is_hotter(h, hot, r) || !is_worth(h, next_hot, r) ||
					    !demote(h, cold))
						break;
					victim = r;
				}
				next_cold++;
			}
			if (hot->bytes > *room_bytes || hot->bytes > h->budget_bytes)
				break;
			*room_bytes -= hot->bytes;
			h->budget_bytes -= hot->bytes;
			piece_bytes += hot->bytes;
			candidate->key = hot->heat - (victim ? victim->heat : 0);
			next_hot++;
		}
		for (; hot_rank < next_hot; hot_rank++) {
			candidate = ranking_at(&h->hot, hot_rank);
			if (!ask(h, candidate->entry, tier, candidate->key))
				return;
			h->promoted[candidate->entry] = 1;
			h->room_bytes[region_of(h, candidate)->tier] +=
				region_of(h, candidate)->bytes;
		}
	} while (piece_bytes > 0);
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
	for (uint32_t i = 0; i < view->tier_count; i++)
		h->room_bytes[i] = sluice_view_tier(view, i)->room_bytes;
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

SLUICE_POLICY(.name = "hotness", .summary = "keep the hottest bytes in the fastest tiers (default)",
	      .params = params, .init = hotness_init, .decide = hotness_decide,
	      .fini = hotness_fini);
