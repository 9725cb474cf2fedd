/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_select.h - where the cut is, when the most valuable that fit are taken: the price of
 * capacity in one epoch. Linear in the number of items. Any thread.
 */
#ifndef ORACLE_SELECT_H
#define ORACLE_SELECT_H

#include <stdint.h>

/* Prices between low and high are all right: what is worth more than low fits, and what is worth
 * high or more fills the capacity (or low is 0 and everything of worth fits). */
struct select_price {
	float low, high;
};

/* @key: worth per unit of weight; only what is above 0 counts. @weight: NULL for 1 each. @scratch
 * and, with weights, @weights: space for @count, overwritten. */
struct select_price select_price(const float *key, const uint32_t *weight, uint32_t count,
				 uint64_t capacity, float *scratch, uint32_t *weights);

/* Take (set the bit in @row, which is zeroed first) what is worth more than 0, the most valuable
 * first, as long as it fits; what does not fit is passed over. Exact when the weights are NULL. */
void select_take(const float *key, const uint32_t *weight, uint32_t count, uint64_t capacity,
		 float *scratch, uint32_t *weights, uint64_t *row);

#endif
