/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random order of the numbers 0..n-1 that needs no table: a bijection of [0, 2^b), b the bits
 * of n-1, made of steps that can each be undone (multiply by an odd number, add, fold the upper
 * bits onto the lower), repeated until the result is below n. Fewer than two repeats on average.
 */
#ifndef WL_SHUFFLE_H
#define WL_SHUFFLE_H

#include <stdint.h>

#include "wl_rng.h"

struct shuffle {
	uint64_t n;    /* 1 or more, at most 2^62 */
	uint64_t mask; /* 2^b - 1 */
	uint64_t odd;  /* multiplier */
	uint64_t add;
	unsigned fold; /* bits to fold by, 1 or more */
};

static inline void
shuffle_init(struct shuffle *s, uint64_t n, uint64_t seed)
{
	unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 1;

	s->n = n;
	s->mask = (UINT64_C(1) << bits) - 1;
	s->odd = rng_mix(seed + 1) | 1;
	s->add = rng_mix(seed + 2);
	s->fold = bits / 2 > 1 ? bits / 2 : 1;
}

/* The number at place @i, which is below n; a bijection of [0, n). */
static inline uint64_t
shuffle_at(const struct shuffle *s, uint64_t i)
{
	uint64_t mask = s->mask, odd = s->odd, add = s->add, n = s->n;
	unsigned fold = s->fold;

	do {
		i = (i * odd + add) & mask;
		i ^= i >> fold;
		i = (i * odd) & mask;
		i ^= i >> fold;
		i = (i * odd) & mask;
		i ^= i >> fold;
	} while (i >= n);
	return i;
}

#endif
