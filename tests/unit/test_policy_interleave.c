/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_interleave.c - the pattern, its weights, and that it stays. */
#include "policies/interleave.c"

#include "policy_promises.h"

static double
fast_part(const struct world *world)
{
	double bytes = 0, all = 0;

	for (uint64_t i = 0; i < world->count; i++) {
		bytes += world->pieces[i].tier == 0 ? world->pieces[i].bytes : 0;
		all += world->pieces[i].bytes;
	}
	return bytes / all;
}

static void
follows_sizes_or_weights(void **state)
{
	static const char *const weights[] = {"sizes", "1:1", "1:4", "0:1"};
	static const double parts[] = {1.0 / 3, 0.5, 0.2, 0};

	(void)state;
	for (int k = 0; k < 4; k++) {
		struct world world;
		void *self = start("with", "weights", weights[k], NULL);
		uint64_t after;

		world_usual(&world);
		world_scattered(&world);
		world_rounds(&world, self, 20);
		assert_float_equal(fast_part(&world), parts[k], 0.015);
		/* Heat does not matter, so the hot are spread as all are; and nothing moves again.
		 */
		assert_float_equal(world_fast_share(&world), parts[k], 0.03);
		after = world.moved_bytes;
		world_scattered(&world);
		world_rounds(&world, self, 20);
		assert_true(world.moved_bytes == after);
		assert_true(world.back_bytes == 0);
		world_free(&world);
		sluice_policy.fini(self);
	}
}

/* More memory in a tier: others' places may change, but only towards it. */
static void
moves_little_when_memory_comes(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[400];
	void *self = start("with", NULL);
	int home[400], moved = 0;

	(void)state;
	two_tiers(tiers, GIB, GIB);
	for (int i = 0; i < 400; i++)
		regions[i] = piece(1, 2 * MIB, 10, 1.1);
	spread(regions, 400);
	decide_after(1000, self, tiers, regions, 400);
	for (int i = 0; i < 400; i++) {
		home[i] = planned(i) == 0 ? 0 : 1;
		regions[i].tier = (uint32_t)home[i];
	}
	decide_after(1000, self, tiers, regions, 400);
	assert_int_equal(plan.count, 0);
	tiers[1].total_bytes = 2 * GIB;
	decide_after(1000, self, tiers, regions, 400);
	for (int i = 0; i < 400; i++) {
		assert_int_not_equal(planned(i), 0);
		moved += planned(i) == 1;
	}
	assert_in_range(moved, 400 / 6 - 30, 400 / 6 + 30); /* a half becomes a third */
	sluice_policy.fini(self);
}

static void
refuses_bad_weights(void **state)
{
	static const char *const bad[] = {"", "3:", "3:x", "0:0", "-1:2", "3:1 ", "nan:1"};

	(void)state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
		assert_non_null(strstr(start_fails("with", "weights", bad[k], NULL),
				       "must be 'sizes' or numbers like 3:1"));
	assert_string_equal(start_fails("with", "weights", "1:1:1:1:1:1:1:1:1", NULL),
			    "'weights = 1:1:1:1:1:1:1:1:1' has more parts than a machine can have "
			    "tiers, 8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_sizes_or_weights),
		cmocka_unit_test(moves_little_when_memory_comes),
		cmocka_unit_test(refuses_bad_weights),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
