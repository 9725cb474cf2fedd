/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_dual.c - prices of capacity, by coordinate ascent.
 *
 * With a price for each byte of fast memory in each epoch, items no longer compete: each has a
 * chain of two states, slow and fast, and a best path through it. What one epoch needs to know of
 * the past is one number, by how much better it is to arrive fast than slow, and paths that differ
 * by more than a move merge, so that it is clamped:
 *
 *   f[t+1] = clamp(f[t] + saved[t] - price[t] * size, -up, down)    from the start
 *   b[t-1] = clamp(b[t] + saved[t] - price[t] * size, -down, up)    from the end
 *
 * f[t] + saved[t] + b[t] is the most that an item would pay to be fast in epoch t, all other prices
 * being as they are. So the best price of that epoch is where the capacity cuts these offers,
 * ranked by byte: one selection. A sweep does that for all epochs in order, using the new f on the
 * way, and the next sweep comes back. It never makes the bound worse.
 *
 * The same offers, with moves from where the item really is in place of f, give a placement that
 * fits: dual_place().
 *
 * Messages are floats; whatever they lose makes prices slightly worse, not the bound wrong, which
 * is computed from the prices alone, in double. Only borders of segments (about the root of the
 * number of epochs) are kept, and those between computed again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_parts.h"

void
dual_clear(struct dual *dual)
{
	free(dual->price);
	free(dual->border);
	free(dual->segment);
	free(dual->near);
	*dual = (struct dual){0};
}

int
dual_init(struct dual *dual, const struct oracle_frame *frame, struct sluice_err *reterr)
{
	size_t n = frame->item_count;
	uint32_t epochs = (uint32_t)ceil(sqrt((double)frame->epoch_count));

	*dual = (struct dual){
		.frame = frame,
		.segment_epochs = epochs,
		.segment_count = (frame->epoch_count + epochs - 1) / epochs,
	};
	dual->price = calloc(frame->epoch_count, sizeof(double));
	dual->border = calloc(n * dual->segment_count, sizeof(float));
	dual->segment = calloc(n * epochs, sizeof(float));
	dual->near = calloc(n, sizeof(float));
	if (!dual->price || !dual->border || !dual->segment || !dual->near) {
		dual_clear(dual);
		return sluice_fail(reterr, -ENOMEM, "not enough memory for %u items in %u epochs",
				   frame->item_count, frame->epoch_count);
	}
	return 0;
}

/* The limits of a message: not above high, not below minus low. */
struct limits {
	const float *low, *high;
};

static struct limits
limits_of(const struct oracle_frame *frame, int forward)
{
	return forward ? (struct limits){frame->up, frame->down}
		       : (struct limits){frame->down, frame->up};
}

/* to = clamp(from + saved - price * size); to may be from. */
static void
pass(const struct oracle_frame *frame, int forward, uint32_t epoch, double price, const float *from,
     float *to)
{
	struct limits limits = limits_of(frame, forward);
	const float *saved = frame->problem->saved[epoch], *size = frame->size;
	const float *restrict low_of = limits.low, *restrict high_of = limits.high;
	float unit = (float)price;

	for (uint32_t i = 0; i < frame->item_count; i++) {
		float value = from[i] + saved[i] - unit * size[i];
		float low = -low_of[i], high = high_of[i];

		value = value < low ? low : value;
		to[i] = value > high ? high : value;
	}
}

/* The message into the first epoch of that direction. */
static void
begin(const struct oracle_frame *frame, int forward, float *message)
{
	for (uint32_t i = 0; i < frame->item_count; i++)
		message[i] = !forward                      ? 0
			     : frame_starts_fast(frame, i) ? frame->down[i]
							   : -frame->up[i];
}

/* Epochs of a segment, in the order of time. */
static void
segment_of(const struct dual *dual, uint32_t segment, uint32_t *ret_first, uint32_t *ret_count)
{
	uint32_t left = dual->frame->epoch_count - segment * dual->segment_epochs;

	*ret_first = segment * dual->segment_epochs;
	*ret_count = left < dual->segment_epochs ? left : dual->segment_epochs;
}

void
dual_restart(struct dual *dual)
{
	const struct oracle_frame *frame = dual->frame;
	size_t n = frame->item_count;

	begin(frame, 0, dual->near);
	for (uint32_t segment = dual->segment_count; segment-- > 0;) {
		uint32_t first, count;

		segment_of(dual, segment, &first, &count);
		memcpy(dual->border + n * segment, dual->near, n * sizeof(float));
		while (count-- > 0)
			pass(frame, 0, first + count, dual->price[first + count], dual->near,
			     dual->near);
	}
	dual->forward = 1;
}

/* The messages that come against the sweep, for all epochs of a segment. */
static void
unfold(struct dual *dual, uint32_t segment)
{
	const struct oracle_frame *frame = dual->frame;
	size_t n = frame->item_count;
	uint32_t first, count;

	segment_of(dual, segment, &first, &count);
	if (dual->forward) {
		memcpy(dual->segment + n * (count - 1), dual->border + n * segment,
		       n * sizeof(float));
		for (uint32_t k = count - 1; k > 0; k--)
			pass(frame, 0, first + k, dual->price[first + k], dual->segment + n * k,
			     dual->segment + n * (k - 1));
	} else {
		memcpy(dual->segment, dual->border + n * segment, n * sizeof(float));
		for (uint32_t k = 0; k + 1 < count; k++)
			pass(frame, 1, first + k, dual->price[first + k], dual->segment + n * k,
			     dual->segment + n * (k + 1));
	}
}

