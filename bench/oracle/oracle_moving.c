/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_moving.c - the answer with moves paid for: prices are improved until what they allow at
 * most and the best placement found are close.
 *
 * Coordinate ascent does most of it, in a few sweeps. It stops short where many items are alike, as
 * no single price can change then without making the bound worse; steps down the bound's slope, as
 * long as the gap allows (Polyak), get on from there.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_parts.h"

#define LENGTH_MIN 0.02 /* shorter steps are not worth their time */
#define IDLE_STEPS 10
#define MOMENTUM 0.9
#define ROUNDS 3

struct search {
	const struct oracle_frame *frame;
	const struct oracle_options *options;
	struct dual dual;
	uint64_t *best, *try;
	double *best_price, *wanted, *way; /* by epoch */
	double value, bound;
	uint32_t sweeps;
};

static void
search_clear(struct search *search)
{
	dual_clear(&search->dual);
	free(search->try);
	free(search->best_price);
	free(search->wanted);
	free(search->way);
}

static int
search_init(struct search *search, struct sluice_err *reterr)
{
	size_t epochs = search->frame->epoch_count;
	int error;

	if ((error = placement_new(search->frame, &search->try, reterr)) < 0 ||
	    (error = dual_init(&search->dual, search->frame, reterr)) < 0)
		return error;
	search->best_price = calloc(epochs, sizeof(double));
	search->wanted = calloc(epochs, sizeof(double));
	search->way = calloc(epochs, sizeof(double));
	if (!search->best_price || !search->wanted || !search->way)
		return sluice_fail(reterr, -ENOMEM, "not enough memory for %zu epochs", epochs);
	return 0;
}

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

static void
copy_best(struct search *search)
{
	memcpy(search->try, search->best,
	       search->frame->words * search->frame->epoch_count * sizeof(uint64_t));
}

static void
keep_price(struct search *search, double bound)
{
	if (bound >= search->bound)
		return;
	search->bound = bound;
	memcpy(search->best_price, search->dual.price, search->frame->epoch_count * sizeof(double));
}

static void
go_back(struct search *search)
{
	memcpy(search->dual.price, search->best_price, search->frame->epoch_count * sizeof(double));
	dual_restart(&search->dual);
}

static int
is_done(const struct search *search)
{
	return search->sweeps >= search->options->sweeps_max ||
	       search->bound - search->value <= search->options->gap * fabs(search->bound);
}

/* Twice part of the way and twice all of it: later epochs must find something left to take from
 * their prices, or the first ones get all, and the bound goes down ten times as slowly. */
static int
search_by_sweeps(struct search *search, struct sluice_err *reterr)
{
	static const double shares[] = {0.3, 0.3, 1, 1};
	struct dual *dual = &search->dual;
	double before = INFINITY;
	int error;

	while (!is_done(search)) {
		before = search->bound;
		for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]) && !is_done(search);
		     i++) {
			dual_sweep(dual, shares[i]);
			search->sweeps++;
			if (i % 2 == 0) /* placing backwards is no better than forwards, later */
				continue;
			keep_price(search, dual_bound(dual));
			dual_place(dual, search->try);
			if ((error = keep_better(search, reterr)) < 0)
				return error;
		}
		if (before - search->bound < 0.1 * (search->bound - search->value))
			break;
	}
	copy_best(search);
	if ((error = improve_items(search->frame, search->try, 4, reterr)) < 0)
		return error;
	return keep_better(search, reterr);
}

/* One step down. Returns 0 where there is no slope: these prices are the best. */
static int
step_down(struct search *search, double bound, double length)
{
	struct dual *dual = &search->dual;
	double square = 0;

	dual_want(dual, search->wanted);
	for (uint32_t t = 0; t < search->frame->epoch_count; t++) {
		double slope = (double)search->frame->slots - search->wanted[t];

		if (dual->price[t] <= 0 && slope > 0)
			slope = 0;
		search->way[t] = slope + MOMENTUM * search->way[t];
		square += search->way[t] * search->way[t];
	}
	if (square <= 0)
		return 0;
	for (uint32_t t = 0; t < search->frame->epoch_count; t++) {
		double price =
			dual->price[t] - length * (bound - search->value) * search->way[t] / square;

		dual->price[t] = price > 0 ? price : 0;
	}
	dual_restart(dual);
	return 1;
}

