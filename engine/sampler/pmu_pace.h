/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_pace.h - how many events apart samples are drawn, so that sampling costs what it may. Pure.
 *
 * Periods are primes: loops whose length divides the period would be seen at one place only.
 */
#ifndef SAMPLER_PMU_PACE_H
#define SAMPLER_PMU_PACE_H

#include <stdint.h>

#define PMU_PERIOD_MOST 2000000000u

struct pmu_pace {
	uint64_t period; /* in use */
	uint64_t least;  /* shorter is of no use, or the kernel would stop the event */
	uint64_t step;   /* periods are a prime times this: some hardware drops low bits */
};

/* The first prime that is not below `at_least`. */
uint64_t pmu_prime(uint64_t at_least);

/* The period from now on, when at the present one `records` came in `elapsed_ns`, each of which
 * costs price_ns, and all may cost cpu_share of one CPU. throttled: the kernel stopped the event.
 * The same as before when it is right within a fifth. */
uint64_t pmu_pace_next(const struct pmu_pace *pace, uint64_t records, uint64_t elapsed_ns,
		       double price_ns, double cpu_share, int throttled);

#endif
