/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon-like.c - imitates DAMON's self-tuned tiering (Linux 6.16, mem_tier.sh): quotas with goals.
 *
 * Each region is sampled 20 times per aggregation, and the sampling interval (5 ms to 10 s) follows
 * the share of samples that find an access: 4 % of all. Two schemes act on that:
 * - demote: not accessed in any sample and not young, the coldest first; goal: 0.5 % of fast memory
 *   is free;
 * - promote: accessed in 5 % of samples or more and young, the hottest first; goal: 99.7 % of fast
 *   memory is used.
 * Each has a quota that a feedback loop sets: it grows by the share by which the goal is missed,
 * and shrinks by that by which it is exceeded, up to 200 MB/s.
 *
 * Different: samples are drawn from heat (draw.h), of one page of each entry. DAMON's own regions,
 * 10 to 1000 that split and merge, are not imitated: this sees what the engine sees, so it knows
 * more than DAMON. Free and used are beyond the engine's watermark. Quotas start at `start_mib`;
 * DAMON's start at next to nothing.
 */
#include "draw.h"
#include "order.h"
#include "param.h"

#define SAMPLES 20

enum {
	QUOTA_MIB_PER_S,
	START_MIB,
	FREE_GOAL_PERCENT,
	USED_GOAL_PERCENT,
	PROMOTE_PERCENT,
	ACCESS_GOAL_PERCENT,
	REGIONS_MAX,
	PARAMS
};

struct damon {
	struct planner planner;
	struct order hot, cold;
	double set[PARAMS];
	double sample_s;
	double demote_bytes, promote_bytes; /* quotas, of a second */
};

static const struct sluice_param params[] = {
	[QUOTA_MIB_PER_S] = {"quota_mib_per_s", "190.7", "each quota at most; 190.7 are 200 MB"},
	[START_MIB] = {"start_mib", "1", "each quota at first, per second"},
	[FREE_GOAL_PERCENT] = {"free_goal_percent", "0.5", "demote until so much is free"},
	[USED_GOAL_PERCENT] = {"used_goal_percent", "99.7", "promote until so much is used"},
	[PROMOTE_PERCENT] = {"promote_percent", "5", "hot is what so many samples find accessed"},
	[ACCESS_GOAL_PERCENT] = {"access_goal_percent", "4",
				 "tune the sampling interval to find so many accesses"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 32 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[QUOTA_MIB_PER_S] = {0.001, 1e9}, [START_MIB] = {0.001, 1e9},
	[FREE_GOAL_PERCENT] = {0.01, 50}, [USED_GOAL_PERCENT] = {1, 100},
	[PROMOTE_PERCENT] = {0, 100},     [ACCESS_GOAL_PERCENT] = {0.01, 99},
	[REGIONS_MAX] = {1, 1e9},
};

/* In how many of an aggregation's samples entry i was accessed: binomial, by inversion. */
static int
sampled(const struct damon *d, uint64_t i, double *ret_share)
{
	double mean = planner_heat(sluice_view_region(d->planner.view, i)) * d->sample_s;
	double number = draw_number(d->planner.view, i, 0);
	double missed = mean < 700 ? exp(-mean) : 0, odds, chance, sum;
	int count = 0;

	*ret_share = 1 - missed;
	if (mean > 30)
		return SAMPLES;
	odds = (1 - missed) / missed;
	chance = missed * missed * missed * missed;
	sum = chance *= chance * chance * chance * chance; /* to the 20th: none of them */
	while (number > sum && count < SAMPLES) {
		chance *= (SAMPLES - count) / (count + 1.0) * odds;
		sum += chance;
		count++;
	}
	return count;
}

static void
watch(struct damon *d)
{
	const struct sluice_view *view = d->planner.view;
	double accessed = 0, all = 0, share, factor;

	d->hot.count = d->cold.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);
		int count = sampled(d, i, &share);
		int hot = r->tier > 0 && 100 * count >= SAMPLES * d->set[PROMOTE_PERCENT];
		int cold = r->tier == 0 && count == 0;

		accessed += share * r->bytes;
		all += r->bytes;
		/* Whether it is young is looked up on other pages, over the same time. */
		if (!hot && !cold)
			continue;
		if (draw_touched(view, i, SAMPLES * d->sample_s, 1) != hot)
			continue;
		if (cold)
			order_add(&d->cold, planner_heat(r), i);
		else
			order_add(&d->hot, count, i);
	}
	factor = accessed > 0 ? d->set[ACCESS_GOAL_PERCENT] / 100 * all / accessed : 2;
	d->sample_s *= fmin(fmax(factor, 0.5), 2);
	d->sample_s = fmin(fmax(d->sample_s, 0.005), 10);
}

