/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers for access loops: one 64-bit counter that is scrambled (SplitMix64). The state
 * is one register and a number does not depend on the one before it, so that the processor can
 * work on several accesses at once and the memory, not the generator, is what is measured.
 */
#ifndef WL_RNG_H
#define WL_RNG_H

#include <stdint.h>

__extension__ typedef unsigned __int128 wl_u128;
__extension__ typedef __int128 wl_i128;

/* The upper half of a product: scales a random @a, seen as a fraction of 2^64, to [0, b). */
static inline uint64_t
mul_high(uint64_t a, uint64_t b)
{
	return (uint64_t)(((wl_u128)a * b) >> 64);
}

static inline uint64_t
rng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t
rng_next(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return rng_mix(*state);
}

/* A start state for stream @stream (a thread) of a run with @seed. */
static inline uint64_t
rng_seed(uint64_t seed, uint64_t stream)
{
	return rng_mix(rng_mix(seed) + (stream + 1) * UINT64_C(0xd1342543de82ef95));
}

#endif
