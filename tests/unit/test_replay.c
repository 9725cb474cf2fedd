/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay.c - the engine's round over modelled programs: what is worth it moves, what is not
 * stays, work is the same for all, and equal seeds give equal results. Figures are modelled. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"
#include "replay.h"
#include "world.h"

#define MIB (1ull << 20)

struct scene {
	struct workload *workload;
	struct model model;
	struct replay_setup setup;
	struct plugin *plugin;
};

static struct scene
begin(const char *name, uint32_t epochs, const char *tiers, const char *tracker)
{
	const char *const folders[] = {TEST_BUILD "/policies", NULL};
	struct workload_options options = {
		.bytes = 256 * MIB, .seed = 7, .epoch_ns = 1000000000, .epoch_count = epochs};
	struct sluice_err err = {0, ""};
	struct scene scene = {0};

	if (workload_new(name, &options, &scene.workload, &err) < 0 ||
	    model_parse_tiers(tiers, 256 * MIB, &scene.model, &err) < 0 ||
	    plugin_load("hotness", folders, NULL, 0, round_host(), &scene.plugin, &err) < 0)
		fail_msg("%s", err.msg);
	scene.setup = (struct replay_setup){
		.workload = scene.workload, .tracker = tracker_find(tracker), .seed = 7};
	assert_non_null(scene.setup.tracker);
	replay_round_options(scene.workload, &scene.setup.round);
	return scene;
}

static struct replay_result
run(struct scene *scene)
{
	struct replay_result result;
	struct sluice_err err = {0, ""};

	scene->setup.model = &scene->model;
	if (replay_run(&scene->setup, plugin_policy(scene->plugin), plugin_self(scene->plugin),
		       &result, &err) < 0)
		fail_msg("%s", err.msg);
	return result;
}

static struct replay_result
bound(struct scene *scene, enum replay_bound which)
{
	struct replay_result result;
	struct sluice_err err = {0, ""};

	scene->setup.model = &scene->model;
	if (replay_bound(&scene->setup, which, &result, &err) < 0)
		fail_msg("%s", err.msg);
	return result;
}

static void
end(struct scene *scene)
{
	plugin_unload(scene->plugin);
	workload_free(scene->workload);
}

static double
fast_at_end(const struct replay_result *result)
{
	return result->points[REPLAY_POINTS - 1].fast_share;
}

/* The hot eighth is half of fast memory, and lies in the slow tier at first. Every tracker shows
 * it, so it comes. */
static void
hot_set_comes(const char *tracker, double share)
{
	struct scene scene = begin("gups", 20, "dram:25% cxl:75%", tracker);
	struct replay_result result = run(&scene), fast = bound(&scene, REPLAY_ALL_FAST),
			     slow = bound(&scene, REPLAY_ALL_SLOW);

	assert_true(result.points[0].fast_share < share / 2);
	if (fast_at_end(&result) < share)
		fail_msg("%s: %.3f of accesses are fast at the end", tracker, fast_at_end(&result));
	assert_true(result.promoted_bytes >= 30 * MIB);
	assert_true(result.wall_ns < slow.wall_ns && result.wall_ns > fast.wall_ns);
	/* The same work, whoever does it. */
	assert_true(fabs(result.accesses / slow.accesses - 1) < 1e-6);
	end(&scene);
}

static void
test_hot_set_comes(void **state)
{
	(void)state;
	hot_set_comes("exact", 0.9);
	hot_set_comes("hintfault", 0.9);
	hot_set_comes("pmu", 0.9);
}

/* But for what makes the watermark's room nothing moves. */
static void
test_uniform_stays(void **state)
{
	struct scene scene = begin("uniform", 15, "dram:25% cxl:75%", "exact");
	struct replay_result result = run(&scene), still = bound(&scene, REPLAY_FIRST_TOUCH);

	(void)state;
	assert_int_equal(result.promoted_bytes, 0);
	assert_true(result.demoted_bytes <= 256 * MIB / 4 * 4 / 100);
	assert_true(result.wall_ns < 1.01 * still.wall_ns);
	end(&scene);
}

