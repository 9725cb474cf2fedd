/* SPDX-License-Identifier: Apache-2.0 */
/* test_measure.c - the parts of measuring, and a short measurement of the machine itself. */
#include <errno.h>
#include <math.h>

#include "topology/measure/arena.h"
#include "topology/measure/cgroup_room.h"
#include "topology/measure/chain.h"
#include "topology/measure/crew.h"
#include "topology/measure/measure.h"
#include "topology/measure/now.h"
#include "topology/measure/place.h"
#include "topology/measure/stats.h"
#include "topology/measure/streams.h"
#include "topology_tree.h"

#define SECOND_NS UINT64_C(1000000000)

static void
close_to(double value, double wanted)
{
	if (fabs(value - wanted) > 1e-9)
		fail_msg("%.12g instead of %.12g", value, wanted);
}

static void
test_stats(void **state)
{
	double values[] = {9, 1, 5, 3, 7}, two[] = {20, 10}, zero[] = {0, 0, 0};
	double many[21];

	(void)state;
	stats_sort(values, 5);
	for (size_t i = 0; i < 5; i++)
		close_to(values[i], (double)(2 * i + 1));
	close_to(stats_quantile(values, 5, 0.5), 5);
	close_to(stats_quantile(values, 5, 0), 1);
	close_to(stats_quantile(values, 5, 1), 9);
	close_to(stats_quantile(values, 5, 0.25), 3);
	stats_sort(two, 2);
	close_to(stats_quantile(two, 2, 0.5), 15);
	close_to(stats_quantile(two, 1, 0.5), 10);
	close_to(stats_spread_percent(zero, 3), 0);
	/* 90 to 110 in steps of 1: nine in ten lie within 91 to 109. */
	for (size_t i = 0; i < 21; i++)
		many[i] = 90 + (double)i;
	close_to(stats_spread_percent(many, 21), 9);
	many[20] = 1e9; /* one wild pass makes no difference */
	close_to(stats_spread_percent(many, 21), 9);
}

static void
test_one_cycle(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 8, 512, 4097, 65536};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (uint64_t seed = 1; seed < 1000000; seed = seed * 97 + 1) {
			uint32_t cells = sizes[s], at = 0, steps = 0, neighbours = 0;
			uint32_t *order = calloc(cells, sizeof(*order));
			char *seen = calloc(cells, 1);

			chain_order(order, cells, seed);
			do {
				assert_true(order[at] < cells);
				assert_false(seen[at]);
				seen[at] = 1;
				neighbours += order[at] == at + 1;
				at = order[at];
				steps++;
			} while (at != 0);
			assert_int_equal(steps, cells);
			/* A random order follows an address with the next one about once. */
			if (cells >= 512)
				assert_true(neighbours < 10);
			free(order);
			free(seen);
		}
	}
}

static void
test_chain_in_memory(void **state)
{
	enum { CELLS = 4096, STRIDE = 320 };
	uint32_t *order = calloc(CELLS, sizeof(*order));
	char *arena = aligned_alloc(4096, CELLS * STRIDE);
	void *at;

	(void)state;
	for (uint32_t i = 0; i < CELLS; i++) {
		assert_true(chain_offset(i, STRIDE) >= (size_t)i * STRIDE);
		assert_true(chain_offset(i, STRIDE) + 64 <= (size_t)(i + 1) * STRIDE);
		assert_int_equal(chain_offset(i, STRIDE) % 64, 0);
	}
	chain_order(order, CELLS, 7);
	chain_link(arena, STRIDE, order, CELLS);
	chain_flush(arena, STRIDE, CELLS);
	at = arena + chain_offset(0, STRIDE);
	assert_ptr_equal(chain_walk(at, CELLS), at); /* once around */
	assert_ptr_not_equal(chain_walk(at, CELLS / 2), at);
	at = chain_walk(at, 8);
	for (uint32_t i = 0, cell = 0; i < 8; i++) {
		cell = order[cell];
		if (i == 7)
			assert_ptr_equal(at, arena + chain_offset(cell, STRIDE));
	}
	free(order);
	free(arena);
}

