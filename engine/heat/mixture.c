/* SPDX-License-Identifier: Apache-2.0 */
/* mixture.c - see mixture.h. */
#include "mixture.h"

#include <math.h>
#include <string.h>

#include "estimate.h"

#define STEPS 4.0f              /* bins in an octave */
#define NOISE_LEAST_LOG (-3.0f) /* log2 of the variance of the first class of noise */
#define KERNEL_SIGMAS 4.0f
/* Expectation maximisation sharpens the distribution with each step. Few leave it smoother than the
 * truth, many make spikes of chance. */
#define LEARN_STEPS 12
/* What no finding was like may still come, anywhere: a share of all, and of few findings more, as
 * if there had been so many pages more. */
#define ELSEWHERE 0.05f
#define ELSEWHERE_PAGES 1024.0f
#define ELSEWHERE_VAR 4.0f /* more than that of the findings */

static unsigned int
bin_of(float mean)
{
	float bin = (mean - RATE_LOWEST) * STEPS + 0.5f;

	return bin < 0                             ? 0
	       : bin >= (float)(MIXTURE_BINS - 1u) ? MIXTURE_BINS - 1u
						   : (unsigned int)bin;
}

static float
bin_mean(unsigned int bin)
{
	return RATE_LOWEST + (float)bin / STEPS;
}

static unsigned int
noise_of(float var)
{
	float noise = log2f(var) - NOISE_LEAST_LOG + 0.5f;

	return noise < 0                               ? 0
	       : noise >= (float)(MIXTURE_NOISES - 1u) ? MIXTURE_NOISES - 1u
						       : (unsigned int)noise;
}

void
mixture_add(struct mixture_found *found, float mean, float var, float weight)
{
	found->weight[noise_of(var)][bin_of(mean)] += weight;
}

void
mixture_join(struct mixture_found *found, const struct mixture_found *other)
{
	for (unsigned int n = 0; n < MIXTURE_NOISES; n++) {
		for (unsigned int b = 0; b < MIXTURE_BINS; b++)
			found->weight[n][b] += other->weight[n][b];
	}
}

static void
set_normal(float share[MIXTURE_BINS], float mean, float var)
{
	float sum = 0;

	for (unsigned int b = 0; b < MIXTURE_BINS; b++) {
		float off = bin_mean(b) - mean;

		share[b] = expf(-off * off / (2 * var));
		sum += share[b];
	}
	for (unsigned int b = 0; b < MIXTURE_BINS; b++)
		share[b] /= sum;
}

/* The findings of one noise and bin, shared out among the bins that they may truly be of. */
static void
share_out(const float share[MIXTURE_BINS], const float *kernel, unsigned int reach,
	  unsigned int bin, float weight, float next[MIXTURE_BINS])
{
	unsigned int first = bin < reach ? 0 : bin - reach;
	unsigned int last = bin + reach < MIXTURE_BINS ? bin + reach : MIXTURE_BINS - 1u;
	float sum = 0;

	for (unsigned int b = first; b <= last; b++)
		sum += share[b] * kernel[b < bin ? bin - b : b - bin];
	if (!(sum > 0))
		return;
	for (unsigned int b = first; b <= last; b++)
		next[b] += weight * (share[b] * kernel[b < bin ? bin - b : b - bin] / sum);
}

/* One step of expectation maximisation. */
static void
sharpen(const float share[MIXTURE_BINS], const struct mixture_found *found,
	float next[MIXTURE_BINS])
{
	memset(next, 0, MIXTURE_BINS * sizeof(next[0]));
	for (unsigned int n = 0; n < MIXTURE_NOISES; n++) {
		float kernel[MIXTURE_BINS], var = exp2f(NOISE_LEAST_LOG + (float)n);
		unsigned int reach = (unsigned int)(KERNEL_SIGMAS * sqrtf(var) * STEPS);

		if (reach >= MIXTURE_BINS)
			reach = MIXTURE_BINS - 1u;
		for (unsigned int k = 0; k <= reach; k++)
			kernel[k] = expf(-((float)k / STEPS) * ((float)k / STEPS) / (2 * var));
		for (unsigned int b = 0; b < MIXTURE_BINS; b++) {
			if (found->weight[n][b] > 0)
				share_out(share, kernel, reach, b, found->weight[n][b], next);
		}
	}
}

void
mixture_learn(struct mixture *mixture, const struct mixture_found *found, float mean, float var)
{
	float anywhere[MIXTURE_BINS], next[MIXTURE_BINS], sum, elsewhere;

	set_normal(anywhere, fmaxf(mean, RATE_LOWEST), var + ELSEWHERE_VAR);
	memcpy(mixture->share, anywhere, sizeof(anywhere));
	for (int step = 0; step < LEARN_STEPS; step++) {
		sharpen(mixture->share, found, next);
		sum = 0;
		for (unsigned int b = 0; b < MIXTURE_BINS; b++)
			sum += next[b];
		if (!(sum > 0))
			return;
		elsewhere = fmaxf(ELSEWHERE, ELSEWHERE_PAGES / (ELSEWHERE_PAGES + sum));
		for (unsigned int b = 0; b < MIXTURE_BINS; b++)
			mixture->share[b] =
				(1 - elsewhere) * next[b] / sum + elsewhere * anywhere[b];
	}
}

void
mixture_believe(const struct mixture *mixture, float *mean, float *var)
{
	float reach = KERNEL_SIGMAS * sqrtf(*var);
	unsigned int first = bin_of(*mean - reach), last = bin_of(*mean + reach);
	float sum = 0, off_sum = 0, square_sum = 0, off = bin_mean(first) - *mean;
	/* exp(-off^2 / 2 var) from bin to bin, by two products. */
	float likely = expf(-off * off / (2 * *var)), again = expf(-1 / (STEPS * STEPS * *var));
	float step = expf(-(off / STEPS + 1 / (2 * STEPS * STEPS)) / *var);

	for (unsigned int b = first; b <= last; b++, off += 1 / STEPS) {
		float weight = mixture->share[b] * likely;

		sum += weight;
		off_sum += weight * off;
		square_sum += weight * off * off;
		likely *= step;
		step *= again;
	}
	if (!(sum > 0))
		return; /* nothing was learned yet, or this is like nothing else */
	off = off_sum / sum;
	*mean += off;
	*var = fmaxf(square_sum / sum - off * off, 0);
}
