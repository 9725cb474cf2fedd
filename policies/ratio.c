/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratio.c - each process keeps given shares of its memory in each tier, its hottest in the fastest.
 *
 * For those who have bought fast memory for some programs and not for others, or who want to know
 * how a program does with a third of it in DRAM. Shares that do not add up are scaled; a process
 * that outgrows its share of a tier has its coldest demoted, even while there is room.
 *
 * Per process, tiers from the fastest down: what is beyond the share goes down from the coldest,
 * what is missing comes up from the hottest of slower tiers, and then hot and cold change places
 * for as long as the one is surely `band` times hotter (lower bound against upper bound, so noise
 * moves nothing). Promotions so cold that they would not pay back are refused by the engine: then a
 * share stays unfilled.
 */
#include "order.h"
#include "param.h"
#include "planner.h"

struct ratio {
	struct planner planner;
	struct order order; /* of one process, by heat */
	uint8_t *moved;     /* by entry: planned already */
	double parts[SLUICE_TIERS_MAX];
	int part_count; /* 0: as tiers are large */
	double slack, band, regions_max;
};

enum { SHARES, SLACK_PERCENT, BAND, REGIONS_MAX };
static const struct sluice_param params[] = {
	[SHARES] = {"shares", "sizes",
		    "how much of each process goes to each tier, like 60:40, fastest first; "
		    "'sizes': as the tiers are large"},
	[SLACK_PERCENT] = {"slack_percent", "1",
			   "shares may be off by so much of the process before anything moves for "
			   "their sake"},
	[BAND] = {"band", "1.2",
		  "swap when the hot memory is surely hotter than the cold, by this factor"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 17 bytes each when used"},
	{0},
};

/* The share of each tier, of a process of 1. */
static void
find_shares(const struct ratio *q, double *ret_shares)
{
	const struct sluice_view *view = q->planner.view;
	double sum = 0;

	for (uint32_t t = 0; t < view->tier_count; t++) {
		ret_shares[t] = q->part_count ? q->parts[t]
					      : (double)sluice_view_tier(view, t)->total_bytes;
		sum += ret_shares[t];
	}
	for (uint32_t t = 0; t < view->tier_count; t++)
		ret_shares[t] = sum > 0 ? ret_shares[t] / sum : 0;
}

/* The next entry of the ranking that is in tier t (or in a slower one) and not planned yet, going
 * up from the coldest or down from the hottest; NULL behind the last. */
static const struct sluice_region *
coldest_of(const struct ratio *q, uint32_t t, uint64_t *k)
{
	for (; *k < q->order.count; (*k)++) {
		uint32_t i = q->order.sorted[*k].entry;

		if (sluice_view_region(q->planner.view, i)->tier == t && !q->moved[i])
			return sluice_view_region(q->planner.view, i);
	}
	return NULL;
}

static const struct sluice_region *
hottest_below(const struct ratio *q, uint32_t t, uint64_t *k)
{
	for (; *k > 0; (*k)--) {
		uint32_t i = q->order.sorted[*k - 1].entry;

		if (sluice_view_region(q->planner.view, i)->tier > t && !q->moved[i])
			return sluice_view_region(q->planner.view, i);
	}
	return NULL;
}

/* Bring tier t to its share of a process with so many bytes, of which `held` are there. */
static void
fill(struct ratio *q, uint32_t t, double share_bytes, double held, double slack_bytes)
{
	const struct sluice_region *hot, *cold;
	uint64_t low = 0, high = q->order.count;

	for (int begun = held > share_bytes + slack_bytes;
	     begun && held > share_bytes && (cold = coldest_of(q, t, &low));) {
		uint32_t i = q->order.sorted[low++].entry;

		q->moved[i] = 1;
		held -= planner_demote(&q->planner, i) ? cold->bytes : 0;
	}
	for (int begun = held < share_bytes - slack_bytes;
	     begun && (hot = hottest_below(q, t, &high)) && held + hot->bytes <= share_bytes;) {
		uint32_t i = q->order.sorted[--high].entry;

		if (!planner_move(&q->planner, i, t, planner_heat(hot)))
			break;
		q->moved[i] = 1;
		held += hot->bytes;
	}
	while ((hot = hottest_below(q, t, &high)) && (cold = coldest_of(q, t, &low)) &&
	       (double)hot->heat_low > q->band * (double)cold->heat_high) {
		uint32_t up = q->order.sorted[high - 1].entry, down = q->order.sorted[low].entry;

		/* What makes room may be larger than what comes, not smaller. */
		if (hot->bytes > cold->bytes) {
			high--;
			continue;
		}
		if (!planner_demote(&q->planner, down))
			return;
		q->moved[down] = 1;
		low++;
		q->moved[up] = (uint8_t)planner_move(&q->planner, up, t,
						     (double)hot->heat - (double)cold->heat);
		high--;
	}
}

/* Entries [first, end) are a process; the view is sorted by pid. */
static void
plan_process(struct ratio *q, const double *shares, uint64_t first, uint64_t end)
{
	const struct sluice_view *view = q->planner.view;
	double held[SLUICE_TIERS_MAX] = {0}, bytes = 0;

	q->order.count = 0;
	for (uint64_t i = first; i < end; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		if (r->tier >= view->tier_count)
			continue;
		order_add(&q->order, planner_heat(r), i);
		held[r->tier] += r->bytes;
		bytes += r->bytes;
	}
	order_sort(&q->order);
	for (uint32_t t = 0; t + 1 < view->tier_count && !q->planner.is_over; t++)
		fill(q, t, shares[t] * bytes, held[t], q->slack / 100 * bytes);
}

static int
ratio_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct ratio *q = self;
	double shares[SLUICE_TIERS_MAX];
	int r = planner_begin(&q->planner, view, plan, (uint64_t)q->regions_max, reterr);

	if (r < 0)
		return r;
	find_shares(q, shares);
	memset(q->moved, 0, view->region_count);
	for (uint64_t first = 0, end; first < view->region_count; first = end) {
		int32_t pid = sluice_view_region(view, first)->pid;

		for (end = first;
		     end < view->region_count && sluice_view_region(view, end)->pid == pid;)
			end++;
		plan_process(q, shares, first, end);
	}
	return 0;
}

