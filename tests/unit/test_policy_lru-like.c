/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_lru-like.c - generations, and what recency alone is worth. */
#include "policies/lru-like.c"

#include "policy_promises.h"

static void
oldest_gives_way_to_what_was_just_accessed(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[4];
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(0, 2 * MIB, 100, 1.1);
	regions[1] = piece(0, 2 * MIB, 100, 1.1);
	regions[2] = piece(1, 2 * MIB, 1000, 1.1);
	regions[3] = piece(1, 2 * MIB, 0, 1);
	spread(regions, 4);
	decide_after(1000, self, tiers, regions, 4);
	decide_after(1000, self, tiers, regions, 4);
	assert_int_equal(plan.count, 0); /* all of generation 0, or never accessed */
	regions[1].heat = 0;             /* goes idle first */
	for (int s = 0; s < 2; s++) {
		regions[2].heat = 0;
		decide_after(1000, self, tiers, regions, 4);
		assert_int_equal(plan.count, 0);
	}
	regions[0].heat = 0;
	regions[2].heat = 50; /* less than the victim had: recency is what counts */
	decide_after(1000, self, tiers, regions, 4);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 1);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 2);
	assert_int_equal(plan.moves[1].tier, 0);
	assert_float_equal(plan.moves[1].gain, 50, 1e-3);
	sluice_policy.fini(self);
}

static void
generations_double(void **state)
{
	struct lru *l = start("with", "generation_s", "2", NULL);

	(void)state;
	assert_int_equal(generation_of(l, 0), 0);
	assert_int_equal(generation_of(l, 1.9), 0);
	assert_int_equal(generation_of(l, 2), 1);
	assert_int_equal(generation_of(l, 4.1), 2);
	assert_int_equal(generation_of(l, 8.1), 3);
	sluice_policy.fini(l);
}

static void
does_as_lists_do(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	/* All is accessed all the time: nothing is older than anything. */
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 30);
	assert_true(world.moved_bytes == 0);
	/* The hot are never old, so they stay; the cold are to and fro for ever. */
	world_scattered(&world);
	world_rounds(&world, self, 30);
	assert_true(world_fast_share(&world) > 0.955);
	print_message("%llu MiB to and fro\n", (unsigned long long)world.back_bytes / MIB);
	assert_true(world.back_bytes > 200ull * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
keeps_headroom(void **state)
{
	struct world world;
	void *self = start("with", "headroom_percent", "5", NULL);

	(void)state;
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 5);
	assert_true(world.tiers[0].free_bytes >= 40 * MIB); /* 3 % and 5 % of 512 */
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_gives_way_to_what_was_just_accessed),
		cmocka_unit_test(generations_double),
		cmocka_unit_test(does_as_lists_do),
		cmocka_unit_test(keeps_headroom),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
