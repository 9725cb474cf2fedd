/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_hybridtier-like.c - sketches, thresholds and second chances. */
#include "policies/hybridtier-like.c"

#include "policy_promises.h"

static void
sketch_counts_saturates_and_fades(void **state)
{
	uint8_t lines[64 * 8] = {0};
	struct sketch sketch = {lines, 8, 1000};
	int too_high = 0;

	(void)state;
	assert_int_equal(sketch_get(&sketch, mix(1)), 0);
	assert_int_equal(sketch_add(&sketch, mix(1), 1), 1);
	assert_int_equal(sketch_add(&sketch, mix(1), 4), 5);
	for (uint64_t k = 2; k < 40; k++)
		sketch_add(&sketch, mix(k), 3);
	assert_true(sketch_get(&sketch, mix(1)) >= 5); /* never too low, */
	for (uint64_t k = 100; k < 200; k++)
		too_high += sketch_get(&sketch, mix(k)) > 0;
	assert_true(too_high < 20); /* seldom too high */
	assert_int_equal(sketch_add(&sketch, mix(1), 15), 15);
	assert_int_equal(sketch_add(&sketch, mix(1), 1), 15);
	sketch_fade(&sketch, 999, 1000);
	assert_int_equal(sketch_get(&sketch, mix(1)), 15);
	sketch_fade(&sketch, 1, 1000);
	assert_int_equal(sketch_get(&sketch, mix(1)), 7);
	sketch_fade(&sketch, 1e9, 1000);
	assert_int_equal(sketch_get(&sketch, mix(1)), 0);
}

static void
promotes_into_room_only(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[3];
	void *self = start("with", "momentum", "15", NULL);

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	regions[0] = piece(0, 2 * MIB, 0, 1);
	regions[1] = piece(1, 2 * MIB, 2, 1.1); /* two samples a second */
	regions[2] = piece(1, 2 * MIB, 0, 1);
	spread(regions, 3);
	for (int s = 0; s < 2; s++) {
		decide_after(1000, self, tiers, regions, 3);
		assert_int_equal(plan.count, 0);
	}
	decide_after(1000, self, tiers, regions, 3); /* six */
	assert_int_equal(plan.count, 1);
	assert_int_equal(planned(1), 0);
	/* No room: nothing, but what is cold makes room for later. */
	two_tiers(tiers, 0, GIB);
	decide_after(1000, self, tiers, regions, 3);
	assert_int_equal(planned(0), 1);
	sluice_policy.fini(self);
}

static void
momentum_is_enough(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region region = piece(1, 2 * MIB, 4, 1.1);
	void *self = start("with", "frequency", "15", NULL);

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	decide_after(1000, self, tiers, &region, 1);
	assert_int_equal(plan.count, 1);
	sluice_policy.fini(self);
}

static void
frequent_memory_has_a_second_chance(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	struct hybrid *h = start("with", NULL);

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	regions[0] = piece(0, 2 * MIB, 10, 1.1);
	regions[1] = piece(0, 2 * MIB, 10, 1.1);
	spread(regions, 2);
	decide_after(1000, h, tiers, regions, 2);
	/* Now nobody accesses them, momentum is gone, and room is wanted. */
	memset(h->momentum.lines, 0, h->momentum.count * 64);
	regions[0].heat = regions[1].heat = 0;
	tiers[0].room_bytes = 0;
	for (int s = 0; s < 59; s++) {
		decide_after(1000, h, tiers, regions, 2);
		assert_int_equal(plan.count, 0);
	}
	/* One is accessed just before its time is over. */
	sketch_add(&h->frequency,
		   key_of(&(struct sluice_view){.region_count = 2,
						.region_stride = sizeof(*regions),
						.regions = regions},
			  1),
		   1);
	decide_after(1000, h, tiers, regions, 2);
	assert_int_equal(plan.count, 0);
	decide_after(1000, h, tiers, regions, 2);
	assert_int_equal(plan.count, 1);
	assert_int_equal(planned(0), 1);
	sluice_policy.fini(h);
}

static void
keeps_between_its_watermarks(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 40);
	assert_true(world_fast_share(&world) > 0.95);
	world_free(&world);
	sluice_policy.fini(self);
	self = start("with", NULL);
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 60);
	assert_true(world.moved_bytes < 150 * MIB); /* until all have a count of 5 */
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sketch_counts_saturates_and_fades),
		cmocka_unit_test(promotes_into_room_only),
		cmocka_unit_test(momentum_is_enough),
		cmocka_unit_test(frequent_memory_has_a_second_chance),
		cmocka_unit_test(keeps_between_its_watermarks),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
