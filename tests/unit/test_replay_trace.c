/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay_trace.c - programs that are learned from traces: rates up to the end of a recording,
 * memory with gaps; and the intervals of several runs. Figures are modelled. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "replay_json.h"
#include "trace_files.h"
#include "workload_trace.h"
#include "world.h"

#define MIB (1ull << 20)
#define SECOND 1000000000ull
#define PID 7
#define PIECES 2u
#define PIECE_BYTES (4 * MIB)

static const uint64_t pieces[PIECES] = {0x10000000, 0x90000000};

/* Both pieces are accessed evenly for so many seconds, as drawn or as counted. */
static struct workload *
learn(enum sluice_trace_sample_kind kind, unsigned int seconds)
{
	struct workload_options options = {.epoch_ns = SECOND, .epoch_count = 1000};
	struct sluice_trace_writer_options waits = {.size = sizeof(waits), .waits = 1};
	struct workload *workload = NULL;
	struct sluice_trace_writer *writer;
	struct sluice_err err = {0, ""};
	int fd = memory_file(NULL, 0), copy = dup(fd);
	char path[32];

	assert_int_equal(sluice_trace_writer_new(fd, &waits, &writer, &err), 0);
	for (unsigned int tenth = 0; tenth < 10 * seconds; tenth++) {
		uint64_t now = SECOND + tenth * SECOND / 10;

		for (unsigned int p = 0; p < PIECES; p++) {
			for (uint64_t at = 0; at < PIECE_BYTES; at += 2 * MIB) {
				struct sluice_trace_sample sample = {
					.addr = pieces[p] + at,
					.len_bytes = kind == SLUICE_TRACE_EXACT ? 2 * MIB : 0,
					.time_ns = now,
					.pid = PID,
					.kind = (uint8_t)kind,
					.events = 512,
					.exposure_s = kind == SLUICE_TRACE_EXACT ? 0.1f : 0,
				};

				sluice_trace_write_samples(writer, now, &sample, 1);
			}
		}
	}
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, &err), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	if (workload_new_trace(path, &options, &workload, &err) < 0)
		fail_msg("%s", err.msg);
	close(copy);
	assert_int_equal(workload_info(workload)->bytes, PIECES * PIECE_BYTES);
	return workload;
}

/* Draws are counted over ten seconds. However many are left at the end, the rate is the same. */
static void
test_last_window(void **state)
{
	static const unsigned int seconds[] = {3, 10, 12, 17, 20, 26};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct workload *workload = learn(SLUICE_TRACE_COUNT, seconds[i]);
		const struct workload_info *info = workload_info(workload);
		struct workload_use uses[PIECES * PIECE_BYTES / (2 * MIB)];

		assert_int_equal(info->unit_count, sizeof(uses) / sizeof(uses[0]));
		assert_int_equal(info->epoch_count, seconds[i]);
		for (uint32_t epoch = 0; epoch < info->epoch_count; epoch++) {
			workload_epoch(workload, epoch, uses);
			/* 512 accesses of 512 pages, ten times a second. */
			for (size_t u = 0; u < info->unit_count; u++)
				if (fabs((double)uses[u].reads - 10) > 0.5)
					fail_msg("%u s: %g accesses a page in epoch %u", seconds[i],
						 (double)uses[u].reads, epoch);
		}
		workload_free(workload);
	}
}

static int
is_mapped(const struct workload_info *info, uint64_t addr, uint64_t len)
{
	uint64_t at = addr;

	for (size_t u = 0; u < info->unit_count; u++) {
		uint64_t end = info->units[u].addr + (uint64_t)info->units[u].pages * 4096;

		if (at >= info->units[u].addr && at < end)
			at = end;
	}
	return at >= addr + len;
}