static void
test_streams(void **state)
{
	enum { BYTES = 64 * 1024 };
	uint64_t *to = aligned_alloc(256, BYTES), *a = aligned_alloc(256, BYTES);
	uint64_t *b = aligned_alloc(256, BYTES);

	(void)state;
	for (size_t i = 0; i < BYTES / 8; i++) {
		a[i] = i;
		b[i] = 1000000 + i;
		to[i] = 0;
	}
	streams_read(a, BYTES);
	streams_mixed(to, a, b, BYTES);
	streams_flush(to, BYTES);
	streams_fence();
	for (size_t i = 0; i < BYTES / 8; i++)
		assert_int_equal(to[i], 1000000 + 2 * i);
	streams_write(a, BYTES / 2);
	for (size_t i = 0; i < BYTES / 8; i++)
		assert_int_equal(a[i] == i, i >= BYTES / 16);
	assert_true(strcmp(streams_stores(), "plain") == 0 ||
		    strcmp(streams_stores(), "non-temporal") == 0);
	free(to);
	free(a);
	free(b);
}

static void
test_schedule(void **state)
{
	static const struct schedule_pair pairs[] = {{1, 2}, {0, 2}, {0, 0}, {1, 0}, {0, 2}};
	struct schedule schedule = {0};
	struct sluice_err err = {0, ""};
	uint64_t left_ns, of_pair[4] = {0}, in_step[5] = {0};

	(void)state;
	assert_int_equal(schedule_make(pairs, 0, 1000, &schedule, &err), -EINVAL);
	assert_int_equal(schedule_make(pairs, 5, 999, &schedule, &err), -ERANGE);
	assert_non_null(strstr(err.msg, "1.00 s"));
	assert_int_equal(schedule_make(pairs, 5, 1000, &schedule, &err), 0);
	assert_int_equal(schedule.pair_count, 4);
	assert_int_equal(schedule.step_count, 4 * MEASURE_COUNT + 2);
	assert_int_equal(schedule.pairs[0].memory_node, 0);
	assert_int_equal(schedule.pairs[0].cpu_node, 0);
	assert_int_equal(schedule.pairs[3].memory_node, 2);
	assert_int_equal(schedule.pairs[3].cpu_node, 1);
	assert_int_equal(schedule.steps[0].what, SCHEDULE_SETUP);
	assert_int_equal(schedule_next_pair(&schedule, 1), 1 + MEASURE_COUNT);
	assert_int_equal(schedule_next_memory(&schedule, 0), 1 + 2 * MEASURE_COUNT);
	assert_int_equal(schedule.steps[1 + 2 * MEASURE_COUNT].what, SCHEDULE_SETUP);
	assert_int_equal(schedule_next_memory(&schedule, 1 + 2 * MEASURE_COUNT),
			 schedule.step_count);

	/* Steps that take just their time: all of it is used, and every pair gets the same. */
	left_ns = 8 * SECOND_NS;
	for (size_t i = 0; i < schedule.step_count; i++) {
		uint64_t slice_ns = schedule_slice_ns(&schedule, i, left_ns);

		assert_true(slice_ns > 0 && slice_ns <= left_ns);
		left_ns -= slice_ns;
		in_step[schedule.steps[i].what] += slice_ns;
		if (schedule.steps[i].what != SCHEDULE_SETUP)
			of_pair[schedule.steps[i].pair] += slice_ns;
	}
	assert_true(left_ns < 1000);
	for (int i = 1; i < 4; i++)
		assert_true(of_pair[i] < of_pair[0] + 1000 && of_pair[0] < of_pair[i] + 1000);
	for (int i = 0; i < 5; i++)
		assert_true(in_step[i] > SECOND_NS / 2);
	/* A step that took all of the time leaves none, one that took none leaves more. */
	assert_int_equal(schedule_slice_ns(&schedule, 5, 0), 0);
	assert_true(schedule_slice_ns(&schedule, 1, 8 * SECOND_NS) >
		    schedule_slice_ns(&schedule, 1, 7 * SECOND_NS));
	schedule_clear(&schedule);
	schedule_clear(&schedule);
}

