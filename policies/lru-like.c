/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru-like.c - what was accessed last lives in fast memory, what was not for longest leaves it.
 *
 * Imitates the kernel's least-recently-used lists, in the form with generations (multi-gen LRU):
 * generation 0 was accessed within the last `generation_s`, each further one is twice as long ago.
 * Memory of generation 0 goes up as long as there is room, or something of an older generation to
 * give way; the oldest goes first. Within a generation nothing is older than anything else.
 *
 * Faithful: recency alone counts, so one access to cold memory outweighs a thousand to hot memory a
 * moment ago. Different: the kernel reads accessed bits; a view has rates, so the time of the last
 * access is drawn from the rate (draw.h), one draw for all pages of an entry.
 */
#include "draw.h"
#include "exchange.h"
#include "ledger.h"
#include "param.h"

enum { GENERATION_S, HEADROOM_PERCENT, REGIONS_MAX, PARAMS };

struct page {
	float idle_s; /* since the last access; of several entries the longest */
};

struct lru {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];
};

static const struct sluice_param params[] = {
	[GENERATION_S] = {"generation_s", "1",
			  "what was accessed within so many seconds is equally young; each older "
			  "generation spans twice the time"},
	[HEADROOM_PERCENT] = {"headroom_percent", "0",
			      "share of fast memory kept free beyond the engine's watermark"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 92 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[GENERATION_S] = {0.001, 3600},
	[HEADROOM_PERCENT] = {0, 50},
	[REGIONS_MAX] = {1, 1e9},
};

static int
generation_of(const struct lru *l, double idle_s)
{
	return idle_s < l->set[GENERATION_S] ? 0 : 1 + ilogb(idle_s / l->set[GENERATION_S]);
}

/* Candidates are of generation 0, so any older one gives way. */
static int
may_replace(const void *policy, uint64_t in, uint64_t out)
{
	const struct lru *l = policy;
	const struct page *victim = ledger_item(&l->ledger, out);

	(void)in;
	return generation_of(l, (double)victim->idle_s) > 0;
}

/* Young is high: the last access a moment ago is 1000. */
static double
youth(double idle_s)
{
	return 1 / (idle_s + 0.001);
}

static void
watch(struct lru *l)
{
	const struct sluice_view *view = l->planner.view;
	double elapsed_s = l->planner.elapsed_s;
	struct ledger_region region;
	struct page *page;

	ledger_begin(&l->ledger, view);
	l->in.count = l->out.count = 0;
	while ((page = ledger_next(&l->ledger, &region))) {
		/* Memory that is new has just been touched, or it would not be there. */
		double before_s = (double)page->idle_s, longest_s = 0;

		for (uint64_t i = region.first; i < region.end; i++) {
			const struct sluice_region *r = sluice_view_region(view, i);
			double gap_s = draw_gap_s(view, i, 0), idle_s;

			if (region.is_new)
				idle_s = 0;
			else
				idle_s = gap_s < elapsed_s ? gap_s : before_s + elapsed_s;
			if (idle_s > longest_s)
				longest_s = idle_s;
			if (r->tier == 0)
				order_add(&l->out, youth(idle_s), i);
			else if (gap_s < elapsed_s && generation_of(l, idle_s) == 0)
				order_add(&l->in, youth(idle_s), i);
		}
		page->idle_s = (float)longest_s;
	}
}

static int
lru_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	   struct sluice_err *reterr)
{
	struct lru *l = self;
	struct exchange exchange = {.planner = &l->planner,
				    .in = &l->in,
				    .out = &l->out,
				    .may_replace = may_replace,
				    .policy = l};
	int r = planner_begin(&l->planner, view, plan, l->ledger.max, reterr);

	if (r < 0 || view->tier_count < 2)
		return r;
	watch(l);
	order_sort(&l->in);
	order_sort(&l->out);
	exchange_keep(&exchange, l->set[HEADROOM_PERCENT]);
	exchange_evict(&exchange, planner_need(&l->planner, 0, l->set[HEADROOM_PERCENT]));
	exchange_all(&exchange);
	return 0;
}

static void
lru_fini(void *self)
{
	struct lru *l = self;

	if (!l)
		return;
	ledger_fini(&l->ledger);
	order_fini(&l->in);
	order_fini(&l->out);
	free(l);
}

static int
lru_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	 struct sluice_err *reterr)
{
	struct lru *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return sluice_fail(reterr, -ENOMEM, "no memory for lru-like");
	l->planner.host = host;
	if ((r = param_numbers(params, bounds, values, l->set, reterr)) < 0 ||
	    (r = ledger_init(&l->ledger, sizeof(struct page), l->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&l->in, l->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&l->out, l->set[REGIONS_MAX], reterr)) < 0) {
		lru_fini(l);
		return r;
	}
	*ret_self = l;
	return 0;
}

SLUICE_POLICY(.name = "lru-like",
	      .summary = "what was accessed last into fast memory, in generations as Linux has",
	      .params = params, .init = lru_init, .decide = lru_decide, .fini = lru_fini);