static void
test_equal_seeds(void **state)
{
	static const char *const inputs[] = {"exact", "hintfault", "pmu", "damon"};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct scene scene = begin("gups-jump10", 12, "dram:25% cxl:75%", inputs[i]);
		struct scene again = begin("gups-jump10", 12, "dram:25% cxl:75%", inputs[i]);
		struct replay_result one = run(&scene), two = run(&again);

		one.decide_ns = two.decide_ns = one.decide_max_ns = two.decide_max_ns = 0;
		assert_memory_equal(&one, &two, sizeof(one));
		end(&scene);
		end(&again);
	}
}

/* Each tracker but the perfect one has its price, and only faults and samples are the program's. */
static void
test_prices(void **state)
{
	struct scene scene = begin("gups", 10, "dram:25% cxl:75%", "exact");
	struct replay_result result = run(&scene);

	(void)state;
	assert_true(result.tracking_ns <= 0 && result.samples > 0);
	scene.setup.tracker = tracker_find("hintfault");
	result = run(&scene);
	assert_true(result.tracking_ns > 0 && result.kernel_ns <= 0);
	scene.setup.tracker = tracker_find("pmu");
	result = run(&scene);
	assert_true(result.tracking_ns > 0 && result.kernel_ns <= 0);
	scene.setup.tracker = tracker_find("damon");
	result = run(&scene);
	assert_true(result.tracking_ns <= 0 && result.kernel_ns > 0);
	end(&scene);
}

/* Memory in huge pages moves in whole ones. */
static void
test_huge_pages(void **state)
{
	struct scene scene = begin("gups", 15, "dram:25% cxl:75%", "exact");
	struct replay_result result;

	(void)state;
	scene.setup.huge = 1;
	result = run(&scene);
	assert_true(result.promoted_bytes >= 30 * MIB);
	assert_int_equal(result.promoted_bytes % (2 * MIB), 0);
	assert_int_equal(result.demoted_bytes % (2 * MIB), 0);
	end(&scene);
}

/* Bounds in their order, with nothing moved. */
static void
test_bounds(void **state)
{
	struct scene scene = begin("uniform", 5, "dram:25% cxl:75%", "exact");
	struct replay_result fast = bound(&scene, REPLAY_ALL_FAST),
			     slow = bound(&scene, REPLAY_ALL_SLOW),
			     first = bound(&scene, REPLAY_FIRST_TOUCH);

	(void)state;
	assert_true(fast.wall_ns < first.wall_ns && first.wall_ns < slow.wall_ns);
	assert_true(fast.fast_accesses >= fast.accesses * 0.999999);
	assert_true(slow.fast_accesses <= 0);
	/* A quarter of memory, less what first-touch leaves free. */
	assert_true(fabs(first.fast_accesses / first.accesses - 0.2475) < 0.02);
	end(&scene);
}

/* What is left of a run's time without waiting, moving and tracking is computing, and all compute
 * the same: nothing is charged twice or lost. */
static void
test_time_adds_up(void **state)
{
	static const char *const inputs[] = {"exact", "hintfault", "pmu", "damon"};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct scene scene = begin("gups-jump10", 12, "dram:25% cxl:75%", inputs[i]);
		struct replay_result slow = bound(&scene, REPLAY_ALL_SLOW), result = run(&scene);
		double threads = workload_info(scene.workload)->threads;
		double computed = slow.wall_ns - slow.stall_ns / threads;
		double waited = result.stall_ns + result.moving_ns + result.tracking_ns;

		assert_true(result.moving_ns > 0);
		if (fabs((result.wall_ns - waited / threads) / computed - 1) > 1e-6)
			fail_msg("%s: %g ns are computed, not %g", inputs[i],
				 result.wall_ns - waited / threads, computed);
		assert_true(result.stall_ns <= slow.stall_ns);
		end(&scene);
	}
}

