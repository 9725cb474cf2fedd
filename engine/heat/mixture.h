/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture.h - what heats the regions have, and what that says of one of them.
 *
 * Most memory is cold, and about equally so; some is hot. A normal distribution that holds both is
 * so wide that it says nothing: then the noise of cold regions stands, the coldest of hundreds that
 * are in fast memory seem surely colder than the hottest in slow, and cold memory is swapped for
 * cold memory. So the distribution is estimated as it is, by bins of a quarter octave, from
 * findings of known noise (nonparametric empirical Bayes; Laird 1978, Efron 2016 "Empirical Bayes
 * deconvolution estimates").
 *
 * Pure, one thread at a time.
 */
#ifndef HEAT_MIXTURE_H
#define HEAT_MIXTURE_H

#define MIXTURE_BINS 128u /* quarter octaves from RATE_LOWEST */
#define MIXTURE_NOISES 8u /* octaves of a finding's variance */

/* Findings of regions, by mean and variance: sums of their weights. */
struct mixture_found {
	float weight[MIXTURE_NOISES][MIXTURE_BINS];
};

struct mixture {
	float share[MIXTURE_BINS]; /* of regions; all 0 before the first mixture_learn() */
};

/* A region's mean log2 rate was found, with the variance that it is uncertain by (octaves squared).
 */
void mixture_add(struct mixture_found *found, float mean, float var, float weight);
void mixture_join(struct mixture_found *found, const struct mixture_found *other); /* adds it */
/* Learn the distribution from these findings alone; mean and var are roughly theirs, and a start.
 */
void mixture_learn(struct mixture *mixture, const struct mixture_found *found, float mean,
		   float var);
/* Of a finding, what is believed after all: its mean and variance are replaced. */
void mixture_believe(const struct mixture *mixture, float *mean, float *var);

#endif
