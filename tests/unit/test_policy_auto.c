/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_auto.c - views in, plans out; what it learns of deviations; and a noisy machine. */
#include "policies/auto.c"

#include "policy_promises.h"

/* Memory for the nine million that there may be takes sanitizers minutes. */
#define FEW "regions_max", "65536"

static void
fills_room_with_the_hottest(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[] = {
		piece(1, MIB, 10, 1.1), piece(1, MIB, 500, 1.1), piece(1, MIB, 90, 1.1),
		piece(1, MIB, 0, 1),    piece(0, MIB, 1, 1.1),
	};
	void *self = start("with", FEW, "slack_percent", "0", NULL);

	(void)state;
	spread(regions, 5);
	two_tiers(tiers, 2 * MIB, 100 * MIB);
	assert_int_equal(decide(self, tiers, 2, regions, 5, GIB, NULL), 0);
	/* The third one evicts the cold one; the heatless stays where it is. */
	assert_int_equal(plan.count, 4);
	assert_int_equal(plan.moves[0].region, 4);
	assert_int_equal(plan.moves[0].tier, 1);
	assert_int_equal(plan.moves[1].region, 1);
	assert_int_equal(plan.moves[2].region, 2);
	assert_int_equal(plan.moves[3].region, 0);
	assert_float_equal(plan.moves[3].gain, 9, 1e-3); /* 10 less the victim's 1 */
	sluice_policy.fini(self);
}

static void
swaps_only_outside_the_band(void **state)
{
	struct sluice_tier tiers[2];
	/* It must be hotter by 1.2 for sure: 80 * sqrt(80 / 100), or 71.6, against 1.2 times
	 * 60 + 3 + 1.5. */
	struct sluice_region regions[] = {piece(0, MIB, 60, 1.05), piece(1, MIB, 100, 1.25)};
	void *self = start("with", FEW, NULL);

	(void)state;
	spread(regions, 2);
	two_tiers(tiers, 0, 100 * MIB);
	decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(plan.count, 0);
	sluice_policy.fini(self);
	self = start("with", FEW, NULL);
	regions[0] = piece(0, MIB, 50, 1.05); /* 64.5 */
	spread(regions, 2);
	decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.moves[0].region, 0); /* room first */
	assert_int_equal(plan.moves[1].region, 1);
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
	void *self = start("with", FEW, NULL);

	(void)state;
	spread(regions, 4);
	regions[0].heat_high = HUGE_VALF;
	regions[3].heat_high = HUGE_VALF;
	regions[1].age_ms = 100;
	two_tiers(tiers, 0, 100 * MIB);
	decide_after(1000, self, tiers, regions, 4);
	assert_int_equal(plan.count, 0);
	two_tiers(tiers, 100 * MIB, 100 * MIB); /* room is no reason to promote the unknown */
	decide_after(1000, self, tiers, regions, 4);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.moves[0].region, 2);
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
	void *self = start("with", FEW, NULL);

	(void)state;
	spread(regions, 5);
	regions[0].heat_high = HUGE_VALF;
	regions[2].age_ms = 100; /* no excuse now */
	two_tiers(tiers, 0, 100 * MIB);
	tiers[0].shortage_bytes = 3 * MIB / 2;
	decide_after(1000, self, tiers, regions, 5);
	assert_int_equal(plan.count, 2); /* and the half MiB left over is too small for anybody */
	assert_int_equal(plan.moves[0].region, 2);
	assert_int_equal(plan.moves[1].region, 1);
	sluice_policy.fini(self);
}

/* A plan that is cut off anywhere has not evicted much more than it has promoted, and a budget
 * smaller than a region does not stop everything. */
static void
alternates_in_pieces_within_the_budget(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[64];
	int64_t ahead = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		regions[i] =
			i < 32 ? piece(0, 2 * MIB, 1, 1.05) : piece(1, 2 * MIB, 100 + 2 * i, 1.01);
	spread(regions, 64);
	two_tiers(tiers, 0, 8 * MIB); /* and the slow tier is nearly full too */
	for (uint64_t budget = 0; budget < 140 * MIB; budget += MIB) {
		void *self = start("with", FEW, NULL);
		uint64_t bytes;

		assert_int_equal(decide(self, tiers, 2, regions, 64, budget, NULL), 0);
		bytes = plan.count * 2 * MIB;
		if (budget >= 2 * MIB)
			assert_true(bytes <= budget);
		assert_int_equal(plan.count > 0, budget > 0);
		assert_true(bytes + 2 * MIB > budget || plan.count == 64);
		sluice_policy.fini(self);
	}
	assert_int_equal(plan.count, 64);
	for (size_t k = 0; k < plan.count; k++) {
		ahead += plan.moves[k].tier == 1 ? 2 * MIB : -2 * (int64_t)MIB;
		assert_true(ahead >= 0 && ahead <= 8 * MIB);
	}
	assert_int_equal(plan.moves[4].region, 63); /* the hottest first */
}