/* No tracker tells of memory in the gap, and each of all that there is. */
static void
test_gaps(void **state)
{
	struct workload *workload = learn(SLUICE_TRACE_EXACT, 5);
	const struct workload_info *info = workload_info(workload);
	struct model model;
	struct sluice_err err = {0, ""};

	(void)state;
	assert_int_equal(model_parse_tiers("dram:25% cxl:75%", info->bytes, &model, &err), 0);
	for (size_t i = 0; trackers[i]; i++) {
		const struct sampler_ops *sampler = trackers[i]->sampler;
		static struct sample samples[65536];
		uint64_t told_pieces = 0;
		struct world *world;
		void *tracker;
		size_t count;

		assert_int_equal(world_new(&model, workload, 0, &world, &err), 0);
		world_epoch(world, 0);
		assert_int_equal(trackers[i]->start(world, 1, &tracker, &err), 0);
		if (sampler->set_effort)
			sampler->set_effort(tracker, 0.05);
		for (uint64_t s = 0; s < 4; s++) {
			trackers[i]->ran(tracker, &(struct tracker_stretch){s * SECOND,
									    (s + 1) * SECOND, 1});
			assert_int_equal(sampler->read(tracker, (s + 1) * SECOND, samples,
						       sizeof(samples) / sizeof(samples[0]), &count,
						       &err),
					 0);
			for (size_t k = 0; k < count; k++) {
				uint64_t len = samples[k].len_bytes ? samples[k].len_bytes : 1;

				if (samples[k].kind == SAMPLE_COUNTING)
					continue;
				if (!is_mapped(info, samples[k].addr, len))
					fail_msg("%s tells of %llu KiB at 0x%llx",
						 trackers[i]->name, (unsigned long long)len >> 10,
						 (unsigned long long)samples[k].addr);
				told_pieces |= 1u << (samples[k].addr >= pieces[1]);
			}
		}
		assert_int_equal(told_pieces, 3);
		sampler->stop(tracker);
		world_free(world);
	}
	workload_free(workload);
}

/* Times of 0, 1, 2, ... have a half-width of t s / sqrt(n), with Student's t for n - 1. */
static void
test_intervals(void **state)
{
	static const struct {
		size_t runs;
		double t;
	} cases[] = {{2, 12.706}, {5, 2.776},  {10, 2.262}, {11, 2.228}, {12, 2.201},
		     {16, 2.131}, {21, 2.086}, {31, 2.042}, {100, 1.984}};
	struct workload_options made = {
		.bytes = 128 * MIB, .seed = 1, .epoch_ns = SECOND, .epoch_count = 1};
	struct replay_options options = {.workload = "gups", .tracker = trackers[0]};
	struct replay_outcome outcome = {0};
	struct sluice_err err = {0, ""};

	(void)state;
	outcome.seeds = calloc(100, sizeof(*outcome.seeds));
	assert_non_null(outcome.seeds);
	assert_int_equal(workload_new("gups", &made, &outcome.seeds[0].workload, &err), 0);
	assert_int_equal(model_parse_tiers("dram:25% cxl:75%", made.bytes, &outcome.model, &err),
			 0);
	options.policies[0].label = (char *)(uintptr_t) "some";
	options.policy_count = 1;
	for (size_t s = 0; s < 100; s++)
		outcome.seeds[s].policies[0].wall_ns = (double)s;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double n = (double)cases[i].runs, half;
		json_t *json;

		outcome.seed_count = cases[i].runs;
		json = replay_json(&options, &outcome);
		assert_non_null(json);
		half = json_real_value(json_object_get(
			json_array_get(json_object_get(json_object_get(json, "replay"), "rows"), 0),
			"wall_half_ns"));
		/* The variance of 0 to n - 1 is n (n + 1) / 12. */
		if (fabs(half / sqrt((n + 1) / 12) - cases[i].t) > 0.001)
			fail_msg("%zu runs: t is %g", cases[i].runs, half / sqrt((n + 1) / 12));
		json_decref(json);
	}
	outcome.seed_count = 1;
	replay_outcome_destroy(&outcome);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_window),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
