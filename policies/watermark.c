/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watermark.c - keep room free in fast memory, so that what is new starts out fast.
 *
 * Every tier but the slowest keeps `free_percent` free: when less is free, its coldest memory goes
 * down. Down to half of that, room is lent to memory from slower tiers that is hot; the next
 * round's demotions win it back. How hot it must be follows the room: while more than enough is
 * free any heat will do, and below that only memory hotter than what will have to leave for it.
 *
 * Nothing is ranked: two histograms a tier, of the heat of what it holds and of what could come,
 * give the heat at which to cut. It keeps no state from round to round. Against `hotness` it trades
 * some of the fast tier for allocations and promotions that never wait for a demotion.
 */
#include <string.h>

#include "param.h"
#include "sluice/topology.h"

/* The upper bits of a float order as the float does (it is never negative), in steps of a quarter
 * octave: infinity is the last. */
#define LEVELS 1024u
/* No memory is accessed this often: an upper bound above it means "not known yet". */
#define UNKNOWN_HEAT 1e12f

struct tier_state {
	uint64_t own_bytes[LEVELS];    /* held here, by upper bound of heat: who leaves first */
	uint64_t slower_bytes[LEVELS]; /* held in slower tiers, by lower bound: who could come */
	uint64_t free_bytes;           /* at the start of the round */
	uint64_t reserve_bytes;        /* what shall be free */
	uint64_t need_bytes;           /* to be demoted to get there */
	uint64_t lend_bytes;           /* what may come in now */
	uint64_t room_bytes;           /* as the engine gives it; kept up to date */
	uint32_t demote_level;         /* below this cut all leave, ... */
	uint32_t promote_level;        /* ... above this one all come, ... */
	uint64_t demote_at_cut;        /* ... and on the cuts so many bytes */
	uint64_t promote_at_cut;
	uint64_t shortage_bytes; /* what leaves cures this before it makes room */
	int is_short;            /* the engine itself wants room here */
};

struct watermark {
	const struct sluice_host *host;
	double free_percent;
	uint32_t min_age_ms;
	struct tier_state tiers[SLUICE_TIERS_MAX];

	/* This round. */
	const struct sluice_view *view;
	struct sluice_plan *plan;
	uint64_t budget_bytes;
};

enum { FREE_PERCENT, MIN_AGE_MS };
static const struct sluice_param params[] = {
	[FREE_PERCENT] = {"free_percent", "6",
			  "share of each tier but the slowest that is kept free; twice the "
			  "engine's own watermark is sensible"},
	[MIN_AGE_MS] = {"min_age_ms", "3000",
			"leave memory where it is for this long after a move"},
	{0},
};

static uint32_t
level_of(float heat)
{
	uint32_t bits;

	if (!(heat > 0))
		return 0;
	memcpy(&bits, &heat, sizeof(bits));
	return bits >> 21 < LEVELS ? bits >> 21 : LEVELS - 1;
}

static uint64_t
above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int
is_young(const struct watermark *w, const struct sluice_region *region)
{
	return region->age_ms < w->min_age_ms;
}

/* Under the engine's own shortage anything may have to leave; for our reserve's sake nothing does
 * that has just come, or whose heat nobody knows. */
static int
may_leave(const struct watermark *w, const struct sluice_region *region)
{
	return w->tiers[region->tier].is_short ||
	       (!is_young(w, region) && region->heat_high < UNKNOWN_HEAT);
}

static void
count(struct watermark *w)
{
	for (uint32_t i = 0; i < w->view->tier_count; i++) {
		const struct sluice_tier *tier = sluice_view_tier(w->view, i);
		struct tier_state *t = &w->tiers[i];

		*t = (struct tier_state){.free_bytes = tier->free_bytes,
					 .room_bytes = tier->room_bytes,
					 .shortage_bytes = tier->shortage_bytes,
					 .is_short = tier->shortage_bytes > 0};
		if (i + 1 == w->view->tier_count)
			break; /* nothing is slower: no watermark to keep, nobody to take in */
		t->reserve_bytes = (uint64_t)(w->free_percent / 100 * (double)tier->total_bytes);
		t->need_bytes = above(t->reserve_bytes, tier->free_bytes);
		if (t->need_bytes < tier->shortage_bytes)
			t->need_bytes = tier->shortage_bytes;
		t->lend_bytes = above(tier->free_bytes, t->reserve_bytes / 2);
		if (t->lend_bytes > tier->room_bytes)
			t->lend_bytes = tier->room_bytes;
	}
	for (uint64_t i = 0; i < w->view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(w->view, i);

		if (r->tier >= w->view->tier_count)
			continue;
		if (may_leave(w, r))
			w->tiers[r->tier].own_bytes[level_of(r->heat_high)] += r->bytes;
		for (uint32_t to = 0; to < r->tier && !is_young(w, r); to++)
			w->tiers[to].slower_bytes[level_of(r->heat_low)] += r->bytes;
	}
}

/* The coldest need_bytes leave. */
static void
cut_demotions(struct tier_state *t)
{
	uint64_t left = t->need_bytes;
	uint32_t level = 0;

	while (level < LEVELS - 1 && t->own_bytes[level] <= left)
		left -= t->own_bytes[level++];
	t->demote_level = level;
	t->demote_at_cut = left;
}

/* From the hottest down, memory comes as long as it fits into what may be lent; and beyond what is
 * free above the reserve, only as long as enough colder memory is here to leave for it later. What
 * leaves already to cure the present need is not counted twice. */
