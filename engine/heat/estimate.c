/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - see estimate.h. */
#include "estimate.h"

#include <string.h>

#define LN2 0.6931472f

/* A gap 16 times shorter than usual has a chance of 1 in 16, so two in a row mean that the page has
 * changed, not that we are unlucky; and so does one where the region's pages are hotter by so much.
 */
#define SURPRISE_OCTAVES 4.0f
#define REGION_OCTAVES 2.5f
/* So many touches were expected and none came: certain at once, it has grown cold. */
#define SILENCE_TOUCHES 12.0f
/* To a look, silence that is short against what was watched before says nothing worth a logarithm.
 * What is kept must count all of it: gaps add up, and the short ones are the most. */
#define SILENCE_SHARE 0.06f

const float touches_bias[] = {0.0000f, 0.8327f, 0.3901f, 0.2537f, 0.1878f, 0.1491f,
			      0.1236f, 0.1055f, 0.0920f, 0.0816f, 0.0733f, 0.0666f,
			      0.0609f, 0.0562f, 0.0521f, 0.0486f};
const float touches_variance[] = {0.0000f, 3.4237f, 1.3423f, 0.8220f, 0.5907f, 0.4607f,
				  0.3774f, 0.3196f, 0.2771f, 0.2446f, 0.2189f, 0.1981f,
				  0.1809f, 0.1664f, 0.1541f, 0.1435f};

const float touches_logs[] = {0.0f,     0.0f,     1.0f,     1.58496f, 2.0f,     2.32193f,
			      2.58496f, 2.80735f, 3.0f,     3.16993f, 3.32193f, 3.45943f,
			      3.58496f, 3.70044f, 3.80735f, 3.90689f};

/* Codes are coarse against what one gap changes of a long memory, so they are rounded up or down by
 * chance. Gaps are no dice: in replayed traces all may be alike, and each would be rounded down. */
static _Thread_local uint64_t dice;

void
estimate_begin(void)
{
	dice = 1;
}

static float
chance(void)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (float)(dice >> 40) / 16777216.0f;
}

unsigned int
estimate_whole(float number)
{
	return number < 1e6f ? (unsigned int)(number + chance()) : 1000000u;
}

static uint8_t
time_encode(float log2_s)
{
	float code = (log2_s - TIME_LOWEST) * TIME_STEPS + chance();

	return code < 1.0f ? 1 : code > 255.0f ? 255 : (uint8_t)code;
}

float
estimate_log_of_ticks(uint64_t ticks)
{
	/* A touch within the tick of the marking: the true gap is half a tick on average. */
	return log2f((ticks ? (float)ticks : 0.5f) / TICKS_PER_S);
}

/* Add so much watching without a touch, unless it is less than that share of what there is. */
static struct evidence
add_silence(struct evidence evidence, float log2_s, float least)
{
	float touches = evidence.touches ? (float)evidence.touches : 1.0f;
	float expected; /* touches in that time, at the rate so far */

	if (!evidence.known)
		return (struct evidence){1, 0, -log2_s};
	expected = exp2f(evidence.rate + log2_s);
	if (evidence.touches && expected > SILENCE_TOUCHES)
		return (struct evidence){1, 0, -log2_s};
	if (expected > least * touches)
		evidence.rate -= log2f(1.0f + expected / touches);
	return evidence;
}

struct evidence
estimate_watched(const struct page_heat *page, float log2_s)
{
	return add_silence(estimate_evidence(page), log2_s, SILENCE_SHARE);
}

static void
store(struct page_heat *page, struct evidence evidence)
{
	page->touches = (uint8_t)(evidence.touches & 15u);
	page->time = time_encode(touches_log(evidence.touches) - evidence.rate);
}

/* log2 of 16/15: a full memory and one touch more. */
#define ONE_MORE 0.09310940f
_Static_assert(TOUCHES_FULL == 15, "ONE_MORE is of this");

void
estimate_touched(struct page_heat *page, uint64_t ticks, float mean)
{
	struct evidence evidence = estimate_evidence(page);
	float log2_s = estimate_log_of_ticks(ticks);
	int is_short = evidence.touches && -log2_s > evidence.rate + SURPRISE_OCTAVES;
	/* What is left of a gap after a marking in its midst may be as short as can be. */
	int is_surprise = is_short && !page->again;

	if ((is_surprise && (page->surprise || mean > evidence.rate + REGION_OCTAVES)) ||
	    (is_short && page->doubted))
		evidence.known = 0;
	page->surprise = is_surprise ? 1 : 0;
	page->doubted = page->again = 0;
	evidence = add_silence(evidence, log2_s, 0);
	/* One touch more, in the same time; or a full memory forgets a little of both. */
	if (evidence.touches < TOUCHES_FULL) {
		evidence.touches++;
		evidence.rate +=
			touches_logs[evidence.touches] - touches_logs[evidence.touches - 1];
	} else {
		evidence.rate += ONE_MORE;
	}
	store(page, evidence);
}

void
estimate_untouched(struct page_heat *page, uint64_t ticks)
{
	/* Watched for no time at all: that says nothing. */
	if (ticks)
		store(page, add_silence(estimate_evidence(page), estimate_log_of_ticks(ticks), 0));
}

/* Touches from which on a page's memory is long enough for silence to end it at once. */
#define MEMORY_TOUCHES 4u

#define UNTOLD_PARTS 3.0f