/* What each item would pay for a byte in this epoch. */
static void
make_offers(const struct oracle_frame *frame, uint32_t epoch, const float *near, const float *far)
{
	const float *saved = frame->problem->saved[epoch], *per_size = frame->per_size;
	float *restrict key = frame->key;

	for (uint32_t i = 0; i < frame->item_count; i++)
		key[i] = (near[i] + saved[i] + far[i]) * per_size[i];
}

static void
sweep_epoch(struct dual *dual, uint32_t epoch, const float *far)
{
	const struct oracle_frame *frame = dual->frame;
	struct select_price price;
	double middle;

	make_offers(frame, epoch, dual->near, far);
	price = select_price(frame->key, frame->weight, frame->item_count, frame->slots,
			     frame->scratch, frame->weights);
	middle = ((double)price.low + (double)price.high) / 2;
	dual->price[epoch] += dual->share * (middle - dual->price[epoch]);
	pass(frame, dual->forward, epoch, dual->price[epoch], dual->near, dual->near);
}

static void
place_epoch(struct dual *dual, uint32_t epoch, const float *far, uint64_t *placement)
{
	const struct oracle_frame *frame = dual->frame;
	struct limits limits = limits_of(frame, dual->forward);
	uint64_t *row = placement + (size_t)epoch * frame->words;

	make_offers(frame, epoch, dual->near, far);
	select_take(frame->key, frame->weight, frame->item_count, frame->slots, frame->scratch,
		    frame->weights, row);
	for (uint32_t i = 0; i < frame->item_count; i++)
		dual->near[i] = oracle_bit(row, i) ? limits.high[i] : -limits.low[i];
}

/* What items want at these prices, whether it fits or not. */
static void
want_epoch(struct dual *dual, uint32_t epoch, const float *far, double *ret_wanted)
{
	const struct oracle_frame *frame = dual->frame;
	struct limits limits = limits_of(frame, dual->forward);
	float unit = (float)dual->price[epoch];
	double wanted = 0;

	make_offers(frame, epoch, dual->near, far);
	for (uint32_t i = 0; i < frame->item_count; i++) {
		int takes = frame->key[i] > unit;

		wanted += takes ? (double)frame->size[i] : 0;
		dual->near[i] = takes ? limits.high[i] : -limits.low[i];
	}
	ret_wanted[epoch] = wanted;
}

static void
walk(struct dual *dual, uint64_t *placement, double *wanted)
{
	size_t n = dual->frame->item_count;

	begin(dual->frame, dual->forward, dual->near);
	for (uint32_t s = 0; s < dual->segment_count; s++) {
		uint32_t segment = dual->forward ? s : dual->segment_count - 1 - s, first, count;

		segment_of(dual, segment, &first, &count);
		unfold(dual, segment);
		if (!placement &&
		    !wanted) /* what the way back needs takes the place of what is used up */
			memcpy(dual->border + n * segment, dual->near, n * sizeof(float));
		for (uint32_t j = 0; j < count; j++) {
			uint32_t k = dual->forward ? j : count - 1 - j;
			const float *far = dual->segment + n * k;

			if (placement)
				place_epoch(dual, first + k, far, placement);
			else if (wanted)
				want_epoch(dual, first + k, far, wanted);
			else
				sweep_epoch(dual, first + k, far);
		}
	}
}

void
dual_sweep(struct dual *dual, double share)
{
	dual->share = share;
	walk(dual, NULL, NULL);
	dual->forward = !dual->forward;
}

void
dual_place(struct dual *dual, uint64_t *ret_placement)
{
	walk(dual, ret_placement, NULL);
}

void
dual_want(struct dual *dual, double *ret_wanted)
{
	walk(dual, NULL, ret_wanted);
}

#define LANES 64

/* The value of items' best paths under the prices: what comes into the slow state, and by how much
 * better the fast one is, from the start. */
double
dual_bound(const struct dual *dual)
{
	const struct oracle_frame *frame = dual->frame;
	double bound = 0;

	for (uint32_t base = 0; base < frame->item_count; base += LANES) {
		uint32_t lanes =
			frame->item_count - base < LANES ? frame->item_count - base : LANES;
		double ahead[LANES], slow[LANES], low[LANES], high[LANES], size[LANES];

		for (uint32_t i = 0; i < lanes; i++) {
			low[i] = -(double)frame->up[base + i];
			high[i] = (double)frame->down[base + i];
			size[i] = frame->equal ? 1 : (double)frame->problem->bytes[base + i];
			ahead[i] = frame_starts_fast(frame, base + i) ? high[i] : low[i];
			slow[i] = frame_starts_fast(frame, base + i) ? -high[i] : 0;
		}
		for (uint32_t t = 0; t < frame->epoch_count; t++) {
			const float *saved = frame->problem->saved[t] + base;
			double price = dual->price[t];

			for (uint32_t i = 0; i < lanes; i++) {
				double value = ahead[i] + (double)saved[i] - price * size[i];
				double over = value - high[i];

				/* The last epoch has nobody to go on to. */
				if (t + 1 == frame->epoch_count) {
					slow[i] += value > 0 ? value : 0;
					continue;
				}
				slow[i] += over > 0 ? over : 0;
				value = over > 0 ? high[i] : value;
				ahead[i] = value < low[i] ? low[i] : value;
			}
		}
		for (uint32_t i = 0; i < lanes; i++)
			bound += slow[i];
	}
	for (uint32_t t = 0; t < frame->epoch_count; t++)
		bound += dual->price[t] * (double)frame->slots;
	return bound;
}
