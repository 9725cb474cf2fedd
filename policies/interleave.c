/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interleave.c - spread memory over all tiers in a fixed pattern, for bandwidth.
 *
 * Each region has its place by a hash of its address: a tier's chance is its share of all memory,
 * or its weight. Programs that stream are then served by all tiers at once, and none is the
 * bottleneck before the others. What lies elsewhere goes to its place; heat decides nothing, but
 * the engine refuses promotions of memory so cold that they would not pay back. When memory comes
 * or goes only regions whose place changed move.
 *
 * Memory first allocated in a round-robin over nodes (numactl --interleave, weighted interleave of
 * Linux 6.9) has the same shares page by page; here the pattern's step is a region of 2 MiB, which
 * is as good for bandwidth as long as more than a few regions are in use at once.
 */
#include "param.h"
#include "planner.h"

struct interleave {
	struct planner planner;
	double weights[SLUICE_TIERS_MAX];
	int weight_count; /* 0: as tiers are large */
};

enum { WEIGHTS };
static const struct sluice_param params[] = {
	[WEIGHTS] = {"weights", "sizes",
		     "how much of memory goes to each tier, like 3:1, fastest first; give the "
		     "tiers' bandwidths to use all of them; 'sizes': as they are large"},
	{0},
};

/* Evenly distributed in [0, 1), and the same for ever. */
static double
place_of(const struct sluice_region *r)
{
	uint64_t x = (r->addr >> 21) + (uint64_t)(uint32_t)r->pid * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return (double)((x ^ (x >> 32)) >> 11) / 9007199254740992.0;
}

static int
interleave_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
		  struct sluice_err *reterr)
{
	struct interleave *w = self;
	double ends[SLUICE_TIERS_MAX] = {0}, sum = 0; /* tier t takes places from ends[t - 1] on */
	int r = planner_begin(&w->planner, view, plan, UINT32_MAX, reterr);

	if (r < 0)
		return r;
	for (uint32_t t = 0; t < view->tier_count; t++) {
		double total_bytes = (double)sluice_view_tier(view, t)->total_bytes;

		/* A tier left without memory takes nothing. */
		if (w->weight_count && total_bytes > 0)
			sum += w->weights[t];
		else if (!w->weight_count)
			sum += total_bytes;
		ends[t] = sum;
	}
	if (!(sum > 0)) /* only tiers that are gone have a weight */
		return 0;
	/* Down first: that makes the room. */
	for (int up = 0; up <= 1; up++) {
		for (uint64_t i = 0; i < view->region_count && !w->planner.is_over; i++) {
			const struct sluice_region *region = sluice_view_region(view, i);
			double place = place_of(region) * sum;
			uint32_t to = 0;

			while (to + 1 < view->tier_count && place >= ends[to])
				to++;
			if (up ? to < region->tier : to > region->tier)
				(void)planner_move(&w->planner, i, to,
						   up ? planner_heat(region) : 0);
		}
	}
	return 0;
}

static int
interleave_init(const struct sluice_host *host, const char *const *values, void **ret_self,
		struct sluice_err *reterr)
{
	struct interleave *w = calloc(1, sizeof(*w));

	if (!w)
		return sluice_fail(reterr, -ENOMEM, "no memory for interleave");
	w->planner.host = host;
	w->weight_count =
		param_parts(params, values, WEIGHTS, "sizes", w->weights, SLUICE_TIERS_MAX, reterr);
	if (w->weight_count < 0) {
		free(w);
		return -EINVAL;
	}
	*ret_self = w;
	return 0;
}

static void
interleave_fini(void *self)
{
	free(self);
}

SLUICE_POLICY(.name = "interleave", .summary = "spread memory over all tiers in a fixed pattern",
	      .params = params, .init = interleave_init, .decide = interleave_decide,
	      .fini = interleave_fini);