/* The feedback loop: `score` is what is reached of the goal, 1 all of it. */
static double
tune(const struct damon *d, double quota, double score)
{
	quota += quota * (1 - fmin(score, 2)) * d->planner.elapsed_s;
	return fmin(fmax(quota, 4096), d->set[QUOTA_MIB_PER_S] * 1048576);
}

static void
tune_quotas(struct damon *d)
{
	double total = (double)sluice_view_tier(d->planner.view, 0)->total_bytes;
	double room = (double)d->planner.room_bytes[0] - (double)d->planner.shortage_bytes[0];
	double free_percent = total > 0 ? 100 * room / total : 0;

	d->demote_bytes =
		tune(d, d->demote_bytes, fmax(free_percent, 0) / d->set[FREE_GOAL_PERCENT]);
	d->promote_bytes =
		tune(d, d->promote_bytes, (100 - free_percent) / d->set[USED_GOAL_PERCENT]);
}

static int
damon_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct damon *d = self;
	int r = planner_begin(&d->planner, view, plan, (uint64_t)d->set[REGIONS_MAX], reterr);
	double left;

	if (r < 0 || view->tier_count < 2)
		return r;
	watch(d);
	tune_quotas(d);
	order_sort(&d->cold);
	order_sort(&d->hot);
	left = d->demote_bytes * d->planner.elapsed_s;
	for (uint64_t k = 0; k < d->cold.count && left > 0; k++) {
		uint32_t i = d->cold.sorted[k].entry;

		if (planner_need(&d->planner, 0, d->set[FREE_GOAL_PERCENT]) == 0)
			break;
		if (planner_demote(&d->planner, i))
			left -= sluice_view_region(view, i)->bytes;
	}
	left = d->promote_bytes * d->planner.elapsed_s;
	for (uint64_t k = d->hot.count; k-- > 0 && left > 0;) {
		uint32_t i = d->hot.sorted[k].entry;

		if (planner_move(&d->planner, i, 0, planner_heat(sluice_view_region(view, i))))
			left -= sluice_view_region(view, i)->bytes;
	}
	return 0;
}

static void
damon_fini(void *self)
{
	struct damon *d = self;

	if (!d)
		return;
	order_fini(&d->hot);
	order_fini(&d->cold);
	free(d);
}

static int
damon_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	   struct sluice_err *reterr)
{
	struct damon *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return sluice_fail(reterr, -ENOMEM, "no memory for damon-like");
	d->planner.host = host;
	if ((r = param_numbers(params, bounds, values, d->set, reterr)) < 0 ||
	    (r = order_init(&d->hot, d->set[REGIONS_MAX], reterr)) < 0 ||
	    (r = order_init(&d->cold, d->set[REGIONS_MAX], reterr)) < 0) {
		damon_fini(d);
		return r;
	}
	d->sample_s = 0.1;
	d->demote_bytes = d->promote_bytes = d->set[START_MIB] * 1048576;
	*ret_self = d;
	return 0;
}

SLUICE_POLICY(.name = "damon-like",
	      .summary = "as DAMON tunes itself: schemes with quotas that follow goals",
	      .params = params, .init = damon_init, .decide = damon_decide, .fini = damon_fini);