static void
weighs_all_of_a_victim(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[10];
	void *self = start("with", FEW, NULL);

	(void)state;
	two_tiers(tiers, 0, 100 * MIB);
	regions[0] = piece(0, 2 * MIB, 1, 1.1); /* 512 accesses per second in all */
	for (int i = 1; i < 10; i++)
		regions[i] = piece(1, PAGE, 100, 1.1);
	spread(regions, 10);
	decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(plan.count, 0);
	decide_after(1000, self, tiers, regions, 10);
	assert_int_equal(plan.count, 10);
	sluice_policy.fini(self);
}

static void
cascades_through_three_tiers(void **state)
{
	struct sluice_tier tiers[3] = {{.total_bytes = GIB},
				       {.total_bytes = GIB, .room_bytes = MIB},
				       {.total_bytes = GIB, .room_bytes = 100 * MIB}};
	struct sluice_region regions[] = {
		piece(0, MIB, 1, 1.1), piece(0, MIB, 2, 1.1),    piece(1, MIB, 10, 1.1),
		piece(1, MIB, 0.1, 1), piece(2, MIB, 1000, 1.1), piece(2, MIB, 50, 1.1),
	};
	void *self = start("with", FEW, NULL);

	(void)state;
	spread(regions, 6);
	assert_int_equal(decide(self, tiers, 3, regions, 6, GIB, NULL), 0);
	assert_int_equal(planned(4), 0); /* two tiers up at once, and not asked for twice */
	assert_int_equal(planned(5), 0);
	assert_int_equal(planned(0), 1); /* the next slower tier with room, ... */
	assert_int_equal(planned(1), 2); /* ... which is then full */
	assert_int_equal(plan.count, 4);
	sluice_policy.fini(self);
}

/* The governor refuses promotions that would not pay; evicting for them must end. */
static void
stops_evicting_when_room_stays(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[64];
	void *self = start("with", FEW, "slack_percent", "0", NULL);

	(void)state;
	for (int i = 0; i < 64; i++)
		regions[i] = i < 32 ? piece(0, 2 * MIB, 1, 1.05) : piece(1, 2 * MIB, 100 + i, 1.05);
	spread(regions, 64);
	two_tiers(tiers, 16 * MIB, 100 * MIB);
	decide_after(1000, self, tiers, regions, 64);
	assert_int_equal(plan.count, 8);
	for (size_t k = 0; k < plan.count; k++)
		assert_int_equal(plan.moves[k].tier, 0);
	sluice_policy.fini(self);
}

#define PIECES 64u

/* Every round another piece is hot, but for the first, which is so every second round. */
static int
is_hot(uint32_t i, uint32_t round)
{
	return i == 0 ? round % 2 == 0 : round % 2 == 1 && i == 1 + (round / 2 * 29) % (PIECES - 1);
}

/* Moments that do not last are not followed; what is hot again and again is. */
static void
learns_what_does_not_last(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[PIECES];
	struct autop *a = start("with", FEW, NULL);
	uint64_t moves = 0;

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < PIECES; i++) {
			uint32_t tier = round ? regions[i].tier : i < PIECES / 2;

			regions[i] =
				piece(tier, 2 * MIB, is_hot(i, round) ? 900 : 1 + i / 64.0, 1.05);
		}
		spread(regions, PIECES);
		decide_after(1000, a, tiers, regions, PIECES);
		for (size_t k = 0; k < plan.count; k++)
			regions[plan.moves[k].region].tier = plan.moves[k].tier;
		moves += round >= 100 ? plan.count : 0;
	}
	assert_true(a->forecast.lasting < 0.1);
	assert_int_equal(regions[0].tier, 0);
	print_message("%llu moves in the second hundred rounds\n", (unsigned long long)moves);
	assert_true(moves < 40); /* following would take 200 */
	sluice_policy.fini(a);
}

/* Estimates that claim to be vague and hardly change when something is heard are surer than they
 * claim; ones that vary as much as they claim are not, nor are those of which nothing is heard. */
static void
narrows_the_bounds_of_what_stays(void **state)
{
	static const double varies[] = {0, 0.06, 0.6};
	struct sluice_tier tiers[2];
	struct sluice_region regions[PIECES];

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int v = 0; v < 3; v++) {
		const int is_calm = v == 1;
		struct world dice = {.seed = 88172645463325252u};
		struct autop *a = start("with", FEW, NULL);
		size_t planned_first = 0, planned_last = 0;

		for (uint32_t round = 0; round < 120; round++) {
			for (uint32_t i = 0; i < PIECES; i++) {
				double off = exp(varies[v] * (world_random(&dice) - 0.5));

				regions[i] = piece(i % 2, 2 * MIB, (i % 2 ? 16 : 10) * off, 1.3);
			}
			spread(regions, PIECES);
			decide_after(1000, a, tiers, regions, PIECES);
			*(round < 8 ? &planned_first : &planned_last) = plan.count;
		}
		assert_int_equal(planned_first, 0);
		assert_int_equal(planned_last, is_calm ? PIECES : 0);
		assert_true(is_calm ? a->forecast.doubt < 0.3 : a->forecast.doubt > 0.8);
		sluice_policy.fini(a);
	}
}

