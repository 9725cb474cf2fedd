/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_problem.c - problems are checked, framed for computing, and placements valued.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_parts.h"

void
oracle_default_options(struct oracle_options *ret)
{
	*ret = (struct oracle_options){.sweeps_max = 200, .gap = 0.001, .exact_cells_max = 50000};
}

void
oracle_answer_clear(struct oracle_answer *answer)
{
	if (!answer)
		return;
	free(answer->placement);
	answer->placement = NULL;
}

static uint64_t
row_bytes(const struct oracle_problem *problem, const uint64_t *row)
{
	uint64_t sum = 0;

	for (size_t w = 0; w < oracle_words(problem->item_count); w++) {
		for (uint64_t bits = row[w]; bits; bits &= bits - 1)
			sum += problem->bytes[w * 64 + (unsigned)__builtin_ctzll(bits)];
	}
	return sum;
}

/* Bits beyond the last item would be read as items. */
static int
has_stray_bits(const struct oracle_problem *problem, const uint64_t *row)
{
	uint32_t used = problem->item_count % 64;

	return used != 0 && row[problem->item_count / 64] >> used != 0;
}

static int
check_items(const struct oracle_problem *p, struct sluice_err *reterr)
{
	for (uint32_t i = 0; i < p->item_count; i++) {
		if (p->bytes[i] == 0)
			return sluice_fail(reterr, -EINVAL,
					   "item %u of the oracle's problem has no size", i);
		if (!(p->up[i] >= 0) || !(p->down[i] >= 0))
			return sluice_fail(
				reterr, -EINVAL,
				"item %u of the oracle's problem costs %g to move up and %g down; "
				"costs are 0 or more",
				i, (double)p->up[i], (double)p->down[i]);
	}
	return 0;
}

int
oracle_check(const struct oracle_problem *p, struct sluice_err *reterr)
{
	int error;

	if (p->item_count == 0 || p->epoch_count == 0)
		return sluice_fail(reterr, -EINVAL,
				   "the oracle's problem has %u items and %u epochs; it needs at "
				   "least one of each",
				   p->item_count, p->epoch_count);
	if ((error = check_items(p, reterr)) < 0)
		return error;
	for (uint32_t t = 0; t < p->epoch_count; t++) {
		const float *row = p->saved[t];
		int good = 1;

		for (uint32_t i = 0; i < p->item_count; i++)
			good &= fabsf(row[i]) <= 1e30f;
		for (uint32_t i = 0; !good && i < p->item_count; i++) {
			if (!(fabsf(row[i]) <= 1e30f))
				return sluice_fail(reterr, -EINVAL,
						   "in epoch %u item %u saves %g; at most 1e30 can "
						   "be computed with",
						   t, i, (double)row[i]);
		}
	}
	if (p->initial) {
		if (has_stray_bits(p, p->initial))
			return sluice_fail(reterr, -EINVAL,
					   "the initial placement has bits beyond item %u",
					   p->item_count - 1);
		if (row_bytes(p, p->initial) > p->capacity_bytes)
			return sluice_fail(reterr, -EINVAL,
					   "the initial placement has %llu bytes in fast memory, "
					   "which holds %llu",
					   (unsigned long long)row_bytes(p, p->initial),
					   (unsigned long long)p->capacity_bytes);
	}
	return 0;
}

static void
price_moves(const struct oracle_problem *p, const uint64_t *from, const uint64_t *to,
	    struct oracle_answer *sum)
{
	for (size_t w = 0; w < oracle_words(p->item_count); w++) {
		uint64_t old = from ? from[w] : 0, bits = old ^ to[w];

		for (; bits; bits &= bits - 1) {
			size_t i = w * 64 + (unsigned)__builtin_ctzll(bits);

			if (bits & -bits & old) {
				sum->cost += (double)p->down[i];
				sum->down_bytes += p->bytes[i];
			} else {
				sum->cost += (double)p->up[i];
				sum->up_bytes += p->bytes[i];
			}
		}
	}
}

int
placement_price(const struct oracle_problem *p, const uint64_t *placement,
		struct oracle_answer *ret_answer, struct sluice_err *reterr)
{
	struct oracle_answer sum = {.bound = INFINITY};
	const uint64_t *before = p->initial, *row = placement;

