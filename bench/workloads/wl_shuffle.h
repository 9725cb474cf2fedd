/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random order of the numbers 0..n-1 that needs no table: a bijection of [0, 2^b), b the bits
 * of n-1, made of steps that can each be undone (add, multiply by an odd number, fold the upper
 * bits onto the lower), repeated until the result is below n. Fewer than two repeats on average.
 * Multipliers and folds are constants, so that a loop has few values to keep in registers; below
 * some hundred numbers the order is therefore not very random, which no use of it minds.
 */
#ifndef WL_SHUFFLE_H
#define WL_SHUFFLE_H

#include <stdint.h>

#include "wl_rng.h"

struct shuffle {
	uint64_t mask; /* 2^b - 1 */
	uint64_t add;  /* which order it is */
};

/* Order number @seed of @n numbers; @n from 1 to 2^62. */
static inline void
shuffle_init(struct shuffle *s, uint64_t n, uint64_t seed)
{
	unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 1;

	s->mask = (UINT64_C(1) << bits) - 1;
	s->add = rng_seed(seed, 0);
}

/* The number at place @i, which is below @n, the same as at shuffle_init; a bijection of [0, n). */
static inline uint64_t
shuffle_at(const struct shuffle *s, uint64_t n, uint64_t i)
{
	do {
		i = ((i + s->add) * UINT64_C(0x2545f4914f6cdd1d)) & s->mask;
		i ^= i >> 8;
		i = (i + (s->add >> 32)) * UINT64_C(0xd1342543de82ef95) & s->mask;
		i ^= i >> 8;
		i = i * UINT64_C(0xaf251af3b0f025b5) & s->mask;
		i ^= i >> 8;
	} while (i >= n);
	return i;
}

#endif
