/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_steps.c - the three answers: static, free, moving.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_parts.h"

static int
new_placement(const struct oracle_frame *frame, uint64_t **ret, struct sluice_err *reterr)
{
	*ret = calloc(frame->words * frame->epoch_count, sizeof(uint64_t));
	return *ret ? 0
		    : sluice_fail(reterr, -ENOMEM,
				  "not enough memory for a placement of %u items in %u epochs",
				  frame->item_count, frame->epoch_count);
}

static int
begin(const struct oracle_problem *problem, struct oracle_frame *frame, uint64_t **ret_placement,
      struct sluice_err *reterr)
{
	int error = oracle_check(problem, reterr);

	if (error < 0 || (error = frame_init(frame, problem, reterr)) < 0)
		return error;
	if ((error = new_placement(frame, ret_placement, reterr)) < 0)
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

/* The best placement for all epochs, in @placement. Returns its bound. */
static double
place_static(const struct oracle_frame *frame, uint64_t *placement)
{
	double slow_cost = 0;

	memset(frame->key, 0, frame->item_count * sizeof(float));
	for (uint32_t i = 0; i < frame->item_count; i++) {
		int fast = frame_starts_fast(frame, i);
		double worth = fast ? (double)frame->down[i] : -(double)frame->up[i];

		for (uint32_t t = 0; t < frame->epoch_count; t++)
			worth += (double)frame->problem->saved[t][i];
		frame->key[i] = (float)(worth * (double)frame->per_size[i]);
		slow_cost += fast ? (double)frame->down[i] : 0;
	}
	select_take(frame->key, frame->weight, frame->item_count, frame->slots, frame->scratch,
		    frame->weights, placement);
	for (uint32_t t = 1; t < frame->epoch_count; t++)
		memcpy(placement + t * frame->words, placement, frame->words * sizeof(uint64_t));
	return bound_of_keys(frame, (double)select_price(frame->key, frame->weight,
							 frame->item_count, frame->slots,
							 frame->scratch, frame->weights)
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
	int error = begin(problem, &frame, &placement, reterr);

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

/* Each epoch by itself. price: by epoch, or NULL. */
static double
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
	int error = begin(problem, &frame, &placement, reterr);

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

/* ---- moving ---- */

struct search {
	const struct oracle_frame *frame;
	const struct oracle_options *options;
	struct dual dual;
	uint64_t *best, *try;
	double *best_price;
	double value, bound;
	uint32_t sweeps;
};

static int
keep_better(struct search *search, struct sluice_err *reterr)
{
	struct oracle_answer answer;
	uint64_t *swap = search->best;
	int error = placement_price(search->frame->problem, search->try, &answer, reterr);

	if (error < 0 || answer.value <= search->value)
		return error;
	search->value = answer.value;
	search->best = search->try;
	search->try = swap;
	return 0;
}

static int
is_close(const struct search *search)
{
	return search->bound - search->value <= search->options->gap * fabs(search->bound);
}

int debug_oracle;
#include <stdio.h>
static int
search_by_prices(struct search *search, struct sluice_err *reterr)
{
	struct dual *dual = &search->dual;
	int error;

	while (search->sweeps < search->options->sweeps_max && !is_close(search)) {
		double bound;

		dual_sweep(dual);
		search->sweeps++;
		bound = dual_bound(dual);
		if (bound < search->bound)
			search->bound = bound;
		dual_place(dual, search->try);
		if ((error = keep_better(search, reterr)) < 0)
			return error;
		if (debug_oracle) fprintf(stderr, "%u bound %.10g value %.10g gap %.5f%%\n", search->sweeps, bound, search->value, 100*(search->bound-search->value)/search->bound);
	}
	memcpy(search->try, search->best,
	       search->frame->words * search->frame->epoch_count * sizeof(uint64_t));
	if ((error = improve_items(search->frame, search->try, 4, reterr)) < 0 ||
	    (error = keep_better(search, reterr)) < 0)
		return error;
		if (debug_oracle) fprintf(stderr, "%u bound %.10g value %.10g gap %.5f%%\n", search->sweeps, search->bound, search->value, 100*(search->bound-search->value)/search->bound);
	return 0;
}

/* Begin with what costs nothing to find: everything stays, or the best placement that is static. */
static int
search_begin(struct search *search, struct sluice_err *reterr)
{
	const struct oracle_frame *frame = search->frame;
	size_t row = frame->words * sizeof(uint64_t);
	int error;

	search->value = -INFINITY;
	for (uint32_t t = 0; frame->problem->initial && t < frame->epoch_count; t++)
		memcpy(search->try + t * frame->words, frame->problem->initial, row);
	if ((error = keep_better(search, reterr)) < 0)
		return error;
	place_static(frame, search->try);
	if ((error = keep_better(search, reterr)) < 0)
		return error;
	search->bound = place_free(frame, NULL, search->dual.price);
	dual_restart(&search->dual);
	return 0;
}

int
oracle_moving(const struct oracle_problem *problem, const struct oracle_options *options,
	      struct oracle_answer *ret_answer, struct sluice_err *reterr)
{
	struct oracle_frame frame;
	struct oracle_answer answer;
	struct search search = {.frame = &frame, .options = options};
	int error = begin(problem, &frame, &search.best, reterr);

	if (error < 0)
		return error;
	error = new_placement(&frame, &search.try, reterr);
	if (!error)
		error = dual_init(&search.dual, &frame, reterr);
	if (!error)
		error = search_begin(&search, reterr);
	if (!error)
		error = search_by_prices(&search, reterr);
	if (!error)
		error = placement_price(problem, search.best, &answer, reterr);
	dual_clear(&search.dual);
	frame_clear(&frame);
	free(search.try);
	if (error < 0) {
		free(search.best);
		return error;
	}
	answer.placement = search.best;
	answer.bound = search.bound > answer.value ? search.bound : answer.value;
	answer.sweeps = search.sweeps;
	*ret_answer = answer;
	return 0;
}
