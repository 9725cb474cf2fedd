/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_ratio.c - shares of each process, the hottest in the fastest. */
#include "policies/ratio.c"

#include "policy_promises.h"

static void
gives_each_process_its_share(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[40];
	void *self = start("with", "shares", "60:40", NULL);
	int fast[2] = {0};

	(void)state;
	two_tiers(tiers, GIB, GIB);
	/* One is all slow, the other all fast; the later, the hotter. */
	for (int i = 0; i < 40; i++) {
		regions[i] = piece(i < 20, 2 * MIB, 10 + i, 1.01);
		regions[i].pid = i < 20 ? 1 : 2;
	}
	spread(regions, 40);
	decide_after(1000, self, tiers, regions, 40);
	for (int i = 0; i < 40; i++) {
		if (planned(i) >= 0)
			regions[i].tier = (uint32_t)planned(i);
		fast[i / 20] += regions[i].tier == 0;
		/* The hottest twelve of each. */
		assert_int_equal(regions[i].tier, i % 20 < 8);
	}
	assert_int_equal(fast[0], 12);
	assert_int_equal(fast[1], 12);
	decide_after(1000, self, tiers, regions, 40);
	assert_int_equal(plan.count, 0);
	/* What becomes hot beyond doubt changes places with the coldest. */
	regions[0] = piece(1, 2 * MIB, 100, 1.1);
	regions[0].pid = 1;
	regions[1] = piece(1, 2 * MIB, 25, 1.3); /* this is doubtful */
	regions[1].pid = 1;
	spread(regions, 40);
	decide_after(1000, self, tiers, regions, 40);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 8);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 0);
	assert_float_equal(plan.moves[1].gain, 82, 1e-3);
	sluice_policy.fini(self);
}

static void
handles_three_tiers(void **state)
{
	struct sluice_tier tiers[3] = {{.total_bytes = GIB, .room_bytes = GIB},
				       {.total_bytes = GIB, .room_bytes = GIB},
				       {.total_bytes = 2 * GIB, .room_bytes = GIB}};
	struct sluice_region regions[20];
	void *self = start("with", NULL); /* a quarter, a quarter, a half */

	(void)state;
	for (int i = 0; i < 20; i++)
		regions[i] = piece(2, 2 * MIB, 10 + i, 1.01);
	spread(regions, 20);
	assert_int_equal(decide(self, tiers, 3, regions, 20, GIB, NULL), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(planned(i), i >= 15 ? 0 : i >= 10 ? 1 : -1);
	sluice_policy.fini(self);
}

static void
keeps_still_when_uniform(void **state)
{
	struct world world;
	void *self = start("with", NULL);
	uint64_t after;

	(void)state;
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 20);
	after = world.moved_bytes;
	world_rounds(&world, self, 40);
	assert_true(world.moved_bytes == after);
	assert_true(world.back_bytes == 0);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
refuses_bad_settings(void **state)
{
	(void)state;
	assert_non_null(strstr(start_fails("with", "shares", "60/40", NULL), "like 3:1"));
	assert_non_null(strstr(start_fails("with", "band", "0.5", NULL), "from 1 to 100"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_process_its_share),
		cmocka_unit_test(handles_three_tiers),
		cmocka_unit_test(keeps_still_when_uniform),
		cmocka_unit_test(refuses_bad_settings),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
