/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slide.c - what was not accessed in several scans in a row goes to swap; nothing comes back by us.
 *
 * As the engine of that name in etmem does: in a cycle of `loop` scans each page collects a weight,
 * one for every scan that finds its accessed bit set. After the cycle, what has less than `T` is
 * cold and goes to the slowest tier: swap where that is a tier, else the slowest memory. What is
 * accessed there again comes back by itself (swap by a fault), not by this policy. With
 * `sysmem_threshold` it acts only while less of fast memory is free, and with `dram_percent` each
 * process keeps that share of its memory outside the slowest tier. A round is a scan.
 *
 * etmem names three for a dirty page, but never learns of one (its scan does not ask), so a T above
 * `loop` makes all memory cold there; here it is refused. Accessed bits are drawn from heat
 * (draw.h), one draw for all pages of an entry.
 */
#include "draw.h"
#include "ledger.h"
#include "param.h"

enum { LOOP, T, SYSMEM_THRESHOLD, DRAM_PERCENT, REGIONS_MAX, PARAMS };

struct slide {
	struct planner planner;
	struct ledger ledger;
	uint8_t *weights; /* by entry, at the end of a cycle */
	double set[PARAMS];
	int scans; /* of this cycle */
};

struct page {
	uint8_t scans, weight;
};

static const struct sluice_param params[] = {
	[LOOP] = {"loop", "3", "scans in a cycle"},
	[T] = {"T", "1", "cold is what fewer scans of a cycle found accessed; at most loop"},
	[SYSMEM_THRESHOLD] = {"sysmem_threshold", "100",
			      "act only while a lower percentage of the fastest tier is free"},
	[DRAM_PERCENT] = {"dram_percent", "0",
			  "share of each process that stays outside the slowest tier"},
	[REGIONS_MAX] = {"regions_max", "4194304",
			 "most view entries that can be remembered, at 57 bytes each when used"},
	{0},
};
static const struct param_bounds bounds[] = {
	[LOOP] = {1, 120},         [T] = {0, 120},           [SYSMEM_THRESHOLD] = {0, 100},
	[DRAM_PERCENT] = {0, 100}, [REGIONS_MAX] = {1, 1e9},
};

/* One scan. Of a region in 4 KiB detail, entries found accessed count with the region's weight, and
 * the others have none. */
static void
scan(struct slide *s)
{
	const struct sluice_view *view = s->planner.view;
	struct ledger_region region;
	struct page *page;

	ledger_begin(&s->ledger, view);
	while ((page = ledger_next(&s->ledger, &region))) {
		uint8_t before = page->weight;

		page->scans++;
		for (uint64_t i = region.first; i < region.end; i++) {
			int touched = draw_touched(view, i, s->planner.elapsed_s, 0);
			int alone = region.end - region.first == 1;

			s->weights[i] = (uint8_t)(touched ? before + 1 : alone ? before : 0);
			if (touched)
				page->weight = (uint8_t)(before + 1);
			/* What came in the middle of a cycle is not judged yet. */
			if (page->scans < (int)s->set[LOOP])
				s->weights[i] = UINT8_MAX;
		}
	}
}

static void
forget(struct slide *s)
{
	memset(s->ledger.items[s->ledger.now], 0,
	       s->ledger.count[s->ledger.now] * s->ledger.item_bytes);
}

/* Entries [first, end) are a process: its coldest go, as far as they may. */
static void
swap_out(struct slide *s, uint64_t first, uint64_t end)
{
	const struct sluice_view *view = s->planner.view;
	uint32_t to = view->tier_count - 1;
	double may_go_bytes = 0;

	for (uint64_t i = first; i < end; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		may_go_bytes += (1 - s->set[DRAM_PERCENT] / 100) * r->bytes;
		may_go_bytes -= r->tier == to ? r->bytes : 0;
	}
	for (int weight = 0; weight < (int)s->set[T]; weight++) {
		for (uint64_t i = first; i < end && may_go_bytes > 0; i++) {
			const struct sluice_region *r = sluice_view_region(view, i);

			if (s->weights[i] == weight && r->bytes <= may_go_bytes &&
			    planner_move(&s->planner, i, to, 0))
				may_go_bytes -= r->bytes;
		}
	}
}

static int
slide_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct slide *s = self;
	int r = planner_begin(&s->planner, view, plan, s->ledger.max, reterr);
	const struct sluice_tier *fast;

	if (r < 0 || view->tier_count < 2)
		return r;
	scan(s);
	if (++s->scans < (int)s->set[LOOP])
		return 0;
	s->scans = 0;
	fast = sluice_view_tier(view, 0);
	if (s->set[SYSMEM_THRESHOLD] >= 100 ||
	    (double)fast->free_bytes < s->set[SYSMEM_THRESHOLD] / 100 * (double)fast->total_bytes) {
		for (uint64_t first = 0, end; first < view->region_count; first = end) {
			int32_t pid = sluice_view_region(view, first)->pid;

			for (end = first;
			     end < view->region_count && sluice_view_region(view, end)->pid == pid;)
				end++;
			swap_out(s, first, end);
		}
	}
	forget(s);
	return 0;
}

static void
slide_fini(void *self)
{
	struct slide *s = self;

	if (!s)
		return;
	ledger_fini(&s->ledger);
	free(s->weights);
	free(s);
}

static int
slide_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	   struct sluice_err *reterr)
{
	struct slide *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return sluice_fail(reterr, -ENOMEM, "no memory for slide");
	s->planner.host = host;
	if ((r = param_numbers(params, bounds, values, s->set, reterr)) < 0)
		goto fail;
	if (s->set[T] > s->set[LOOP]) {
		r = sluice_fail(reterr, -EINVAL,
				"'T = %s' is more than loop = %s scans can find: all memory would "
				"be cold; lower T",
				values[T], values[LOOP]);
		goto fail;
	}
	r = ledger_init(&s->ledger, sizeof(struct page), s->set[REGIONS_MAX], reterr);
	if (r < 0)
		goto fail;
	s->weights = malloc(s->ledger.max);
	if (!s->weights) {
		r = sluice_fail(reterr, -ENOMEM, "no memory for slide; lower regions_max");
		goto fail;
	}
	*ret_self = s;
	return 0;
fail:
	slide_fini(s);
	return r;
}

SLUICE_POLICY(.name = "slide",
	      .summary = "as etmem's slide: what several scans did not find accessed to swap",
	      .params = params, .init = slide_init, .decide = slide_decide, .fini = slide_fini);