static void
cut_promotions(struct tier_state *t)
{
	uint64_t spare = above(t->free_bytes, t->reserve_bytes), colder = 0, come = 0;
	uint32_t level = LEVELS - 1;

	/* Colder is two levels, a fifth at least: less is noise. */
	for (uint32_t i = 0; i + 1 < level; i++)
		colder += t->own_bytes[i];
	for (; level > 1; level--) {
		uint64_t most = spare + above(colder, t->need_bytes);

		if (most > t->lend_bytes)
			most = t->lend_bytes;
		if (come + t->slower_bytes[level] > most) {
			t->promote_at_cut = above(most, come);
			break;
		}
		come += t->slower_bytes[level];
		colder -= t->own_bytes[level - 2];
	}
	t->promote_level = level; /* 1: all that has any heat */
}

/* What leaves may be a little more than needed, what comes may not: then the two do not chase each
 * other around the watermark. Both use up what is allowed on the cut itself. */
static int
leaves(struct tier_state *t, const struct sluice_region *region)
{
	uint32_t level = level_of(region->heat_high);

	if (level != t->demote_level)
		return level < t->demote_level;
	if (t->demote_at_cut == 0)
		return 0;
	t->demote_at_cut = above(t->demote_at_cut, region->bytes);
	return 1;
}

static int
comes(struct tier_state *t, const struct sluice_region *region)
{
	uint32_t level = level_of(region->heat_low);

	if (t->lend_bytes < region->bytes || t->room_bytes < region->bytes)
		return 0;
	if (level != t->promote_level)
		return level > t->promote_level;
	if (t->promote_at_cut < region->bytes)
		return 0;
	t->promote_at_cut -= region->bytes;
	return 1;
}

/* Returns 0 when planning is over. The first move may exceed the budget, lest one smaller than a
 * region stop everything; the engine moves what part of it may move. */
static int
plan_move(struct watermark *w, uint64_t i, const struct sluice_region *r, uint32_t to, float gain)
{
	struct tier_state *from = &w->tiers[r->tier];
	uint64_t cured = r->bytes < from->shortage_bytes ? r->bytes : from->shortage_bytes;

	if ((w->budget_bytes < r->bytes && w->budget_bytes < w->view->budget_bytes) ||
	    w->budget_bytes == 0 || w->host->move(w->plan, i, to, gain) < 0)
		return 0;
	w->budget_bytes = above(w->budget_bytes, r->bytes);
	w->tiers[to].room_bytes -= r->bytes;
	from->shortage_bytes -= cured;
	from->room_bytes += r->bytes - cured;
	return 1;
}

static void
plan_demotions(struct watermark *w)
{
	for (uint64_t i = 0; i < w->view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(w->view, i);
		uint32_t to = r->tier + 1;

		if (to >= w->view->tier_count || !may_leave(w, r) || !leaves(&w->tiers[r->tier], r))
			continue;
		while (to < w->view->tier_count && w->tiers[to].room_bytes < r->bytes)
			to++;
		if (to < w->view->tier_count && !plan_move(w, i, r, to, 0))
			return;
	}
}

static void
plan_promotions(struct watermark *w)
{
	for (uint64_t i = 0; i < w->view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(w->view, i);
		uint32_t to = 0;

		if (r->tier >= w->view->tier_count || is_young(w, r) || !(r->heat_low > 0))
			continue;
		/* What may be on its way down is not asked to go up in the same round. */
		if (w->tiers[r->tier].need_bytes > 0 &&
		    level_of(r->heat_high) <= w->tiers[r->tier].demote_level)
			continue;
		while (to < r->tier && !comes(&w->tiers[to], r))
			to++;
		if (to == r->tier)
			continue;
		w->tiers[to].lend_bytes -= r->bytes;
		if (!plan_move(w, i, r, to, r->heat))
			return;
	}
}

static int
watermark_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
		 struct sluice_err *reterr)
{
	struct watermark *w = self;

	if (view->tier_count > SLUICE_TIERS_MAX)
		return sluice_fail(reterr, -E2BIG,
				   "watermark handles %d tiers, this machine has %u",
				   SLUICE_TIERS_MAX, view->tier_count);
	w->view = view;
	w->plan = plan;
	w->budget_bytes = view->budget_bytes;
	count(w);
	for (uint32_t i = 0; i + 1 < view->tier_count; i++) {
		cut_demotions(&w->tiers[i]);
		cut_promotions(&w->tiers[i]);
	}
	plan_demotions(w);
	plan_promotions(w);
	return 0;
}

static int
watermark_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	       struct sluice_err *reterr)
{
	struct watermark *w = calloc(1, sizeof(*w));
	double min_age_ms = 0;
	int r;

	if (!w)
		return sluice_fail(reterr, -ENOMEM, "no memory for watermark");
	w->host = host;
	if ((r = param_number(params, values, FREE_PERCENT, 0, 90, &w->free_percent, reterr)) < 0 ||
	    (r = param_number(params, values, MIN_AGE_MS, 0, 1e9, &min_age_ms, reterr)) < 0) {
		free(w);
		return r;
	}
	w->min_age_ms = (uint32_t)min_age_ms;
	*ret_self = w;
	return 0;
}

static void
watermark_fini(void *self)
{
	free(self);
}

SLUICE_POLICY(.name = "watermark",
	      .summary = "keep room free in fast memory: coldest out, hot in as room allows",
	      .params = params, .init = watermark_init, .decide = watermark_decide,
	      .fini = watermark_fini);
