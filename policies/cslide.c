/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cslide.c - pairs of a fast and a slow tier: hot memory up, and as much cold memory down as keeps
 * a reserve free.
 *
 * As the engine of that name in etmem does: in a cycle of `loop` scans each page collects a weight,
 * one for every scan that finds its accessed bit set; `hot_threshold` makes it hot. After the
 * cycle, in each pair, within `quota_mib` both ways together:
 * 1. hot memory goes up while there is room,
 * 2. then other memory, the hottest first, while more than `hot_reserve_mib` stays free, and
 * 3. where less is free, the coldest goes down.
 * So hot memory comes in by the room that the last cycle made. A round is a scan.
 *
 * Different: etmem has this for 2 MiB pages of hugetlbfs only, and pairs nodes, all of them, so it
 * has no use for two nodes of DRAM and one of CXL; this pairs tiers, any memory, and leaves out
 * those that are in no pair. The plan has step 3 first, for what it will be after the other two:
 * the engine wants demotions before promotions. Accessed bits are drawn from heat (draw.h).
 */
#include "draw.h"
#include "ledger.h"
#include "order.h"
#include "param.h"

enum { PAIRS, LOOP, HOT_THRESHOLD, QUOTA_MIB, HOT_RESERVE_MIB, REGIONS_MAX, PARAMS };

struct page {
	float weight;
};

struct cslide {
	struct planner planner;
	struct ledger ledger;
	struct order slow, fast;
	double pairs[SLUICE_TIERS_MAX];
	double loop, hot_threshold, quota_mib, reserve_mib;
	int pair_count; /* 0: neighbours */
	int scans;      /* of this cycle */
};

static const struct sluice_param params[] = {
	[PAIRS] =
		{"pairs", "neighbours",
		 "tiers that are paired, as fast:slow:fast:slow; 'neighbours': 0:1:2:3 and so on"},
	[LOOP] = {"loop", "3", "scans in a cycle"},
	[HOT_THRESHOLD] = {"hot_threshold", "3",
			   "hot is what so many scans of a cycle found accessed"},
	[QUOTA_MIB] = {"quota_mib", "1024", "moved in a cycle at most, in each pair"},
	[HOT_RESERVE_MIB] = {"hot_reserve_mib", "64",
			     "kept free in the fast tier for hot memory to come"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 92 bytes each when used"},
	{0},
};

/* One scan. Entries of a region in 4 KiB detail share its weight by their heat. */
static void
scan(struct cslide *c)
{
	const struct sluice_view *view = c->planner.view;
	struct ledger_region region;
	struct page *page;

	ledger_begin(&c->ledger, view);
	while ((page = ledger_next(&c->ledger, &region))) {
		double touched_bytes = 0;

		for (uint64_t i = region.first; i < region.end; i++) {
			if (draw_touched(view, i, c->planner.elapsed_s, 0))
				touched_bytes += sluice_view_region(view, i)->bytes;
		}
		page->weight += (float)(touched_bytes / (double)region.bytes);
	}
}

static double
weight_of(const struct cslide *c, uint64_t i)
{
	const struct page *page = ledger_item(&c->ledger, i);

	return fmin((double)page->weight * ledger_share(&c->ledger, i), c->loop);
}

static void
move_pair(struct cslide *c, uint32_t fast, uint32_t slow)
{
	const struct sluice_view *view = c->planner.view;
	double quota_bytes = c->quota_mib * 1048576, reserve_bytes = c->reserve_mib * 1048576;
	double room = (double)c->planner.room_bytes[fast] - (double)c->planner.shortage_bytes[fast];
	double left = quota_bytes, up_bytes = 0;
	uint64_t up;

	c->slow.count = c->fast.count = 0;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		if (r->tier == slow && weight_of(c, i) > 0)
			order_add(&c->slow, weight_of(c, i), i);
		else if (r->tier == fast)
			order_add(&c->fast, weight_of(c, i), i);
	}
	order_sort(&c->slow);
	order_sort(&c->fast);
	/* How far down the slow tier's ranking steps 1 and 2 go. */
	for (up = c->slow.count; up > 0; up--) {
		struct order_item item = c->slow.sorted[up - 1];
		uint32_t bytes = sluice_view_region(view, item.entry)->bytes;
		int hot = (double)item.key >= c->hot_threshold;

		if (left < bytes || room - up_bytes < bytes + (hot ? 0 : reserve_bytes))
			break;
		left -= bytes;
		up_bytes += bytes;
	}
	for (uint64_t k = 0; k < c->fast.count && room - up_bytes < reserve_bytes; k++) {
		struct order_item item = c->fast.sorted[k];
		uint32_t bytes = sluice_view_region(view, item.entry)->bytes;

		if (left < bytes || (double)item.key >= c->hot_threshold)
			break;
		if (!planner_move(&c->planner, item.entry, slow, 0))
			continue;
		left -= bytes;
		room += bytes;
	}
	for (uint64_t k = c->slow.count; k-- > up;) {
		uint32_t i = c->slow.sorted[k].entry;

		(void)planner_move(&c->planner, i, fast, planner_heat(sluice_view_region(view, i)));
	}
}

