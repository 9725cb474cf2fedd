/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arms-like.c - imitates ARMS: two moving averages, the top K, and a test of costs; no threshold.
 *
 * Every interval (500 ms) each page's samples go into a short average (1 s) and a long one (10 s);
 * the score is 0.4 short + 0.6 long. The pages with the highest scores that fit fast memory are the
 * top K, and hot_age is for how many intervals in a row a page has been there. The hottest slow
 * page is swapped with the coldest fast one outside of the top K when
 * - it has been in the top K for more than one interval and its score does not fall,
 * - the lower of its averages is not below the higher one of the other page's, and
 * - what is saved while it stays as hot for as long as it has been, (score - score') * hot_age *
 * the latencies' difference, is at least 1.5 times the cost of both moves. The traffic of slow
 * memory is watched for change (one-sided Page-Hinkley test, drift 0.5 and threshold 6 standard
 * deviations); after one, the score is 0.731 short + 0.269 long for 20 checks.
 *
 * Different: a view brings no cost of moves, so `swap_us` is ARMS' own floor (two moves of 500 us
 * and the copy of 2 MiB, 137 to 310 us); ages count in intervals, but a round adds at most one;
 * latencies are those of the tiers, under load where the engine tells it, instead of ARMS' fitted
 * model; the period of sampling, 10007 to 5003, does not matter here, as heat is no sample count.
 */
#include "exchange.h"
#include "ledger.h"
#include "param.h"

#define INTERVAL_S 0.5

enum { SWAP_US, COST_FACTOR, REGIONS_MAX, PARAMS };

struct page {
	float short_heat, long_heat, score;
	float score_before;
	uint32_t hot_age; /* intervals */
};

/* A change upwards of a noisy figure. */
struct change_test {
	double mean, var, sum, lowest;
	int count;
};

struct arms {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];
	struct change_test traffic;
	int recent_checks; /* so many more with the recent score */
	double saved_ns;

	float *scores;                     /* by entry */
	double level_bytes[ORDER_BUCKETS]; /* how much memory has about which score */
	uint32_t cut;                      /* the level at which the top K end, ... */
	double at_cut_bytes;               /* ... and how much of it is in */
};

static const struct sluice_param params[] = {
	[SWAP_US] = {"swap_us", "1500", "what one promotion and one demotion of 2 MiB cost"},
	[COST_FACTOR] = {"cost_factor", "1.5", "swap for so many times the cost, at least"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 128 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[SWAP_US] = {0.001, 1e9},
	[COST_FACTOR] = {0, 1e6},
	[REGIONS_MAX] = {1, 1e9},
};

/* Whether the figure has risen beyond what its noise explains. */
static int
change_test_add(struct change_test *test, double x)
{
	double weight = 1.0 / ++test->count, off = x - test->mean, deviation;

	/* Long-run mean and variance; young ones tell nothing. */
	weight = fmax(weight, 0.05);
	test->mean += weight * off;
	test->var += weight * (off * off - test->var);
	deviation = sqrt(test->var);
	if (test->count < 8)
		return 0;
	test->sum += off - 0.5 * deviation;
	test->lowest = fmin(test->lowest, test->sum);
	if (!(deviation > 1e-3 * test->mean) || test->sum - test->lowest <= 6 * deviation)
		return 0;
	*test = (struct change_test){0};
	return 1;
}

static void
watch_traffic(struct arms *a)
{
	const struct sluice_view *view = a->planner.view;
	double slow_rate = 0, slow_ns = planner_latency_ns(view, 1);
	double fast_ns = planner_latency_ns(view, 0);

	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		if (r->tier > 0)
			slow_rate += planner_heat(r) * (r->bytes / 4096);
	}
	if (change_test_add(&a->traffic, slow_rate))
		a->recent_checks = 20;
	else if (a->recent_checks > 0)
		a->recent_checks--;
	a->saved_ns = fast_ns > 0 && slow_ns > 0 ? slow_ns - fast_ns : 100;
}

static void
average(struct arms *a)
{
	double intervals = a->planner.elapsed_s / INTERVAL_S;
	float keep_short = (float)pow(1 - 2.0 / 3, intervals);
	float keep_long = (float)pow(1 - 2.0 / 21, intervals);
	float weight = a->recent_checks ? 0.731f : 0.4f;
	struct ledger_region region;
	struct page *page;

	ledger_begin(&a->ledger, a->planner.view);
	while ((page = ledger_next(&a->ledger, &region))) {
		float heat = (float)region.heat;

		page->score_before = page->score;
		page->short_heat = heat + keep_short * (page->short_heat - heat);
		page->long_heat = heat + keep_long * (page->long_heat - heat);
		page->score = weight * page->short_heat + (1 - weight) * page->long_heat;
	}
}

