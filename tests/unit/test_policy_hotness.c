/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_hotness.c - views in, plans out; then a noisy machine, round by round. */
#include "policies/hotness.c"

#include "policy_promises.h"

static void
fills_room_with_the_hottest(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(1, MIB, 10, 1.1), piece(1, MIB, 500, 1.1), piece(1, MIB, 90, 1.1),
		piece(1, MIB, 0, 1),    piece(0, MIB, 1, 1.1),
	};
	void *self = start("with", "slack_percent", "0", NULL);

	(void)state;
	two_tiers(tiers, 2 * MIB, 100 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 5, GIB, NULL), 0);
	/* The third one evicts the cold one; the heatless stays where it is. */
	assert_int_equal(plan.count, 4);
	assert_int_equal(plan.moves[0].region, 4);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 1);
	assert_int_equal(plan.moves[2].region, 2);
	assert_int_equal(plan.moves[3].region, 0);
	assert_float_equal(plan.moves[1].gain, 500, 1e-3);
	assert_float_equal(plan.moves[3].gain, 9, 1e-3); /* 10 less the victim's 1 */
	sluice_policy.fini(self);
}

static void
swaps_only_outside_the_band(void **state)
{
	struct sluice_tier tiers[2];
	/* It must be hotter by 1.2 for sure, and 1.5 sigma is sure enough: 80 * sqrt(80 / 100), or
	 * 71.6, against 1.2 times 60 + 3 + 1.5. */
	struct sluice_region regions[] = {piece(0, MIB, 60, 1.05), piece(1, MIB, 100, 1.25)};
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, 100 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 2, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	regions[0] = piece(0, MIB, 50, 1.05); /* 64.5 */
	assert_int_equal(decide(self, tiers, 2, regions, 2, GIB, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 0); /* room first */
	assert_int_equal(plan.moves[0].tier, 1);
	assert_float_equal(plan.moves[0].gain, 0, 0);
	assert_int_equal(plan.moves[1].region, 1);
	assert_int_equal(plan.moves[1].tier, 0);
	assert_float_equal(plan.moves[1].gain, 50, 1e-3);
	sluice_policy.fini(self);
}

static void
leaves_the_unknown_and_the_young(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(0, MIB, 0, 1),   /* unknown: may be the hottest of all */
		piece(0, MIB, 1, 1.1), /* young */
		piece(1, MIB, 900, 1.1),
		piece(1, MIB, 0, 1),
	};
	void *self = start("with", NULL);

	(void)state;
	regions[0].heat_high = HUGE_VALF;
	regions[3].heat_high = HUGE_VALF;
	regions[1].age_ms = 100;
	two_tiers(tiers, 0, 100 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 4, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	two_tiers(tiers, 100 * MIB, 100 * MIB); /* room is no reason to promote the unknown */
	assert_int_equal(decide(self, tiers, 2, regions, 4, GIB, NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.moves[0].region, 2);
	regions[2].age_ms = 100; /* has just come down */
	assert_int_equal(decide(self, tiers, 2, regions, 4, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
}

static void
cures_a_shortage_first(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(0, MIB, 0, 1),    piece(0, MIB, 30, 1.1), piece(0, MIB, 5, 1.1),
		piece(0, MIB, 50, 1.1), piece(1, MIB, 20, 1.1),
	};
	void *self = start("with", NULL);

	(void)state;
	regions[0].heat_high = HUGE_VALF;
	regions[2].age_ms = 100; /* no excuse now */
	two_tiers(tiers, 0, 100 * MIB);
	tiers[0].shortage_bytes = 3 * MIB / 2;
	assert_int_equal(decide(self, tiers, 2, regions, 5, GIB, NULL), 0);
	assert_int_equal(plan.count, 2); /* and the half MiB left over is too small for anybody */
	assert_int_equal(plan.moves[0].region, 2);
	assert_int_equal(plan.moves[1].region, 1);
	/* What is not known leaves last. */
	tiers[0].shortage_bytes = 100 * MIB;
	assert_int_equal(decide(self, tiers, 2, regions, 5, GIB, NULL), 0);
	assert_int_equal(plan.count, 4);
	assert_int_equal(plan.moves[3].region, 0);
	sluice_policy.fini(self);
}

static uint64_t
planned_bytes(const struct sluice_region *regions)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < plan.count; k++)
		bytes += regions[plan.moves[k].region].bytes;
	return bytes;
}

static void
keeps_to_the_budget(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[64];
	void *self = start("with", NULL);

	(void)state;
	for (int i = 0; i < 64; i++)
		regions[i] = i < 32 ? piece(0, 2 * MIB, 1 + i * 0.01, 1.05)
				    : piece(1, 2 * MIB, 100 + i, 1.05);
	two_tiers(tiers, 0, 100 * MIB);
	for (uint64_t budget = 0; budget < 140 * MIB; budget += MIB) {
		assert_int_equal(decide(self, tiers, 2, regions, 64, budget, NULL), 0);
		if (budget >= 2 * MIB) /* one smaller than a region must not stop everything */
			assert_true(planned_bytes(regions) <= budget);
		assert_int_equal(plan.count > 0, budget > 0);
		assert_true(planned_bytes(regions) + 2 * MIB > budget || plan.count == 64);
	}
	sluice_policy.fini(self);
}

/* A plan that is cut off anywhere has not evicted much more than it has promoted. */
static void
alternates_in_pieces(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[64];
	void *self = start("with", NULL);
	int64_t ahead = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		regions[i] = i < 32 ? piece(0, 2 * MIB, 1, 1.05) : piece(1, 2 * MIB, 100 + i, 1.05);
	two_tiers(tiers, 0, 8 * MIB); /* and the slow tier is nearly full too */
	assert_int_equal(decide(self, tiers, 2, regions, 64, GIB, NULL), 0);
	assert_int_equal(plan.count, 64);
	for (size_t k = 0; k < plan.count; k++) {
		ahead += plan.moves[k].tier == 1 ? 2 * MIB : -2 * (int64_t)MIB;
		assert_true(ahead >= 0 && ahead <= 8 * MIB);
	}
	/* The hottest first. */
	assert_int_equal(plan.moves[4].region, 63);
	assert_int_equal(plan.moves[5].region, 62);
	sluice_policy.fini(self);
}

static void
weighs_all_of_a_victim(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[600];
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, 100 * MIB);
	regions[0] = piece(0, 2 * MIB, 1, 1.1); /* 512 accesses per second in all */
	regions[1] = piece(1, PAGE, 100, 1.1);
	assert_int_equal(decide(self, tiers, 2, regions, 2, GIB, NULL), 0);
	assert_int_equal(plan.count, 0);
	for (int i = 2; i < 10; i++)
		regions[i] = regions[1];
	assert_int_equal(decide(self, tiers, 2, regions, 10, GIB, NULL), 0);
	assert_int_equal(plan.count, 10);
	/* What is no hotter than the victim does not get its place in the same round. */
	for (int i = 10; i < 600; i++)
		regions[i] = piece(1, PAGE, 1, 1.1);
	assert_int_equal(decide(self, tiers, 2, regions, 600, GIB, NULL), 0);
	assert_int_equal(plan.count, 10);
	sluice_policy.fini(self);
}

