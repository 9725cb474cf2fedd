/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto.c - our own policy: fast memory holds what is forecast to be the hottest, to the byte.
 *
 * Heat tells of the past, and a placement earns in the future. Most programs go on as they did a
 * moment ago, and then heat is the forecast. Others have moments that do not last: a hot set that
 * jumps, a scan, a search. There what counts is how hot memory usually is. So the forecast is
 *
 *   usual + persistence * (heat - usual)
 *
 * and persistence, the share of such a deviation that is still there a round later, is learned all
 * the time from all regions, by least squares: whoever deviates, votes with the square of it. Its
 * mean over as many rounds as a place is given away for takes its place.
 *
 * Who moves is decided as in hotness.c: slow memory from its hottest against fast memory from its
 * coldest, the lower bound of one against the upper bound of the other.
 *
 * What was tried (modelled; share of what all fast is faster than all slow; 4 GiB, 90 s, exact):
 * - the forecast: jumps every second, 1:1, earn 61.5 % and move 3.6 GiB up; hotness 56.2 % and 7.3.
 *   PageRank 1:1 90.7 % with 2.2 GiB; hotness 87.7 % with 8.2.
 * - what deviates now as the prior, instead of the spread of all heat: PageRank 1:4 took over a
 *   minute to see that its scan does not last; 87.1 % instead of 86.5.
 * - more rounds than 3: 63.0 % with 8 for jumps every second, but with hint faults `phases` falls
 *   from 54 % to 50.7 (hotness 54.6), as these show new heat late. Dropped.
 * - bounds of 1 instead of 1.5 times the view's: Zipf 0.6 at 1:1 gains 0.1 points (with 0.5 times:
 *   2), and noise alone moves over 10 MiB a minute in the unit test's machine. Dropped.
 */
#include "ledger.h"
#include "order.h"
#include "param.h"
#include "planner.h"

/* Demotions and the promotions that they make room for alternate in pieces of this size, so that a
 * plan that is cut off anywhere has done something useful. */
#define PIECE_BYTES (8u << 20)
#define SURE 1.5f /* times as far as the view's bounds, which are half a sigma */
#define TINY 1e-9

enum { BAND, MIN_AGE_MS, SLACK_PERCENT, USUAL_S, LEARN_S, TURN_ROUNDS, REGIONS_MAX, PARAMS };

struct page {
	float usual;  /* mean heat so far, and of about the last USUAL_S */
	float last;   /* heat in the round before */
	float seen_s; /* for how long, at most USUAL_S */
};

/* Sums over memory, of what was usual beyond the mean of all (u), of deviations from that (d), and
 * of what came next (y). */
struct sums {
	double uu, ud, dd, uy, dy;
};

struct autop {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];

	struct sums sums; /* of all rounds, fading */
	double mean_heat; /* of all memory */
	double usual;     /* how much of usual differences is real, from 0 to 1 */
	double lasting;   /* how much of a deviation is there on average, while memory stays */

	/* By entry: the forecast with its bounds, and whether it is in this plan already. */
	float *mean, *low, *high;
	uint8_t *promoted;

	uint64_t in_next, out_next; /* ranks */
	int64_t victim;             /* the last that gave way in this tier, or -1 */
};