/* Every workload can be made, is the same twice, and does as much as it says. */
static void
test_workloads(void **state)
{
	struct workload_options options = {
		.bytes = 256 * MIB, .seed = 3, .epoch_ns = 1000000000, .epoch_count = 200};

	(void)state;
	for (size_t i = 0; i < workload_count(); i++) {
		struct sluice_err err = {0, ""};
		struct workload *one, *two;
		struct workload_use *uses, *again;
		const struct workload_info *info;

		if (workload_new(workload_name(i), &options, &one, &err) < 0 ||
		    workload_new(workload_name(i), &options, &two, &err) < 0)
			fail_msg("%s", err.msg);
		info = workload_info(one);
		assert_int_equal(info->bytes, 256 * MIB);
		uses = calloc(info->unit_count, sizeof(*uses));
		again = calloc(info->unit_count, sizeof(*again));
		for (uint32_t n = 0; n < 200; n += 37) {
			double accesses = 0;

			workload_epoch(one, n, uses);
			workload_epoch(two, n, again);
			assert_memory_equal(uses, again, info->unit_count * sizeof(*uses));
			for (size_t u = 0; u < info->unit_count; u++) {
				assert_true(uses[u].reads >= 0 && uses[u].writes >= 0);
				assert_true(uses[u].mlp >= 1 && uses[u].mlp <= 64);
				accesses += ((double)uses[u].reads + (double)uses[u].writes) *
					    info->units[u].pages;
			}
			if (!(accesses > 1e6 && accesses < 1e9))
				fail_msg("%s: %g accesses in epoch %u", info->name, accesses, n);
		}
		free(uses);
		free(again);
		workload_free(one);
		workload_free(two);
	}
}

static void
test_wrong_workloads(void **state)
{
	struct workload_options options = {
		.bytes = 256 * MIB, .seed = 3, .epoch_ns = 1000000000, .epoch_count = 1};
	struct workload *workload = NULL;
	struct sluice_err err = {0, ""};

	(void)state;
	assert_int_equal(workload_new("nope", &options, &workload, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "gups"));
	options.bytes = 4096;
	assert_int_equal(workload_new("gups", &options, &workload, &err), -EINVAL);
	options.bytes = 256 * MIB;
	options.epoch_count = 0;
	assert_int_equal(workload_new("gups", &options, &workload, &err), -EINVAL);
	assert_null(workload);
}

/* Moves change what the program demands of each tier, and nothing else. */
static void
test_world(void **state)
{
	struct scene scene = begin("gups", 2, "dram:25% cxl:75%", "exact");
	struct sluice_err err = {0, ""};
	struct world *world;
	uint64_t addr = workload_info(scene.workload)->units[127].addr;
	int32_t pid = workload_info(scene.workload)->units[127].pid;
	uint8_t outcome, landed;
	uint32_t bytes;
	double before;

	(void)state;
	assert_int_equal(world_new(&scene.model, scene.workload, 0, &world, &err), 0);
	world_epoch(world, 0);
	before = world->demand[0].reads;
	/* First-touch left a hundredth of the fast tier. */
	assert_int_equal(mover_model.move(world, pid, &addr, 1, 0, &outcome, &bytes, &landed, &err),
			 0);
	assert_int_equal(outcome, MOVE_MOVED);
	assert_int_equal(landed, 0);
	assert_true(world->demand[0].reads > before);
	assert_true(fabs((world->demand[0].reads + world->demand[1].reads) / world->all.reads - 1) <
		    1e-9);
	assert_int_equal(mover_model.move(world, pid, &addr, 1, 0, &outcome, &bytes, &landed, &err),
			 0);
	assert_int_equal(outcome, MOVE_ALREADY);
	addr = 4096;
	assert_int_equal(mover_model.move(world, pid, &addr, 1, 0, &outcome, &bytes, &landed, &err),
			 0);
	assert_int_equal(outcome, MOVE_GONE);
	assert_true(world_clock_ns(world) >= 4000 + 1200);
	world_free(world);
	end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hot_set_comes), cmocka_unit_test(test_uniform_stays),
		cmocka_unit_test(test_equal_seeds),   cmocka_unit_test(test_prices),
		cmocka_unit_test(test_huge_pages),    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_workloads),     cmocka_unit_test(test_wrong_workloads),
		cmocka_unit_test(test_world),         cmocka_unit_test(test_time_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