/* The governor refuses promotions that would not pay; evicting for them must end. */
static void
stops_evicting_when_room_stays(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[64];
	void *self = start("with", "slack_percent", "0", NULL);

	(void)state;
	for (int i = 0; i < 64; i++)
		regions[i] = i < 32 ? piece(0, 2 * MIB, 1, 1.05) : piece(1, 2 * MIB, 100 + i, 1.05);
	two_tiers(tiers, 16 * MIB, 100 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 64, GIB, NULL), 0);
	assert_int_equal(plan.count, 8);
	for (size_t k = 0; k < plan.count; k++)
		assert_int_equal(plan.moves[k].tier, 0);
	sluice_policy.fini(self);
}

static void
cascades_through_three_tiers(void **state)
{
	struct sluice_tier tiers[3] = {{.total_bytes = GIB},
				       {.total_bytes = GIB, .room_bytes = MIB},
				       {.total_bytes = GIB}};
	struct sluice_region regions[] = {
		piece(0, MIB, 1, 1.1), piece(0, MIB, 2, 1.1),    piece(1, MIB, 10, 1.1),
		piece(1, MIB, 0.1, 1), piece(2, MIB, 1000, 1.1), piece(2, MIB, 50, 1.1),
	};
	void *self = start("with", NULL);

	(void)state;
	tiers[2].room_bytes = 100 * MIB;
	assert_int_equal(decide(self, tiers, 3, regions, 6, GIB, NULL), 0);
	assert_int_equal(planned(4), 0); /* two tiers up at once, and not asked for twice */
	assert_int_equal(planned(5), 0);
	assert_int_equal(planned(0), 1); /* the next slower tier with room, ... */
	assert_int_equal(planned(1), 2); /* ... which is then full */
	assert_int_equal(planned(2), -1);
	assert_int_equal(planned(3), -1);
	assert_int_equal(plan.count, 4);
	/* Nothing to do for the first tier: the second still takes from the third. */
	regions[0] = piece(0, MIB, 5000, 1.1);
	regions[1] = piece(0, MIB, 5000, 1.1);
	tiers[1].room_bytes = 0;
	assert_int_equal(decide(self, tiers, 3, regions, 6, GIB, NULL), 0);
	assert_int_equal(planned(4), 1);
	assert_int_equal(planned(5), 1);
	assert_int_equal(planned(3), 2);
	assert_int_equal(planned(2), 2);
	sluice_policy.fini(self);
}

