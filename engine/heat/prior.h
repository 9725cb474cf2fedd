/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prior.h - what a page is expected to be like before anything is known of it but its region.
 *
 * Empirical Bayes in two levels. A page's few noisy gaps are pulled towards its region's mean, by
 * as much as pages within regions are found to be alike; what is found of a region is weighed by
 * the heats that regions have (mixture.h). Both are measured, with the noise that gaps are known to
 * have (see estimate.h) taken off.
 */
#ifndef HEAT_PRIOR_H
#define HEAT_PRIOR_H

#include "fold.h"

#define NATS_SQUARED 2.0814f /* octaves squared in a nat squared */

struct belief {
	float mean, sigma;      /* log2 of the rate */
	unsigned int certainty; /* 0 nothing known, 1 little, 2 more */
};

/* What a region's pages are measured against while a view is made. */
struct prior {
	float mean, var;                                         /* log2 of rates */
	float weight[TOUCHES_FULL + 1], sigma[TOUCHES_FULL + 1]; /* by touches; of regions without
								  * detail only those of none */
	struct evidence last; /* of the last page that was never touched: many are alike */
	struct belief of_last;
	uint32_t split;
	int by_time;       /* see rate_of() */
	uint8_t epoch;     /* of the view that it is for, as are */
	int is_silent[2];  /* its pages before, and from, `split` on were marked */
	float silent_s[2]; /* so long ago, log2 */
};

/* Of a page with touches, log2 of its rate and the variance of that. Where touches end the time,
 * the log of touches by time is too high on average; where the time is given it is not. */
static inline float
rate_of(const struct evidence *evidence, int by_time)
{
	return by_time ? evidence->rate : evidence->rate - touches_bias[evidence->touches];
}

static inline float
variance_of(unsigned int touches, int by_time)
{
	return by_time ? NATS_SQUARED / (float)touches : touches_variance[touches];
}

/* Of a page on that side of its region's split. */
static inline struct evidence
page_evidence(const struct page_heat *page, int side, const struct prior *prior)
{
	return page->watched && prior->is_silent[side]
		       ? estimate_watched(page, prior->silent_s[side])
		       : estimate_evidence(page);
}

/* Stamps of moves wrap after 17 minutes; forget them well before. */
static inline void
prior_forget_move(const struct prior *prior, struct page_heat *page)
{
	if (page->moved && (prior->epoch + 255u - page->moved) % 255u > 150)
		page->moved = 0;
}

void prior_set(struct prior *prior, const struct region *region);
void prior_set_time(struct prior *prior, const struct region *region, uint64_t tick, uint8_t epoch);
/* Find the prior of a region's pages, and their kinds where it has detail, and add to the spreads.
 * prior_var < 0: nothing is known. */
void prior_find(struct heat *heat, struct region *region, struct prior *prior,
		struct spread *spread);
void spread_join(struct spread *spread, const struct spread *other); /* adds it */
void prior_learn_spread(struct heat *heat, const struct spread *spread);
/* Whether regions that make up at least half of memory differ far more than was learned, or lie
 * elsewhere: then they are pulled towards what is not true any more. */
int prior_spread_is_off(const struct heat *heat, const struct spread *spread);
/* Find the cut line by regions' means; there is none when all known memory fits into the fast tier.
 */
void prior_learn_cut(struct heat *heat, const struct spread *spread);

#endif