static float
memory_s(const struct page_heat *page)
{
	/* exp2f() of an eighth of a code and less, of which only the eighths are no exponents. */
	static const float eighths[8] = {1.0f,       1.0905077f, 1.1892071f, 1.2968396f,
					 1.4142135f, 1.5422108f, 1.6817929f, 1.8340081f};

	uint32_t bits = (127u - 19u + page->time / 8u) << 23;
	float octaves;

	_Static_assert((int)TIME_STEPS == 8 && (int)TIME_LOWEST == -19, "codes are as this table");
	memcpy(&octaves, &bits, sizeof(octaves));
	return page->time ? eighths[page->time % 8] * octaves : 0;
}

/* Touches more than memory holds: time is forgotten in proportion. */
static void
keep(struct page_heat *page, unsigned int touches, float log2_s)
{
	if (touches > TOUCHES_FULL) {
		log2_s += touches_log(TOUCHES_FULL) - touches_log(touches);
		touches = TOUCHES_FULL;
	}
	page->touches = (uint8_t)(touches & 15u);
	page->time = time_encode(log2_s);
}

void
estimate_shorten(struct page_heat *page, unsigned int touches)
{
	if (page->touches <= touches)
		return;
	page->time = time_encode(time_decode(page->time) + touches_log(touches) -
				 touches_log(page->touches));
	page->touches = (uint8_t)(touches & 15u);
}

/* Of a page with so many touches, `draws` of them since its region was told the time last. */
static float
told(const struct page_heat *page, int drawn, float seconds, unsigned int *touches)
{
	float memory = memory_s(page);

	if (!drawn && *touches >= MEMORY_TOUCHES &&
	    (float)*touches * seconds > SILENCE_TOUCHES * memory) {
		*touches = 0;
		return log2f(seconds);
	}
	return log2f(memory + seconds);
}

void
estimate_told(struct page_heat *page, unsigned int draws, float seconds)
{
	unsigned int touches = page->touches + draws;
	float log2_s = told(page, page->drawn || draws, seconds, &touches);

	keep(page, touches, log2_s);
	page->drawn = 0;
}

void
estimate_told_all(struct page_heat *pages, uint32_t count, float seconds)
{
	/* Most pages of a region know the same few things. */
	struct {
		struct page_heat before;
		unsigned int touches;
		float log2_s;
	} memo[16];

	memset(memo, 0, sizeof(memo));
	for (uint32_t p = 0; p < count; p++) {
		struct page_heat *page = &pages[p];
		unsigned int slot = (page->time + page->touches * 5u) % 16u;

		if (memo[slot].log2_s == 0 || memo[slot].before.time != page->time ||
		    memo[slot].before.touches != page->touches ||
		    memo[slot].before.drawn != page->drawn) {
			memo[slot].before = *page;
			memo[slot].touches = page->touches;
			memo[slot].log2_s = told(page, page->drawn, seconds, &memo[slot].touches);
		}
		keep(page, memo[slot].touches, memo[slot].log2_s);
		page->drawn = 0;
	}
}

int
estimate_weighted(struct page_heat *page, unsigned int pending, float weight, float untold_s)
{
	float touches = (float)(page->touches + pending);

	/* What is not told yet must be little, or the weight would be lost in it. */
	if (!page->time || untold_s * UNTOLD_PARTS > memory_s(page))
		return 0;
	page->time =
		time_encode(time_decode(page->time) + log2f((touches + 1.0f) / (touches + weight)));
	return 1;
}

/* Far more than there were before, or far fewer: the page has changed. */
#define EXACT_MORE 16.0f
#define EXACT_FEWER 0.25f
#define EXACT_LEAST 3.0f

void
estimate_exact(struct page_heat *page, float events, float seconds)
{
	float memory = memory_s(page), touches = memory > 0 ? (float)page->touches : 0;
	float expected = memory > 0 ? fmaxf(touches, 1) * seconds / memory : 0;

	if (events >= TOUCHES_FULL || (events >= EXACT_LEAST && events > EXACT_MORE * expected) ||
	    (touches >= MEMORY_TOUCHES && expected > SILENCE_TOUCHES &&
	     events < EXACT_FEWER * expected))
		touches = memory = 0;
	touches += events;
	memory += seconds;
	page->drawn = 0;
	if (touches > TOUCHES_FULL) {
		memory *= TOUCHES_FULL / touches;
		touches = TOUCHES_FULL;
	}
	keep(page, estimate_whole(touches), log2f(memory));
}

#define GUESS_TOUCHES 4u

void
estimate_guess(struct page_heat *page, float mean)
{
	store(page, (struct evidence){1, GUESS_TOUCHES, mean});
}

int
estimate_agrees(const struct page_heat *page, float events, float seconds)
{
	struct evidence evidence = estimate_evidence(page);

	return evidence.touches == TOUCHES_FULL && events > 0 &&
	       fabsf(log2f(events / seconds) - evidence.rate) <= 1.5f / TIME_STEPS;
}

void
estimate_silent(float rate, float mean, float var, float *ret_mean, float *ret_sigma)
{
	/* The log of prior and likelihood is -(theta - mu)^2 / 2 var - exposure e^theta. Where it
	 * is highest, w = mu - theta solves w + log w = z (Lambert's function), by Newton's steps
	 * from near it: in theta they would end octaves off when much more was expected. */
	float mu = mean * LN2, precision = 1.0f / (var * LN2 * LN2), log_exposure = -rate * LN2;
	float z = mu + log_exposure - logf(precision);
	float w = z < 15.0f ? log1pf(expf(z)) : z;

	for (int step = 0; step < 2 && w > 1e-6f; step++)
		w *= (1.0f + z - logf(w)) / (1.0f + w);
	*ret_mean = (mu - w) / LN2;
	*ret_sigma = 1.0f / (sqrtf(precision * (1.0f + w)) * LN2);
}