static void
test_cgroups(void **state)
{
	(void)state;
	assert_true(cgroup_room_under(tree_root) == UINT64_MAX);
	tree_put("proc/self/cgroup", "1:name=old:/x\n0::/a/b\n");
	assert_true(cgroup_room_under(tree_root) == UINT64_MAX);
	tree_put("sys/fs/cgroup/a/b/memory.max", "max\n");
	tree_put("sys/fs/cgroup/a/b/memory.current", "5000\n");
	assert_true(cgroup_room_under(tree_root) == UINT64_MAX);
	tree_put("sys/fs/cgroup/a/memory.max", "100000\n");
	tree_put("sys/fs/cgroup/a/memory.current", "30000\n");
	assert_int_equal(cgroup_room_under(tree_root), 70000);
	tree_put("sys/fs/cgroup/a/b/memory.high", "6000\n");
	assert_int_equal(cgroup_room_under(tree_root), 1000);
	tree_put("sys/fs/cgroup/a/b/memory.current", "9000\n");
	assert_int_equal(cgroup_room_under(tree_root), 0);
	/* A container sees its own cgroup as the root. */
	tree_put("proc/self/cgroup", "0::/\n");
	assert_true(cgroup_room_under(tree_root) == UINT64_MAX);
	tree_put("sys/fs/cgroup/memory.max", "4096\n");
	assert_int_equal(cgroup_room_under(tree_root), 4096);
}

struct roll {
	int count[4];
	int order[4];
	int next;
};

static void
roll_job(void *ctx, struct crew *crew, size_t index)
{
	struct roll *roll = ctx;

	for (int i = 0; i < 100; i++)
		crew_meet(crew);
	roll->count[index]++;
	crew_meet(crew);
	/* All have counted: each sees the others. */
	for (size_t i = 0; i < crew_count(crew); i++)
		roll->order[index] += roll->count[i];
}

static void
test_crew(void **state)
{
	int cpus[4], all_the_same[2];
	size_t count = 0, all = 0;
	struct crew *crew = NULL;
	uint32_t *nodes = NULL;
	struct roll roll = {0};

	(void)state;
	if (place_probe(NULL) < 0)
		skip();
	assert_int_equal(place_cpu_nodes(&nodes, &count, NULL), 0);
	assert_int_equal(place_cpus(nodes[0], cpus, 4, &count, &all, NULL), 0);
	free(nodes);
	assert_true(count >= 1 && all >= count);
	all_the_same[0] = all_the_same[1] = cpus[0]; /* more threads than CPUs end too */
	assert_int_equal(crew_new(all_the_same, 2, &crew, NULL), 0);
	crew_run(crew, 2, roll_job, &roll);
	assert_int_equal(roll.count[0] + roll.count[1], 2);
	assert_int_equal(roll.order[0], 2);
	assert_int_equal(roll.order[1], 2);
	crew_run(crew, 1, roll_job, &roll);
	assert_int_equal(roll.count[0], 2);
	assert_int_equal(roll.count[1], 1);
	crew_free(crew);
	crew_free(NULL);
}

static int
go_on(void *ctx)
{
	return ctx != NULL;
}