static void
trusts_what_lasts(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[PIECES];
	struct autop *a = start("with", FEW, NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < PIECES; i++)
			regions[i] = piece(i % 2, 2 * MIB, i == round / 20 * 7 ? 900 : 1, 1.05);
		spread(regions, PIECES);
		decide_after(1000, a, tiers, regions, PIECES);
		if (round % 20 == 0) /* in the round that shows it */
			assert_int_equal(planned(round / 20 * 7),
					 regions[round / 20 * 7].tier ? 0 : -1);
	}
	assert_true(a->forecast.lasting > 0.6);
	sluice_policy.fini(a);
}

#define MANY 20000u

/* Of very many only a few are ranked: they are the right ones, in their order. */
static void
takes_the_extremes_of_many(void **state)
{
	static struct sluice_region regions[MANY];
	static double heats[MANY];
	struct sluice_tier tiers[2];
	void *self = start("with", FEW, NULL);
	uint64_t asked[2] = {0};

	(void)state;
	two_tiers(tiers, 0, 100 * MIB);
	for (uint32_t i = 0; i < MANY; i++) {
		/* Each heat once, in both tiers; the third thousand is too young. */
		heats[i] = exp((double)(i * 7919 / 2 % (MANY / 2)) / (MANY / 20.0));
		regions[i] = piece(i % 2, 2 * MIB, heats[i], 1.001);
		regions[i].age_ms = i / 1000 == 2 ? 100 : 1000000;
	}
	spread(regions, MANY);
	assert_int_equal(decide(self, tiers, 2, regions, MANY, 80 * MIB, NULL), 0);
	assert_int_equal(plan.count, 40);
	for (size_t k = 0; k < plan.count; k++) {
		uint64_t i = plan.moves[k].region;
		uint32_t from = regions[i].tier, before = 0;

		/* Levels are 0.8 % apart, and neighbours among heats 0.1 %. */
		for (uint32_t j = 0; j < MANY; j++)
			before += regions[j].tier == from && j / 1000 != 2 &&
				  (from ? heats[j] > heats[i] * 1.01 : heats[j] * 1.01 < heats[i]);
		assert_true(before <= asked[from]);
		assert_true(regions[i].age_ms > 100);
		asked[from]++;
	}
	assert_int_equal(asked[0], 20);
	sluice_policy.fini(self);
}

static void
says_what_is_too_much(void **state)
{
	struct sluice_tier tiers[9] = {0};
	struct sluice_region regions[3] = {piece(0, PAGE, 1, 1), piece(0, PAGE, 1, 1),
					   piece(0, PAGE, 1, 1)};
	void *self = start("with", "regions_max", "2", NULL);
	struct sluice_err err;

	(void)state;
	assert_int_equal(decide(self, tiers, 2, regions, 3, GIB, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "--policy-set regions_max=6"));
	assert_int_equal(decide(self, tiers, 9, regions, 2, GIB, &err), -E2BIG);
	sluice_policy.fini(self);
	assert_string_equal(start_fails("with", "band", "0.5", NULL),
			    "'band = 0.5' must be a number from 1 to 100");
	assert_non_null(strstr(start_fails("with", "usual_s", "nan", NULL), "usual_s"));
}

/* ---- on a machine: world_usual() ---- */

static void
finds_a_scattered_hot_set_and_rests(void **state)
{
	struct world world;
	void *self = start("with", FEW, NULL);
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
		after = world.moved_bytes;
		world_rounds(&world, self, 60);
		print_message("%llu MiB, then %llu\n", (unsigned long long)after >> 20,
			      (unsigned long long)(world.moved_bytes - after) >> 20);
		assert_true(world.moved_bytes - after < 10 * MIB);
		world_free(&world);
	}
	sluice_policy.fini(self);
}

static void
leaves_uniform_memory_alone(void **state)
{
	struct world world;
	void *self = start("with", FEW, NULL);

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
	void *self = start("with", FEW, NULL);

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_room_with_the_hottest),
		cmocka_unit_test(swaps_only_outside_the_band),
		cmocka_unit_test(leaves_the_unknown_and_the_young),
		cmocka_unit_test(cures_a_shortage_first),
		cmocka_unit_test(alternates_in_pieces_within_the_budget),
		cmocka_unit_test(weighs_all_of_a_victim),
		cmocka_unit_test(cascades_through_three_tiers),
		cmocka_unit_test(stops_evicting_when_room_stays),
		cmocka_unit_test(learns_what_does_not_last),
		cmocka_unit_test(narrows_the_bounds_of_what_stays),
		cmocka_unit_test(trusts_what_lasts),
		cmocka_unit_test(takes_the_extremes_of_many),
		cmocka_unit_test(says_what_is_too_much),
		cmocka_unit_test(finds_a_scattered_hot_set_and_rests),
		cmocka_unit_test(leaves_uniform_memory_alone),
		cmocka_unit_test(follows_a_jump),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
