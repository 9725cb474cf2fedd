/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast.h - how hot memory is going to be, by how it usually is and how it is now.
 *
 * Heat tells of the past, and a placement earns in the future. Most programs go on as they did a
 * moment ago, and then heat is the forecast. Others have moments that do not last: a hot set that
 * jumps, a scan, a search. There what counts is how hot memory usually is. So the forecast is
 *
 *   usual + persistence * (heat - usual)
 *
 * and persistence, the share of such a deviation that is still there a round later, is learned all
 * the time from all regions, by least squares: whoever deviates, votes with the square of it. So is
 * how much of what is usual is still there. The mean of both over as many rounds as a place is
 * given away for takes their place.
 *
 * Bounds are the view's, which are those of one estimate: trackers forget, to be quick. Where
 * estimates that something new is heard of stay far nearer to what is usual than their bounds say,
 * they are surer than that, and the forecast's bounds are narrower. Noise is not: it is as far off
 * as they say.
 */
#ifndef POLICIES_FORECAST_H
#define POLICIES_FORECAST_H

#include <math.h>

#include "ledger.h"
#include "planner.h"

/* The forecast's bounds are so many times as far away as the view's, which are half a sigma. Of ten
 * thousand regions with equal heat many lie outside of those at any time. */
#define FORECAST_SURE 1.5f
#define FORECAST_TINY 1e-9
#define FORECAST_LASTING_MOST 0.999
/* Bounds are narrower by so many times the mean square of deviations, in units of the view's. With
 * 2 noise alone moves 11 MiB in the unit test's minute, with 3 none. */
#define FORECAST_UNREST_TIMES 3
#define FORECAST_UNREST_MOST 16.0f /* of one region */
#define FORECAST_NEWS 0.02f        /* of how far away bounds are: a smaller change is no news */
#define FORECAST_NARROWEST 0.2     /* half of it wins nothing more */
#define FORECAST_SETTLED_S 10      /* what was seen for less has the view's bounds */

struct forecast_page {
	float usual;  /* mean heat so far, and of about the last usual_s */
	float last;   /* heat in this round, of all of the region's pages; 0: not known */
	float seen_s; /* for how long, at most usual_s */
};

/* Sums over memory, of what was usual beyond the mean of all (u), of deviations from that (d), and
 * of what came next (y). */
struct forecast_sums {
	double uu, ud, dd, uy, dy;
};

struct forecast {
	double usual_s, learn_s; /* the first: a span of what is usual; a half-life of learning */
	struct ledger ledger;
	struct forecast_sums sums; /* of all rounds, fading */
	double mean_heat;          /* of all memory */
	double usual;   /* how much of usual differences is there on average, while memory stays, */
	double lasting; /* and how much of a deviation */
	double unrest;  /* mean square of deviations, by how far away the view's bounds are */
	double doubt;   /* bounds are so many times as far away as they could be */
};

struct outlook {
	float mean, low, high; /* accesses per second and page */
};

/* As fminf() and fmaxf(), which are calls: here no number is a NaN. */
static inline float
forecast_least(float a, float b)
{
	return a < b ? a : b;
}

static inline float
forecast_most(float a, float b)
{
	return a > b ? a : b;
}

static inline int
forecast_init(struct forecast *f, double usual_s, double learn_s, double regions_max,
	      struct sluice_err *reterr)
{
	f->usual_s = usual_s;
	f->learn_s = learn_s;
	f->unrest = f->doubt = 1;
	return ledger_init(&f->ledger, sizeof(struct forecast_page), regions_max, reterr);
}

static inline void
forecast_fini(struct forecast *f)
{
	ledger_fini(&f->ledger);
}

/* What the last round's forecast should have been, by least squares over all rounds. What deviates
 * now counts once more as if it had lasted: until it was seen whether it does, it does. */
static inline void
forecast_weigh(struct forecast *f, const struct forecast_sums *now, double rounds)
{
	double uu = f->sums.uu + now->uu + FORECAST_TINY;
	double dd = f->sums.dd + now->dd + FORECAST_TINY;
	double uy = f->sums.uy + now->uu + FORECAST_TINY;
	double dy = f->sums.dy + now->dd + FORECAST_TINY;
	double ud = f->sums.ud;
	double determinant = fmax(uu * dd - ud * ud, FORECAST_TINY * FORECAST_TINY);
	double persistence = (uu * dy - ud * uy) / determinant;
	double usual = fmin(fmax((uy * dd - ud * dy) / determinant, 0), 1);

	persistence = fmin(fmax(persistence, 0), FORECAST_LASTING_MOST);
	/* The mean of its first powers. */
	f->lasting = persistence * (1 - pow(persistence, rounds)) / ((1 - persistence) * rounds);
	/* What of the usual is lost in a round deviates, and lasts as such. */
	f->usual = fmax(1 - (1 - usual) * (1 - f->lasting) / (1 - persistence), 0);
}

