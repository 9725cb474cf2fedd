/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate.h - what is known of one page, and how one more gap changes it.
 *
 * A page that is accessed at random with rate r is touched r times in a second of watching, on
 * average. So evidence is a number of touches and the time for which the page was watched to see
 * them; a page that was watched and not touched adds time only. A page keeps both in two small
 * codes: the touches, at most TOUCHES_FULL, and the time.
 */
#ifndef HEAT_ESTIMATE_H
#define HEAT_ESTIMATE_H

#include <math.h>
#include <stdint.h>

#include "table.h"

#define TOUCHES_FULL 15u     /* older ones are forgotten gradually from then on */
#define RATE_LOWEST (-12.0f) /* log2 of accesses per second: one in 68 minutes */
#define TIME_LOWEST (-19.0f) /* log2 of seconds watched: two microseconds */
#define TIME_STEPS 8.0f      /* codes per octave; 255 codes reach up to two hours */

/* Of the log2 of the rate that so many touches suggest: how much it is too high on average, in
 * octaves, and its variance (from the digamma and trigamma functions). [0] is not used. */
extern const float touches_bias[TOUCHES_FULL + 1], touches_variance[TOUCHES_FULL + 1];

/* From now on the same calls have the same results: codes are rounded by chance. */
void estimate_begin(void);
/* A whole number near this one, which it is on average. */
unsigned int estimate_whole(float number);

extern const float touches_logs[TOUCHES_FULL + 1];

static inline float
touches_log(unsigned int touches)
{
	return touches <= TOUCHES_FULL ? touches_logs[touches] : log2f((float)touches);
}

static inline float
time_decode(uint8_t code)
{
	return TIME_LOWEST + (float)code / TIME_STEPS;
}

static inline struct evidence
estimate_evidence(const struct page_heat *page)
{
	return (struct evidence){page->time != 0,
				 !page->time                    ? 0
				 : page->touches < TOUCHES_FULL ? page->touches
								: TOUCHES_FULL,
				 touches_log(page->touches) - time_decode(page->time)};
}

float estimate_log_of_ticks(uint64_t ticks); /* log2 of seconds */
/* What is known of a page that has been watched since its marking, for so long by now. */
struct evidence estimate_watched(const struct page_heat *page, float log2_s);

/* The page was touched, or moved or marked again without having been, after so many ticks. `mean`
 * is what its region's pages are like, as log2 of their rate. */
void estimate_touched(struct page_heat *page, uint64_t ticks, float mean);
void estimate_untouched(struct page_heat *page, uint64_t ticks);

/* Remember no more than so many touches, and as much less time, so that what comes weighs more. */
void estimate_shorten(struct page_heat *page, unsigned int touches);

/* Accesses that are drawn: they are added to `touches` as they come, and the page is told the time
 * later (see count.c), with draws that were kept elsewhere till then. */
void estimate_told(struct page_heat *page, unsigned int draws, float seconds);
void estimate_told_all(struct page_heat *pages, uint32_t count, float seconds);
/* A draw that stands for `weight` of them, more than 1, is one as to certainty: before it is added
 * to the page's touches and the `pending` ones, time is forgotten so that the rate rises by all of
 * it. 0: too little time was told; nothing is changed. */
int estimate_weighted(struct page_heat *page, unsigned int pending, float weight, float untold_s);
/* So many accesses in so much time, all counted. */
void estimate_exact(struct page_heat *page, float events, float seconds);
/* A mean that is about known. */
void estimate_guess(struct page_heat *page, float mean);
/* Whether that is what is believed already, to the precision of a code. */
int estimate_agrees(const struct page_heat *page, float events, float seconds);
/* What to believe of the rate of a page that was watched and never touched, when before it was
 * expected around `mean` with variance `var`: where it most probably is, and the spread of that;
 * log2 and octaves. */
void estimate_silent(float rate, float mean, float var, float *ret_mean, float *ret_sigma);

#endif
