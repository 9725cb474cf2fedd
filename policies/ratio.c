/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratio.c - each process keeps given shares of its memory in each tier, its hottest in the fastest.
 *
 * For those who have bought fast memory for some programs and not for others, or who want to know
 * how a program does with a third of it in DRAM. Shares that do not add up are scaled; a process
 * that outgrows its share of a tier has its coldest demoted, even while there is room.
 *
 * Per process: entries from the hottest down, cut where each tier's share ends. Memory within
 * `band_percent` of a cut stays on the side where it is, so that noise moves nothing. Promotions so
 * cold that they would not pay back are refused by the engine: then a share stays unfilled.
 */
#include "order.h"
#include "param.h"
#include "planner.h"

struct ratio {
	struct planner planner;
	struct order order;
	double *starts; /* by entry: hotter bytes of its process, including itself */
	double parts[SLUICE_TIERS_MAX];
	int part_count;
	double band, regions_max;
};

enum { SHARES, BAND_PERCENT, REGIONS_MAX };
static const struct sluice_param params[] = {
	[SHARES] = {"shares", "sizes",
		    "how much of each process goes to each tier, like 60:40, fastest first; "
		    "'sizes': as the tiers are large"},
	[BAND_PERCENT] = {"band_percent", "2",
			  "leave memory alone that is so near to where a share ends, in percent "
			  "of the process"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be sorted, at 24 bytes each when used"},
	{0},
};

/* Where each tier's share ends, as a part of the process. */
static void
find_ends(const struct ratio *q, double *ret_ends)
{
	const struct sluice_view *view = q->planner.view;
	double sum = 0;

	for (uint32_t t = 0; t < view->tier_count; t++) {
		double total_bytes = (double)sluice_view_tier(view, t)->total_bytes;

		sum += q->part_count ? q->parts[t] : total_bytes;
		ret_ends[t] = sum;
	}
	for (uint32_t t = 0; t < view->tier_count; t++)
		ret_ends[t] = sum > 0 ? ret_ends[t] / sum : 1;
}

/* Of all processes at once, from the hottest down: where within its process each entry begins. The
 * view is sorted by pid, so a process is a stretch of it. */
static void
rank_process(struct ratio *q, uint64_t first, uint64_t end)
{
	double above_bytes = 0, all_bytes = 0;

	q->order.count = 0;
	for (uint64_t i = first; i < end; i++) {
		order_add(&q->order, planner_heat(sluice_view_region(q->planner.view, i)), i);
		all_bytes += sluice_view_region(q->planner.view, i)->bytes;
	}
	order_sort(&q->order);
	for (uint64_t k = q->order.count; k-- > 0;) {
		uint32_t i = q->order.sorted[k].entry;

		above_bytes += sluice_view_region(q->planner.view, i)->bytes;
		q->starts[i] = above_bytes / all_bytes;
	}
}

/* The tier in whose share the entry lies; its own when it is near enough to that. */
static uint32_t
place_of(const struct ratio *q, const double *ends, uint64_t i)
{
	const struct sluice_region *r = sluice_view_region(q->planner.view, i);
	uint32_t last = q->planner.view->tier_count - 1, to = 0;
	double begin = r->tier ? ends[r->tier - 1] - q->band : 0;

	if (q->starts[i] > begin && q->starts[i] <= ends[r->tier] + q->band)
		return r->tier;
	while (to < last && q->starts[i] > ends[to])
		to++;
	return to;
}

static int
ratio_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct ratio *q = self;
	double ends[SLUICE_TIERS_MAX];
	int r = planner_begin(&q->planner, view, plan, (uint64_t)q->regions_max, reterr);

	if (r < 0)
		return r;
	find_ends(q, ends);
	for (uint64_t first = 0, end; first < view->region_count; first = end) {
		int32_t pid = sluice_view_region(view, first)->pid;

		for (end = first + 1;
		     end < view->region_count && sluice_view_region(view, end)->pid == pid; end++)
			;
		rank_process(q, first, end);
	}
	for (int up = 0; up <= 1; up++) {
		for (uint64_t i = 0; i < view->region_count && !q->planner.is_over; i++) {
			const struct sluice_region *region = sluice_view_region(view, i);
			uint32_t to;

			if (region->tier >= view->tier_count)
				continue;
			to = place_of(q, ends, i);
			if (up ? to < region->tier : to > region->tier)
				(void)planner_move(&q->planner, i, to,
						   up ? planner_heat(region) : 0);
		}
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
	free(q->starts);
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
	    (r = param_number(params, values, BAND_PERCENT, 0, 50, &q->band, reterr)) < 0 ||
	    (r = param_number(params, values, REGIONS_MAX, 1, 1e9, &q->regions_max, reterr)) < 0 ||
	    (r = order_init(&q->order, q->regions_max, reterr)) < 0)
		goto fail;
	q->band /= 100;
	q->starts = malloc((size_t)q->regions_max * sizeof(*q->starts));
	if (!q->starts) {
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