static void
survives_a_full_plan(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[8];
	void *self = start("with", NULL);

	(void)state;
	for (int i = 0; i < 8; i++)
		regions[i] = piece(1, MIB, 10 + i, 1.1);
	two_tiers(tiers, 100 * MIB, 0);
	plan.capacity = 3;
	assert_int_equal(decide(self, tiers, 2, regions, 8, GIB, NULL), 0);
	plan.capacity = PLAN_CAPACITY;
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.moves[0].region, 7);
	sluice_policy.fini(self);
}

/* A newer engine has longer elements. */
static void
steps_by_the_stride(void **state)
{
	struct {
		struct sluice_tier tier;
		uint64_t newer[3];
	} tiers[2];
	struct {
		struct sluice_region region;
		uint64_t newer;
	} regions[3];
	struct sluice_view view = {
		.size = sizeof(view) + 16,
		.tier_count = 2,
		.tier_stride = sizeof(tiers[0]),
		.region_stride = sizeof(regions[0]),
		.region_count = 3,
		.budget_bytes = GIB,
		.tiers = tiers,
		.regions = regions,
	};
	void *self = start("with", NULL);

	(void)state;
	memset(tiers, 0xee, sizeof(tiers));
	memset(regions, 0xee, sizeof(regions));
	tiers[0].tier = (struct sluice_tier){.total_bytes = GIB};
	tiers[1].tier = (struct sluice_tier){.total_bytes = GIB, .room_bytes = 10 * MIB};
	regions[0].region = piece(0, MIB, 1, 1.1);
	regions[1].region = piece(1, MIB, 1, 1.1);
	regions[2].region = piece(1, MIB, 100, 1.1);
	plan.view = &view;
	plan.count = 0;
	assert_int_equal(sluice_policy.decide(self, &view, &plan, NULL), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 0);
	assert_int_equal(plan.moves[1].region, 2);
	sluice_policy.fini(self);
}

static void
says_what_is_too_much(void **state)
{
	struct sluice_tier tiers[9] = {0};
	struct sluice_region regions[3] = {piece(0, PAGE, 1, 1), piece(0, PAGE, 1, 1),
					   piece(0, PAGE, 1, 1)};
	void *self = start("with", "entries_max", "2", NULL);
	struct sluice_err err;

	(void)state;
	assert_int_equal(decide(self, tiers, 2, regions, 3, GIB, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "--policy-set entries_max=6"));
	assert_int_equal(decide(self, tiers, 9, regions, 2, GIB, &err), -E2BIG);
	assert_int_equal(decide(self, tiers, 2, regions, 0, GIB, &err), 0);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
	sluice_policy.fini(NULL);
	assert_string_equal(start_fails("with", "band", "0.5", NULL),
			    "'band = 0.5' must be a number from 1 to 100");
	assert_non_null(strstr(start_fails("with", "min_age_ms", "2s", NULL), "min_age_ms = 2s"));
	assert_non_null(strstr(start_fails("with", "band", "nan", NULL), "band"));
	assert_non_null(strstr(start_fails("with", "slack_percent", "", NULL), "slack_percent"));
}

/* ---- on a machine: world_usual() ---- */

static void
finds_a_scattered_hot_set_and_rests(void **state)
{
	struct world world;
	void *self = start("with", NULL);
	uint64_t after;
	double best;

	(void)state;
	for (int naive = 0; naive < 2; naive++) {
		world_usual(&world);
		world.naive = naive;
		world_scattered(&world);
		world_rounds(&world, self, 10);
		best = world_best_share(&world, (uint64_t)(0.97 * 512 * MIB));
		assert_true(world_fast_share(&world) > best - 0.01);
		/* 27 MiB of hot memory was slow; as much had to leave. */
		assert_true(world.moved_bytes < 80 * MIB);
		after = world.moved_bytes;
		world_rounds(&world, self, 60);
		assert_true(world.moved_bytes - after < 10 * MIB);
		assert_true(world.back_bytes <= world.moved_bytes / 20);
		world_free(&world);
	}
	sluice_policy.fini(self);
}