	for (uint32_t t = 0; t < p->epoch_count; t++) {
		double saved = 0;
		uint64_t bytes = 0;

		if (has_stray_bits(p, row))
			return sluice_fail(reterr, -EINVAL,
					   "the placement of epoch %u has bits beyond item %u", t,
					   p->item_count - 1);
		for (size_t w = 0; w < oracle_words(p->item_count); w++) {
			for (uint64_t bits = row[w]; bits; bits &= bits - 1) {
				size_t i = w * 64 + (unsigned)__builtin_ctzll(bits);

				saved += (double)p->saved[t][i];
				bytes += p->bytes[i];
			}
		}
		if (bytes > p->capacity_bytes)
			return sluice_fail(reterr, -ENOSPC,
					   "in epoch %u the placement has %llu bytes in fast "
					   "memory, which holds %llu",
					   t, (unsigned long long)bytes,
					   (unsigned long long)p->capacity_bytes);
		sum.saved += saved;
		price_moves(p, before, row, &sum);
		before = row;
		row += oracle_words(p->item_count);
	}
	sum.value = sum.saved - sum.cost;
	*ret_answer = sum;
	return 0;
}

int
oracle_price(const struct oracle_problem *problem, const uint64_t *placement,
	     struct oracle_answer *ret_answer, struct sluice_err *reterr)
{
	int error = oracle_check(problem, reterr);

	return error < 0 ? error : placement_price(problem, placement, ret_answer, reterr);
}

static uint32_t
common_divisor(const uint32_t *sizes, uint32_t count)
{
	uint32_t divisor = sizes[0];

	for (uint32_t i = 1; i < count && divisor > 1; i++) {
		uint32_t a = sizes[i], rest;

		while ((rest = a % divisor) != 0) {
			a = divisor;
			divisor = rest;
		}
	}
	return divisor;
}

/* A solution that pays more for moves than all stall together, less what leaving everything where
 * it is earns, is worse than that. So no single cost need be more, and all can be finite. */
static double
cost_ceiling(const struct oracle_problem *p)
{
	double ceiling = 0;

	for (uint32_t t = 0; t < p->epoch_count; t++) {
		double row = 0;

		for (uint32_t i = 0; i < p->item_count; i++) {
			double saved = (double)p->saved[t][i];

			row += saved > 0 ? saved : 0;
			if (p->initial && oracle_bit(p->initial, i))
				row -= saved;
		}
		ceiling += row;
	}
	return ceiling * 1.001 + 1;
}

void
frame_clear(struct oracle_frame *frame)
{
	free(frame->up);
	free(frame->weights);
	free(frame->sum);
	*frame = (struct oracle_frame){0};
}

int
frame_init(struct oracle_frame *frame, const struct oracle_problem *p, struct sluice_err *reterr)
{
	size_t n = p->item_count;
	uint32_t divisor = common_divisor(p->bytes, p->item_count);
	float ceiling = (float)cost_ceiling(p);

	*frame = (struct oracle_frame){
		.problem = p,
		.item_count = p->item_count,
		.epoch_count = p->epoch_count,
		.words = oracle_words(p->item_count),
		.equal = 1,
		.capacity = p->capacity_bytes - p->capacity_bytes % divisor,
	};
	for (uint32_t i = 0; i < n; i++)
		frame->equal &= p->bytes[i] == divisor;
	frame->weight = frame->equal ? NULL : p->bytes;
	frame->slots = frame->equal ? frame->capacity / divisor : frame->capacity;
	/* One more of each, so that nobody asks for nothing. */
	frame->up = calloc(n * 6 + 1, sizeof(float));
	frame->weights = calloc(n + 1, sizeof(uint32_t));
	frame->sum = calloc(n + 1, sizeof(double));
	if (!frame->up || !frame->weights || !frame->sum) {
		frame_clear(frame);
		return sluice_fail(reterr, -ENOMEM, "not enough memory for %u items",
				   p->item_count);
	}
	frame->down = frame->up + n;
	frame->size = frame->up + 2 * n;
	frame->per_size = frame->up + 3 * n;
	frame->key = frame->up + 4 * n;
	frame->scratch = frame->up + 5 * n;
	for (uint32_t i = 0; i < n; i++) {
		frame->up[i] = p->up[i] < ceiling ? p->up[i] : ceiling;
		frame->down[i] = p->down[i] < ceiling ? p->down[i] : ceiling;
		frame->size[i] = frame->equal ? 1 : (float)p->bytes[i];
		frame->per_size[i] = 1 / frame->size[i];
	}
	return 0;
}
