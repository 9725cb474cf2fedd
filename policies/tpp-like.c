/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpp-like.c - imitates the kernel's own tiering: hint faults promote, recency demotes.
 *
 * Linux since 6.1 (numa_balancing = 2, demotion_enabled) and TPP (ASPLOS '23), of which it came:
 * - A scanner walks slow memory, `scan_mib_per_s` of it, and marks pages. The time until a marked
 *   page is accessed is its hint latency; shorter than `threshold_ms` means hot.
 * - While more than max(1 GiB, 1/16) of fast memory is free, any fault promotes.
 * - Each `adjust_s`, when candidates exceed the rate limit by 10 %, the threshold falls by an
 * eighth of its base, when they stay 10 % below it rises; between one eighth and twice the base.
 * - When fast memory runs out of room, what was accessed longest ago is demoted; TPP keeps 2 % free
 *   ahead of demand.
 * Constants are those of v6.3's kernel/sched/fair.c; the headroom is of TPP.
 *
 * Different: faults and last accesses are drawn from heat (draw.h), one draw for all pages of an
 * entry, and a fault within a round is known at once. TPP's test for the active list (two faults)
 * and the kernel's slowing down of the scanner are left out: they change how soon, not what.
 */
#include "draw.h"
#include "exchange.h"
#include "param.h"

enum {
	SCAN_MIB_PER_S,
	THRESHOLD_MS,
	RATE_LIMIT_MIB_PER_S,
	ADJUST_S,
	HEADROOM_PERCENT,
	REGIONS_MAX,
	PARAMS
};

struct tpp {
	struct planner planner;
	struct order in, out;
	double set[PARAMS];
	double threshold_s;
	double candidate_bytes, candidate_s; /* since the last adjustment */
	uint64_t next_addr;                  /* where the scanner goes on */
	int32_t next_pid;
};

static const struct sluice_param params[] = {
	[SCAN_MIB_PER_S] = {"scan_mib_per_s", "256", "how much slow memory is marked a second"},
	[THRESHOLD_MS] = {"threshold_ms", "1000", "what is accessed sooner after marking is hot"},
	[RATE_LIMIT_MIB_PER_S] = {"rate_limit_mib_per_s", "65536",
				  "promote no more; the threshold adapts to it"},
	[ADJUST_S] = {"adjust_s", "60", "time between two adjustments of the threshold"},
	[HEADROOM_PERCENT] = {"headroom_percent", "2",
			      "share of fast memory kept free beyond the engine's watermark"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 32 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[SCAN_MIB_PER_S] = {1, 1e9},       [THRESHOLD_MS] = {1, 1e6},
	[RATE_LIMIT_MIB_PER_S] = {1, 1e9}, [ADJUST_S] = {1, 1e6},
	[HEADROOM_PERCENT] = {0, 50},      [REGIONS_MAX] = {1, 1e9},
};

/* Mark slow memory from where the last round ended, once around at most, and collect the faults. */
static void
scan(struct tpp *t)
{
	const struct sluice_view *view = t->planner.view;
	double left = t->set[SCAN_MIB_PER_S] * 1048576 * t->planner.elapsed_s;
	double threshold_s = t->threshold_s;
	const struct sluice_tier *fast = sluice_view_tier(view, 0);
	double plenty = (double)fast->total_bytes / 16;
	uint64_t i = planner_find(&t->planner, t->next_pid, t->next_addr);

	if (plenty < 1073741824.0)
		plenty = 1073741824.0;
	if ((double)fast->free_bytes > plenty) /* any fault of this round will do */
		threshold_s =
			fmax(t->planner.elapsed_s, t->threshold_s = t->set[THRESHOLD_MS] / 1e3);
	t->in.count = 0;
	for (uint64_t n = 0; n < view->region_count && left > 0; n++, i++) {
		const struct sluice_region *r;
		double latency_s;

		i = i < view->region_count ? i : 0;
		r = sluice_view_region(view, i);
		if (r->tier == 0)
			continue;
		left -= r->bytes;
		latency_s = draw_gap_s(view, i, 0);
		if (latency_s < threshold_s) {
			order_add(&t->in, 1 / (latency_s + 1e-6), i);
			t->candidate_bytes += r->bytes;
		}
	}
	i = i < view->region_count ? i : 0;
	t->next_pid = sluice_view_region(view, i)->pid;
	t->next_addr = sluice_view_region(view, i)->addr;
}

static void
adjust(struct tpp *t)
{
	double base_s = t->set[THRESHOLD_MS] / 1e3, limit;

	t->candidate_s += t->planner.elapsed_s;
	if (t->candidate_s < t->set[ADJUST_S])
		return;
	limit = t->set[RATE_LIMIT_MIB_PER_S] * 1048576 * t->candidate_s;
	if (t->candidate_bytes > 1.1 * limit)
		t->threshold_s = fmax(t->threshold_s - base_s / 8, base_s / 8);
	else if (t->candidate_bytes < 0.9 * limit)
		t->threshold_s = fmin(t->threshold_s + base_s / 8, 2 * base_s);
	t->candidate_bytes = t->candidate_s = 0;
}

/* Fast memory by its last access, the oldest first. */
static void
age(struct tpp *t)
{
	const struct sluice_view *view = t->planner.view;

	t->out.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		if (sluice_view_region(view, i)->tier == 0)
			order_add(&t->out, 1 / (draw_gap_s(view, i, 1) + 1e-6), i);
	}
	order_sort(&t->out);
}

static int
tpp_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	   struct sluice_err *reterr)
{
	struct tpp *t = self;
	struct exchange exchange = {.planner = &t->planner, .in = &t->in, .out = &t->out};
	int r = planner_begin(&t->planner, view, plan, (uint64_t)t->set[REGIONS_MAX], reterr);

	if (r < 0 || view->tier_count < 2 || view->region_count == 0)
		return r;
	scan(t);
	adjust(t);
	order_sort(&t->in);
	age(t);
	exchange.in_bytes_max =
		(uint64_t)(t->set[RATE_LIMIT_MIB_PER_S] * 1048576 * t->planner.elapsed_s) + 1;
	exchange_evict(&exchange, planner_need(&t->planner, 0, t->set[HEADROOM_PERCENT]));
	exchange_all(&exchange);
	return 0;
}

static void
tpp_fini(void *self)
{
	struct tpp *t = self;

	if (!t)
		return;
	order_fini(&t->in);
	order_fini(&t->out);
	free(t);
}

static int
tpp_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	 struct sluice_err *reterr)
{
	struct tpp *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return sluice_fail(reterr, -ENOMEM, "no memory for tpp-like");
	t->planner.host = host;
	if ((r = param_numbers(params, bounds, values, t->set, reterr)) < 0 ||
	    (r = order_init(&t->in, t->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&t->out, t->set[REGIONS_MAX], reterr)) < 0) {
		tpp_fini(t);
		return r;
	}
	t->threshold_s = t->set[THRESHOLD_MS] / 1e3;
	t->next_pid = INT32_MIN;
	*ret_self = t;
	return 0;
}

SLUICE_POLICY(.name = "tpp-like",
	      .summary = "as Linux does it: hint faults promote, the least recently used leave",
	      .params = params, .init = tpp_init, .decide = tpp_decide, .fini = tpp_fini);
