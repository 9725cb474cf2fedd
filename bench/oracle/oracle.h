/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle.h - what a placement policy could have earned at most, had it known the future.
 *
 * A problem: items (regions of memory), epochs, how much stall each item would save in each epoch
 * if it were in fast memory then, what moving it up and down costs, and how many bytes of fast
 * memory there are. Three answers, each a ladder's step:
 *
 *   static   one placement for all epochs, paid for at the start
 *   moving   any placement in each epoch, moves paid for: what policies are compared with
 *   free     any placement in each epoch, moves free: a bound, and a loose one
 *
 * Two tiers: what is not fast is slow. Pure: no system call but for memory. One thread a call.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

/* A placement: oracle_words() words for each epoch, bit i of them set when item i is fast. */
static inline size_t
oracle_words(uint32_t item_count)
{
	return ((size_t)item_count + 63) / 64;
}

static inline int
oracle_bit(const uint64_t *row, uint32_t item)
{
	return (int)(row[item / 64] >> (item % 64) & 1);
}

/* All of it is the caller's, and is only read. Stall and costs are in one unit, any: nanoseconds,
 * say. Stall may be negative: memory that is better off where it is slow. */
struct oracle_problem {
	uint32_t item_count, epoch_count; /* 1 or more of each */
	uint64_t capacity_bytes;          /* of fast memory */
	const uint32_t *bytes;            /* by item, each 1 or more */
	const float *const *saved;        /* saved[epoch][item]; epochs may share a row */
	const float *up, *down;           /* cost by item, 0 or more; INFINITY: may not move */
	const uint64_t *initial;          /* before the first epoch, must fit; NULL: all is slow */
};

struct oracle_options {
	uint32_t sweeps_max; /* of the dual ascent, 1 or more */
	double gap;          /* stop when value and bound are this close, as a share of the bound */
	/* Instances of equal sizes with up to so many items times epochs are solved exactly. */
	uint64_t exact_cells_max;
};

struct oracle_answer {
	double value; /* saved less cost, of the placement below */
	double bound; /* no placement is worth more; equals the value where that is the best */
	double saved, cost;
	uint64_t up_bytes, down_bytes; /* moved */
	uint32_t sweeps;               /* of the dual ascent; 0 where there was none */
	uint64_t *placement;           /* by epoch, the answer's own; oracle_answer_clear() frees */
};

void oracle_default_options(struct oracle_options *ret);
void oracle_answer_clear(struct oracle_answer *answer);

/* What is wrong with a problem: 0 (nothing) or -EINVAL with a sentence. The
 * functions below begin with it. */
int oracle_check(const struct oracle_problem *problem, struct sluice_err *reterr);

/* Values @placement and checks that it fits in every epoch: 0, -ENOSPC, or as above. Fills
 * everything in *ret_answer but bound (which is set to INFINITY) and placement (NULL). */
int oracle_price(const struct oracle_problem *problem, const uint64_t *placement,
		 struct oracle_answer *ret_answer, struct sluice_err *reterr);

/* Each: 0, -ENOMEM, or as oracle_check(); *ret_answer is untouched on failure. static: the bound is
 * that of a fraction of one item. free: cost is 0, the bytes are what it would move. */
int oracle_static(const struct oracle_problem *problem, struct oracle_answer *ret_answer,
		  struct sluice_err *reterr);
int oracle_free(const struct oracle_problem *problem, struct oracle_answer *ret_answer,
		struct sluice_err *reterr);
int oracle_moving(const struct oracle_problem *problem, const struct oracle_options *options,
		  struct oracle_answer *ret_answer, struct sluice_err *reterr);

#endif
