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
 * the time from all regions, by least squares: whoever deviates, votes with the square of it. Its
 * mean over as many rounds as a place is given away for takes its place.
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
	double usual;              /* how much of usual differences is real, from 0 to 1 */
	double lasting; /* how much of a deviation is there on average, while memory stays */
};

struct outlook {
	float mean, low, high; /* accesses per second and page */
};

static inline int
forecast_init(struct forecast *f, double usual_s, double learn_s, double regions_max,
	      struct sluice_err *reterr)
{
	f->usual_s = usual_s;
	f->learn_s = learn_s;
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

	f->usual = fmin(fmax((uy * dd - ud * dy) / determinant, 0), 1);
	persistence = fmin(fmax(persistence, 0), 1);
	/* The mean of its first powers. */
	f->lasting = persistence < 1 ? persistence * (1 - pow(persistence, rounds)) /
					       ((1 - persistence) * rounds)
				     : 1;
}

/* Take in the planner's view; moves are judged by what they win in so many rounds. */
static inline void
forecast_learn(struct forecast *f, const struct planner *planner, double rounds)
{
	const double elapsed_s = planner->elapsed_s, keep = exp2(-elapsed_s / f->learn_s);
	const double before = f->mean_heat;
	struct forecast_sums sums = {f->sums.uu * keep, f->sums.ud * keep, f->sums.dd * keep,
				     f->sums.uy * keep, f->sums.dy * keep};
	struct forecast_sums now = {0};
	struct ledger_region region;
	struct forecast_page *page;
	double heat_sum = 0, bytes = 0;

	ledger_begin(&f->ledger, planner->view);
	while ((page = ledger_next_of(&f->ledger, sizeof(*page), &region))) {
		double weight = (double)region.bytes, u = (double)page->usual - before;
		double d = (double)page->last - (double)page->usual, y = region.heat - before;

		/* What is not known yet deviates from nothing. */
		if (isinf(sluice_view_region(planner->view, region.first)->heat_high)) {
			page->seen_s = page->last = 0;
			continue;
		}
		if (page->seen_s > 0) {
			sums.uu += weight * u * u;
			sums.ud += weight * u * d;
			sums.dd += weight * d * d;
			sums.uy += weight * u * y;
			sums.dy += weight * d * y;
		}
		page->seen_s = (float)fmin((double)page->seen_s + elapsed_s, f->usual_s);
		page->usual += (float)fmin(elapsed_s / (double)page->seen_s, 1) *
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
	float sure = heat > 0 ? fminf(r->heat_low, heat) / heat : 0;
	float mean = mean_heat + (float)f->usual * (usual - mean_heat) +
		     (float)f->lasting * (heat - usual);

	mean = fmaxf(mean, 0);
	return (struct outlook){
		.mean = mean,
		.low = mean * sure * sqrtf(sure), /* to the power of FORECAST_SURE */
		.high = mean + FORECAST_SURE * fmaxf(r->heat_high - heat, 0),
	};
}

#endif
