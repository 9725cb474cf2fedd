/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate.h - access rates on a log scale, and how one more gap changes what we believe.
 *
 * A watched page that is accessed at random with rate r is touched after an exponentially
 * distributed gap T. -log2(T) has mean log2(r) + 0.83 (Euler's constant over ln 2) and a standard
 * deviation of 1.85 octaves, whatever r is: so gaps are averaged on the log scale, where every page
 * has the same, known noise.
 */
#ifndef HEAT_ESTIMATE_H
#define HEAT_ESTIMATE_H

#include <math.h>
#include <stdint.h>

#include "table.h"

#define GAP_BIAS 0.8327f     /* octaves */
#define GAP_VARIANCE 3.4237f /* octaves squared, (pi^2/6) / ln(2)^2 */
#define RATE_LOWEST (-12.0f) /* log2 of accesses per second: one in 68 minutes */
#define RATE_STEPS 8.0f      /* codes per octave; 255 codes reach up to 2^19.75 per second */

static inline float
rate_decode(uint8_t code)
{
	return RATE_LOWEST + (float)code / RATE_STEPS;
}

static inline uint8_t
rate_encode(float log2_rate)
{
	float code = (log2_rate - RATE_LOWEST) * RATE_STEPS + 0.5f;

	return code < 1.0f ? 1 : code > 255.0f ? 255 : (uint8_t)code;
}

/* log2 of the rate that one gap of so many ticks suggests. */
static inline float
rate_of_gap(uint64_t ticks)
{
	/* A touch within the tick of the arming: the true gap is half a tick on average. */
	return log2f(TICKS_PER_S / (ticks ? (float)ticks : 0.5f)) - GAP_BIAS;
}

/* Fold one observed rate (log2) into a page's estimate. */
void estimate_fold(struct page_heat *page, float log2_rate);

/* The page has been watched for so many ticks and not touched. When that is long against what its
 * estimate expects, it counts as an observation. */
void estimate_fold_untouched(struct page_heat *page, uint64_t ticks);

#endif
