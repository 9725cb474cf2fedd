/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_parts.h - what the files of the library share, and nobody else includes.
 */
#ifndef ORACLE_PARTS_H
#define ORACLE_PARTS_H

#include "oracle.h"
#include "oracle_select.h"

/* The problem as it is computed with: capacity rounded down to what items can fill, costs cut to
 * what no solution worth having would pay. */
struct oracle_frame {
	const struct oracle_problem *problem;
	uint32_t item_count, epoch_count;
	size_t words;
	int equal;              /* sizes are, so that items can be counted */
	uint64_t capacity;      /* bytes, a multiple of all sizes' common divisor */
	const uint32_t *weight; /* for select_price(): NULL when equal */
	uint64_t slots;         /* ... with this capacity */
	float *up, *down;       /* finite */
	float *size, *per_size; /* in bytes, or 1 each when equal; and 1 by it */
	float *key, *scratch;   /* of item_count, for anybody */
	uint32_t *weights;
	double *sum; /* of item_count, for anybody */
};

int frame_init(struct oracle_frame *frame, const struct oracle_problem *problem,
	       struct sluice_err *reterr); /* -ENOMEM; frees what it took */
void frame_clear(struct oracle_frame *frame);

static inline int
frame_starts_fast(const struct oracle_frame *frame, uint32_t item)
{
	return frame->problem->initial && oracle_bit(frame->problem->initial, item);
}

/* A placement's value, without any check of the problem. */
int placement_price(const struct oracle_problem *problem, const uint64_t *placement,
		    struct oracle_answer *ret_answer, struct sluice_err *reterr);

/* ---- What a search begins with ---- */

int placement_new(const struct oracle_frame *frame, uint64_t **ret, struct sluice_err *reterr);
/* Checks the problem and makes both; nothing is kept on failure. */
int frame_begin(const struct oracle_problem *problem, struct oracle_frame *frame,
		uint64_t **ret_placement, struct sluice_err *reterr);
/* The best placement for all epochs; returns its bound. */
double place_static(const struct oracle_frame *frame, uint64_t *placement);
/* The best of each epoch, whatever moves cost; returns its bound. Placement and prices may be NULL.
 */
double place_free(const struct oracle_frame *frame, uint64_t *placement, double *ret_price);

/* ---- The dual: a price of capacity for each epoch ---- */

struct dual {
	const struct oracle_frame *frame;
	double *price; /* by epoch, for one byte, or one item when sizes are equal */
	/* Messages of the side that the next sweep goes towards: at the border of each segment of
	 * epochs, and all of those in one segment. */
	float *border, *segment, *near;
	uint32_t segment_epochs, segment_count;
	double share;
	int forward; /* the next sweep's direction */
};

int dual_init(struct dual *dual, const struct oracle_frame *frame, struct sluice_err *reterr);
void dual_clear(struct dual *dual);
/* Starts anew with the prices as they are; the next sweep is forward. */
void dual_restart(struct dual *dual);
/* One sweep over all epochs: each price goes by this share of the way to the best. The bound never
 * gets worse (but for rounding). */
void dual_sweep(struct dual *dual, double share);
/* How much fast memory items would take at the prices, by epoch: the bound's slope. */
void dual_want(struct dual *dual, double *ret_wanted);
/* A placement that fits, by the prices as they are, from the side that the next sweep begins at. */
void dual_place(struct dual *dual, uint64_t *ret_placement);
/* The bound that these prices prove. */
double dual_bound(const struct dual *dual);

/* ---- Better placements ---- */

/* Places each item anew, the others staying, as long as that helps: at most @passes times. */
int improve_items(const struct oracle_frame *frame, uint64_t *placement, unsigned passes,
		  struct sluice_err *reterr);
/* Equal sizes: the best placement of all, from a good one, and prices that prove it. */
int improve_exactly(const struct oracle_frame *frame, uint64_t *placement, double *ret_price,
		    struct sluice_err *reterr);

#endif
