/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_hemem-like.c - counters, coolings and queues. */
#include "policies/hemem-like.c"

#include "policy_promises.h"

/* What a counter comes to, against doing it step by step. */
static void
coolings_add_up(void **state)
{
	struct hemem *h = start("with", NULL);
	const double rates[] = {30, 7, 0.5, 0};
	double counts[] = {3, 17, 6, 12}, stepped[4], dt = 1e-5;
	struct cooling cooling;
	int coolings = 0;

	(void)state;
	memcpy(stepped, counts, sizeof(counts));
	for (int n = 0; n < 195000; n++) {
		int cools;

		for (int i = 0; i < 4; i++)
			stepped[i] += rates[i] * dt;
		cools = stepped[0] > 18; /* the fastest one is first */
		coolings += cools;
		for (int i = 0; cools && i < 4; i++)
			stepped[i] /= 2;
	}
	h->planner.elapsed_s = 1.95;
	h->hottest = 3;
	cooling = find_coolings(h, 30);
	assert_int_equal(cooling.count, coolings);
	for (int i = 0; i < 4; i++)
		assert_float_equal(count_on(counts[i], rates[i], &cooling), stepped[i], 0.02);
	sluice_policy.fini(h);
}

static void
hot_at_eight_samples(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[3];
	void *self = start("with", "period", "512", NULL); /* heat is samples per second */

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(0, 2 * MIB, 1, 1.1);
	regions[1] = piece(1, 2 * MIB, 3, 1.1);
	regions[2] = piece(0, 2 * MIB, 0.5, 1.1);
	spread(regions, 3);
	for (int s = 0; s < 2; s++) {
		decide_after(1000, self, tiers, regions, 3);
		assert_int_equal(plan.count, 0);
	}
	decide_after(1000, self, tiers, regions, 3); /* 9 of 8 */
	/* Both are cold for as long; the first of the queue goes, not the coldest. */
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 0);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 1);
	assert_int_equal(plan.moves[1].tier, 0);
	sluice_policy.fini(self);
}

static void
stops_when_nothing_is_cold(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[6];
	void *self = start("with", "period", "512", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 6; i++)
		regions[i] = piece(i >= 3, 2 * MIB, i >= 3 ? 8.5 : 8, 1.1);
	spread(regions, 6);
	decide_after(1000, self, tiers, regions, 6);
	assert_int_equal(plan.count, 0);
	/* Free memory is used all the same, first come first served. */
	two_tiers(tiers, 4 * MIB, GIB);
	decide_after(1, self, tiers, regions, 6);
	assert_int_equal(plan.count, 2);
	assert_int_equal(planned(5) + planned(4) + planned(3), -1);
	sluice_policy.fini(self);
}

/* It sees nothing smaller than 2 MiB: a hot part makes the whole region hot. */
static void
counts_whole_regions(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	void *self = start("with", "period", "512", NULL);

	(void)state;
	two_tiers(tiers, 4 * MIB, GIB);
	regions[0] = piece(1, 2 * MIB - 64 * PAGE, 0, 1);
	regions[1] = piece(1, 64 * PAGE, 100, 1.1); /* 12.5 samples a second */
	decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(planned(0), 0);
	assert_int_equal(planned(1), 0);
	sluice_policy.fini(self);
}

static void
does_as_hemem_does(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 30);
	assert_true(world_fast_share(&world) < 0.75); /* 0.17 samples a second take their time */
	world_rounds(&world, self, 40);
	assert_true(world_fast_share(&world) > 0.955);
	world_free(&world);
	sluice_policy.fini(self);
	self = start("with", NULL);
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 30);
	assert_true(world.moved_bytes < MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coolings_add_up),
		cmocka_unit_test(hot_at_eight_samples),
		cmocka_unit_test(stops_when_nothing_is_cold),
		cmocka_unit_test(counts_whole_regions),
		cmocka_unit_test(does_as_hemem_does),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
