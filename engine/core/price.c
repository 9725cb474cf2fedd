/* SPDX-License-Identifier: Apache-2.0 */
/* price.c - see price.h. */
#include "price.h"

#include <math.h>
#include <string.h>

#define NS_PER_S 1000000000ull
#define LOOK_NS NS_PER_S
#define TOLD_OVER_S 10.0
#define SENTINEL_WEIGHT 0.25 /* of a tracker that watches page by page */
/* What was not used is not saved up for long, or it would all be spent at once; what was spent too
 * much is paid back, as far as it does not make trackers blind for long. Seconds at the ceiling. */
#define BANK_MOST_S 2.0
#define BANK_LEAST_S (-12.0)
#define SETTLE_S 6.0 /* in which the bank is evened out */
#define AIM_LEAST 0.3
#define AIM_MOST 1.3
#define ROOM_LEAST 0.02 /* of the ceiling: no tracker goes blind for what others cost */
/* A tracker that is told E may cost a fraction of it, or many times as much. */
#define EFFORT_TIMES 8.0
#define EFFORT_PART (1.0 / 64)
#define GAIN 0.3
#define STEP_LEAST 0.5
#define SHARE_PART 0.7 /* of what a second cost, in what is taken for a tracker's cost */

void
price_init(struct price *price, double ceiling, const int *sentinel, size_t count)
{
	double sum = 0;

	memset(price, 0, sizeof(*price));
	price->ceiling = ceiling;
	price->count = count;
	for (size_t i = 0; i < count; i++) {
		price->weight[i] = sentinel[i] && count > 1 ? SENTINEL_WEIGHT : 1;
		sum += price->weight[i];
	}
	for (size_t i = 0; i < count; i++) {
		price->weight[i] /= sum;
		/* What it costs to hand samples over is not known yet. */
		price->effort[i] = ceiling * price->weight[i] / 2;
	}
}

void
price_rest(struct price *price, int resting)
{
	price->resting = resting;
}

int
price_is_due(const struct price *price, uint64_t now_ns)
{
	return price->looked_ns == 0 || now_ns >= price->looked_ns + LOOK_NS;
}

static void
smooth(double *mean, double now, double part)
{
	*mean += (now - *mean) * part;
}

static void
tell(struct price *price, const struct price_cost *spent, double base, double dt_s)
{
	struct price_told *told = &price->told;
	double part, own = base, kernel = 0, target = 0;

	for (size_t i = 0; i < price->count; i++) {
		own += (double)spent[i].own_ns / 1e9 / dt_s;
		kernel += (double)spent[i].kernel_ns / 1e9 / dt_s;
		target += (double)spent[i].target_ns / 1e9 / dt_s;
	}
	/* A plain mean at first, then the weight of what is older fades. */
	price->filled = fmin(price->filled + dt_s, TOLD_OVER_S);
	part = fmin(dt_s / price->filled, 1);
	smooth(&told->own, own, part);
	smooth(&told->kernel, kernel, part);
	smooth(&told->target, target, part);
	told->all = told->own + told->kernel + told->target;
	told->known = 1;
}

/* The tracker's part of what there is to spend, or what the others leave, when that is more. */
static double
room_of(const struct price *price, const double *share, size_t i, double spendable)
{
	double others = 0;

	for (size_t k = 0; k < price->count; k++)
		others += k == i ? 0 : share[k];
	return fmax(fmax(price->weight[i] * spendable, spendable - others),
		    ROOM_LEAST * price->ceiling);
}

static void
steer(struct price *price, double base)
{
	const double *share = price->share;
	double aim = price->ceiling + price->bank_s / SETTLE_S, spendable;

	aim = fmin(fmax(aim, AIM_LEAST * price->ceiling), AIM_MOST * price->ceiling);
	spendable = fmax(aim - base, 0);
	for (size_t i = 0; i < price->count; i++) {
		double room = room_of(price, share, i, spendable);
		double ratio = share[i] > room / 16 ? room / share[i] : 16;
		double effort;

		/* With care: costs follow efforts after some seconds. */
		ratio = fmin(fmax(pow(ratio, GAIN), STEP_LEAST), 1 / STEP_LEAST);
		effort = price->effort[i] * ratio;
		price->effort[i] = fmin(fmax(effort, room * EFFORT_PART), room * EFFORT_TIMES);
	}
}

/* Counters do not go back; one that does is of something else, and tells nothing. */
static uint64_t
since(uint64_t now_ns, uint64_t before_ns)
{
	return now_ns > before_ns ? now_ns - before_ns : 0;
}

int
price_look(struct price *price, const struct price_cost *cost, uint64_t base_ns, uint64_t now_ns)
{
	struct price_cost spent[PRICE_TRACKERS_MAX];
	double share, dt_s, all, base;
	int first = price->looked_ns == 0;

	if (!first && now_ns <= price->looked_ns)
		return 0;
	dt_s = (double)(now_ns - price->looked_ns) / 1e9;
	all = base = (double)since(base_ns, price->last_base_ns) / 1e9 / dt_s;
	for (size_t i = 0; i < price->count; i++) {
		spent[i].own_ns = since(cost[i].own_ns, price->last[i].own_ns);
		spent[i].kernel_ns = since(cost[i].kernel_ns, price->last[i].kernel_ns);
		spent[i].target_ns = since(cost[i].target_ns, price->last[i].target_ns);
		share = (double)(spent[i].own_ns + spent[i].kernel_ns + spent[i].target_ns) / 1e9 /
			dt_s;
		all += share;
		if (!price->resting)
			smooth(&price->share[i], share, SHARE_PART);
		price->last[i] = cost[i];
	}
	price->last_base_ns = base_ns;
	price->looked_ns = now_ns;
	if (first)
		return 0;
	tell(price, spent, base, dt_s);
	if (price->ceiling <= 0)
		return 0;
	price->bank_s += (price->ceiling - all) * dt_s;
	price->bank_s = fmin(fmax(price->bank_s, BANK_LEAST_S * price->ceiling),
			     BANK_MOST_S * price->ceiling);
	if (price->resting)
		return 0;
	steer(price, base);
	return 1;
}
