/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_arms-like.c - averages, the top K, costs, and changes of the traffic. */
#include "policies/arms-like.c"

#include "policy_promises.h"

static void
swaps_what_stays_in_the_top(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[3];
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(0, 2 * MIB, 10, 1.1);
	regions[1] = piece(0, 2 * MIB, 500, 1.1);
	regions[2] = piece(1, 2 * MIB, 400, 1.1);
	spread(regions, 3);
	decide_after(500, self, tiers, regions, 3);
	assert_int_equal(plan.count, 0); /* in the top for one interval only */
	decide_after(500, self, tiers, regions, 3);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 0);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 2);
	assert_int_equal(plan.moves[1].tier, 0);
	sluice_policy.fini(self);
}

static void
waits_while_the_score_falls(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(0, 2 * MIB, 10, 1.1);
	regions[1] = piece(1, 2 * MIB, 1000, 1.1);
	spread(regions, 2);
	decide_after(500, self, tiers, regions, 2);
	regions[1].heat = 100; /* far below its averages, far above the other */
	decide_after(500, self, tiers, regions, 2);
	assert_int_equal(plan.count, 0);
	for (int n = 0; n < 40; n++) { /* until they have come down to it */
		decide_after(500, self, tiers, regions, 2);
		assert_int_equal(plan.count, 0);
	}
	regions[1].heat = 110;
	decide_after(500, self, tiers, regions, 2);
	assert_int_equal(plan.count, 2);
	sluice_policy.fini(self);
}

/* The longer it has been hot, the less it needs to win. With 150 ns, 512 pages and half a second a
 * difference of 10 saves 384 us an interval, and 1.5 times 1500 us have to be saved. */
static void
weighs_costs(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	void *self = start("with", NULL);
	int intervals = 1;

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(0, 2 * MIB, 0, 1);
	regions[1] = piece(1, 2 * MIB, 0.01, 1.1);
	spread(regions, 2);
	for (int n = 0; n < 300; n++) { /* averages settle; it is not worth it for long */
		decide_after(500, self, tiers, regions, 2);
		assert_int_equal(plan.count, 0);
	}
	sluice_policy.fini(self);
	self = start("with", "cost_factor", "150", NULL);
	regions[1].heat = 1000;
	decide_after(500, self, tiers, regions, 2);
	for (; plan.count == 0 && intervals < 100; intervals++)
		decide_after(500, self, tiers, regions, 2);
	/* 225 ms by 38.4 ms an interval at the full score, which it has not at first. */
	assert_in_range(intervals, 6, 9);
	sluice_policy.fini(self);
}

static void
hears_changes_of_traffic(void **state)
{
	struct change_test test = {0};
	struct world dice = {.seed = 4711};
	int alarms = 0, late = 0;

	(void)state;
	for (int n = 0; n < 2000; n++)
		alarms += change_test_add(&test, 100 + 20 * world_random(&dice));
	assert_true(alarms <= 2);
	test = (struct change_test){0};
	for (int n = 0; n < 50; n++)
		change_test_add(&test, 100 + 20 * world_random(&dice));
	while (late < 20 && !change_test_add(&test, 300 + 20 * world_random(&dice)))
		late++;
	assert_in_range(late, 0, 3);
	/* One-sided: less traffic in slow memory is what we are here for. */
	test = (struct change_test){0};
	for (int n = 0; n < 50; n++)
		change_test_add(&test, 100 + 20 * world_random(&dice));
	for (int n = 0; n < 20; n++)
		assert_false(change_test_add(&test, 20 * world_random(&dice)));
}

static void
does_as_arms_does(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 15);
	assert_true(world_fast_share(&world) > 0.955);
	assert_true(world.moved_bytes < 120 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
	self = start("with", NULL);
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 60);
	assert_true(world.moved_bytes == 0);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swaps_what_stays_in_the_top),
		cmocka_unit_test(waits_while_the_score_falls),
		cmocka_unit_test(weighs_costs),
		cmocka_unit_test(hears_changes_of_traffic),
		cmocka_unit_test(does_as_arms_does),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