/* The square of a region's deviation, in units of how far away its bounds are; -1: it has none, or
 * nothing was heard of it since the last round. */
static inline float
forecast_unrest(const struct sluice_region *first, const struct ledger_region *region, float usual,
		float last)
{
	float heat = (float)planner_heat(first);
	float bound = (first->heat_high - heat) * (float)region->heat;
	float off = ((float)region->heat - usual) * heat;

	if (!(bound > 0) || fabsf((float)region->heat - last) * heat < FORECAST_NEWS * bound)
		return -1;
	return forecast_least(off * off / (bound * bound), FORECAST_UNREST_MOST);
}

/* Take in the planner's view; moves are judged by what they win in so many rounds. */
static inline void
forecast_learn(struct forecast *f, const struct planner *planner, double rounds)
{
	const double keep = exp2(-planner->elapsed_s / f->learn_s);
	const double before = f->mean_heat;
	const float elapsed_s = (float)planner->elapsed_s, usual_s = (float)f->usual_s;
	struct forecast_sums sums = {f->sums.uu * keep, f->sums.ud * keep, f->sums.dd * keep,
				     f->sums.uy * keep, f->sums.dy * keep};
	struct forecast_sums now = {0};
	struct ledger_region region;
	const struct sluice_region *first;
	struct forecast_page *page;
	double heat_sum = 0, bytes = 0, unrest = 0, seen_bytes = 0;
	float off;

	ledger_begin(&f->ledger, planner->view);
	while ((page = ledger_next_of(&f->ledger, sizeof(*page), &region))) {
		double weight = (double)region.bytes, u = (double)page->usual - before;
		double d = (double)page->last - (double)page->usual, y = region.heat - before;

		first = sluice_view_region(planner->view, region.first);
		/* What is not known yet deviates from nothing. */
		if (isinf(first->heat_high)) {
			page->seen_s = page->last = 0;
			continue;
		}
		if (page->seen_s > 0) {
			sums.uu += weight * u * u;
			sums.ud += weight * u * d;
			sums.dd += weight * d * d;
			sums.uy += weight * u * y;
			sums.dy += weight * d * y;
			off = forecast_unrest(first, &region, page->usual, page->last);
			unrest += off >= 0 ? weight * (double)off : 0;
			seen_bytes += off >= 0 ? weight : 0;
		}
		page->seen_s = forecast_least(page->seen_s + elapsed_s, usual_s);
		page->usual += forecast_least(elapsed_s / page->seen_s, 1) *
			       ((float)region.heat - page->usual);
		page->last = (float)region.heat;
		u = (double)page->usual - before;
		d = (double)page->last - (double)page->usual;
		now.uu += weight * u * u;
		now.dd += weight * d * d;
		heat_sum += weight * region.heat;
		bytes += weight;
	}
	f->sums = sums;
	f->mean_heat = bytes > 0 ? heat_sum / bytes : 0;
	if (seen_bytes > 0)
		f->unrest += (1 - keep) * (unrest / seen_bytes - f->unrest);
	f->doubt = fmin(fmax(FORECAST_UNREST_TIMES * f->unrest, FORECAST_NARROWEST), 1);
	forecast_weigh(f, &now, rounds);
}

/* Of entry i of the view that was taken in. A region's entries share what is usual of it in
 * proportion to their heat. The lower bound is off by a factor, for it must stay above 0; the upper
 * one by a sum, for what was never seen accessed has no factor. */
static inline struct outlook
forecast_of(const struct forecast *f, uint64_t i)
{
	const struct sluice_region *r = sluice_view_region(f->ledger.view, i);
	const struct forecast_page *page = ledger_item(&f->ledger, i);
	float mean_heat = (float)f->mean_heat, heat = (float)planner_heat(r);
	float share = page->last > 0 ? heat / page->last : 1, usual = page->usual * share;
	float sure = heat > 0 ? forecast_least(r->heat_low, heat) / heat : 0;
	float doubt = page->seen_s < FORECAST_SETTLED_S ? 1 : (float)f->doubt;
	float mean = mean_heat + (float)f->usual * (usual - mean_heat) +
		     (float)f->lasting * (heat - usual);

	mean = forecast_most(mean, 0);
	return (struct outlook){
		.mean = mean,
		.low = mean * (1 - doubt * (1 - sure * sqrtf(sure))), /* power of FORECAST_SURE */
		.high = mean + doubt * FORECAST_SURE * forecast_most(r->heat_high - heat, 0),
	};
}

#endif
