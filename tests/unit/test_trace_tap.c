/* SPDX-License-Identifier: Apache-2.0 */
/* test_trace_tap.c - what hangs between the round and its parts passes every call on to the part
 * that it is for, and tells a recording what passes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace_files.h"
#include "trace_tap.h"

/* A part that knows itself. */
struct part {
	int calls;
};

static int
part_add(void *self, int32_t pid, struct sluice_err *reterr)
{
	(void)pid, (void)reterr;
	((struct part *)self)->calls++;
	return 0;
}

static void
part_remove(void *self, int32_t pid)
{
	(void)pid;
	((struct part *)self)->calls++;
}

static int
part_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	  struct sluice_err *reterr)
{
	(void)capacity, (void)reterr;
	((struct part *)self)->calls++;
	for (int32_t i = 0; i < 2; i++)
		samples[i] = (struct sample){
			.addr = 0x1000, .time_ns = now_ns, .pid = 7 + i, .kind = SAMPLE_TOUCH};
	*ret_count = 2;
	return 0;
}

static void
part_set_effort(void *self, double cpu_share)
{
	(void)cpu_share;
	((struct part *)self)->calls++;
}

static uint64_t
part_due_ns(void *self, uint64_t now_ns)
{
	((struct part *)self)->calls++;
	return now_ns;
}

static int
part_moving(void *self, int on, struct sluice_err *reterr)
{
	(void)on, (void)reterr;
	((struct part *)self)->calls++;
	return 0;
}

static size_t
part_working_sets(void *self, struct sampler_working_set *sets, size_t capacity)
{
	((struct part *)self)->calls++;
	assert_int_equal(capacity, SAMPLER_WORKING_SETS_MAX);
	sets[0].node = 3;
	return 1;
}

static void
part_get_stats(void *self, struct sampler_stats *ret)
{
	((struct part *)self)->calls++;
	*ret = (struct sampler_stats){.samples = 5};
}

static void
part_stop(void *self)
{
	((struct part *)self)->calls++;
}

static const struct sampler_ops part_ops = {
	.name = "part",
	.add = part_add,
	.remove = part_remove,
	.read = part_read,
	.set_effort = part_set_effort,
	.due_ns = part_due_ns,
	.moving = part_moving,
	.working_sets = part_working_sets,
	.get_stats = part_get_stats,
	.stop = part_stop,
};

/* A callback that is copied as it is gets the tap's self for its own: seen with working_sets. */
static void
passes_all_callbacks_on(void **state)
{
	const struct sampler_ops bare = {
		.name = "bare",
		.add = part_add,
		.remove = part_remove,
		.read = part_read,
		.get_stats = part_get_stats,
		.stop = part_stop,
	};
	struct trace_tap *tap = trace_tap_new();
	struct part parts_of[2] = {{0}, {0}};
	struct round_parts parts = {.sampler_ops = {&part_ops, &bare},
				    .samplers = {&parts_of[0], &parts_of[1]},
				    .sampler_count = 2};
	struct sampler_working_set sets[SAMPLER_WORKING_SETS_MAX];
	struct sample samples[16];
	struct sampler_stats stats;
	const struct sampler_ops *ops;
	size_t count;

	(void)state;
	trace_tap_sampler(tap, &parts, 0);
	trace_tap_sampler(tap, &parts, 1);
	ops = parts.sampler_ops[0];
	assert_string_equal(ops->name, "part");
	/* From add on all are callbacks with a self. */
	for (size_t at = offsetof(struct sampler_ops, add); at < sizeof(*ops); at += sizeof(void *))
		assert_memory_not_equal((const char *)ops + at, (const char *)&part_ops + at,
					sizeof(void *));
	assert_int_equal(ops->add(parts.samplers[0], 7, NULL), 0);
	ops->remove(parts.samplers[0], 7);
	assert_int_equal(ops->read(parts.samplers[0], 1, samples, 16, &count, NULL), 0);
	ops->set_effort(parts.samplers[0], 0.1);
	assert_int_equal(ops->due_ns(parts.samplers[0], 9), 9);
	assert_int_equal(ops->moving(parts.samplers[0], 1, NULL), 0);
	assert_int_equal(ops->working_sets(parts.samplers[0], sets, SAMPLER_WORKING_SETS_MAX), 1);
	assert_int_equal(sets[0].node, 3);
	ops->get_stats(parts.samplers[0], &stats);
	assert_int_equal(stats.samples, 5);
	ops->stop(parts.samplers[0]);
	assert_int_equal(parts_of[0].calls, 9);
	assert_int_equal(parts_of[1].calls, 0);
	/* What a part cannot do, it still cannot. */
	assert_null(parts.sampler_ops[1]->set_effort);
	assert_null(parts.sampler_ops[1]->working_sets);
	parts.sampler_ops[1]->stop(parts.samplers[1]);
	assert_int_equal(parts_of[1].calls, 1);
	trace_tap_free(tap);
}

/* Records of all, or of those that were asked for, and only while it is to. */
static uint64_t
recorded(const int32_t *pids, size_t pid_count)
{
	struct trace_tap *tap = trace_tap_new();
	struct part part = {0};
	struct round_parts parts = {
		.sampler_ops = {&part_ops}, .samplers = {&part}, .sampler_count = 1};
	struct sluice_trace_writer_stats stats;
	struct sluice_trace_writer *writer;
	struct sample samples[16];
	size_t count;

	trace_tap_sampler(tap, &parts, 0);
	assert_int_equal(sluice_trace_writer_new(memory_file(NULL, 0), NULL, &writer, NULL), 0);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			trace_tap_record(tap, writer, pids, pid_count);
		if (i == 2)
			trace_tap_record(tap, NULL, NULL, 0);
		assert_int_equal(parts.sampler_ops[0]->read(parts.samplers[0], 1000, samples, 16,
							    &count, NULL),
				 0);
		assert_int_equal(count, 2);
	}
	assert_int_equal(sluice_trace_writer_finish(writer, &stats, NULL), 0);
	trace_tap_free(tap);
	return stats.samples;
}

static void
records_whom_it_is_asked_to(void **state)
{
	static const int32_t both[] = {7, 8}, one[] = {8}, none[] = {9};

	(void)state;
	assert_int_equal(recorded(NULL, 0), 2);
	assert_int_equal(recorded(both, 2), 2);
	assert_int_equal(recorded(one, 1), 1);
	assert_int_equal(recorded(none, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_all_callbacks_on),
		cmocka_unit_test(records_whom_it_is_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
