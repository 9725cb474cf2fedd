/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zipf ranks without a table: rank k (from 1) is drawn with probability k^-s / sum of all.
 *
 * This is Hoermann and Derflinger's rejection-inversion (1996): invert the integral H of x^-s,
 * round, and turn away the little that rounding gave too much. Two things differ from the usual
 * form, because an access loop must not read memory of its own. First, it runs in 64-bit fixed
 * point, with polynomials whose constants are immediates: libm's log and exp read tables, and
 * floating point is slow under software emulation. Second, the line beyond which a draw is turned
 * away, which is 1/2 - s(s+1)/24k^2 but for a little, is used in this form rather than computed by
 * another power. Probabilities are within 0.3 % of the exact ones up to an exponent of 2, and
 * within 1 % up to 3 (tests/unit/test_workload_math.c). A draw takes 12 ns where s is 1, else 23.
 */
#ifndef WL_ZIPF_H
#define WL_ZIPF_H

#include <stdint.h>

#include "wl_rng.h"

#define ZIPF_RANKS_MAX (UINT64_C(1) << 30)
#define ZIPF_EXPONENT_MIN 0.01
#define ZIPF_EXPONENT_MAX 3.0
#define ZIPF_HEAD 256

/* "Qa.b" below: a bits before the binary point, b after it. */
struct zipf {
	/* Fractions Q0.64 between which the inverted variable is uniform. Where s is 1 they are
	 * log2 of the rank, Q6.58 with 2 added; else x^(1-s) as a share of its greatest value. */
	uint64_t from;
	uint64_t span;
	int64_t scale;   /* -1/(1-s), Q14.50; 0 where s is 1 */
	uint64_t top;    /* log2 of x where the share is 1, Q6.58 with 2 added */
	uint64_t refuse; /* two numbers of the line: the upper half Q0.32, the lower Q24.8 */
	uint64_t n;
	/* For zipf_mass. */
	double s;
	double head; /* sum of the first ZIPF_HEAD terms */
	double total;
};

/*
 * @n from 1 to ZIPF_RANKS_MAX, @s from ZIPF_EXPONENT_MIN to ZIPF_EXPONENT_MAX; an exponent within
 * 0.0001 of 1 is taken as 1. Returns 0 or -ERANGE, then @ret_zipf is untouched.
 */
int zipf_init(struct zipf *ret_zipf, uint64_t n, double s);

/* The exact probability of drawing one of the places [from, to), counted from 0. */
double zipf_mass(const struct zipf *z, uint64_t from, uint64_t to);

/* log2(1 + f), argument and result Q0.64. Exact at 0 and 1, within 3e-8 between. */
static inline uint64_t
zipf_log2(uint64_t f)
{
	/* log2(1+f) = f + f(1-f)q(f); q by interpolation at the Chebyshev nodes of [0,1]. */
	uint64_t q = UINT64_C(0x016b919a5d1c43d3);

	q = UINT64_C(0x075a2f962fc34c3d) - mul_high(q, f);
	q = UINT64_C(0x11f14adb43f12011) - mul_high(q, f);
	q = UINT64_C(0x1d54d77803abb419) - mul_high(q, f);
	q = UINT64_C(0x27a7b8a493087db6) - mul_high(q, f);
	q = UINT64_C(0x33ab64b2ad90911c) - mul_high(q, f);
	q = UINT64_C(0x475486fbc685c7f2) - mul_high(q, f);
	q = UINT64_C(0x715473db5d628509) - mul_high(q, f);
	return f + mul_high(mul_high(f, ~f), q);
}

/* 2^f - 1, argument and result Q0.64. Exact at 0 and 1, within 1e-8 between. */
static inline uint64_t
zipf_exp2(uint64_t f)
{
	uint64_t r = UINT64_C(0x000e5867364ea9a5);

	r = UINT64_C(0x005faf3e70955d01) + mul_high(r, f);
	r = UINT64_C(0x02d9f4bd19864192) + mul_high(r, f);
	r = UINT64_C(0x110e4a18d8761c2e) + mul_high(r, f);
	r = UINT64_C(0x4e8de8b63cf8cf9b) + mul_high(r, f);
	return f - mul_high(mul_high(f, ~f), r);
}

/* A place, counted from 0 (the most drawn), below @n, which must be z->n (a loop has it in a
 * register anyway). Uses one random number, rarely two. */
static inline uint64_t
zipf_draw(const struct zipf *z, uint64_t n, uint64_t *rng)
{
	for (;;) {
		uint64_t e = z->from + mul_high(rng_next(rng), z->span);

		if (z->scale) {
			unsigned zeros = (unsigned)__builtin_clzll(e | 1);
			uint64_t fraction = (e << zeros) << 1;
			/* -log2 of the share, Q6.58 */
			uint64_t fall = ((uint64_t)(zeros + 1) << 58) - (zipf_log2(fraction) >> 6);

			e = z->top + (uint64_t)(((wl_i128)fall * z->scale) >> 50);
		}

		/* Now e is log2 x + 2; x as Q32.32, 1/2 added so that its floor is the rank. */
		uint64_t power = (UINT64_C(1) << 63) + (zipf_exp2(e << 6) >> 1);
		uint64_t x = (power >> (33 - (e >> 58))) + (UINT64_C(1) << 31);
		uint64_t k = x >> 32;

		if (k - 2 < 4094 &&
		    (x & UINT32_MAX) * ((k * k << 8) + (uint32_t)z->refuse) < z->refuse >> 32 << 8)
			continue;
		/* Rounding may take the ends a little too far; 0 wraps, so this finds both. */
		if (k - 1 >= n)
			continue;
		return k - 1;
	}
}

#endif
