/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact-like.c - imitates PACT: pages are ranked by the stall that they cause.
 *
 * Accesses to slow memory are charged with the stall of one, and add up for each page without ever
 * fading. Pages are binned by that sum; those that reach the top of `bins` bins are promoted. The
 * width of a bin follows the distribution (Freedman and Diaconis: 2 IQR / cbrt n, of a reservoir of
 * 100 pages), times a factor that doubles when promotions come near the limit of a cycle (more than
 * 0.7 of it), else halves. Demotion is the kernel's: as much as promotions need, the least recently
 * used first. No victim is chosen, no cost weighed.
 *
 * Different: PACT has the processor's overlap of accesses (MLP) in the stall of each 20 ms, which a
 * view does not tell: here an access costs the latency of its tier, under load where the engine
 * tells it. Of one slow tier all pages are then charged alike. The limit of a cycle, 4096 pages in
 * 20 ms, is `limit_mib_per_s`, or the engine's budget where that is less. A page that was promoted
 * begins anew: with its old sum it would come back at once after being demoted.
 */
#include "draw.h"
#include "exchange.h"
#include "ledger.h"
#include "param.h"

#define RESERVOIR 100

enum { BINS, COOLING, LIMIT_MIB_PER_S, HEADROOM_PERCENT, REGIONS_MAX, PARAMS };

struct page {
	double stall_ns; /* of one 4 KiB page */
};

struct pact {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];
	double factor; /* of the bins' width */
};

static const struct sluice_param params[] = {
	[BINS] = {"bins", "20", "promote what is in the topmost of so many bins, or beyond"},
	[COOLING] = {"cooling", "1", "what is left of a page's sum after a second; 1: all"},
	[LIMIT_MIB_PER_S] = {"limit_mib_per_s", "800", "promote no more"},
	[HEADROOM_PERCENT] = {"headroom_percent", "0",
			      "share of fast memory kept free beyond the engine's watermark"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 100 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[BINS] = {1, 1000},           [COOLING] = {0, 1},       [LIMIT_MIB_PER_S] = {0.001, 1e9},
	[HEADROOM_PERCENT] = {0, 50}, [REGIONS_MAX] = {1, 1e9},
};

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Charge slow pages with the round's stall. Returns a bin's width by the rule, 0 when nothing is
 * known. */
static double
charge(struct pact *p)
{
	const struct sluice_view *view = p->planner.view;
	double reservoir[RESERVOIR], keep = pow(p->set[COOLING], p->planner.elapsed_s);
	struct ledger_region region;
	uint64_t seen = 0, held;
	struct page *page;

	ledger_begin(&p->ledger, view);
	while ((page = ledger_next(&p->ledger, &region))) {
		uint32_t tier = 0;
		double ns, place;

		for (uint64_t i = region.first; i < region.end; i++) {
			if (sluice_view_region(view, i)->tier > tier)
				tier = sluice_view_region(view, i)->tier;
		}
		ns = tier < view->tier_count ? planner_latency_ns(view, tier) : 0;

		if (tier == 0) {
			page->stall_ns = 0;
			continue;
		}
		page->stall_ns = page->stall_ns * keep +
				 region.heat * p->planner.elapsed_s * (ns > 0 ? ns : 200);
		/* Each page that was ever charged is in the reservoir with the same chance. */
		if (!(page->stall_ns > 0))
			continue;
		place = seen < RESERVOIR ? (double)seen
					 : draw_number(view, region.first, 1) * (double)(seen + 1);
		if (place < RESERVOIR)
			reservoir[(int)place] = page->stall_ns;
		seen++;
	}
	held = seen < RESERVOIR ? seen : RESERVOIR;
	if (held < 4)
		return 0;
	qsort(reservoir, held, sizeof(*reservoir), by_size);
	return 2 * (reservoir[held * 3 / 4] - reservoir[held / 4]) / cbrt((double)seen);
}

static void
choose(struct pact *p, double width)
{
	const struct sluice_view *view = p->planner.view;

	p->in.count = p->out.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct page *page = ledger_item(&p->ledger, i);
		double stall_ns = page->stall_ns * ledger_share(&p->ledger, i);

		if (sluice_view_region(view, i)->tier == 0)
			order_add(&p->out, 1 / (draw_gap_s(view, i, 0) + 1e-6), i);
		else if (width > 0 && stall_ns >= (p->set[BINS] - 1) * width)
			order_add(&p->in, stall_ns, i);
	}
	order_sort(&p->in);
	order_sort(&p->out);
}

static int
pact_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	struct pact *p = self;
	struct exchange exchange = {.planner = &p->planner, .in = &p->in, .out = &p->out};
	int r = planner_begin(&p->planner, view, plan, p->ledger.max, reterr);
	double limit, wanted = 0;

	if (r < 0 || view->tier_count < 2)
		return r;
	choose(p, charge(p) * p->factor);
	limit = p->set[LIMIT_MIB_PER_S] * 1048576 * p->planner.elapsed_s;
	limit = fmin(limit, (double)view->budget_bytes);
	for (uint64_t k = 0; k < p->in.count; k++)
		wanted += sluice_view_region(view, p->in.sorted[k].entry)->bytes;
	p->factor *= wanted > 0.7 * limit ? 2 : 0.5;
	p->factor = fmin(fmax(p->factor, 1.0 / 1024), 1024);
	exchange.in_bytes_max = (uint64_t)limit + 1;
	exchange_keep(&exchange, p->set[HEADROOM_PERCENT]);
	exchange_evict(&exchange, planner_need(&p->planner, 0, p->set[HEADROOM_PERCENT]));
	exchange_all(&exchange);
	return 0;
}

static void
pact_fini(void *self)
{
	struct pact *p = self;

	if (!p)
		return;
	ledger_fini(&p->ledger);
	order_fini(&p->in);
	order_fini(&p->out);
	free(p);
}

static int
pact_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	  struct sluice_err *reterr)
{
	struct pact *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return sluice_fail(reterr, -ENOMEM, "no memory for pact-like");
	p->planner.host = host;
	p->factor = 1;
	if ((r = param_numbers(params, bounds, values, p->set, reterr)) < 0 ||
	    (r = ledger_init(&p->ledger, sizeof(struct page), p->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&p->in, p->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&p->out, p->set[REGIONS_MAX], reterr)) < 0) {
		pact_fini(p);
		return r;
	}
	*ret_self = p;
	return 0;
}

SLUICE_POLICY(.name = "pact-like",
	      .summary = "as PACT: what has caused the most stall so far goes up, without end",
	      .params = params, .init = pact_init, .decide = pact_decide, .fini = pact_fini);
