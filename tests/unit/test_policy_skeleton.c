/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_skeleton.c - the manual is true: it compiles, starts, and moves nothing. */
#include "policies/skeleton.c"

#include "policy_world.h"

static void
moves_nothing(void **state)
{
	static const uint64_t sizes[] = {64 * MIB, 256 * MIB};
	struct world world;
	void *self = start("with", "threshold", "5", NULL);

	(void)state;
	world_new(&world, 2000, 64 * 1024, sizes, 2);
	for (uint64_t i = 0; i < world.count; i++)
		world.pieces[i].rate = i % 2 ? 1000 : 0;
	for (int second = 0; second < 5; second++) {
		world_round(&world, self);
		assert_int_equal(plan.count, 0);
	}
	assert_true(world.moved_bytes == 0);
	world_free(&world);
	sluice_policy.fini(self);
	sluice_policy.fini(NULL);
}

static void
says_what_is_wrong(void **state)
{
	struct sluice_tier tier = {.total_bytes = MIB, .room_bytes = 2 * MIB};
	struct sluice_err err = {0};
	void *self = start("with", NULL);

	(void)state;
	assert_int_equal(decide(self, &tier, 1, NULL, 0, MIB, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "tier 0"));
	sluice_policy.fini(self);
	assert_string_equal(start_fails("with", "threshold", "warm", NULL),
			    "'threshold = warm' must be a number from 0 to 1e+09");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_nothing),
		cmocka_unit_test(says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
