/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_improve.c - each item's best path through what the others leave free, one item after the
 * other. It fills room that selection by density left, and takes back moves that do not pay.
 */
#include <errno.h>
#include <stdlib.h>

#include "oracle_parts.h"

#define TILE 16 /* items whose rows are fetched together: a line of the cache */

struct improver {
	const struct oracle_frame *frame;
	uint64_t *placement;
	uint64_t *room; /* by epoch, in units of frame->slots */
	double *ahead;  /* by epoch: how much better it is to be fast, from the start */
	float *saved;   /* a tile */
	uint8_t *is;    /* one item, by epoch */
};

static uint64_t
weight_of(const struct oracle_frame *frame, uint32_t item)
{
	return frame->weight ? frame->weight[item] : 1;
}

static void
count_room(struct improver *im)
{
	const struct oracle_frame *frame = im->frame;

	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		const uint64_t *row = im->placement + t * frame->words;

		im->room[t] = frame->slots;
		for (uint32_t i = 0; i < frame->item_count; i++)
			im->room[t] -= oracle_bit(row, i) ? weight_of(frame, i) : 0;
	}
}

/* Returns whether the item's path changed. */
static int
improve_one(struct improver *im, uint32_t item, const float *saved)
{
	const struct oracle_frame *frame = im->frame;
	double up = (double)frame->up[item], down = (double)frame->down[item], ahead;
	uint64_t weight = weight_of(frame, item);
	int free_epochs = 0, fast, changed = 0;

	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		im->is[t] = (uint8_t)oracle_bit(im->placement + t * frame->words, item);
		free_epochs |= im->is[t] || im->room[t] >= weight;
	}
	if (!free_epochs)
		return 0;
	ahead = frame_starts_fast(frame, item) ? down : -up;
	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		if (im->is[t] || im->room[t] >= weight)
			ahead += (double)saved[(size_t)t * TILE];
		else
			ahead = -1e300;
		im->ahead[t] = ahead;
		ahead = ahead < -up ? -up : ahead > down ? down : ahead;
	}
	/* Back: stay where it is unless the other state was better by more than the move. Equal
	 * paths stay as they are, so that this ends. */
	fast = im->ahead[frame->epoch_count - 1] > 0;
	for (uint32_t t = frame->epoch_count; t-- > 0;) {
		if (fast != im->is[t]) {
			im->placement[t * frame->words + item / 64] ^= UINT64_C(1) << (item % 64);
			im->room[t] += fast ? -weight : weight;
			changed = 1;
		}
		if (t > 0)
			fast = fast ? im->ahead[t - 1] >= -up : im->ahead[t - 1] > down;
	}
	return changed;
}

static int
improve_once(struct improver *im)
{
	const struct oracle_frame *frame = im->frame;
	int changed = 0;

	for (uint32_t base = 0; base < frame->item_count; base += TILE) {
		uint32_t count = frame->item_count - base < TILE ? frame->item_count - base : TILE;

		for (uint32_t t = 0; t < frame->epoch_count; t++) {
			for (uint32_t i = 0; i < count; i++)
				im->saved[t * TILE + i] = frame->problem->saved[t][base + i];
		}
		for (uint32_t i = 0; i < count; i++)
			changed |= improve_one(im, base + i, im->saved + i);
	}
	return changed;
}

int
improve_items(const struct oracle_frame *frame, uint64_t *placement, unsigned passes,
	      struct sluice_err *reterr)
{
	size_t epochs = frame->epoch_count;
	uint64_t *room = calloc(epochs, sizeof(*room));
	double *ahead = calloc(epochs, sizeof(*ahead));
	float *tile = calloc(epochs * TILE, sizeof(*tile));
	uint8_t *is = calloc(epochs, sizeof(*is));
	int error = -ENOMEM;

	if (room && ahead && tile && is) {
		struct improver im = {frame, placement, room, ahead, tile, is};

		count_room(&im);
		while (passes-- > 0 && improve_once(&im)) {
		}
		error = 0;
	} else {
		sluice_fail(reterr, error, "not enough memory for %zu epochs", epochs);
	}
	free(room);
	free(ahead);
	free(tile);
	free(is);
	return error;
}