static void
leaves_uniform_memory_alone(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world_uniform(&world);
	world_rounds(&world, self, 60);
	assert_true(world.moved_bytes == 0);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
follows_a_jump(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	for (uint64_t i = 0; i < WORLD_PIECES; i++)
		world.pieces[i].rate = i < 1600 ? 54 : 1;
	world_rounds(&world, self, 20);
	for (uint64_t i = 0; i < WORLD_PIECES; i++)
		world.pieces[i].rate = i >= WORLD_PIECES - 1600 ? 54 : 1;
	world_rounds(&world, self, 10);
	assert_true(world_fast_share(&world) > 0.95);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
comes_close_to_the_best_for_zipf(void **state)
{
	struct world world;
	void *self = start("with", NULL);
	uint64_t after;
	double best;

	(void)state;
	world_usual(&world);
	world.watch_s = 0.2;
	for (uint64_t i = 0; i < WORLD_PIECES;
	     i++) /* 4507 and WORLD_PIECES have no common divisor */
		world.pieces[i].rate = 1e5 / pow(1 + (double)(i * 4507 % WORLD_PIECES), 0.99);
	best = world_best_share(&world, (uint64_t)(0.97 * 512 * MIB));
	world_rounds(&world, self, 30);
	assert_true(world_fast_share(&world) > best - 0.005);
	after = world.moved_bytes;
	world_rounds(&world, self, 60);
	assert_true(world_fast_share(&world) > best - 0.005);
	assert_true(world.moved_bytes - after < 50 * MIB);
	assert_true(world.back_bytes < 20 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

static void
sorts_three_tiers(void **state)
{
	static const uint64_t sizes[] = {64 * MIB, 128 * MIB, GIB};
	struct world world;
	void *self = start("with", NULL);
	double heat[3] = {0}, bytes[3] = {0};

	(void)state;
	world_new(&world, 400 * 16, 64 * 1024, sizes, 3);
	for (uint64_t i = 0; i < world.count; i++)
		world.pieces[i].rate = i % 8 == 7 ? 800 : i % 8 == 5 ? 80 : i % 8 == 3 ? 60 : 1;
	world_rounds(&world, self, 30);
	for (uint64_t i = 0; i < world.count; i++) {
		heat[world.pieces[i].tier] += world.pieces[i].rate;
		bytes[world.pieces[i].tier]++;
	}
	assert_true(heat[0] / bytes[0] > 650); /* 50 MiB of 800, the rest 80 */
	assert_true(heat[1] / bytes[1] > 45);  /* the rest of the warm */
	assert_true(heat[2] / bytes[2] < 1.5);
	world_free(&world);
	sluice_policy.fini(self);
}

/* The kernel takes memory and gives it back: a little up and down moves nothing much. */
static void
does_not_follow_every_ripple(void **state)
{
	struct world world;
	void *self = start("with", NULL);

	(void)state;
	world_usual(&world);
	world.watermark = 0.02;
	world_scattered(&world);
	world_rounds(&world, self, 20);
	world.moved_bytes = 0;
	for (int second = 0; second < 60; second++) {
		world.tiers[0].free_bytes += second % 2 ? 2 * MIB : -2 * (uint64_t)MIB;
		world_round(&world, self);
	}
	assert_true(world.moved_bytes <= 10 * MIB);
	world_free(&world);
	sluice_policy.fini(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_room_with_the_hottest),
		cmocka_unit_test(swaps_only_outside_the_band),
		cmocka_unit_test(leaves_the_unknown_and_the_young),
		cmocka_unit_test(cures_a_shortage_first),
		cmocka_unit_test(keeps_to_the_budget),
		cmocka_unit_test(alternates_in_pieces),
		cmocka_unit_test(weighs_all_of_a_victim),
		cmocka_unit_test(stops_evicting_when_room_stays),
		cmocka_unit_test(cascades_through_three_tiers),
		cmocka_unit_test(survives_a_full_plan),
		cmocka_unit_test(steps_by_the_stride),
		cmocka_unit_test(says_what_is_too_much),
		cmocka_unit_test(finds_a_scattered_hot_set_and_rests),
		cmocka_unit_test(leaves_uniform_memory_alone),
		cmocka_unit_test(follows_a_jump),
		cmocka_unit_test(comes_close_to_the_best_for_zipf),
		cmocka_unit_test(sorts_three_tiers),
		cmocka_unit_test(does_not_follow_every_ripple),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
