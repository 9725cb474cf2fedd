/* SPDX-License-Identifier: Apache-2.0 */
/* synth.c - the mathematics of patterns. See synth.h; their names are in synth_words.c. */
#include "synth.h"

#include <errno.h>
#include <math.h>

#define ZIPF_HEAD 4096   /* terms that are added one by one; the rest is an integral */
#define FRONT_SHARE 0.01 /* of the pages, that a scan is at */

static uint64_t
mix(uint64_t x)
{
	return synth_random(&x);
}

/* ---- Ranks to pages in an order that looks random: a Feistel network over the next power of four,
 * walked until it is among the pages. Both ways. ---- */

static uint64_t
feistel(const struct synth *synth, uint64_t x, int back)
{
	unsigned int bits = synth->half_bits;
	uint64_t mask = (UINT64_C(1) << bits) - 1, left = x >> bits, right = x & mask;

	for (int i = 0; i < 4; i++) {
		uint64_t key = synth->seed + (uint64_t)(back ? 3 - i : i), next;

		if (back) {
			next = right ^ (mix(left ^ mix(key)) & mask);
			right = left;
			left = next;
		} else {
			next = left ^ (mix(right ^ mix(key)) & mask);
			left = right;
			right = next;
		}
	}
	return left << bits | right;
}

static uint64_t
shuffled(const struct synth *synth, uint64_t x, int back)
{
	do
		x = feistel(synth, x, back);
	while (x >= synth->pages);
	return x;
}

/* ---- Zipf ---- */

/* The integral of x^-s, which is the sum of k^-s over a range but for half of its ends. */
static double
zipf_integral(double s, double x)
{
	return fabs(s - 1) < 1e-9 ? log(x) : (pow(x, 1 - s) - 1) / (1 - s);
}

static double
zipf_inverse(double s, double y)
{
	return fabs(s - 1) < 1e-9 ? exp(y) : pow(1 + y * (1 - s), 1 / (1 - s));
}

static double
zipf_sum(double s, uint64_t n)
{
	double sum = 0, head = n < ZIPF_HEAD ? (double)n : ZIPF_HEAD;

	for (double k = head; k >= 1; k--)
		sum += pow(k, -s);
	if (n > ZIPF_HEAD)
		sum += zipf_integral(s, (double)n) - zipf_integral(s, head) +
		       (pow((double)n, -s) - pow(head, -s)) / 2;
	return sum;
}

/* Hoermann and Derflinger's rejection-inversion (1996): a rank from 1. */
static uint64_t
zipf_rank(const struct synth *synth, uint64_t *random)
{
	double s = synth->choice.exponent, n = (double)synth->pages;
	double low = zipf_integral(s, 1.5) - 1, high = zipf_integral(s, n + 0.5);

	for (;;) {
		double y = high + synth_fraction(random) * (low - high);
		double x = zipf_inverse(s, y), k = floor(x + 0.5);

		if (k < 1)
			k = 1;
		if (k > n)
			k = n;
		if (y >= zipf_integral(s, k + 0.5) - pow(k, -s))
			return (uint64_t)k;
	}
}

/* ---- The hot block, and where it is ---- */

int
synth_init(struct synth *ret, const struct synth_choice *choice, uint64_t pages, double rate,
	   uint64_t seed, struct sluice_err *reterr)
{
	struct synth synth = {.choice = *choice, .pages = pages, .rate = rate, .seed = mix(seed)};

	if (pages < 16 || pages > SYNTH_PAGES_MAX)
		return sluice_fail(reterr, -EINVAL,
				   "a pattern has 16 to 2^32 pages of 4 KiB (64 KiB to 16 TiB)");
	if (!(rate > 0) || !isfinite(rate))
		return sluice_fail(reterr, -EINVAL, "a pattern needs a rate above 0");
	synth.hot_pages = (uint64_t)((double)pages * choice->part + 0.5);
	if (choice->kind == SYNTH_STRIDED)
		synth.hot_pages = (pages + choice->stride - 1) / choice->stride;
	if (synth.hot_pages < 1)
		synth.hot_pages = 1;
	if (synth.hot_pages > pages - 1)
		synth.hot_pages = pages - 1;
	synth.front_pages = (uint64_t)((double)(pages - synth.hot_pages) * FRONT_SHARE) + 1;
	while (UINT64_C(1) << 2 * synth.half_bits < pages)
		synth.half_bits++;
	if (choice->kind == SYNTH_ZIPF)
		synth.zipf_total = zipf_sum(choice->exponent, pages);
	*ret = synth;
	return 0;
}

