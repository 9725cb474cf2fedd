/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - see estimate.h. */
#include "estimate.h"

/* A gap 16 times shorter than usual has a chance of 1 in 16, so two in a row mean that the page has
 * changed, not that we are unlucky. One 16 times longer has a chance of 1 in 9 million. */
#define SURPRISE_OCTAVES 4.0f

void
estimate_fold(struct page_heat *page, float log2_rate)
{
	float old = rate_decode(page->rate);
	float off = log2_rate - old;
	unsigned int samples = page->samples;

	if (samples && fabsf(off) > SURPRISE_OCTAVES) {
		/* Colder by so much is certain at once; hotter may be luck, so it must come twice.
		 */
		if (off < 0 || page->surprise)
			samples = 0;
		page->surprise = 1;
	} else {
		page->surprise = 0;
	}
	page->rate = rate_encode(samples ? old + off / (float)(samples + 1) : log2_rate);
	if (samples < SAMPLES_FULL)
		samples++;
	page->samples = (uint8_t)(samples & 15u);
}

void
estimate_fold_untouched(struct page_heat *page, uint64_t ticks)
{
	/* Not touched for E: the gap is at least E, and E more on average if the rate is 1/E. */
	float log2_rate = log2f(TICKS_PER_S / ((float)ticks + 1.0f)) - GAP_BIAS - 1.0f;

	/* Watched for no time at all: that says nothing. */
	if (!ticks)
		return;
	if (!page->samples || log2_rate < rate_decode(page->rate))
		estimate_fold(page, log2_rate);
}
