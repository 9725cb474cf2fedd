/* SPDX-License-Identifier: Apache-2.0 */
/* tracker.c - the registry of replayed trackers, and their dice. See tracker.h. */
#include "tracker.h"

#include <math.h>
#include <string.h>

const struct tracker_ops *const trackers[] = {
	&tracker_exact, &tracker_hintfault, &tracker_pmu, &tracker_damon, NULL,
};

const struct tracker_ops *
tracker_find(const char *name)
{
	for (size_t i = 0; trackers[i]; i++) {
		if (strcmp(trackers[i]->name, name) == 0)
			return trackers[i];
	}
	return NULL;
}

double
tracker_uniform(struct tracker_dice *dice)
{
	uint64_t x = dice->state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return ((double)(x >> 11) + 1) / 9007199254740992.0;
}

double
tracker_exponential(struct tracker_dice *dice)
{
	return -log(tracker_uniform(dice));
}

uint64_t
tracker_poisson(struct tracker_dice *dice, double mean)
{
	double limit, product;
	uint64_t events = 0;

	if (mean <= 0)
		return 0;
	if (mean > 30) { /* near enough to normal */
		double n = mean + sqrt(mean) * sqrt(-2 * log(tracker_uniform(dice))) *
					  cos(6.283185307179586 * tracker_uniform(dice));

		return n > 0 ? (uint64_t)(n + 0.5) : 0;
	}
	limit = exp(-mean);
	for (product = tracker_uniform(dice); product > limit; events++)
		product *= tracker_uniform(dice);
	return events;
}
