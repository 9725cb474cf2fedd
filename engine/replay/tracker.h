/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker.h - what the engine is told of a replayed program: a sampler like any other to the round,
 * to which the replay tells what really happens. `exact` tells all of it; the others what a real
 * tracker of that kind would have seen, with its losses, and at its price. One thread.
 */
#ifndef REPLAY_TRACKER_H
#define REPLAY_TRACKER_H

#include "world.h"

/* The program ran from one time to another and did a part of its epoch, 0 to 1. */
struct tracker_stretch {
	uint64_t from_ns, to_ns;
	double part;
};

struct tracker_ops {
	const char *name, *summary;
	/* world is borrowed, and in its first epoch. -ENOMEM. */
	int (*start)(struct world *world, uint64_t seed, void **ret_self,
		     struct sluice_err *reterr);
	const struct sampler_ops *sampler; /* stop frees self */
	/* Between two calls the world's uses stay as they are. */
	void (*ran)(void *self, const struct tracker_stretch *stretch);
	/* The world's uses are about to change. Optional. */
	void (*changing)(void *self);
	/* They have. Optional. */
	void (*changed)(void *self);
};

extern const struct tracker_ops *const trackers[]; /* ends with NULL; the first is the default */
const struct tracker_ops *tracker_find(const char *name);

extern const struct tracker_ops tracker_exact, tracker_hintfault, tracker_pmu, tracker_damon;

/* Random numbers of a tracker: equal seeds, equal numbers. */
struct tracker_dice {
	uint64_t state;
};

double tracker_uniform(struct tracker_dice *dice);                /* above 0, up to 1 */
double tracker_exponential(struct tracker_dice *dice);            /* of mean 1 */
uint64_t tracker_poisson(struct tracker_dice *dice, double mean); /* events */

#endif