static const struct sluice_param params[] = {
	[BAND] = {"band", "1.2",
		  "swap when the hot memory is surely hotter than the cold, by this factor"},
	[MIN_AGE_MS] = {"min_age_ms", "3000",
			"leave memory where it is for this long after a move"},
	[SLACK_PERCENT] = {"slack_percent", "0.5",
			   "share of a tier whose room is left alone, so that small ups and downs "
			   "of free memory move nothing"},
	[USUAL_S] = {"usual_s", "120", "what is usual is the mean of about so many seconds"},
	[LEARN_S] = {"learn_s", "20", "half-life of what is learned about persistence"},
	[TURN_ROUNDS] = {"turn_rounds", "3",
			 "moves are judged by what they win in so many rounds, at most"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be ranked, at 100 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[BAND] = {1, 100},        [MIN_AGE_MS] = {0, 1e9}, [SLACK_PERCENT] = {0, 50},
	[USUAL_S] = {1, 86400},   [LEARN_S] = {1, 86400},  [TURN_ROUNDS] = {1, 1e6},
	[REGIONS_MAX] = {1, 1e9},
};

static const struct sluice_region *
region_at(const struct autop *a, uint64_t i)
{
	return sluice_view_region(a->planner.view, i);
}

/* So many rounds a place in fast memory is given away for: until all of it can be given away anew,
 * at the rate that the engine moves at. */
static double
rounds_to_turn(const struct autop *a)
{
	const struct sluice_view *view = a->planner.view;
	double both_ways = 2.0 * (double)sluice_view_tier(view, 0)->total_bytes;

	return fmin(fmax(both_ways / ((double)view->budget_bytes + 1), 1), a->set[TURN_ROUNDS]);
}

/* What the last round's forecast should have been, by least squares over all rounds. What deviates
 * now counts once more as if it had lasted: until it was seen whether it does, it does. */
static void
weigh(struct autop *a, const struct sums *now)
{
	double uu = a->sums.uu + now->uu + TINY, dd = a->sums.dd + now->dd + TINY;
	double uy = a->sums.uy + now->uu + TINY, dy = a->sums.dy + now->dd + TINY;
	double ud = a->sums.ud, determinant = fmax(uu * dd - ud * ud, TINY * TINY);
	double persistence = (uu * dy - ud * uy) / determinant, rounds = rounds_to_turn(a);

	a->usual = fmin(fmax((uy * dd - ud * dy) / determinant, 0), 1);
	persistence = fmin(fmax(persistence, 0), 1);
	/* The mean of its first powers. */
	a->lasting = persistence < 1 ? persistence * (1 - pow(persistence, rounds)) /
					       ((1 - persistence) * rounds)
				     : 1;
}

static void
learn(struct autop *a)
{
	double elapsed_s = a->planner.elapsed_s, keep = exp2(-elapsed_s / a->set[LEARN_S]);
	double before = a->mean_heat, heat_sum = 0, bytes = 0;
	struct sums *sums = &a->sums, now = {0};
	struct ledger_region region;
	struct page *page;

	*sums = (struct sums){sums->uu * keep, sums->ud * keep, sums->dd * keep, sums->uy * keep,
			      sums->dy * keep};
	ledger_begin(&a->ledger, a->planner.view);
	while ((page = ledger_next(&a->ledger, &region))) {
		double weight = (double)region.bytes, u = (double)page->usual - before;
		double d = (double)page->last - (double)page->usual, y = region.heat - before;

		/* What is not known yet deviates from nothing. */
		if (isinf(region_at(a, region.first)->heat_high)) {
			page->seen_s = 0;
			continue;
		}
		if (page->seen_s > 0) {
			sums->uu += weight * u * u;
			sums->ud += weight * u * d;
			sums->dd += weight * d * d;
			sums->uy += weight * u * y;
			sums->dy += weight * d * y;
		}
		page->seen_s = (float)fmin((double)page->seen_s + elapsed_s, a->set[USUAL_S]);
		page->usual += (float)fmin(elapsed_s / (double)page->seen_s, 1) *
			       ((float)region.heat - page->usual);
		page->last = (float)region.heat;
		u = (double)page->usual - before;
		d = (double)page->last - (double)page->usual;
		now.uu += weight * u * u;
		now.dd += weight * d * d;
		heat_sum += weight * region.heat;
		bytes += weight;
	}
	a->mean_heat = bytes > 0 ? heat_sum / bytes : 0;
	weigh(a, &now);
}

/* The bounds are as far from the forecast as the view's from the heat, and half as far again: those
 * hold with 69 %, half a sigma, and of ten thousand regions with equal heat many lie outside of
 * them at any time. The lower one by a factor, for it must stay above 0; the upper one by a sum,
 * for what was never seen accessed has no factor. */
static void
forecast(struct autop *a)
{
	for (uint64_t i = 0; i < a->planner.view->region_count; i++) {
		const struct sluice_region *r = region_at(a, i);
		const struct page *page = ledger_item(&a->ledger, i);
		double heat = planner_heat(r), low = fmin((double)r->heat_low, heat);
		double usual = (double)page->usual * ledger_share(&a->ledger, i);
		float sure = heat > 0 ? (float)(low / heat) : 0;
		double mean = a->mean_heat + a->usual * (usual - a->mean_heat) +
			      a->lasting * (heat - usual);

		a->mean[i] = (float)fmax(mean, 0);
		a->low[i] = a->mean[i] * sure * sqrtf(sure); /* to the power of SURE */
		a->high[i] = a->mean[i] + SURE * (float)fmax((double)r->heat_high - heat, 0);
	}
}

static int
is_hotter(const struct autop *a, uint64_t hot, uint64_t cold)
{
	return (double)a->low[hot] > a->set[BAND] * (double)a->high[cold];
}

static uint64_t
in_at(const struct autop *a, uint64_t rank)
{
	return a->in.sorted[a->in.count - 1 - rank].entry;
}

/* Collect who could move into and out of `tier`, leaving out all that is sure not to: in the steady
 * state that is nearly everything. */
static void
gather(struct autop *a, uint32_t tier, int evict_young)
{
	const struct sluice_view *view = a->planner.view;
	double band = a->set[BAND];
	float hottest = 0, coldest = HUGE_VALF;

	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = region_at(a, i);

		if (r->age_ms < a->set[MIN_AGE_MS] || a->promoted[i])
			continue;
		if (r->tier == tier)
			coldest = fminf(coldest, a->high[i]);
		else if (r->tier > tier)
			hottest = fmaxf(hottest, a->low[i]);
	}
	a->in.count = a->out.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = region_at(a, i);
		int young = r->age_ms < a->set[MIN_AGE_MS];

		if (r->tier < tier || a->promoted[i] || (young && !evict_young))
			continue;
		/* Nobody is evicted for room's sake before it is known how hot it is. */
		if (r->tier == tier && (evict_young || band * (double)a->high[i] < (double)hottest))
			order_add(&a->out, (double)a->high[i], i);
		else if (r->tier > tier && !young && a->low[i] > 0 &&
			 (a->planner.room_bytes[tier] > 0 ||
			  (double)a->low[i] > band * (double)coldest))
			order_add(&a->in, (double)a->low[i], i);
	}
	order_sort(&a->in);
	order_sort(&a->out);
	a->in_next = a->out_next = 0;
	a->victim = -1;
}

