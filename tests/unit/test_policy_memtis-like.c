/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_memtis-like.c - bins, thresholds by capacity, the warm band, cooling. */
#include "policies/memtis-like.c"

#include "policy_promises.h"

static void
bins_double(void **state)
{
	(void)state;
	assert_int_equal(bin_of(0), 0);
	assert_int_equal(bin_of(0.9), 0);
	assert_int_equal(bin_of(1), 1);
	assert_int_equal(bin_of(2.9), 1);
	assert_int_equal(bin_of(3), 2);
	assert_int_equal(bin_of(32766), 14);
	assert_int_equal(bin_of(1e30), 15);
}

/* Counts as they are, adapted at each decision: heat h makes h samples a second and 2 MiB. */
static void *
start_plain(void)
{
	return start("with", "period", "1", "adapt_samples", "1", "samples_per_s", "1e9",
		     "cool_samples", "1e12", NULL);
}

static void
threshold_is_what_fits(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[8];
	struct memtis *m = start_plain();

	(void)state;
	two_tiers(tiers, 0, GIB);
	/* Four fit. Of 512 times the heat, bins 10 to 13, two each. */
	for (int i = 0; i < 8; i++)
		regions[i] = piece(i >= 4, 2 * MIB, ldexp(1, 2 + i / 2), 1.1);
	spread(regions, 8);
	decide_after(1000, m, tiers, regions, 8);
	assert_int_equal(m->hot, bin_of(ldexp(1, 9 + 4)));
	assert_int_equal(m->warm, m->hot); /* the hot set fills all of it */
	assert_int_equal(plan.count, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(planned(i), i < 4 ? 1 : 0);
	sluice_policy.fini(m);
}

static void
warm_memory_stays(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[10];
	struct memtis *m = start_plain();

	(void)state;
	two_tiers(tiers, 0, GIB);
	/* Five fast ones: three of a bin below the hot, two far below. One hot slow one, and so
	 * many as hot as the warm that they do not all fit. */
	for (int i = 0; i < 10; i++)
		regions[i] = piece(i >= 5, 2 * MIB, i < 3 ? 40 : i < 5 ? 1 : 40, 1.1);
	regions[5].heat = 80;
	spread(regions, 10);
	decide_after(1000, m, tiers, regions, 10);
	assert_int_equal(m->warm, m->hot - 1);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 3); /* below warm: it goes */
	assert_int_equal(plan.moves[1].region, 5);
	sluice_policy.fini(m);
}

static void
cooling_halves(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region region = piece(1, 2 * MIB, 10, 1.1);
	struct memtis *m =
		start("with", "period", "1", "samples_per_s", "1e9", "cool_samples", "5120", NULL);
	const struct page *page;

	(void)state;
	two_tiers(tiers, GIB, GIB);
	/* Fresh memory starts at the threshold, which is bin 1 here; then 5120 samples a second,
	 * and after each second all is halved. */
	decide_after(1000, m, tiers, &region, 1);
	page = ledger_item(&m->ledger, 0);
	assert_float_equal(page->count, (2 + 5120) / 2.0, 1e-6);
	decide_after(1000, m, tiers, &region, 1);
	page = ledger_item(&m->ledger, 0);
	assert_float_equal(page->count, ((2 + 5120) / 2.0 + 5120) / 2, 1e-6);
	/* What left and came back is fresh. */
	decide_after(1000, m, tiers, &region, 0);
	region.heat = 0;
	decide_after(1000, m, tiers, &region, 1);
	page = ledger_item(&m->ledger, 0);
	assert_float_equal(page->count, 2, 1e-6);
	sluice_policy.fini(m);
}

/* 3 % of a CPU: a hundred times the accesses make the period longer, not the samples more. */
static void
period_adapts(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region region = piece(1, 2 * MIB, 1e5, 1.1);
	struct sluice_view again = {.size = sizeof(again),
				    .region_stride = sizeof(region),
				    .region_count = 1,
				    .regions = &region};
	struct memtis *m = start("with", NULL);
	double period;

	(void)state;
	two_tiers(tiers, GIB, GIB);
	decide_after(1000, m, tiers, &region, 1);
	m->planner.view = &again; /* that of the decision is gone */
	assert_float_equal(samples_of_round(m, &period), 512e5 / 512, 1);
	assert_float_equal(period, 512, 1e-6);
	assert_int_equal(plan.count, 1);
	sluice_policy.fini(m);
}

static void
does_as_memtis_does(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 50);
	assert_true(world_fast_share(&world) > 0.955);
	world_free(&world);
	sluice_policy.fini(self);
	self = start("with", NULL);
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 50);
	assert_true(world.moved_bytes < 8 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_double),       cmocka_unit_test(threshold_is_what_fits),
		cmocka_unit_test(warm_memory_stays), cmocka_unit_test(cooling_halves),
		cmocka_unit_test(period_adapts),     cmocka_unit_test(does_as_memtis_does),
		cmocka_unit_test(promises_hold),     cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
