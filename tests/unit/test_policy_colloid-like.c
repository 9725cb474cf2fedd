/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_colloid-like.c - which way, how far, and by which pairs. */
#include "policies/colloid-like.c"

#include "policy_promises.h"

static float
fast_part(const struct sluice_region *regions, uint64_t count)
{
	double fast = 0, all = 0;

	for (uint64_t i = 0; i < count; i++) {
		int tier = planned(i) >= 0 ? planned(i) : (int)regions[i].tier;

		all += (double)regions[i].heat;
		fast += tier == 0 ? (double)regions[i].heat : 0;
	}
	return (float)(fast / all);
}

/* 100 fast and 100 slow regions; 60 % of the accesses are fast. */
static void
set_scene(struct sluice_tier *tiers, struct sluice_region *regions, uint32_t fast_ns,
	  uint32_t slow_ns)
{
	two_tiers(tiers, 0, GIB);
	tiers[0].loaded_latency_ns = fast_ns;
	tiers[1].loaded_latency_ns = slow_ns;
	for (int i = 0; i < 200; i++)
		regions[i] = piece(i >= 100, 2 * MIB,
				   (i < 100 ? 60 : 40) * (0.1 + (i * 37 % 100) / 55.0) * 1000, 1.1);
	spread(regions, 200);
}

static void
raises_by_the_step(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[200];
	void *self = start("with", NULL);

	(void)state;
	set_scene(tiers, regions, 100, 150);
	decide_after(1000, self, tiers, regions, 200);
	/* 0.6 * 0.4 * 50 / (0.4 * 100 + 0.6 * 150): 9.2 % */
	assert_true(plan.count >= 10);
	assert_float_equal(fast_part(regions, 200), 0.60f + 0.092f, 0.006f);
	for (size_t k = 0; k + 1 < plan.count; k += 2) { /* pairs, room first */
		assert_int_equal(plan.moves[k].tier, 1);
		assert_int_equal(plan.moves[k + 1].tier, 0);
		assert_true(regions[plan.moves[k].region].heat <
			    regions[plan.moves[k + 1].region].heat);
	}
	sluice_policy.fini(self);
}

static void
lowers_when_fast_memory_is_slower(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[200];
	void *self = start("with", NULL);

	(void)state;
	set_scene(tiers, regions, 300, 250);
	decide_after(1000, self, tiers, regions, 200);
	/* 0.24 * 50 / (0.4 * 300 + 0.6 * 250): 4.4 %, hot pages */
	assert_float_equal(fast_part(regions, 200), 0.60f - 0.044f, 0.006f);
	for (size_t k = 0; k < plan.count; k++)
		assert_int_equal(plan.moves[k].tier, 1);
	assert_true(regions[plan.moves[0].region].heat > 85000);
	set_scene(tiers, regions, 250, 250);
	decide_after(1000, self, tiers, regions, 200);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
}

/* Idle latencies say that fast memory is faster; so it fills with what is hot. */
static void
knows_idle_latencies_else(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[200];
	void *self = start("with", NULL);

	(void)state;
	set_scene(tiers, regions, 0, 0);
	decide_after(1000, self, tiers, regions, 200);
	assert_true(plan.count > 0);
	assert_true(fast_part(regions, 200) > 0.65f);
	tiers[0].latency_ns = tiers[1].latency_ns = 0;
	decide_after(1000, self, tiers, regions, 200);
	assert_true(fast_part(regions, 200) > 0.65f);
	sluice_policy.fini(self);
}

static void
converges_to_equal_latencies(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[200];
	void *self = start("with", NULL);
	float p = 0.6f;

	(void)state;
	set_scene(tiers, regions, 0, 0);
	tiers[0].room_bytes = 100 * MIB;
	for (int round = 0; round < 60; round++) {
		/* Fast memory is slowed by what it serves; they meet at p = 0.5. */
		tiers[0].loaded_latency_ns = (uint32_t)(100 + 300 * (double)p);
		tiers[1].loaded_latency_ns = 250;
		decide_after(1000, self, tiers, regions, 200);
		p = fast_part(regions, 200);
		for (int i = 0; i < 200; i++)
			if (planned(i) >= 0)
				regions[i].tier = (uint32_t)planned(i);
	}
	assert_float_equal(p, 0.5f, 0.03f);
	sluice_policy.fini(self);
}

static void
moves_no_more_than_its_share_of_traffic(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[200];
	void *self = start("with", "access_bytes", "1", NULL);
	uint64_t bytes = 0;

	(void)state;
	set_scene(tiers, regions, 100, 150);
	for (int i = 0; i < 200; i++)
		regions[i].heat /= 30;
	decide_after(1000, self, tiers, regions, 200);
	for (size_t k = 0; k < plan.count; k++)
		bytes += plan.moves[k].tier == 0 ? 2 * MIB : 0;
	/* 9.2 % of 166 MB a second */
	assert_in_range(bytes, 10 * MIB, 16 * MIB);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raises_by_the_step),
		cmocka_unit_test(lowers_when_fast_memory_is_slower),
		cmocka_unit_test(knows_idle_latencies_else),
		cmocka_unit_test(converges_to_equal_latencies),
		cmocka_unit_test(moves_no_more_than_its_share_of_traffic),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
