/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_select.c - selection by sampling (Floyd and Rivest): a sorted sample brackets the cut, one
 * branch-free pass keeps what lies in the bracket, and little is left.
 */
#include <math.h>
#include <string.h>

#include "oracle_select.h"

#define SAMPLES 128u
#define FEW 32u
#define FILL_TRIES 8 /* items that may yet fit, looked for one by one, each by a pass over all */

struct set {
	float *key;
	uint32_t *weight; /* NULL: 1 each */
	uint32_t count;
};

/* By falling key. */
static void
sort(float *key, uint32_t *weight, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		float k = key[i];
		uint32_t w = weight ? weight[i] : 1, at = i;

		for (; at > 0 && key[at - 1] < k; at--) {
			key[at] = key[at - 1];
			if (weight)
				weight[at] = weight[at - 1];
		}
		key[at] = k;
		if (weight)
			weight[at] = w;
	}
}

static uint64_t
weight_above(const struct set *set, float low)
{
	uint64_t sum = 0;

	if (set->weight) {
		for (uint32_t i = 0; i < set->count; i++)
			sum += set->key[i] > low ? set->weight[i] : 0;
	} else {
		uint32_t n = 0; /* as narrow as the keys, so that it is done four at a time */

		for (uint32_t i = 0; i < set->count; i++)
			n += set->key[i] > low;
		sum = n;
	}
	return sum;
}

/* Keep the keys in [low, high], in place unless they come from elsewhere. */
static void
keep(struct set *to, const float *key, const uint32_t *weight, uint32_t count, float low,
     float high)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		float k = key[i];

		to->key[n] = k;
		if (weight)
			to->weight[n] = weight[i];
		n += (k >= low) & (k <= high);
	}
	to->count = n;
}

static float
lowest_above(const float *key, uint32_t count, float low)
{
	float lowest = INFINITY;

	for (uint32_t i = 0; i < count; i++) {
		float k = key[i] > low ? key[i] : INFINITY;

		lowest = k < lowest ? k : lowest;
	}
	return lowest;
}

/* Two keys of the set that hopefully have the cut between them. */
static void
bracket(const struct set *set, uint64_t capacity, uint64_t total, int single, float *ret_low,
	float *ret_high)
{
	float sample[SAMPLES];
	uint32_t step = set->count / SAMPLES, samples = SAMPLES, margin = SAMPLES / 8, cut;

	if (step == 0) {
		step = 1;
		samples = set->count;
		margin = 2;
	}
	for (uint32_t i = 0; i < samples; i++)
		sample[i] = set->key[(size_t)i * step];
	sort(sample, NULL, samples);
	cut = (uint32_t)((double)capacity / (double)total * samples);
	if (cut >= samples)
		cut = samples - 1;
	if (single)
		margin = 0;
	*ret_high = sample[cut > margin ? cut - margin : 0];
	*ret_low = sample[cut + margin < samples ? cut + margin : samples - 1];
}

/* The key of the one that does not fit any more; the set weighs more than the capacity. */
static float
find_cut(struct set *set, uint64_t capacity, uint64_t total)
{
	int single = 0;

	while (set->count > FEW) {
		float low, high;
		uint64_t above, in_or_above;
		uint32_t before = set->count;

		bracket(set, capacity, total, single, &low, &high);
		above = weight_above(set, high);
		in_or_above = weight_above(set, nextafterf(low, -INFINITY));
		if (above > capacity) {
			keep(set, set->key, set->weight, set->count, nextafterf(high, INFINITY),
			     INFINITY);
			total = above;
		} else if (in_or_above <= capacity) {
			keep(set, set->key, set->weight, set->count, -INFINITY,
			     nextafterf(low, -INFINITY));
			capacity -= in_or_above;
			total -= in_or_above;
		} else if (low == high) {
			return low;
		} else {
			keep(set, set->key, set->weight, set->count, low, high);
			capacity -= above;
			total = in_or_above - above;
		}
		/* A bracket that holds everything does not help: halve by one key instead. */
		single = set->count == before;
	}
	sort(set->key, set->weight, set->count);
	for (uint32_t i = 0; i < set->count; i++) {
		uint64_t weight = set->weight ? set->weight[i] : 1;

		if (weight > capacity)
			return set->key[i];
		capacity -= weight;
	}
	return 0; /* not reached: the set weighs more than the capacity */
}

struct select_price
select_price(const float *key, const uint32_t *weight, uint32_t count, uint64_t capacity,
	     float *scratch, uint32_t *weights)
{
	struct set set = {.key = scratch, .weight = weight ? weights : NULL};
	struct set all = {.key = (float *)key, .weight = (uint32_t *)weight, .count = count};
	struct select_price price = {0};
	uint64_t total = weight_above(&all, 0);

	if (total > capacity) {
		keep(&set, key, weight, count, nextafterf(0, INFINITY), INFINITY);
		price.low = find_cut(&set, capacity, total);
	}
	price.high = price.low;
	if ((total > capacity ? weight_above(&all, price.low) : total) == capacity)
		price.high = lowest_above(key, count, price.low);
	if (isinf(price.high)) /* no capacity, or nothing of worth and none */
		price.high = price.low;
	return price;
}

void
select_take(const float *key, const uint32_t *weight, uint32_t count, uint64_t capacity,
	    float *scratch, uint32_t *weights, uint64_t *row)
{
	float cut = select_price(key, weight, count, capacity, scratch, weights).low;
	uint64_t left = capacity;

	memset(row, 0, ((size_t)count + 63) / 64 * sizeof(*row));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t take = key[i] > cut;

		row[i / 64] |= take << (i % 64);
		left -= take ? (weight ? weight[i] : 1) : 0;
	}
	if (cut <= 0)
		return;
	for (uint32_t i = 0; i < count && left > 0; i++) {
		uint64_t size = weight ? weight[i] : 1;

		if (key[i] == cut && size <= left) {
			row[i / 64] |= UINT64_C(1) << (i % 64);
			left -= size;
		}
	}
	for (int tries = 0; weight && left > 0 && tries < FILL_TRIES; tries++) {
		float best = 0;
		uint32_t at = 0;

		for (uint32_t i = 0; i < count; i++) {
			if (key[i] < cut && key[i] > best && weight[i] <= left) {
				best = key[i];
				at = i;
			}
		}
		if (best <= 0)
			break;
		for (; at < count && left > 0; at++) {
			if (key[at] == best && weight[at] <= left) {
				row[at / 64] |= UINT64_C(1) << (at % 64);
				left -= weight[at];
			}
		}
		cut = best;
	}
}