/* Whether evicting `cold` wins more accesses than it loses: one hot page is no reason to evict
 * 2 MiB that are, together, in greater demand. All that could take its place count. */
static int
is_worth(const struct autop *a, uint64_t cold)
{
	double left = region_at(a, cold)->bytes;
	double win = 0, loss = a->set[BAND] * (double)a->high[cold] * left;

	for (uint64_t rank = a->in_next; rank < a->in.count && win <= loss && left > 0; rank++) {
		uint64_t hot = in_at(a, rank);
		double bytes = fmin(region_at(a, hot)->bytes, left);

		if (!is_hotter(a, hot, cold))
			break;
		win += (double)a->low[hot] * bytes;
		left -= bytes;
	}
	return win > loss;
}

/* The kernel comes first: when the tier is below its watermark the coldest leave, whatever their
 * age. Returns whether that was enough. */
static int
cure_shortage(struct autop *a, uint32_t tier)
{
	while (a->planner.shortage_bytes[tier] > 0) {
		if (a->out_next == a->out.count ||
		    !planner_demote(&a->planner, a->out.sorted[a->out_next++].entry))
			return 0;
	}
	return 1;
}

/* Evict what is surely colder than `hot` until that fits. Returns whether it does. */
static int
make_room(struct autop *a, uint32_t tier, uint64_t hot)
{
	while (region_at(a, hot)->bytes > a->planner.room_bytes[tier]) {
		uint64_t cold;

		if (a->out_next == a->out.count)
			return 0;
		cold = a->out.sorted[a->out_next].entry;
		if (region_at(a, cold)->age_ms >= a->set[MIN_AGE_MS]) {
			if (!is_hotter(a, hot, cold) || !is_worth(a, cold) ||
			    !planner_demote(&a->planner, cold))
				return 0;
			a->victim = (int64_t)cold;
		}
		a->out_next++;
	}
	return 1;
}

/* Decide on promotions of about PIECE_BYTES, and plan the demotions that they need. They end up
 * ranked from where in_next was to where it is; returns how many. */
