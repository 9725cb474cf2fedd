/* SPDX-License-Identifier: Apache-2.0 */
/*
 * colloid-like.c - imitates Colloid (SOSP '24): the tiers' latencies shall be equal.
 *
 * Under load a fast tier may be the slower one. So the share p of accesses that fast memory serves
 * is raised while its latency is below that of slow memory, and lowered while it is above, a round
 * at a time by
 *     dp = p (1 - p) |L_fast - L_slow| / ((1 - p) L_fast + p L_slow).
 * To raise it, hot slow pages change places with cold fast ones, the pair with the largest
 * difference first that is within what is left of dp; to lower it, hot fast pages go down. Bytes
 * per round are limited to dp of the traffic, and to 50 pages of 2 MiB in 10 ms. Latencies are
 * averaged with a weight of 1/16 per 10 ms, which is all of a round of a second.
 *
 * Different: Colloid measures occupancy and rate of the processor's queues to each tier (Little's
 * law); here the engine tells each tier's latency under load. Where it does not, the idle latencies
 * are compared, and then fast memory is filled with what is hot, as by systems without Colloid.
 * Shares of accesses are those of the view's heat. With more than two tiers the slow ones count as
 * one, with the mean of their latencies by traffic.
 */
#include "order.h"
#include "param.h"
#include "planner.h"

enum { ACCESS_BYTES, PAGES_MAX, REGIONS_MAX, PARAMS };

struct colloid {
	struct planner planner;
	struct order hot, cold;
	double set[PARAMS];

	/* This round. */
	double rate; /* all accesses per second */
	double step; /* of p that is still to be made */
	double bytes_left;
};

static const struct sluice_param params[] = {
	[ACCESS_BYTES] = {"access_bytes", "64", "bytes of one access, to tell the traffic"},
	[PAGES_MAX] = {"pages_max", "50", "move so many pages of 2 MiB in 10 ms at most"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 32 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[ACCESS_BYTES] = {1, 2097152},
	[PAGES_MAX] = {0.001, 1e9},
	[REGIONS_MAX] = {1, 1e9},
};

/* The share of all accesses that go to entry i. */
static double
share_of(const struct colloid *c, uint64_t i)
{
	const struct sluice_region *r = sluice_view_region(c->planner.view, i);

	return c->rate > 0 ? planner_heat(r) * (r->bytes / 4096) / c->rate : 0;
}

/* What a tier serves: the engine's figure, or the sum of the view's heat with older engines. */
static void
find_traffic(struct colloid *c, double *ret_rates)
{
	const struct sluice_view *view = c->planner.view;

	memset(ret_rates, 0, view->tier_count * sizeof(*ret_rates));
	c->rate = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		if (r->tier < view->tier_count)
			ret_rates[r->tier] += planner_heat(r) * (r->bytes / 4096);
	}
	for (uint32_t t = 0; t < view->tier_count; t++) {
		const struct sluice_tier *tier = sluice_view_tier(view, t);

		c->rate += ret_rates[t];
		if (SLUICE_HAS(view->tier_stride, tier, access_rate) && tier->access_rate > 0)
			ret_rates[t] = (double)tier->access_rate;
	}
}

/* The step of p, positive to raise it. */
static double
find_step(struct colloid *c)
{
	const struct sluice_view *view = c->planner.view;
	double rates[SLUICE_TIERS_MAX], slow_rate = 0, slow_ns = 0, p, step;
	double fast_ns = planner_latency_ns(view, 0);

	find_traffic(c, rates);
	for (uint32_t t = 1; t < view->tier_count; t++) {
		/* A tier that serves nothing counts a little, so that there is a mean. */
		slow_ns += (rates[t] + 1e-6) * planner_latency_ns(view, t);
		slow_rate += rates[t] + 1e-6;
	}
	slow_ns /= slow_rate;
	if (!(fast_ns > 0) || !(slow_ns > 0)) {
		fast_ns = 100; /* unknown: slower is what the engine ranks so */
		slow_ns = 200;
	}
	p = rates[0] / (rates[0] + slow_rate);
	step = p * (1 - p) * fabs(fast_ns - slow_ns) / ((1 - p) * fast_ns + p * slow_ns);
	/* At p = 0 the formula never gets off the ground. */
	if (p < 0.01 && fast_ns < slow_ns)
		step = fmax(step, 0.01);
	c->bytes_left =
		fmin(c->set[PAGES_MAX] * 2097152 * c->planner.elapsed_s / 0.01,
		     step * (rates[0] + slow_rate) * c->set[ACCESS_BYTES] * c->planner.elapsed_s);
	return fast_ns < slow_ns ? step : -step;
}

