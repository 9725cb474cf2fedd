/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_steps.c - the two answers that need no search: static and free.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_parts.h"

int
placement_new(const struct oracle_frame *frame, uint64_t **ret, struct sluice_err *reterr)
{
	*ret = calloc(frame->words * frame->epoch_count, sizeof(uint64_t));
	return *ret ? 0
		    : sluice_fail(reterr, -ENOMEM,
				  "not enough memory for a placement of %u items in %u epochs",
				  frame->item_count, frame->epoch_count);
}

int
frame_begin(const struct oracle_problem *problem, struct oracle_frame *frame,
	    uint64_t **ret_placement, struct sluice_err *reterr)
{
	int error = oracle_check(problem, reterr);

	if (error < 0 || (error = frame_init(frame, problem, reterr)) < 0)
		return error;
	if ((error = placement_new(frame, ret_placement, reterr)) < 0)
		frame_clear(frame);
	return error;
}

/* What the best that fit are worth at most, of worths in frame->key by unit; a fraction of the one
 * at the cut counts. */
static double
bound_of_keys(const struct oracle_frame *frame, double price)
{
	double sum = price * (double)frame->slots;

	for (uint32_t i = 0; i < frame->item_count; i++) {
		double more = ((double)frame->key[i] - price) * (double)frame->size[i];

		sum += more > 0 ? more : 0;
	}
	return sum;
}

double
place_static(const struct oracle_frame *frame, uint64_t *placement)
{
	double slow_cost = 0;

	for (uint32_t i = 0; i < frame->item_count; i++) {
		int fast = frame_starts_fast(frame, i);

		frame->sum[i] = fast ? (double)frame->down[i] : -(double)frame->up[i];
		slow_cost += fast ? (double)frame->down[i] : 0;
	}
	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		for (uint32_t i = 0; i < frame->item_count; i++)
			frame->sum[i] += (double)frame->problem->saved[t][i];
	}
	for (uint32_t i = 0; i < frame->item_count; i++)
		frame->key[i] = (float)(frame->sum[i] * (double)frame->per_size[i]);
	select_take(frame->key, frame->weight, frame->item_count, frame->slots, frame->scratch,
		    frame->weights, placement);
	for (uint32_t t = 1; t < frame->epoch_count; t++)
		memcpy(placement + t * frame->words, placement, frame->words * sizeof(uint64_t));
	return bound_of_keys(frame,
			     (double)select_price(frame->key, frame->weight, frame->item_count,
						  frame->slots, frame->scratch, frame->weights)
				     .low) -
	       slow_cost;
}

int
oracle_static(const struct oracle_problem *problem, struct oracle_answer *ret_answer,
	      struct sluice_err *reterr)
{
	struct oracle_frame frame;
	struct oracle_answer answer;
	uint64_t *placement;
	double bound;
	int error = frame_begin(problem, &frame, &placement, reterr);

	if (error < 0)
		return error;
	bound = place_static(&frame, placement);
	error = placement_price(problem, placement, &answer, reterr);
	frame_clear(&frame);
	if (error < 0) {
		free(placement);
		return error;
	}
	answer.placement = placement;
	answer.bound = bound > answer.value ? bound : answer.value;
	*ret_answer = answer;
	return 0;
}

double
place_free(const struct oracle_frame *frame, uint64_t *placement, double *price)
{
	double bound = 0;

	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		const float *saved = frame->problem->saved[t];
		float low;

		for (uint32_t i = 0; i < frame->item_count; i++)
			frame->key[i] = saved[i] * frame->per_size[i];
		low = select_price(frame->key, frame->weight, frame->item_count, frame->slots,
				   frame->scratch, frame->weights)
			      .low;
		bound += bound_of_keys(frame, (double)low);
		if (price)
			price[t] = (double)low;
		if (placement)
			select_take(frame->key, frame->weight, frame->item_count, frame->slots,
				    frame->scratch, frame->weights, placement + t * frame->words);
	}
	return bound;
}

int
oracle_free(const struct oracle_problem *problem, struct oracle_answer *ret_answer,
	    struct sluice_err *reterr)
{
	struct oracle_frame frame;
	struct oracle_answer answer;
	uint64_t *placement;
	double bound;
	int error = frame_begin(problem, &frame, &placement, reterr);

	if (error < 0)
		return error;
	bound = place_free(&frame, placement, NULL);
	error = placement_price(problem, placement, &answer, reterr);
	frame_clear(&frame);
	if (error < 0) {
		free(placement);
		return error;
	}
	answer.placement = placement;
	answer.value = answer.saved;
	answer.cost = 0;
	answer.bound = bound > answer.value ? bound : answer.value;
	*ret_answer = answer;
	return 0;
}
