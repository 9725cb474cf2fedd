/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_pact-like.c - stall adds up, and the topmost bin goes up. */
#include "policies/pact-like.c"

#include "policy_promises.h"

/* Ten slow regions of rising heat, no victims needed. */
static void
promotes_the_topmost_bin(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[50];
	struct pact *p = start("with", "bins", "3", NULL);
	int lowest = 50;

	(void)state;
	two_tiers(tiers, GIB / 2, GIB);
	for (int i = 0; i < 50; i++)
		regions[i] = piece(1, 2 * MIB, 1 + i, 1.1);
	regions[7].heat = 500;
	spread(regions, 50);
	decide_after(1000, p, tiers, regions, 50);
	/* 2 * IQR / cbrt(50) is about 13.6 of heat, and two bins lie below the topmost. */
	for (int i = 0; i < 50; i++)
		if (planned(i) == 0 && i < lowest && i != 7)
			lowest = i;
	assert_in_range(lowest, 24, 29);
	assert_int_equal(plan.moves[0].region, 7);
	for (int i = lowest; i < 50; i++)
		assert_int_equal(planned(i), 0);
	assert_float_equal(p->factor, 0.5, 1e-9); /* far below the limit: narrower bins */
	sluice_policy.fini(p);
}

static void
stall_adds_up_and_never_fades(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	void *self = start("with", NULL);
	const struct page *page;

	(void)state;
	two_tiers(tiers, 0, GIB);
	regions[0] = piece(1, 2 * MIB, 10, 1.1);
	regions[1] = piece(0, 2 * MIB, 10, 1.1);
	spread(regions, 2);
	for (int s = 0; s < 5; s++)
		decide_after(1000, self, tiers, regions, 2);
	page = ledger_item(&((struct pact *)self)->ledger, 0);
	assert_float_equal(page->stall_ns, 5 * 10 * 250, 1e-6);
	tiers[1].loaded_latency_ns = 1000; /* under load each costs more */
	decide_after(1000, self, tiers, regions, 2);
	page = ledger_item(&((struct pact *)self)->ledger, 0);
	assert_float_equal(page->stall_ns, 5 * 10 * 250 + 10 * 1000, 1e-6);
	page = ledger_item(&((struct pact *)self)->ledger, 1);
	assert_float_equal(page->stall_ns, 0, 0);
	sluice_policy.fini(self);
	self = start("with", "cooling", "0.5", NULL);
	for (int s = 0; s < 30; s++)
		decide_after(1000, self, tiers, regions, 2);
	page = ledger_item(&((struct pact *)self)->ledger, 0);
	assert_float_equal(page->stall_ns, 2 * 10 * 1000, 1);
	sluice_policy.fini(self);
}

static void
demotes_as_much_as_comes(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[40];
	void *self = start("with", "bins", "2", NULL);
	int64_t ahead = 0;
	int victims = 0;

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 40; i++)
		regions[i] = piece(i >= 20, 2 * MIB, i < 20 ? (i < 10 ? 1000 : 0) : 5 + i % 7, 1.1);
	spread(regions, 40);
	for (int s = 0; s < 3; s++)
		decide_after(1000, self, tiers, regions, 40);
	assert_true(plan.count > 4);
	for (size_t k = 0; k < plan.count; k++) {
		ahead += plan.moves[k].tier == 1 ? 1 : -1;
		assert_in_range(ahead, 0, 4);
		if (plan.moves[k].tier == 1 && victims++ < 10) /* the idle first */
			assert_in_range(plan.moves[k].region, 10, 19);
	}
	assert_int_equal(ahead, 0);
	sluice_policy.fini(self);
}

static void
never_comes_to_rest(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 30);
	assert_true(world_fast_share(&world) > 0.95);
	/* Nothing fades, so in the end all that is in slow memory is at the top. */
	assert_true(world.back_bytes > 50 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promotes_the_topmost_bin),
		cmocka_unit_test(stall_adds_up_and_never_fades),
		cmocka_unit_test(demotes_as_much_as_comes),
		cmocka_unit_test(never_comes_to_rest),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
