/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_cslide.c - pairs, the reserve and the quota. */
#include "policies/cslide.c"

#include "policy_promises.h"

static void
hot_up_by_the_reserve_and_cold_down_for_it(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[60];
	void *self = start("with", "hot_reserve_mib", "10", NULL);
	int up = 0, down = 0;

	(void)state;
	two_tiers(tiers, 8 * MIB, GIB);
	for (int i = 0; i < 60; i++) /* 15 of each tier are hot */
		regions[i] = piece(i >= 30, 2 * MIB, i % 2 ? 1000 : 0, 1.1);
	spread(regions, 60);
	for (int scan = 0; scan < 3; scan++) {
		decide_after(1000, self, tiers, regions, 60);
		assert_int_equal(plan.count == 0, scan < 2);
	}
	for (int i = 0; i < 60; i++) {
		up += planned(i) == 0;
		down += planned(i) == 1;
		assert_true(planned(i) < 0 || (i % 2 == 1) == (planned(i) == 0));
	}
	assert_int_equal(up, 4);   /* 8 MiB were free, */
	assert_int_equal(down, 5); /* and 10 shall be then */
	assert_int_equal(plan.moves[4].tier, 1);
	assert_int_equal(plan.moves[5].tier, 0);
	sluice_policy.fini(self);
}

/* Memory that is not hot comes up too while more than the reserve is free. */
static void
prefetches_down_to_the_reserve(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[40];
	void *self =
		start("with", "hot_reserve_mib", "10", "loop", "1", "hot_threshold", "2", NULL);

	(void)state;
	two_tiers(tiers, 30 * MIB, GIB);
	for (int i = 0; i < 40; i++)
		regions[i] = piece(1, 2 * MIB, i < 20 ? 1000 : 0, 1.1);
	spread(regions, 40);
	decide_after(1000, self, tiers, regions, 40);
	assert_int_equal(plan.count, 10);
	for (size_t k = 0; k < plan.count; k++)
		assert_in_range(plan.moves[k].region, 0, 19); /* accessed at all */
	sluice_policy.fini(self);
}

static void
quota_is_for_both_ways(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[60];
	void *self = start("with", "hot_reserve_mib", "20", "quota_mib", "12", "loop", "1",
			   "hot_threshold", "1", NULL);

	(void)state;
	two_tiers(tiers, 8 * MIB, GIB);
	for (int i = 0; i < 60; i++)
		regions[i] = piece(i >= 30, 2 * MIB, i % 2 ? 1000 : 0, 1.1);
	spread(regions, 60);
	decide_after(1000, self, tiers, regions, 60);
	assert_int_equal(plan.count, 6); /* four up, two down */
	sluice_policy.fini(self);
}

static void
pairs_are_as_told(void **state)
{
	struct sluice_tier tiers[4];
	struct sluice_region regions[8];
	static const char *const bad[] = {"3", "0:1:2", "1:0", "1:1", "0:1:1:2", "0:8", "0.5:1"};
	void *self = start("with", "pairs", "0:2:1:3", "loop", "1", "hot_threshold", "1",
			   "hot_reserve_mib", "0", NULL);

	(void)state;
	for (int t = 0; t < 4; t++)
		tiers[t] = (struct sluice_tier){.total_bytes = GIB, .room_bytes = GIB / 2};
	for (int i = 0; i < 8; i++)
		regions[i] = piece((uint32_t)i % 4, 2 * MIB, i < 4 ? 1000 : 0, 1.1);
	spread(regions, 8);
	assert_int_equal(decide(self, tiers, 4, regions, 8, GIB, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(planned(2), 0);
	assert_int_equal(planned(3), 1);
	sluice_policy.fini(self);
	self = start("with", "loop", "1", "hot_threshold", "1", "hot_reserve_mib", "0", NULL);
	assert_int_equal(decide(self, tiers, 4, regions, 8, GIB, NULL), 0);
	assert_int_equal(planned(1), 0); /* neighbours */
	assert_int_equal(planned(3), 2);
	assert_int_equal(plan.count, 2);
	sluice_policy.fini(self);
	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
		assert_non_null(strstr(start_fails("with", "pairs", bad[k], NULL),
				       "must name tiers in pairs"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_up_by_the_reserve_and_cold_down_for_it),
		cmocka_unit_test(prefetches_down_to_the_reserve),
		cmocka_unit_test(quota_is_for_both_ways),
		cmocka_unit_test(pairs_are_as_told),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
