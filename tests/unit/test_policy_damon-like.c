/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_damon-like.c - samples, schemes, and quotas that follow goals. */
#include "policies/damon-like.c"

#include "policy_promises.h"

static void
samples_are_binomial(void **state)
{
	static struct sluice_region regions[4000];
	struct sluice_view view = {
		.region_count = 4000, .region_stride = sizeof(*regions), .regions = regions};
	struct damon *d = start("with", NULL);
	double sum = 0, squares = 0, share;

	(void)state;
	for (int i = 0; i < 4000; i++)
		regions[i] = piece(1, PAGE, 4, 1.1);
	spread(regions, 4000);
	d->planner.view = &view;
	d->sample_s = 0.1; /* found in 1 - exp(-0.4), or 33 %, of 20 */
	for (uint64_t i = 0; i < 4000; i++) {
		int count = sampled(d, i, &share);

		assert_in_range(count, 0, 20);
		assert_float_equal(share, 0.3297, 1e-4);
		sum += count;
		squares += (double)count * count;
	}
	sum /= 4000;
	assert_true(fabs(sum - 20 * 0.3297) < 0.15);
	assert_true(fabs(squares / 4000 - sum * sum - 20 * 0.3297 * 0.6703) < 0.4);
	regions[0].heat = 0;
	assert_int_equal(sampled(d, 0, &share), 0);
	regions[0].heat = 1e6;
	assert_int_equal(sampled(d, 0, &share), 20);
	sluice_policy.fini(d);
}

static void
interval_finds_four_percent(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[100];
	struct damon *d = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 100; i++)
		regions[i] = piece(1, 2 * MIB, i < 2 ? 1e5 : 0.2, 1.1);
	spread(regions, 100);
	for (int s = 0; s < 30; s++)
		decide_after(1000, d, tiers, regions, 100);
	/* Two of a hundred always, so 2 % of the others: 0.0206 / 0.2 */
	assert_float_equal(d->sample_s, 0.103, 0.005);
	for (int i = 0; i < 100; i++)
		regions[i].heat = 0;
	for (int s = 0; s < 30; s++)
		decide_after(1000, d, tiers, regions, 100);
	assert_float_equal(d->sample_s, 10, 1e-6);
	sluice_policy.fini(d);
}

static void
quotas_follow_goals(void **state)
{
	struct sluice_tier tiers[2];
	struct damon *d = start("with", NULL);

	(void)state;
	/* Nothing is free: the goal of demotion is missed wholly, that of promotion exceeded. */
	two_tiers(tiers, 0, GIB);
	for (int s = 0; s < 3; s++)
		decide_after(1000, d, tiers, NULL, 0);
	assert_float_equal(d->demote_bytes, 8 * MIB, 1);
	assert_true(d->promote_bytes < MIB && d->promote_bytes > 0.98 * MIB);
	for (int s = 0; s < 20; s++)
		decide_after(1000, d, tiers, NULL, 0);
	assert_float_equal(d->demote_bytes, 190.7 * MIB, 1);
	/* Half of it is free: the other way round. */
	two_tiers(tiers, GIB / 2, GIB);
	for (int s = 0; s < 5; s++)
		decide_after(1000, d, tiers, NULL, 0);
	assert_float_equal(d->demote_bytes, 4096, 1);
	assert_true(d->promote_bytes > 7 * MIB && d->promote_bytes < 8 * MIB);
	sluice_policy.fini(d);
}

static void
schemes_take_the_idle_and_the_young(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[6];
	void *self = start("with", "start_mib", "100", NULL);

	(void)state;
	two_tiers(tiers, 1 * MIB, GIB);
	regions[0] = piece(0, MIB, 0, 1); /* one of them is enough for the goal */
	regions[1] = piece(0, 4 * MIB, 0, 1);
	regions[2] = piece(0, MIB, 1e4, 1.1);
	regions[3] = piece(1, MIB, 1e4, 1.1);
	regions[4] = piece(1, 2 * MIB, 0, 1);
	regions[5] = piece(1, MIB, 1e5, 1.1);
	spread(regions, 6);
	decide_after(1000, self, tiers, regions, 6);
	assert_int_equal(plan.moves[0].region, 0);
	assert_int_equal(planned(1), 1);
	assert_int_equal(planned(2), -1);
	assert_int_equal(planned(3), 0);
	assert_int_equal(planned(4), -1);
	assert_int_equal(planned(5), 0);
	sluice_policy.fini(self);
}

static void
does_as_damon_does(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 50);
	assert_true(world_fast_share(&world) > 0.95);
	world_free(&world);
	sluice_policy.fini(self);
	self = start("with", NULL);
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 60);
	assert_true(world.moved_bytes > 50 * MIB); /* it cannot tell, and goes on slowly */
	assert_true(world.moved_bytes < 300 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_binomial),
		cmocka_unit_test(interval_finds_four_percent),
		cmocka_unit_test(quotas_follow_goals),
		cmocka_unit_test(schemes_take_the_idle_and_the_young),
		cmocka_unit_test(does_as_damon_does),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
