/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_pace.c - see pmu_pace.h. */
#include "pmu_pace.h"

#define SLOWER_MOST 64.0 /* at once: a flood has to end */
#define FASTER_MOST 4.0  /* a silent second is not a silent program */
#define RIGHT 1.2

static int
is_prime(uint64_t n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return 0;
	for (uint64_t d = 3; d * d <= n; d += 2) {
		if (n % d == 0)
			return 0;
	}
	return 1;
}

uint64_t
pmu_prime(uint64_t at_least)
{
	while (!is_prime(at_least))
		at_least++;
	return at_least;
}

uint64_t
pmu_pace_next(const struct pmu_pace *pace, uint64_t records, uint64_t elapsed_ns, double price_ns,
	      double cpu_share, int throttled)
{
	double factor = (double)records * price_ns / (cpu_share * (double)elapsed_ns), wanted;

	if (throttled && factor < 2)
		factor = 2;
	if (factor > SLOWER_MOST)
		factor = SLOWER_MOST;
	if (factor < 1 / FASTER_MOST)
		factor = 1 / FASTER_MOST;
	if (factor < RIGHT && factor > 1 / RIGHT)
		return pace->period;
	wanted = (double)pace->period * factor;
	if (wanted > PMU_PERIOD_MOST)
		wanted = PMU_PERIOD_MOST;
	if (wanted < (double)pace->least)
		wanted = (double)pace->least;
	/* One event of one is all of them: no prime is needed. */
	return wanted < 2 && pace->step == 1
		       ? 1
		       : pmu_prime((uint64_t)wanted / pace->step) * pace->step;
}
