/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_first-touch.c - nothing moves, whatever the view. */
#include "policies/first-touch.c"

#include "policy_promises.h"

static void
moves_nothing(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 10);
	assert_true(world.moved_bytes == 0);
	assert_true(world_fast_share(&world) < 0.72); /* as it was first put */
	world_free(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_nothing),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
