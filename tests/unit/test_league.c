/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replay's workload as the oracle's problem, by hand; the oracle's placement carried out; and
 * what the league makes of the runs of several seeds.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "league_problem.h"
#include "league_stats.h"

#define MIB (1ull << 20)
#define UNITS 128u

struct scene {
	struct workload *workload;
	struct model model;
	struct replay_setup setup;
};

/* 256 MiB, 128 units; the watermark leaves 25 % of 128 MiB less 3 %. */
static void
begin(struct scene *scene, const char *name, uint32_t epochs, const char *tiers)
{
	struct workload_options options = {
		.bytes = 256 * MIB, .seed = 7, .epoch_ns = 1000000000, .epoch_count = epochs};
	struct sluice_err err = {0, ""};

	memset(scene, 0, sizeof(*scene));
	if (workload_new(name, &options, &scene->workload, &err) < 0 ||
	    model_parse_tiers(tiers, 256 * MIB, &scene->model, &err) < 0)
		fail_msg("%s", err.msg);
	scene->setup = (struct replay_setup){
		.model = &scene->model, .workload = scene->workload, .tracker = trackers[0]};
	replay_round_options(scene->workload, &scene->setup.round);
}

static void
check_near(double a, double b)
{
	if (fabs(a - b) > 1e-5 * fabs(b))
		fail_msg("%.12g is not %.12g", a, b);
}

/* gups: 54e6 of 60e6 updates a second go to the 16 units from 96 on, the others to all 128; half
 * are stores; four are under way. CXL takes 150 ns longer for either. */
static void
test_problem(void **state)
{
	struct scene scene;
	struct league_problem p;
	struct sluice_err err = {0, ""};
	double cold = 6e6 / UNITS * 150 / 4 * 5, hot = cold + 54e6 / 16 * 150 / 4 * 5;

	(void)state;
	begin(&scene, "gups", 5, "dram:25% cxl:75%");
	assert_int_equal(league_problem_make(&scene.setup, NULL, &p, &err), 0);
	assert_int_equal(oracle_check(&p.problem, &err), 0);
	/* Five epochs alike are one, worth five. */
	assert_int_equal(p.problem.epoch_count, 1);
	assert_int_equal(p.problem.item_count, UNITS);
	assert_int_equal(p.problem.capacity_bytes, (uint64_t)(64 * MIB * 0.97));
	for (uint32_t u = 0; u < UNITS; u++) {
		assert_int_equal(p.bytes[u], 2 * MIB);
		check_near((double)p.rows[0][u], u >= 96 && u < 112 ? hot : cold);
		/* 512 pages in one call, which interrupts 8 threads. */
		check_near((double)p.cost[u], 512 * 1200 + 4000 + 8 * 1500);
		/* First-touch fills fast memory; of 31 units that fit the watermark, no more. */
		assert_int_equal(oracle_bit(p.initial, u), u < 31);
	}
	league_problem_clear(&p);
	scene.setup.huge = 1;
	assert_int_equal(league_problem_make(&scene.setup, NULL, &p, &err), 0);
	check_near((double)p.cost[0], 190000 + (4000 + 8 * 1500) / 512.0);
	league_problem_clear(&p);
	workload_free(scene.workload);
}

/* Latency under load is what is saved then; epochs that differ are told apart. */
static void
test_segments(void **state)
{
	double times[30][MODEL_TIERS_MAX];
	struct scene scene;
	struct league_problem p;
	struct sluice_err err = {0, ""};
	double cold = 6e6 / UNITS / 4;

	(void)state;
	begin(&scene, "gups-jump10", 30, "dram:25% cxl:75%");
	for (size_t n = 0; n < 30; n++) {
		times[n][0] = n < 10 ? 1 : 2;
		times[n][1] = n < 10 ? 2 : 1;
	}
	assert_int_equal(league_problem_make(&scene.setup, times, &p, &err), 0);
	assert_int_equal(p.problem.epoch_count, 3);
	assert_int_equal(p.first_epoch[1], 10);
	assert_int_equal(p.first_epoch[2], 20);
	assert_int_equal(p.first_epoch[3], 30);
	check_near((double)p.rows[0][0], cold * 10 * (2 * 250 - 100));
	/* At least one unit of the last is cold. */
	check_near(fmin((double)p.rows[2][0], (double)p.rows[2][127]), cold * 10 * (250 - 2 * 100));
	league_problem_clear(&p);
	workload_free(scene.workload);
}

static void
test_two_tiers_only(void **state)
{
	struct scene scene;
	struct league_problem p;
	struct replay_result result;
	struct replay_schedule schedule = {NULL, NULL};
	struct sluice_err err = {0, ""};

	(void)state;
	begin(&scene, "gups", 5, "dram:25% remote:25% cxl:50%");
	assert_int_equal(league_problem_make(&scene.setup, NULL, &p, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "two tiers"));
	assert_int_equal(replay_scheduled(&scene.setup, &schedule, &result, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "two tiers"));
	workload_free(scene.workload);
}