static void
ratio_fini(void *self)
{
	struct ratio *q = self;

	if (!q)
		return;
	order_fini(&q->order);
	free(q->moved);
	free(q);
}

static int
ratio_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	   struct sluice_err *reterr)
{
	struct ratio *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return sluice_fail(reterr, -ENOMEM, "no memory for ratio");
	q->planner.host = host;
	q->part_count = r =
		param_parts(params, values, SHARES, "sizes", q->parts, SLUICE_TIERS_MAX, reterr);
	if (r < 0 ||
	    (r = param_number(params, values, SLACK_PERCENT, 0, 50, &q->slack, reterr)) < 0 ||
	    (r = param_number(params, values, BAND, 1, 100, &q->band, reterr)) < 0 ||
	    (r = param_number(params, values, REGIONS_MAX, 1, 1e9, &q->regions_max, reterr)) < 0 ||
	    (r = order_init(&q->order, q->regions_max, reterr)) < 0)
		goto fail;
	q->moved = malloc((size_t)q->regions_max);
	if (!q->moved) {
		r = sluice_fail(reterr, -ENOMEM,
				"no memory to sort %.0f entries; lower regions_max",
				q->regions_max);
		goto fail;
	}
	*ret_self = q;
	return 0;
fail:
	ratio_fini(q);
	return r;
}

SLUICE_POLICY(.name = "ratio",
	      .summary = "give each process fixed shares of the tiers, its hottest the fastest",
	      .params = params, .init = ratio_init, .decide = ratio_decide, .fini = ratio_fini);