static void
test_arena(void **state)
{
	struct sluice_err err = {0, ""};
	struct arena arena = {0};
	uint32_t *nodes = NULL;
	size_t count;
	uint64_t bytes;

	(void)state;
	if (place_probe(NULL) < 0)
		skip();
	assert_int_equal(place_memory_nodes(&nodes, &count, NULL), 0);
	if (place_room(nodes[0], 32u << 20, 32u << 20, &bytes, &err) < 0)
		skip();
	assert_int_equal(bytes, 32u << 20);
	assert_int_equal(
		arena_new(nodes[0], bytes, now_ns() + 20 * SECOND_NS, go_on, NULL, &arena, &err),
		0);
	assert_int_equal(arena.bytes, 32u << 20);
	assert_true(arena.huge_share >= 0 && arena.huge_share <= 1);
	memset(arena.base, 1, arena.bytes);
	assert_int_equal(arena_check(&arena, &err), 0);
	arena.node += 1; /* as if the pages had gone to another node */
	assert_int_equal(arena_check(&arena, &err), -ESTALE);
	assert_non_null(strstr(err.msg, "nothing is claimed"));
	arena_clear(&arena);
	arena_clear(&arena);
	/* No time, and somebody who ends it: nothing is left behind. */
	assert_int_equal(arena_new(nodes[0], bytes, 0, go_on, NULL, &arena, &err), -ETIMEDOUT);
	assert_int_equal(
		arena_new(nodes[0], bytes, now_ns() + 20 * SECOND_NS, go_on, state, &arena, &err),
		-ECANCELED);
	assert_null(arena.map);
	assert_int_equal(place_room(nodes[0], UINT64_MAX / 2, UINT64_MAX / 2, &bytes, &err),
			 -ENOMEM);
	assert_non_null(strstr(err.msg, "too full"));
	free(nodes);
}

static int ticks_left;

static int
count_ticks(void *ctx, const struct measure_progress *progress)
{
	(void)ctx;
	assert_non_null(progress->doing);
	return --ticks_left < 0;
}

static void
test_this_machine(void **state)
{
	struct measure_options options = {.time_ms = 1500, .node_bytes_max = 32u << 20};
	struct measure_result *result = NULL;
	struct sluice_err err = {0, ""};
	struct schedule_pair pair;
	size_t count = 0;
	uint32_t *nodes;

	(void)state;
	if (place_probe(NULL) < 0)
		skip();
	assert_int_equal(place_cpu_nodes(&nodes, &count, NULL), 0);
	pair.cpu_node = nodes[0];
	free(nodes);
	assert_int_equal(place_memory_nodes(&nodes, &count, NULL), 0);
	pair.memory_node = nodes[0];
	free(nodes);
	options.pairs = &pair;
	options.pair_count = 1;
	ticks_left = 1 << 30;
	if (measure_run(&options, count_ticks, NULL, &result, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(result->count, 1);
	assert_int_equal(result->done, 1);
	assert_false(result->interrupted);
	assert_true(result->elapsed_ms < 15000);
	for (int what = 0; what < MEASURE_COUNT; what++) {
		const struct measure_figure *figure = &result->outcomes[0].figures[what];

		/* Unknown is allowed, when the note says why; a made-up figure is not. */
		if (!(figure->value > 0)) {
			assert_true(result->outcomes[0].note[0]);
			continue;
		}
		assert_true(figure->passes >= STATS_PASSES_MIN);
		assert_true(figure->threads >= 1 && figure->spread_percent >= 0);
		assert_true(figure->value > 1 && figure->value < 1e8);
	}
	measure_free(result);

	ticks_left = 6; /* ended from outside: half of a pair is not told */
	result = NULL;
	assert_int_equal(measure_run(&options, count_ticks, NULL, &result, &err), 0);
	assert_true(result->interrupted);
	assert_int_equal(result->done, 0);
	for (int what = 0; what < MEASURE_COUNT; what++)
		assert_true(result->outcomes[0].figures[what].value == 0);
	assert_int_equal(measure_keep(result, "/nonexistent", &err), -ENOENT);
	measure_free(result);

	pair.memory_node = 1023;
	assert_int_equal(measure_run(&options, count_ticks, NULL, &result, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "node 1023 has no memory"));
	pair.cpu_node = 1023;
	assert_int_equal(measure_run(&options, count_ticks, NULL, &result, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no CPUs"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_one_cycle),
		cmocka_unit_test(test_chain_in_memory),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test_setup_teardown(test_cgroups, tree_setup, tree_teardown),
		cmocka_unit_test(test_crew),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
