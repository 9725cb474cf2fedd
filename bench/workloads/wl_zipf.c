/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of a Zipf distribution, worked out once in floating point; see wl_zipf.h. */
#include <errno.h>
#include <math.h>

#include "wl_zipf.h"

/* The integral of x^-s, zero at x = 1; @a is 1-s. */
static double
zipf_integral(double a, double x)
{
	return a == 0 ? log(x) : expm1(a * log(x)) / a;
}

static double
zipf_integral_inverse(double a, double y)
{
	return a == 0 ? exp(y) : exp(log1p(a * y) / a);
}

/* Sum of k^-s for k = 1..m: term by term at first, then Euler and Maclaurin's formula. */
static double
zipf_sum(const struct zipf *z, uint64_t m)
{
	double sum = 0, a = ZIPF_HEAD, b = (double)m;

	if (m < ZIPF_HEAD || z->head == 0) {
		for (uint64_t k = 1; k <= m; k++)
			sum += pow((double)k, -z->s);
		return sum;
	}
	double fa = pow(a, -z->s), fb = pow(b, -z->s);

	return z->head + zipf_integral(1 - z->s, b) - zipf_integral(1 - z->s, a) + (fb - fa) / 2 -
	       z->s * (fb / b - fa / a) / 12;
}

int
zipf_init(struct zipf *ret_zipf, uint64_t n, double s)
{
	if (n < 1 || n > ZIPF_RANKS_MAX || !(s >= ZIPF_EXPONENT_MIN && s <= ZIPF_EXPONENT_MAX))
		return -ERANGE;

	if (fabs(s - 1) < 1e-4)
		s = 1;

	struct zipf z = {.n = n, .s = s};
	double a = 1 - s;
	double low = zipf_integral_inverse(a, zipf_integral(a, 1.5) - 1);
	double high = (double)n + 0.5;

	if (a == 0) {
		z.from = (uint64_t)ldexp(log2(low) + 2, 58);
		z.span = (uint64_t)ldexp(log2(high / low), 58);
	} else {
		/* The end where x^(1-s) is greatest is the share 1 (just below: it must fit). */
		double greatest = a > 0 ? high : low, least = a > 0 ? low : high;
		double share = pow(least / greatest, a);

		z.from = (uint64_t)ldexp(share, 64);
		if (z.from < 256)
			z.from = 256;
		z.span = UINT64_MAX - z.from;
		z.scale = -(int64_t)ldexp(1 / a, 50);
		z.top = (uint64_t)ldexp(log2(greatest) + 2, 58);
	}

	/* The line's distance from 1/2 is refuse / (k^2 + plus); exact at k = 2 and for k large. */
	double refuse = s * (s + 1) / 24;
	double two = zipf_integral_inverse(a, zipf_integral(a, 2.5) - pow(2, -s)) - 1.5;

	z.refuse = (uint64_t)ldexp(refuse, 32) << 32;
	z.refuse |= (uint32_t)ldexp(refuse / two - 4, 8);

	z.head = zipf_sum(&z, ZIPF_HEAD);
	z.total = zipf_sum(&z, n);
	*ret_zipf = z;
	return 0;
}

double
zipf_mass(const struct zipf *z, uint64_t from, uint64_t to)
{
	if (to > z->n)
		to = z->n;
	if (from >= to)
		return 0;
	if (to - from == 1)
		return pow((double)to, -z->s) / z->total;
	return (zipf_sum(z, to) - zipf_sum(z, from)) / z->total;
}