/* The top K are what is hottest and fits into what fast memory holds and has room for. */
static void
find_top(struct arms *a)
{
	const struct sluice_view *view = a->planner.view;
	double left = (double)a->planner.room_bytes[0] - (double)a->planner.shortage_bytes[0];

	memset(a->level_bytes, 0, sizeof(a->level_bytes));
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);
		const struct page *page = ledger_item(&a->ledger, i);

		a->scores[i] = page->score * (float)ledger_share(&a->ledger, i);
		a->level_bytes[order_bucket(a->scores[i])] += r->bytes;
		left += r->tier == 0 ? r->bytes : 0;
	}
	for (a->cut = ORDER_BUCKETS - 1; a->cut > 0 && a->level_bytes[a->cut] <= left; a->cut--)
		left -= a->level_bytes[a->cut];
	a->at_cut_bytes = left;
}

static int
is_top(struct arms *a, uint64_t i, uint32_t bytes)
{
	uint32_t level = order_bucket(a->scores[i]);

	if (level != a->cut || a->at_cut_bytes < bytes)
		return level > a->cut;
	a->at_cut_bytes -= bytes;
	return 1;
}

static void
choose(struct arms *a)
{
	const struct sluice_view *view = a->planner.view;
	uint32_t intervals = (uint32_t)fmax(1, a->planner.elapsed_s / INTERVAL_S), before = 0;
	const struct page *last = NULL;

	a->in.count = a->out.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);
		struct page *page = ledger_item(&a->ledger, i);
		int top = is_top(a, i, r->bytes);

		/* A region with several entries is in when one of them is. */
		if (page != last) {
			before = page->hot_age < 1000000 ? page->hot_age : 1000000;
			page->hot_age = 0;
			last = page;
		}
		if (top)
			page->hot_age = before + intervals;
		if (!top && r->tier == 0)
			order_add(&a->out, (double)a->scores[i], i);
		else if (top && r->tier > 0 && before > 0 && page->score >= page->score_before)
			order_add(&a->in, (double)a->scores[i], i);
	}
	order_sort(&a->in);
	order_sort(&a->out);
}

static int
may_replace(const void *policy, uint64_t in, uint64_t out)
{
	const struct arms *a = policy;
	const struct page *hot = ledger_item(&a->ledger, in), *cold = ledger_item(&a->ledger, out);
	double hot_share = ledger_share(&a->ledger, in);
	double cold_share = ledger_share(&a->ledger, out);
	double pages = sluice_view_region(a->planner.view, in)->bytes / 4096;
	double gain = (double)hot->score * hot_share - (double)cold->score * cold_share;

	return (double)fminf(hot->short_heat, hot->long_heat) * hot_share >=
		       (double)fmaxf(cold->short_heat, cold->long_heat) * cold_share &&
	       gain * INTERVAL_S * pages * hot->hot_age * a->saved_ns >=
		       a->set[COST_FACTOR] * a->set[SWAP_US] * 1000 * pages / 512;
}

static int
arms_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	struct arms *a = self;
	struct exchange exchange = {.planner = &a->planner,
				    .in = &a->in,
				    .out = &a->out,
				    .may_replace = may_replace,
				    .policy = a};
	int r = planner_begin(&a->planner, view, plan, a->ledger.max, reterr);

	if (r < 0 || view->tier_count < 2)
		return r;
	watch_traffic(a);
	average(a);
	find_top(a);
	choose(a);
	/* No more than can be moved until the next decision. */
	exchange.in_bytes_max =
		(uint64_t)(a->planner.elapsed_s * 1e6 / a->set[SWAP_US] * 2097152) + 1;
	exchange_evict(&exchange, planner_need(&a->planner, 0, 0));
	exchange_all(&exchange);
	return 0;
}

static void
arms_fini(void *self)
{
	struct arms *a = self;

	if (!a)
		return;
	ledger_fini(&a->ledger);
	order_fini(&a->in);
	order_fini(&a->out);
	free(a->scores);
	free(a);
}

static int
arms_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	  struct sluice_err *reterr)
{
	struct arms *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return sluice_fail(reterr, -ENOMEM, "no memory for arms-like");
	a->planner.host = host;
	if ((r = param_numbers(params, bounds, values, a->set, reterr)) < 0 ||
	    (r = ledger_init(&a->ledger, sizeof(struct page), a->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&a->in, a->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&a->out, a->set[REGIONS_MAX], reterr)) < 0)
		goto fail;
	a->scores = malloc(a->ledger.max * sizeof(*a->scores));
	if (!a->scores) {
		r = sluice_fail(reterr, -ENOMEM, "no memory for arms-like; lower regions_max");
		goto fail;
	}
	*ret_self = a;
	return 0;
fail:
	arms_fini(a);
	return r;
}

SLUICE_POLICY(.name = "arms-like",
	      .summary = "as ARMS: two moving averages, the top K, and a test of what a swap costs",
	      .params = params, .init = arms_init, .decide = arms_decide, .fini = arms_fini);