static uint64_t
choose_piece(struct autop *a, uint32_t tier, int may_swap)
{
	uint64_t first = a->in_next, promised_bytes = 0;
	uint64_t *budget_bytes = &a->planner.budget_bytes;

	while (promised_bytes < PIECE_BYTES && a->in_next < a->in.count) {
		uint64_t hot = in_at(a, a->in_next), bytes = region_at(a, hot)->bytes;

		/* Room left over by a victim is not for what is no hotter than the victim. */
		if (a->victim >= 0 && !is_hotter(a, hot, (uint64_t)a->victim))
			break;
		if (bytes > a->planner.room_bytes[tier] && !(may_swap && make_room(a, tier, hot)))
			break;
		/* The first may exceed the budget: of it the engine moves what may be moved. */
		if (bytes > *budget_bytes &&
		    (promised_bytes > 0 || *budget_bytes < a->planner.view->budget_bytes))
			break;
		promised_bytes += bytes;
		a->planner.room_bytes[tier] -= bytes;
		*budget_bytes -= bytes < *budget_bytes ? bytes : *budget_bytes;
		a->in_next++;
	}
	a->planner.room_bytes[tier] += promised_bytes;
	*budget_bytes += promised_bytes;
	a->planner.is_over = *budget_bytes == 0;
	return a->in_next - first;
}

/* Fill one tier from all slower ones, evicting what is colder. */
static void
fill(struct autop *a, uint32_t tier)
{
	const struct sluice_tier *t = sluice_view_tier(a->planner.view, tier);
	uint64_t slack_bytes = (uint64_t)(a->set[SLACK_PERCENT] / 100 * (double)t->total_bytes);
	uint64_t count;
	/* Room that is still there although it was on offer means that promotions do not get
	 * through; then evicting more would be for nothing. */
	uint64_t *room_bytes = &a->planner.room_bytes[tier];
	int may_swap;

	*room_bytes -= slack_bytes < *room_bytes ? slack_bytes : *room_bytes;
	may_swap = *room_bytes < PIECE_BYTES;
	gather(a, tier, a->planner.shortage_bytes[tier] > 0);
	if (!cure_shortage(a, tier))
		return;
	while ((count = choose_piece(a, tier, may_swap)) > 0) {
		float given_up = a->victim >= 0 ? a->mean[a->victim] : 0;

		for (uint64_t rank = a->in_next - count; rank < a->in_next; rank++) {
			uint64_t hot = in_at(a, rank);

			if (!planner_move(&a->planner, hot, tier,
					  (double)(a->mean[hot] - given_up)))
				return;
			a->promoted[hot] = 1;
		}
	}
}

static int
auto_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	struct autop *a = self;
	int r = planner_begin(&a->planner, view, plan, a->ledger.max, reterr);

	if (r < 0 || view->tier_count < 2)
		return r;
	learn(a);
	forecast(a);
	memset(a->promoted, 0, view->region_count);
	for (uint32_t tier = 0; tier + 1 < view->tier_count && !a->planner.is_over; tier++)
		fill(a, tier);
	return 0;
}

static void
auto_fini(void *self)
{
	struct autop *a = self;

	if (!a)
		return;
	ledger_fini(&a->ledger);
	order_fini(&a->in);
	order_fini(&a->out);
	free(a->mean);
	free(a->low);
	free(a->high);
	free(a->promoted);
	free(a);
}

static int
auto_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	  struct sluice_err *reterr)
{
	struct autop *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return sluice_fail(reterr, -ENOMEM, "no memory for auto");
	a->planner.host = host;
	if ((r = param_numbers(params, bounds, values, a->set, reterr)) < 0 ||
	    (r = ledger_init(&a->ledger, sizeof(struct page), a->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&a->in, a->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&a->out, a->set[REGIONS_MAX], reterr)) < 0)
		goto fail;
	a->mean = malloc(a->ledger.max * sizeof(*a->mean));
	a->low = malloc(a->ledger.max * sizeof(*a->low));
	a->high = malloc(a->ledger.max * sizeof(*a->high));
	a->promoted = calloc(a->ledger.max, 1);
	if (!a->mean || !a->low || !a->high || !a->promoted) {
		r = sluice_fail(reterr, -ENOMEM, "no memory for auto; lower regions_max");
		goto fail;
	}
	*ret_self = a;
	return 0;
fail:
	auto_fini(a);
	return r;
}

SLUICE_POLICY(.name = "auto", .summary = "keep in the fastest tiers what is forecast to be hottest",
	      .params = params, .init = auto_init, .decide = auto_decide, .fini = auto_fini);