static int
search_by_slope(struct search *search, struct sluice_err *reterr)
{
	double length = 1, bound = search->bound;
	int error, idle = 0;

	memset(search->way, 0, search->frame->epoch_count * sizeof(double));
	go_back(search);
	for (unsigned n = 1; length > LENGTH_MIN && !is_done(search); n++) {
		double gap = search->bound - search->value;

		if (!step_down(search, bound, length))
			break;
		search->sweeps++;
		bound = dual_bound(&search->dual);
		idle = bound < search->bound - 0.01 * gap ? 0 : idle + 1;
		keep_price(search, bound);
		if (n % 8 == 0) {
			dual_place(&search->dual, search->try);
			if ((error = keep_better(search, reterr)) < 0)
				return error;
		}
		if (idle == IDLE_STEPS) {
			length /= 2;
			idle = 0;
			bound = search->bound;
			memset(search->way, 0, search->frame->epoch_count * sizeof(double));
			go_back(search);
		}
	}
	go_back(search);
	return 0;
}

/* Prices and placement of an instance that is small enough to be solved exactly. */
static int
finish_exactly(struct search *search, struct sluice_err *reterr)
{
	int error;

	copy_best(search);
	error = improve_exactly(search->frame, search->try, search->dual.price, reterr);
	if (error < 0)
		return error;
	keep_price(search, dual_bound(&search->dual));
	return keep_better(search, reterr);
}

static int
search_by_prices(struct search *search, struct sluice_err *reterr)
{
	const struct oracle_frame *frame = search->frame;
	uint64_t cells = (uint64_t)frame->item_count * frame->epoch_count;
	int error = 0;

	for (int round = 0; error == 0 && round < ROUNDS && !is_done(search); round++) {
		error = search_by_sweeps(search, reterr);
		if (frame->equal && cells <= search->options->exact_cells_max)
			break;
		if (!error)
			error = search_by_slope(search, reterr);
	}
	if (!error && frame->equal && cells <= search->options->exact_cells_max)
		error = finish_exactly(search, reterr);
	return error;
}

/* Begin with what is found at once: everything stays, or the best placement that is static. */
static int
search_begin(struct search *search, struct sluice_err *reterr)
{
	const struct oracle_frame *frame = search->frame;
	int error;

	search->value = -INFINITY;
	search->bound = INFINITY;
	for (uint32_t t = 0; frame->problem->initial && t < frame->epoch_count; t++)
		memcpy(search->try + t * frame->words, frame->problem->initial,
		       frame->words * sizeof(uint64_t));
	if ((error = keep_better(search, reterr)) < 0)
		return error;
	place_static(frame, search->try);
	if ((error = keep_better(search, reterr)) < 0)
		return error;
	keep_price(search, place_free(frame, NULL, search->dual.price));
	dual_restart(&search->dual);
	return 0;
}

int
oracle_moving(const struct oracle_problem *problem, const struct oracle_options *options,
	      struct oracle_answer *ret_answer, struct sluice_err *reterr)
{
	struct oracle_frame frame;
	struct oracle_answer answer = {0};
	struct search search = {.frame = &frame, .options = options};
	int error = frame_begin(problem, &frame, &search.best, reterr);

	if (error < 0)
		return error;
	if ((error = search_init(&search, reterr)) == 0 &&
	    (error = search_begin(&search, reterr)) == 0 &&
	    (error = search_by_prices(&search, reterr)) == 0)
		error = placement_price(problem, search.best, &answer, reterr);
	search_clear(&search);
	frame_clear(&frame);
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
