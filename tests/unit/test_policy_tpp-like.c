/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_tpp-like.c - the scanner, the threshold, and the room that it makes. */
#include "policies/tpp-like.c"

#include "policy_promises.h"

static void
promotes_short_latencies_and_demotes_the_old(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[40];
	void *self = start("with", "headroom_percent", "0", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 40; i++)
		regions[i] = piece(i >= 20, 2 * MIB, i % 2 ? 1000 : 0, 1.1);
	spread(regions, 40);
	decide_after(1000, self, tiers, regions, 40);
	/* Ten of slow memory are hot; the ten of fast memory that are not give way. */
	assert_int_equal(plan.count, 20);
	for (int i = 0; i < 40; i++)
		assert_int_equal(planned(i), i < 20 ? (i % 2 ? -1 : 1) : (i % 2 ? 0 : -1));
	sluice_policy.fini(self);
}

static void
scans_in_turn(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[5];
	void *self = start("with", "scan_mib_per_s", "2", NULL);
	static const uint64_t turn[] = {1, 2, 4, 1, 2};

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	for (int i = 0; i < 5; i++)
		regions[i] = piece(i == 0 || i == 3 ? 0 : 1, 2 * MIB, 1e5, 1.1);
	spread(regions, 5);
	for (int s = 0; s < 5; s++) {
		decide_after(1000, self, tiers, regions, 5);
		assert_int_equal(plan.count, 1);
		assert_int_equal(plan.moves[0].region, turn[s]);
	}
	sluice_policy.fini(self);
}

/* One access in ten seconds is no hot page, but it is promoted at times; that is the noise that
 * one latency has. And with plenty of free memory any fault promotes. */
static void
one_latency_is_noisy(void **state)
{
	struct sluice_tier tiers[2] = {{.total_bytes = 8 * GIB}, {.total_bytes = 8 * GIB}};
	static struct sluice_region regions[2000];
	void *self = start("with", "scan_mib_per_s", "100000", "threshold_ms", "500", NULL);

	(void)state;
	tiers[0].room_bytes = tiers[0].free_bytes = GIB;
	for (int i = 0; i < 2000; i++)
		regions[i] = piece(1, PAGE, 0.1, 1.1);
	spread(regions, 2000);
	decide_after(1000, self, tiers, regions, 2000);
	assert_in_range(plan.count, 98 - 40, 98 + 40); /* 1 - exp(-0.05) */
	tiers[0].room_bytes = tiers[0].free_bytes = 7 * GIB;
	decide_after(4000, self, tiers, regions, 2000);
	assert_in_range(plan.count, 659 - 90, 659 + 90); /* 1 - exp(-0.4) */
	sluice_policy.fini(self);
}

static void
threshold_follows_the_limit(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[100];
	struct tpp *t = start("with", "rate_limit_mib_per_s", "50", "adjust_s", "10", NULL);
	uint64_t bytes = 0;

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	for (int i = 0; i < 100; i++)
		regions[i] = piece(1, 2 * MIB, 1e5, 1.1);
	spread(regions, 100);
	for (int s = 0; s < 10; s++) {
		decide_after(1000, t, tiers, regions, 100); /* 200 MiB of candidates each time */
		for (size_t k = 0; k < plan.count; k++)
			bytes += regions[plan.moves[k].region].bytes;
	}
	assert_float_equal(t->threshold_s, 0.875, 1e-6);
	assert_in_range(bytes, 480 * (uint64_t)MIB, 500 * (uint64_t)MIB);
	for (int s = 0; s < 200; s++)
		decide_after(1000, t, tiers, regions, 100);
	assert_float_equal(t->threshold_s, 0.125, 1e-6);
	for (int s = 0; s < 300; s++)
		decide_after(1000, t, tiers, regions, 1);
	assert_float_equal(t->threshold_s, 2, 1e-6);
	sluice_policy.fini(t);
}

static void
does_as_the_kernel_does(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 30);
	/* It cannot tell that all are equal, and never stops. */
	assert_true(world.back_bytes > 100 * MIB);
	world_free(&world);
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 40);
	assert_true(world_fast_share(&world) > 0.9);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promotes_short_latencies_and_demotes_the_old),
		cmocka_unit_test(scans_in_turn),
		cmocka_unit_test(one_latency_is_noisy),
		cmocka_unit_test(threshold_follows_the_limit),
		cmocka_unit_test(does_as_the_kernel_does),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
