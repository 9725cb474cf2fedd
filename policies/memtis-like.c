/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memtis-like.c - imitates MEMTIS (SOSP '23): a histogram of counts, cut where fast memory is full.
 *
 * Each page has a count of samples that fades: all are halved every `cool_samples`. A histogram of
 * 16 bins, each twice as hot as the one before, holds how much memory is how hot. Every
 * `adapt_samples`, bins are taken from the hottest down for as long as they fit into fast memory:
 * that is the threshold. What is at or above it is promoted; what is below the warm threshold, one
 * bin lower while the hot set fills less than `warm_percent` of fast memory, may give way. Fresh
 * memory starts at the threshold. Sampling adapts its period between 199 and 19997 to take 3 % of a
 * CPU, which is `samples_per_s`.
 *
 * Different: counts grow by the expected number of samples, without noise; demotions are needed by
 * promotions or a shortage (MEMTIS' own watermark, 3 % free, is the engine's); within a bin the
 * order is that of addresses, not of LRU lists. Splitting huge pages by their skew is not a
 * policy's: the engine sees regions in 4 KiB detail and splits what must be, and so the two
 * histograms, of huge and of base pages, are one here. Constants are those of the released code;
 * samples_per_s is 3 % of a second by 0.3 us a sample.
 */
#include "exchange.h"
#include "ledger.h"
#include "param.h"

#define BINS 16

enum { PERIOD, SAMPLES_PER_S, ADAPT_SAMPLES, COOL_SAMPLES, WARM_PERCENT, REGIONS_MAX, PARAMS };

struct page {
	double count; /* samples of 2 MiB of such pages */
};

struct memtis {
	struct planner planner;
	struct ledger ledger;
	struct order in, out;
	double set[PARAMS];
	double until_adapt, until_cool; /* samples */
	int hot, warm;                  /* thresholds, as bins */
	double bin_bytes[BINS];
};

static const struct sluice_param params[] = {
	[PERIOD] = {"period", "199",
		    "accesses that one sample stands for, at least; at most 19997"},
	[SAMPLES_PER_S] = {"samples_per_s", "100000", "raise the period to take no more samples"},
	[ADAPT_SAMPLES] = {"adapt_samples", "100000", "find the thresholds anew after so many"},
	[COOL_SAMPLES] = {"cool_samples", "2000000", "halve all counts after so many"},
	[WARM_PERCENT] =
		{"warm_percent", "75",
		 "with less of fast memory hot, the bin below the threshold is left alone"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 100 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[PERIOD] = {1, 19997},      [SAMPLES_PER_S] = {1, 1e9}, [ADAPT_SAMPLES] = {1, 1e12},
	[COOL_SAMPLES] = {1, 1e12}, [WARM_PERCENT] = {0, 100},  [REGIONS_MAX] = {1, 1e9},
};

static int
bin_of(double count)
{
	return count < 32767 ? ilogb(count + 1) : BINS - 1;
}

static double
count_of(const struct memtis *m, uint64_t i)
{
	const struct page *page = ledger_item(&m->ledger, i);

	return page->count * ledger_share(&m->ledger, i);
}

static double
samples_of_round(const struct memtis *m, double *ret_period)
{
	const struct sluice_view *view = m->planner.view;
	double rate = 0;

	for (uint64_t i = 0; i < view->region_count; i++)
		rate += planner_heat(sluice_view_region(view, i)) *
			(sluice_view_region(view, i)->bytes / 4096);
	*ret_period = fmin(fmax(m->set[PERIOD], rate / m->set[SAMPLES_PER_S]), 19997);
	return rate * m->planner.elapsed_s / *ret_period;
}

static void
count_samples(struct memtis *m)
{
	struct ledger_region region;
	struct page *page;
	double period, fresh = ldexp(1, m->hot), samples = samples_of_round(m, &period);
	double cool = 1;

	m->until_adapt -= samples;
	for (m->until_cool -= samples; m->until_cool <= 0 && cool > 1e-9; cool /= 2)
		m->until_cool += m->set[COOL_SAMPLES];
	ledger_begin(&m->ledger, m->planner.view);
	while ((page = ledger_next(&m->ledger, &region))) {
		double count = region.is_new ? fresh : page->count;

		count += region.heat * m->planner.elapsed_s * 512 / period;
		page->count = count * cool;
	}
	/* Cooling takes all counts down one bin, and the thresholds by at most that. */
	if (cool < 1 && m->hot > 1)
		m->hot--;
	memset(m->bin_bytes, 0, sizeof(m->bin_bytes));
	for (uint64_t i = 0; i < m->planner.view->region_count; i++)
		m->bin_bytes[bin_of(count_of(m, i))] +=
			sluice_view_region(m->planner.view, i)->bytes;
}

/* What fits into the fastest tier: what is there already, and the room that is left. */
static double
fast_capacity(const struct memtis *m)
{
	const struct sluice_view *view = m->planner.view;
	double bytes = (double)m->planner.room_bytes[0] - (double)m->planner.shortage_bytes[0];

	for (uint64_t i = 0; i < view->region_count; i++) {
		if (sluice_view_region(view, i)->tier == 0)
			bytes += sluice_view_region(view, i)->bytes;
	}
	return bytes;
}

static void
adapt(struct memtis *m)
{
	double capacity = fast_capacity(m), hot_bytes = 0;
	int hot = BINS;

	if (m->until_adapt > 0)
		return;
	m->until_adapt = m->set[ADAPT_SAMPLES];
	while (hot > 1 && hot_bytes + m->bin_bytes[hot - 1] <= capacity)
		hot_bytes += m->bin_bytes[--hot];
	m->hot = hot;
	m->warm = hot_bytes < m->set[WARM_PERCENT] / 100 * capacity ? hot - 1 : hot;
}

static int
memtis_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	      struct sluice_err *reterr)
{
	struct memtis *m = self;
	struct exchange exchange = {.planner = &m->planner, .in = &m->in, .out = &m->out};
	int r = planner_begin(&m->planner, view, plan, m->ledger.max, reterr);

	if (r < 0 || view->tier_count < 2)
		return r;
	count_samples(m);
	adapt(m);
	m->in.count = m->out.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		uint32_t tier = sluice_view_region(view, i)->tier;
		int bin = bin_of(count_of(m, i));

		if (tier > 0 && bin >= m->hot)
			order_add(&m->in, bin, i);
		else if (tier == 0 && bin < m->warm)
			order_add(&m->out, bin, i);
	}
	order_sort(&m->in);
	order_sort(&m->out);
	exchange_evict(&exchange, planner_need(&m->planner, 0, 0));
	exchange_all(&exchange);
	return 0;
}

static void
memtis_fini(void *self)
{
	struct memtis *m = self;

	if (!m)
		return;
	ledger_fini(&m->ledger);
	order_fini(&m->in);
	order_fini(&m->out);
	free(m);
}

static int
memtis_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	    struct sluice_err *reterr)
{
	struct memtis *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return sluice_fail(reterr, -ENOMEM, "no memory for memtis-like");
	m->planner.host = host;
	m->hot = m->warm = 1;
	if ((r = param_numbers(params, bounds, values, m->set, reterr)) < 0 ||
	    (r = ledger_init(&m->ledger, sizeof(struct page), m->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&m->in, m->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&m->out, m->set[REGIONS_MAX], reterr)) < 0) {
		memtis_fini(m);
		return r;
	}
	m->until_adapt = m->set[ADAPT_SAMPLES];
	m->until_cool = m->set[COOL_SAMPLES];
	*ret_self = m;
	return 0;
}

SLUICE_POLICY(.name = "memtis-like",
	      .summary = "as MEMTIS: a histogram of fading counts, cut where fast memory is full",
	      .params = params, .init = memtis_init, .decide = memtis_decide, .fini = memtis_fini);