static void
sort_tiers(struct colloid *c, int raise)
{
	const struct sluice_view *view = c->planner.view;

	c->hot.count = c->cold.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		int fast = sluice_view_region(view, i)->tier == 0;

		if (fast != raise)
			order_add(&c->hot, share_of(c, i), i);
		else if (fast)
			order_add(&c->cold, planner_heat(sluice_view_region(view, i)), i);
	}
	order_sort(&c->hot);
	order_sort(&c->cold);
}

/* From the hottest slow entry down: skip what would overshoot, give the others the place of the
 * coldest fast ones. */
static void
raise_share(struct colloid *c)
{
	const struct sluice_view *view = c->planner.view;
	uint64_t victim = 0;

	for (uint64_t k = c->hot.count; k-- > 0 && c->step > 0 && !c->planner.is_over;) {
		uint32_t i = c->hot.sorted[k].entry;
		const struct sluice_region *r = sluice_view_region(view, i);
		uint64_t room = c->planner.room_bytes[0], last = victim;
		double change = share_of(c, i);

		while (room < r->bytes && last < c->cold.count) {
			room += sluice_view_region(view, c->cold.sorted[last].entry)->bytes;
			change -= share_of(c, c->cold.sorted[last++].entry);
		}
		if (room < r->bytes || !(change > 0) || c->bytes_left < r->bytes)
			return;
		if (change > c->step)
			continue;
		while (victim < last)
			(void)planner_demote(&c->planner, c->cold.sorted[victim++].entry);
		if (!planner_move(&c->planner, i, 0, planner_heat(r)))
			return;
		c->step -= change;
		c->bytes_left -= r->bytes;
	}
}

static void
lower_share(struct colloid *c)
{
	for (uint64_t k = c->hot.count; k-- > 0 && c->step > 0 && !c->planner.is_over;) {
		uint32_t i = c->hot.sorted[k].entry;
		double change = share_of(c, i);

		if (!(change > 0) || c->bytes_left < sluice_view_region(c->planner.view, i)->bytes)
			return;
		if (change > c->step)
			continue;
		if (!planner_demote(&c->planner, i))
			return;
		c->step -= change;
		c->bytes_left -= sluice_view_region(c->planner.view, i)->bytes;
	}
}

/* The engine's shortage comes first, whatever the latencies: the coldest leave. */
static int
cure_shortage(struct colloid *c)
{
	uint64_t need = planner_need(&c->planner, 0, 0);

	if (need == 0)
		return 0;
	sort_tiers(c, 1);
	for (uint64_t k = 0; k < c->cold.count && need > 0; k++) {
		uint32_t i = c->cold.sorted[k].entry;
		uint32_t bytes = sluice_view_region(c->planner.view, i)->bytes;

		if (planner_demote(&c->planner, i))
			need -= need < bytes ? need : bytes;
	}
	return 1;
}

static int
colloid_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	struct colloid *c = self;
	int r = planner_begin(&c->planner, view, plan, (uint64_t)c->set[REGIONS_MAX], reterr);
	double step;

	if (r < 0 || view->tier_count < 2 || cure_shortage(c))
		return r;
	step = find_step(c);
	c->step = fabs(step);
	sort_tiers(c, step > 0);
	if (step > 0)
		raise_share(c);
	else
		lower_share(c);
	return 0;
}

static void
colloid_fini(void *self)
{
	struct colloid *c = self;

	if (!c)
		return;
	order_fini(&c->hot);
	order_fini(&c->cold);
	free(c);
}

static int
colloid_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	     struct sluice_err *reterr)
{
	struct colloid *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return sluice_fail(reterr, -ENOMEM, "no memory for colloid-like");
	c->planner.host = host;
	if ((r = param_numbers(params, bounds, values, c->set, reterr)) < 0 ||
	    (r = order_init(&c->hot, c->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&c->cold, c->set[REGIONS_MAX], reterr)) < 0) {
		colloid_fini(c);
		return r;
	}
	*ret_self = c;
	return 0;
}

SLUICE_POLICY(.name = "colloid-like",
	      .summary = "as Colloid: shift accesses between tiers until latencies are equal",
	      .params = params, .init = colloid_init, .decide = colloid_decide,
	      .fini = colloid_fini);