static uint64_t
block_start(const struct synth *synth, double t_s)
{
	double turn = t_s / synth->choice.period_s;

	switch (synth->choice.kind) {
	case SYNTH_WINDOW:
		return (uint64_t)((turn - floor(turn)) * (double)synth->pages);
	case SYNTH_PHASES:
		return mix(synth->seed + (uint64_t)(int64_t)floor(turn)) % synth->pages;
	default:
		return synth->seed % (synth->pages - synth->hot_pages + 1);
	}
}

/* How far a page is from the start of the block, going up and round. */
static uint64_t
behind(const struct synth *synth, uint64_t page, uint64_t start)
{
	return page >= start ? page - start : page + synth->pages - start;
}

/* Of the pages that are not hot, in their order behind the block: where the front begins. */
static uint64_t
front_start(const struct synth *synth, double t_s)
{
	double turn = t_s / synth->choice.period_s;

	return (uint64_t)((turn - floor(turn)) * (double)(synth->pages - synth->hot_pages));
}

double
synth_rate(const struct synth *synth, uint64_t page, double t_s)
{
	const struct synth_choice *choice = &synth->choice;
	uint64_t cold = synth->pages - synth->hot_pages, place, from;
	double hot_rate = synth->rate * choice->share / (double)synth->hot_pages;
	double cold_rate = synth->rate * (1 - choice->share) / (double)cold;

	switch (choice->kind) {
	case SYNTH_UNIFORM:
		return synth->rate / (double)synth->pages;
	case SYNTH_ZIPF:
		place = choice->clustered ? page : shuffled(synth, page, 1);
		return synth->rate * pow((double)place + 1, -choice->exponent) / synth->zipf_total;
	case SYNTH_STRIDED:
		return page % choice->stride == 0 ? hot_rate : cold_rate;
	default:
		break;
	}
	place = behind(synth, page, block_start(synth, t_s));
	if (place < synth->hot_pages)
		return hot_rate;
	if (choice->kind != SYNTH_SCAN)
		return cold_rate;
	place -= synth->hot_pages;
	from = front_start(synth, t_s);
	place = place >= from ? place - from : place + cold - from;
	return place < synth->front_pages
		       ? synth->rate * (1 - choice->share) / (double)synth->front_pages
		       : 0;
}

uint64_t
synth_draw(const struct synth *synth, double t_s, uint64_t *random)
{
	const struct synth_choice *choice = &synth->choice;
	uint64_t cold = synth->pages - synth->hot_pages, place;
	int is_hot;

	if (choice->kind == SYNTH_UNIFORM)
		return synth_below(random, synth->pages);
	if (choice->kind == SYNTH_ZIPF) {
		place = zipf_rank(synth, random) - 1;
		return choice->clustered ? place : shuffled(synth, place, 0);
	}
	is_hot = synth_fraction(random) < choice->share;
	place = synth_below(random, is_hot ? synth->hot_pages : cold);
	if (choice->kind == SYNTH_STRIDED)
		return is_hot ? place * choice->stride : place + place / (choice->stride - 1) + 1;
	if (!is_hot && choice->kind == SYNTH_SCAN)
		place = (front_start(synth, t_s) + synth_below(random, synth->front_pages)) % cold;
	place += block_start(synth, t_s) + (is_hot ? 0 : synth->hot_pages);
	return place % synth->pages;
}

uint64_t
synth_poisson(double mean, uint64_t *random)
{
	double limit, product = 1;
	uint64_t count = 0;

	if (!(mean > 0))
		return 0;
	if (mean > 64) {
		/* A normal one is close enough by then; Box and Muller's. */
		double radius = sqrt(-2 * log(1 - synth_fraction(random)));
		double x = mean +
			   sqrt(mean) * radius * cos(6.283185307179586 * synth_fraction(random));

		return x < 0 ? 0 : (uint64_t)(x + 0.5);
	}
	limit = exp(-mean);
	for (;;) {
		product *= synth_fraction(random);
		if (product <= limit)
			return count;
		count++;
	}
}
