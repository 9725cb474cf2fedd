/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_price.c - what tracking costs is kept at the price that was set, whatever the trackers make
 * of their efforts: some cost much more than they were told, some less, some late, some nothing.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "effort.h"
#include "price.h"

#define S 1000000000ull

/* Made-up trackers: what each costs for one of effort, and how late it follows. */
struct world {
	struct price price;
	struct price_cost cost[PRICE_TRACKERS_MAX];
	double gain[PRICE_TRACKERS_MAX], most[PRICE_TRACKERS_MAX];
	unsigned int lag[PRICE_TRACKERS_MAX]; /* seconds until a new effort is followed */
	double follows[PRICE_TRACKERS_MAX];
	unsigned int age[PRICE_TRACKERS_MAX];
	double base; /* share */
	uint64_t base_ns, now_ns;
};

static void
begin(struct world *world, double ceiling, size_t count)
{
	const int sentinel[PRICE_TRACKERS_MAX] = {0, 1, 0, 0};

	memset(world, 0, sizeof(*world));
	for (size_t i = 0; i < PRICE_TRACKERS_MAX; i++) {
		world->gain[i] = 1;
		world->most[i] = 1;
	}
	world->now_ns = S;
	price_init(&world->price, ceiling, sentinel, count);
}

/* The share that was spent in these seconds; with `share` not NULL of each tracker too. */
static double
run(struct world *world, unsigned int seconds, double *share)
{
	double all = 0, each[PRICE_TRACKERS_MAX] = {0};

	for (unsigned int t = 0; t < seconds; t++) {
		for (size_t i = 0; i < world->price.count; i++) {
			double cost;

			if (world->age[i]++ >= world->lag[i]) {
				world->follows[i] = world->price.effort[i];
				world->age[i] = 0;
			}
			cost = world->price.resting
				       ? 0
				       : fmin(world->follows[i] * world->gain[i], world->most[i]);
			each[i] += cost;
			all += cost;
			/* Some of each kind. */
			world->cost[i].own_ns += (uint64_t)(cost * 0.2e9);
			world->cost[i].kernel_ns += (uint64_t)(cost * 0.3e9);
			world->cost[i].target_ns += (uint64_t)(cost * 0.5e9);
		}
		world->base_ns += (uint64_t)(world->base * 1e9);
		all += world->base;
		world->now_ns += S;
		assert_true(price_is_due(&world->price, world->now_ns));
		price_look(&world->price, world->cost, world->base_ns, world->now_ns);
		assert_false(price_is_due(&world->price, world->now_ns + S / 2));
	}
	for (size_t i = 0; share && i < world->price.count; i++)
		share[i] = each[i] / seconds;
	return all / seconds;
}

static void
near(double is, double wanted)
{
	if (is < wanted * 0.8 || is > wanted * 1.2)
		fail_msg("cost %g, %g wanted", is, wanted);
}

static void
kept(void **state)
{
	static const double gains[] = {0.2, 0.7, 1, 4, 30};
	static const double ceilings[] = {0.001, 0.01, 0.1, 0.5};
	struct world world;

	(void)state;
	for (size_t g = 0; g < 5; g++) {
		for (size_t c = 0; c < 4; c++) {
			begin(&world, ceilings[c], 2);
			world.gain[0] = gains[g];
			world.gain[1] = gains[4 - g];
			world.lag[1] = 3;
			world.base = ceilings[c] / 5;
			run(&world, 30, NULL);
			near(run(&world, 30, NULL), ceilings[c]);
		}
	}
}

static void
shared_out(void **state)
{
	struct world world;
	double share[PRICE_TRACKERS_MAX];

	(void)state;
	begin(&world, 0.1, 2);
	run(&world, 40, NULL);
	run(&world, 40, share);
	/* The sentinel gets a fifth. */
	near(share[0], 0.08);
	near(share[1], 0.02);
	/* One has nothing to do: the other gets all. */
	world.most[0] = 0.001;
	run(&world, 40, NULL);
	near(run(&world, 40, share), 0.1);
	near(share[1], 0.099);
	/* Now it has. */
	world.most[0] = 1;
	run(&world, 30, NULL);
	near(run(&world, 40, share), 0.1);
	near(share[0], 0.08);
}

static void
changes(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 0.05, 1);
	run(&world, 30, NULL);
	/* Ten times the cost from one second to the next: what it was too much is paid back. */
	world.gain[0] = 10;
	near(run(&world, 40, NULL), 0.05);
	world.gain[0] = 0.5;
	run(&world, 20, NULL);
	near(run(&world, 30, NULL), 0.05);
	/* Nothing to do for minutes is no credit for minutes. */
	world.most[0] = 0;
	run(&world, 300, NULL);
	assert_true(world.price.bank_s <= 0.05 * 2.001);
	world.most[0] = 1;
	run(&world, 5, NULL);
	near(run(&world, 30, NULL), 0.05);
}

static void
cannot_be_kept(void **state)
{
	struct world world;

	(void)state;
	/* What our own thread needs is more already: the trackers stay awake, barely. */
	begin(&world, 0.01, 2);
	world.base = 0.02;
	run(&world, 60, NULL);
	assert_true(run(&world, 30, NULL) < 0.02 * 1.05);
	assert_true(world.price.effort[0] > 0 && world.price.effort[1] > 0);
	assert_true(world.price.told.all > 0.02);
}

static void
told(void **state)
{
	struct world world;

	(void)state;
	/* Without a ceiling nothing is steered, and all is told. */
	begin(&world, 0, 1);
	assert_false(world.price.told.known);
	world.price.effort[0] = 0.3;
	world.base = 0.01;
	run(&world, 60, NULL);
	assert_true(world.price.told.known);
	assert_true(world.price.effort[0] >= 0.3 && world.price.effort[0] <= 0.3);
	near(world.price.told.own, 0.07);
	near(world.price.told.kernel, 0.09);
	near(world.price.told.target, 0.15);
	near(world.price.told.all, 0.31);
	/* Paused trackers teach nothing. */
	begin(&world, 0.1, 1);
	run(&world, 20, NULL);
	price_rest(&world.price, 1);
	world.follows[0] = world.price.effort[0];
	run(&world, 20, NULL);
	assert_true(fabs(world.price.effort[0] - world.follows[0]) < 1e-9);
}

static void
fixed_effort(void **state)
{
	struct effort effort;

	(void)state;
	effort_init(&effort, 0.01);
	effort_fix(&effort, 0.05);
	effort_wake(&effort, S);
	assert_true(fabs(effort.now - 0.05) < 1e-9);
	effort_pause(&effort, 1);
	assert_true(effort.now <= 0);
	effort_pause(&effort, 0);
	for (uint64_t t = 2; t < 200; t++) {
		/* Neither doubt, nor alarms, nor calm. */
		effort_update(&effort, 0, t % 50 ? 0.0 : 0.9, (unsigned int)t % 8, t * S);
		if (t % 60 == 0)
			effort_alarm(&effort, t * S);
		assert_true(fabs(effort.now - 0.05) < 1e-9);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept),    cmocka_unit_test(shared_out),
		cmocka_unit_test(changes), cmocka_unit_test(cannot_be_kept),
		cmocka_unit_test(told),    cmocka_unit_test(fixed_effort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