/* Epoch 0: the hot units only; from epoch 2 on nothing is fast. */
static void
test_scheduled(void **state)
{
	static const uint64_t hot[2] = {0, 0xffffull << 32}, none[2] = {0, 0};
	const uint64_t *fast[] = {hot, hot, none, none};
	double times[4][MODEL_TIERS_MAX];
	struct replay_schedule schedule = {fast, times};
	struct scene scene;
	struct replay_result r, slow;
	struct sluice_err err = {0, ""};
	double calls = 16 + 16 + 32; /* up at first, down at last, first-touch's down at first */

	(void)state;
	begin(&scene, "gups", 4, "dram:25% cxl:75%");
	assert_int_equal(replay_scheduled(&scene.setup, &schedule, &r, &err), 0);
	assert_int_equal(replay_bound(&scene.setup, REPLAY_ALL_SLOW, &slow, &err), 0);
	assert_int_equal(r.promoted_bytes, 32 * MIB);
	assert_true(r.demoted_bytes == (32 + 31 * 2) * MIB);
	calls -= 1; /* 1 % stays free, so first-touch has 31 units there */
	check_near(r.moving_ns, calls * (512 * 1200 + 4000 + 8 * 1500));
	/* Nine tenths of accesses and 16 of 128 units' share of the rest, in half of the epochs. */
	check_near(r.fast_accesses / r.accesses, (0.9 + 0.1 * 16 / UNITS) / 2);
	check_near(r.accesses, slow.accesses);
	assert_true(r.wall_ns < slow.wall_ns);
	for (size_t n = 0; n < 4; n++)
		assert_true(times[n][0] >= 1 && times[n][0] < 3 && times[n][1] >= 1 &&
			    times[n][1] < 5.5);
	workload_free(scene.workload);
}

/* Nobody who does not know the future does better; a hot set that fits is brought at once. */
static void
test_oracle(void **state)
{
	struct scene scene;
	struct league_placed placed;
	struct replay_result fast, slow, touched;
	struct sluice_err err = {0, ""};

	(void)state;
	begin(&scene, "gups-jump10", 30, "dram:25% cxl:75%");
	assert_int_equal(league_oracle(&scene.setup, &placed, &err), 0);
	assert_int_equal(placed.segments, 3);
	assert_int_equal(replay_bound(&scene.setup, REPLAY_ALL_SLOW, &slow, &err), 0);
	assert_int_equal(replay_bound(&scene.setup, REPLAY_ALL_FAST, &fast, &err), 0);
	assert_int_equal(replay_bound(&scene.setup, REPLAY_FIRST_TOUCH, &touched, &err), 0);
	assert_true(placed.gap >= 0 && placed.gap < 0.01);
	assert_true(placed.result.wall_ns < touched.wall_ns);
	assert_true(placed.result.wall_ns > fast.wall_ns);
	assert_true(placed.result.fast_accesses > 0.9 * placed.result.accesses);
	assert_true(slow.wall_ns - placed.result.wall_ns > 0.85 * (slow.wall_ns - fast.wall_ns));
	workload_free(scene.workload);
}

/* Two policies, two seeds: all slow takes 100, the oracle 60; the first 68 and 64, the second 60
 * and 60. */
static void
test_stats(void **state)
{
	struct replay_options replay = {.policy_count = 2, .runs = 2};
	struct league_options options = {
		.replay = &replay, .workload_count = 1, .ratio_count = 1, .input_count = 1};
	struct league_case cases[2] = {{.all_slow.wall_ns = 100, .oracle.wall_ns = 60},
				       {.all_slow.wall_ns = 100, .oracle.wall_ns = 60}};
	struct league_figures figures[4] = {
		{.wall_ns = 68}, {.wall_ns = 60}, {.wall_ns = 64}, {.wall_ns = 60}};
	struct league_outcome outcome = {cases, figures};
	struct league_place first = {0, 0, 0, 0}, second = {0, 0, 0, 1};
	struct league_figure share = league_of_oracle(&options, &outcome, first);
	struct league_standing standing;
	size_t best = 9;

	(void)state;
	check_near(share.mean, 0.85);
	check_near(share.half, 12.71 * 0.05); /* Student's t, one degree of freedom */
	check_near(league_of_oracle(&options, &outcome, second).mean, 1);
	check_near(league_behind(&options, &outcome, first, &best), 0.1);
	assert_int_equal(best, 1);
	check_near(league_behind(&options, &outcome, second, NULL), 60.0 / 66 - 1);
	cases[0].shifting = 1;
	league_standing(&options, &outcome, 0, 0, &standing);
	assert_true(isnan(standing.stationary));
	check_near(standing.shifting, 0.85);
	check_near(standing.behind, 0.1);
	assert_int_equal(standing.behind_rows, 1);
	/* An oracle that earns nothing has no shares. */
	cases[0].oracle.wall_ns = cases[1].oracle.wall_ns = 100;
	assert_true(isnan(league_of_oracle(&options, &outcome, first).mean));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problem),        cmocka_unit_test(test_segments),
		cmocka_unit_test(test_two_tiers_only), cmocka_unit_test(test_scheduled),
		cmocka_unit_test(test_oracle),         cmocka_unit_test(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
