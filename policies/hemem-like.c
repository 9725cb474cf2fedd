/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hemem-like.c - imitates HeMem (SOSP '21): counters with thresholds, four queues, no doubts.
 *
 * Each page of 2 MiB has a counter of sampled accesses, one in `period`. At `hot_samples` it is
 * hot. When any counter goes beyond `cooling_samples`, all are halved. Hot pages of slow memory are
 * promoted in the order in which they became hot: into free memory, else in place of the fast page
 * that has been cold for longest; when no fast page is cold, nothing moves, and that is the only
 * guard against thrashing. The constants are HeMem's for bare metal (its fork for virtual machines
 * has 4, 10 and a period of 19997: they do not transfer).
 *
 * Different: counters grow by the expected number of samples, without sampling noise; all at once
 * by the round, with the coolings that fall into it (HeMem decides every 10 ms, and cools a page
 * when it is next touched). A view does not tell loads from stores, so HeMem's lower threshold for
 * stores, 4, is not used. Faithful: no view below 2 MiB (all of a region has one counter) and no
 * test of whether a move pays; the engine has one.
 */
#include "exchange.h"
#include "ledger.h"
#include "param.h"

enum { PERIOD, HOT_SAMPLES, COOLING_SAMPLES, REGIONS_MAX, PARAMS };

struct page {
	double count;
	uint32_t since; /* the round in which it became what it is, */
	uint8_t is_hot; /* hot or cold, */
	uint8_t tier;   /* in this tier */
};

struct hemem {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];
	double hottest; /* the highest counter */
	uint32_t round;
};

static const struct sluice_param params[] = {
	[PERIOD] = {"period", "5003", "accesses that one sample stands for"},
	[HOT_SAMPLES] = {"hot_samples", "8", "a page with so many samples is hot"},
	[COOLING_SAMPLES] = {"cooling_samples", "18", "halve all counters when one goes beyond"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 116 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[PERIOD] = {1, 1e9},
	[HOT_SAMPLES] = {1, 1e6},
	[COOLING_SAMPLES] = {2, 1e6},
	[REGIONS_MAX] = {1, 1e9},
};

/* The coolings of a round, as the fastest counter brings them about: the first after `first_s`, the
 * others every `every_s`. */
struct cooling {
	double first_s, every_s, rest_s;
	int count;
};

static struct cooling
find_coolings(const struct hemem *h, double highest_rate)
{
	struct cooling cooling = {.rest_s = h->planner.elapsed_s};
	double limit = h->set[COOLING_SAMPLES];

	if (!(highest_rate > 0) || h->hottest + highest_rate * cooling.rest_s <= limit)
		return cooling;
	cooling.first_s = h->hottest < limit ? (limit - h->hottest) / highest_rate : 0;
	cooling.every_s = limit / 2 / highest_rate; /* from half of it */
	cooling.count = 1 + (int)fmin((cooling.rest_s - cooling.first_s) / cooling.every_s, 1e6);
	cooling.rest_s -= cooling.first_s + (cooling.count - 1) * cooling.every_s;
	return cooling;
}

/* A counter after a round with these coolings in it. Each halves what is there, so what came
 * between two of them adds up as a geometric series. */
static double
count_on(double count, double rate, const struct cooling *cooling)
{
	if (cooling->count > 0) {
		double kept = cooling->count < 60 ? ldexp(1, 1 - cooling->count) : 0;

		count = (count + rate * cooling->first_s) / 2;
		count = count * kept + rate * cooling->every_s * (1 - kept);
	}
	return count + rate * fmax(cooling->rest_s, 0);
}

static double
highest_rate(const struct hemem *h)
{
	const struct sluice_view *view = h->planner.view;
	double highest = 0;

	for (uint64_t first = 0, i; first < view->region_count; first = i) {
		uint64_t addr = sluice_view_region(view, first)->addr;
		int32_t pid = sluice_view_region(view, first)->pid;
		double rate = 0;

		for (i = first; i < view->region_count; i++) {
			const struct sluice_region *r = sluice_view_region(view, i);

			if (r->addr != addr || r->pid != pid)
				break;
			rate += planner_heat(r) * r->bytes;
		}
		highest = fmax(highest, rate);
	}
	return highest / 4096 / h->set[PERIOD];
}

static void
count_samples(struct hemem *h)
{
	const struct sluice_view *view = h->planner.view;
	struct cooling cooling = find_coolings(h, highest_rate(h));
	struct ledger_region region;
	struct page *page;

	h->round++;
	h->hottest = 0;
	h->in.count = h->out.count = 0;
	ledger_begin(&h->ledger, view);
	while ((page = ledger_next(&h->ledger, &region))) {
		double rate = region.heat * (double)region.bytes / 4096 / h->set[PERIOD];
		uint32_t tier = sluice_view_region(view, region.first)->tier;
		int is_hot;

		page->count = count_on(page->count, rate, &cooling);
		h->hottest = fmax(h->hottest, page->count);
		is_hot = page->count >= h->set[HOT_SAMPLES];
		if (region.is_new || is_hot != page->is_hot || tier != page->tier)
			page->since = h->round;
		page->is_hot = (uint8_t)is_hot;
		page->tier = (uint8_t)tier;
		/* Queues: the longer in, the sooner out. */
		for (uint64_t i = region.first; i < region.end; i++) {
			double waited = h->round - page->since + 1;

			tier = sluice_view_region(view, i)->tier;
			if (tier > 0 && is_hot)
				order_add(&h->in, waited, i);
			else if (tier == 0 && !is_hot)
				order_add(&h->out, 1 / waited, i);
		}
	}
}

static int
hemem_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct hemem *h = self;
	struct exchange exchange = {.planner = &h->planner, .in = &h->in, .out = &h->out};
	int r = planner_begin(&h->planner, view, plan, h->ledger.max, reterr);

	if (r < 0 || view->tier_count < 2)
		return r;
	count_samples(h);
	order_sort(&h->in);
	order_sort(&h->out);
	exchange_evict(&exchange, planner_need(&h->planner, 0, 0));
	exchange_all(&exchange);
	return 0;
}

static void
hemem_fini(void *self)
{
	struct hemem *h = self;

	if (!h)
		return;
	ledger_fini(&h->ledger);
	order_fini(&h->in);
	order_fini(&h->out);
	free(h);
}

static int
hemem_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	   struct sluice_err *reterr)
{
	struct hemem *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return sluice_fail(reterr, -ENOMEM, "no memory for hemem-like");
	h->planner.host = host;
	if ((r = param_numbers(params, bounds, values, h->set, reterr)) < 0 ||
	    (r = ledger_init(&h->ledger, sizeof(struct page), h->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&h->in, h->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&h->out, h->set[REGIONS_MAX], reterr)) < 0) {
		hemem_fini(h);
		return r;
	}
	*ret_self = h;
	return 0;
}

SLUICE_POLICY(.name = "hemem-like",
	      .summary = "as HeMem: 2 MiB pages with 8 samples are hot, all counters cool at 18",
	      .params = params, .init = hemem_init, .decide = hemem_decide, .fini = hemem_fini);