static int
cslide_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	      struct sluice_err *reterr)
{
	struct cslide *c = self;
	int r = planner_begin(&c->planner, view, plan, c->ledger.max, reterr);
	int count = c->pair_count ? c->pair_count : (int)view->tier_count;

	if (r < 0 || view->tier_count < 2)
		return r;
	scan(c);
	if (++c->scans < (int)c->loop)
		return 0;
	c->scans = 0;
	for (int k = 0; k + 1 < count; k += 2) {
		uint32_t fast = c->pair_count ? (uint32_t)c->pairs[k] : (uint32_t)k;
		uint32_t slow = c->pair_count ? (uint32_t)c->pairs[k + 1] : (uint32_t)k + 1;

		if (slow < view->tier_count)
			move_pair(c, fast, slow);
	}
	memset(c->ledger.items[c->ledger.now], 0,
	       c->ledger.count[c->ledger.now] * c->ledger.item_bytes);
	return 0;
}

static void
cslide_fini(void *self)
{
	struct cslide *c = self;

	if (!c)
		return;
	ledger_fini(&c->ledger);
	order_fini(&c->slow);
	order_fini(&c->fast);
	free(c);
}

/* A faster tier and a slower one each time, and no tier twice. */
static int
check_pairs(const struct cslide *c, const char *text, struct sluice_err *reterr)
{
	unsigned seen = 0;

	for (int k = 0; k < c->pair_count; k++) {
		unsigned bit = c->pairs[k] < SLUICE_TIERS_MAX ? 1u << (unsigned)c->pairs[k] : 0;

		if (!bit || c->pairs[k] - floor(c->pairs[k]) > 0 || (seen & bit) ||
		    (k % 2 == 1 && c->pairs[k] < c->pairs[k - 1]) || c->pair_count % 2)
			return sluice_fail(reterr, -EINVAL,
					   "'pairs = %s' must name tiers in pairs, the faster one "
					   "first and each once, like 0:1:2:3",
					   text);
		seen |= bit;
	}
	return 0;
}

static int
cslide_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	    struct sluice_err *reterr)
{
	struct cslide *c = calloc(1, sizeof(*c));
	double regions_max = 0;
	int r;

	if (!c)
		return sluice_fail(reterr, -ENOMEM, "no memory for cslide");
	c->planner.host = host;
	c->pair_count = r = param_parts(params, values, PAIRS, "neighbours", c->pairs,
					SLUICE_TIERS_MAX, reterr);
	if (r < 0 || (r = check_pairs(c, values[PAIRS], reterr)) < 0 ||
	    (r = param_number(params, values, LOOP, 1, 120, &c->loop, reterr)) < 0 ||
	    (r = param_number(params, values, HOT_THRESHOLD, 0, 361, &c->hot_threshold, reterr)) <
		    0 ||
	    (r = param_number(params, values, QUOTA_MIB, 0, 1e9, &c->quota_mib, reterr)) < 0 ||
	    (r = param_number(params, values, HOT_RESERVE_MIB, 0, 1e9, &c->reserve_mib, reterr)) <
		    0 ||
	    (r = param_number(params, values, REGIONS_MAX, 1, 1e9, &regions_max, reterr)) < 0 ||
	    (r = ledger_init(&c->ledger, sizeof(struct page), regions_max, reterr)) < 0 ||
	    (r = order_init(&c->slow, regions_max, reterr)) < 0 ||
	    (r = order_init(&c->fast, regions_max, reterr)) < 0) {
		cslide_fini(c);
		return r;
	}
	*ret_self = c;
	return 0;
}

SLUICE_POLICY(.name = "cslide",
	      .summary = "as etmem's cslide: pairs of tiers, hot up, cold down for a reserve",
	      .params = params, .init = cslide_init, .decide = cslide_decide, .fini = cslide_fini);
