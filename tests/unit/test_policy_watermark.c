/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_watermark.c - views in, plans out; then a noisy machine, round by round. */
#include "policies/watermark.c"

#include "policy_promises.h"

/* 100 MiB fast, so that percents are MiB, and 1 GiB slow. */
static void
small_tiers(struct sluice_tier tiers[2], uint64_t fast_free)
{
	tiers[0] = (struct sluice_tier){
		.total_bytes = 100 * MIB, .free_bytes = fast_free, .room_bytes = fast_free};
	tiers[1] = (struct sluice_tier){
		.total_bytes = GIB, .free_bytes = GIB / 2, .room_bytes = GIB / 2};
}

static void
demotes_the_coldest_for_the_reserve(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(0, MIB, 100, 1.1), piece(0, MIB, 1, 1.1),  piece(0, MIB, 5, 1.1),
		piece(0, MIB, 0, 1),     piece(0, MIB, 50, 1.1), piece(0, MIB, 0, 1),
	};
	void *self = start("with", "free_percent", "10", NULL);

	(void)state;
	regions[3].heat_high = HUGE_VALF; /* nobody knows */
	small_tiers(tiers, 7 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 6, GIB, NULL), 0);
	assert_int_equal(plan.count, 3);
	assert_int_equal(planned(5), 1);
	assert_int_equal(planned(1), 1);
	assert_int_equal(planned(2), 1);
	assert_float_equal(plan.moves[0].gain, 0, 0);
	/* Enough is free: nothing. */
	small_tiers(tiers, 10 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 6, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	/* What has just come stays, unless the engine itself is short. */
	small_tiers(tiers, 9 * MIB);
	regions[5].age_ms = 10;
	assert_int_equal(decide(self, tiers, 2, regions, 6, GIB, NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(planned(1), 1);
	tiers[0].shortage_bytes = 6 * MIB;
	assert_int_equal(decide(self, tiers, 2, regions, 6, GIB, NULL), 0);
	assert_int_equal(plan.count, 6);
	/* Nowhere to go. */
	tiers[1].room_bytes = 0;
	assert_int_equal(decide(self, tiers, 2, regions, 6, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
}

static void
threshold_follows_the_room(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(0, MIB, 10, 1.05),  piece(0, MIB, 20, 1.05), piece(0, MIB, 500, 1.05),
		piece(1, MIB, 100, 1.05), piece(1, MIB, 50, 1.05), piece(1, MIB, 3, 1.05),
		piece(1, MIB, 0, 1),
	};
	void *self = start("with", "free_percent", "10", NULL);

	(void)state;
	/* Plenty: any heat will do. */
	small_tiers(tiers, 50 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(plan.count, 3);
	assert_int_equal(planned(3), 0);
	assert_int_equal(planned(6), -1);
	/* At the reserve: only what will push out something colder, lent up to half of it. */
	small_tiers(tiers, 10 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(planned(3), 0);
	assert_int_equal(planned(4), 0);
	/* Below it: the two coldest leave, so nothing colder is left to give way. */
	small_tiers(tiers, 8 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(planned(0), 1);
	assert_int_equal(planned(1), 1);
	/* At half of it nothing is lent, however hot. */
	small_tiers(tiers, 5 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(planned(3), -1);
	/* Room for one: it is the hotter. */
	small_tiers(tiers, 50 * MIB);
	tiers[0].room_bytes = MIB;
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(planned(3), 0);
	/* Of equals only as many as fit, and within the budget. */
	regions[4] = regions[5] = regions[3];
	tiers[0].room_bytes = 2 * MIB;
	assert_int_equal(decide(self, tiers, 2, regions, 7, GIB, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(decide(self, tiers, 2, regions, 7, MIB, NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(decide(self, tiers, 2, regions, 7, PAGE, NULL), 0);
	assert_int_equal(plan.count, 1); /* the engine moves a part of it */
	assert_int_equal(decide(self, tiers, 2, regions, 7, 0, NULL), 0);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
}

static void
handles_three_tiers_of_any_size(void **state)
{
	struct sluice_tier tiers[3] = {
		{.total_bytes = 100 * MIB, .free_bytes = 4 * MIB, .room_bytes = MIB},
		{.total_bytes = 200 * MIB, .free_bytes = 30 * MIB, .room_bytes = MIB},
		{.total_bytes = 400 * MIB, .free_bytes = 300 * MIB, .room_bytes = 300 * MIB}};
	struct sluice_region regions[] = {piece(0, MIB, 1, 1.1), piece(0, MIB, 2, 1.1),
					  piece(2, MIB, 1000, 1.1)};
	void *self = start("with", NULL);

	(void)state;
	assert_int_equal(decide(self, tiers, 3, regions, 3, GIB, NULL), 0);
	/* 6 MiB shall be free: two leave, the second finds the next tier full and goes further;
	 * the hot one takes the lent room of the first at once. */
	assert_int_equal(planned(0), 1);
	assert_int_equal(planned(1), 2);
	assert_int_equal(planned(2), -1); /* both partners have left already */
	assert_int_equal(plan.count, 2);
	tiers[0].free_bytes = 50 * MIB;
	tiers[0].room_bytes = 40 * MIB;
	assert_int_equal(decide(self, tiers, 3, regions, 3, GIB, NULL), 0);
	assert_int_equal(planned(2), 0); /* two tiers up */
	assert_int_equal(plan.count, 1);
	assert_int_equal(decide(self, tiers, 1, regions, 2, GIB, NULL), 0);
	assert_int_equal(plan.count, 0); /* one tier: nothing to do */
	sluice_policy.fini(self);
	sluice_policy.fini(NULL);
}

static void
refuses_bad_settings(void **state)
{
	struct sluice_tier tiers[9] = {0};
	void *self = start("with", NULL);
	struct sluice_err err;

	(void)state;
	assert_int_equal(decide(self, tiers, 9, NULL, 0, GIB, &err), -E2BIG);
	sluice_policy.fini(self);
	assert_string_equal(start_fails("with", "free_percent", "95", NULL),
			    "'free_percent = 95' must be a number from 0 to 90");
	assert_non_null(strstr(start_fails("with", "min_age_ms", "soon", NULL), "soon"));
}

/* ---- on a machine: world_usual() ---- */

static void
keeps_its_reserve_and_finds_the_hot(void **state)
{
	struct world world;
	void *self = start("with", NULL);
	uint64_t after;

	(void)state;
	world_usual(&world);
	world_scattered(&world);
	world_rounds(&world, self, 30);
	/* All that is hot is fast, and about 6 % are free. */
	assert_true(world_fast_share(&world) > 0.955);
	assert_true(world.tiers[0].free_bytes >= 28 * MIB);
	assert_true(world.tiers[0].free_bytes <= 32 * MIB);
	after = world.moved_bytes;
	world_rounds(&world, self, 60);
	assert_true(world.moved_bytes - after < 120 * MIB);
	assert_true(world.back_bytes < 15 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
moves_uniform_memory_once(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 60);
	/* 3 % of 512 MiB more free than before, and that was it. */
	assert_true(world.moved_bytes >= 15 * MIB && world.moved_bytes < 17 * MIB);
	assert_true(world.back_bytes == 0);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
takes_in_what_arrives(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	for (uint64_t i = 0; i < WORLD_PIECES; i++)
		world.pieces[i].rate = 1 + (double)(i % 10);
	world_rounds(&world, self, 10);
	/* Somebody allocates 12 MiB of fast memory a time: there always is room for it. */
	for (int burst = 0; burst < 10; burst++) {
		assert_true(world.tiers[0].free_bytes >= 30 * MIB);
		world.tiers[0].free_bytes -= 12 * MIB;
		world_rounds(&world, self, 5);
	}
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demotes_the_coldest_for_the_reserve),
		cmocka_unit_test(threshold_follows_the_room),
		cmocka_unit_test(handles_three_tiers_of_any_size),
		cmocka_unit_test(refuses_bad_settings),
		cmocka_unit_test(keeps_its_reserve_and_finds_the_hot),
		cmocka_unit_test(moves_uniform_memory_once),
		cmocka_unit_test(takes_in_what_arrives),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
