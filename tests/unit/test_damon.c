/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_damon.c - the tracepoint's records, what a finding says about a rate, how finely to look,
 * and that DAMON in somebody else's hands is left alone (safety rule 6). Under a made-up /sys.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sampler/damon_event.h"
#include "engine/sampler/damon_plan.h"
#include "engine/sampler/damon_ranges.h"
#include "engine/sampler/sampler_registry.h"
#include "fake_root.h"

#define ADMIN "sys/kernel/mm/damon/admin/kdamonds/"
#define EVENT "sys/kernel/tracing/events/damon/damon_aggregated/"

static const char format_text[] =
	"name: damon_aggregated\nID: 555\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"target_id=%lu ...\", REC->target_id\n";

struct raw {
	uint16_t type;
	uint8_t flags, preempt;
	int32_t pid;
	uint64_t target_id;
	uint32_t nr_regions, pad;
	uint64_t start, end;
	uint32_t nr_accesses, age;
};

static void
records(void **unused)
{
	struct raw raw = {
		.pid = 99, .target_id = 3, .start = 0x1000, .end = 0x5fff, .nr_accesses = 7};
	struct damon_format format;
	struct damon_record record;

	(void)unused;
	assert_int_equal(damon_format_parse(format_text, &format), 0);
	assert_int_equal(format.start.offset, 24);
	assert_int_equal(format.nr_accesses.size, 4);
	assert_int_equal(damon_record_decode(&format, &raw, sizeof(raw), &record), 0);
	assert_int_equal(record.kdamond, 99);
	assert_int_equal(record.target, 3);
	assert_true(record.start == 0x1000 && record.end == 0x5000);
	assert_int_equal(record.nr_accesses, 7);
	for (size_t bytes = 0; bytes < 44; bytes++)
		assert_int_equal(damon_record_decode(&format, &raw, bytes, &record), -EBADMSG);
	raw.end = 0x1000;
	assert_int_equal(damon_record_decode(&format, &raw, sizeof(raw), &record), -EBADMSG);
}

static void
odd_formats(void **unused)
{
	static const char *const bad[] = {
		"",
		"field:",
		"field:unsigned long start;",
		"field:int common_pid;\toffset:4;\tsize:4;\n",
		"field:unsigned long start;\toffset:x;\tsize:8;",
	};
	struct damon_format format;
	char text[sizeof(format_text)];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(damon_format_parse(bad[i], &format), -EBADMSG);
	/* Cut off anywhere before the last field that is needed. */
	for (size_t length = 0; length < sizeof(text); length += 5) {
		memcpy(text, format_text, length);
		text[length] = '\0';
		if (!strstr(text, "nr_accesses;\toffset:40;\tsize:4;"))
			assert_int_equal(damon_format_parse(text, &format), -EBADMSG);
	}
	strcpy(text, format_text);
	memcpy(strstr(text, "offset:24"), "offset:99", 9);
	assert_int_equal(damon_format_parse(text, &format), 0);
	memcpy(strstr(text, "size:8;\tsigned:0;\n\tfield:unsigned long end"), "size:3", 6);
	assert_int_equal(damon_format_parse(text, &format), -EBADMSG);
}

static void
rates(void **unused)
{
	struct sample sample = {0};

	(void)unused;
	damon_rate(0, 20, 0.02, &sample);
	assert_int_equal(sample.kind, SAMPLE_RATE);
	assert_true(sample.events > -1e-6f && sample.events < 1e-6f);
	assert_true(sample.exposure_s > 0.399f && sample.exposure_s < 0.401f);
	/* Half of the looks: ln 2 accesses a look. */
	damon_rate(10, 20, 0.02, &sample);
	assert_true(sample.events > 13.86f && sample.events < 13.87f);
	/* All of them, or more than there were: finite. */
	damon_rate(20, 20, 0.02, &sample);
	assert_true(sample.events > 73.7f && sample.events < 73.8f);
	damon_rate(4000000000u, 20, 0.02, &sample);
	assert_true(sample.events < 73.8f);
	damon_rate(1, 0, 0.02, &sample);
	assert_true(sample.events < 1);
}

static void
plans(void **unused)
{
	struct damon_plan small, large, poor;
	const double check_ns = 2000;

	(void)unused;
	damon_plan_make(400ull << 20, 0.1, check_ns, 0, &small);
	assert_int_equal(small.regions_max, 200);
	assert_int_equal(small.sample_us, 5000); /* 4 ms would do; below 5 timers are not exact */
	assert_int_equal(small.aggregate_us, 5000 * DAMON_CHECKS);
	damon_plan_make(1ull << 40, 0.01, check_ns, 0, &large);
	assert_true(large.regions_max >= 32 && large.regions_max <= 1000);
	/* The cost is what was allowed: looks a second times the price of one. */
	assert_true((double)large.regions_max / (double)large.sample_us * 1e6 * check_ns <=
		    0.0101e9);
	damon_plan_make(1ull << 40, 1e-6, check_ns, 0, &poor);
	assert_int_equal(poor.regions_max, 32);
	assert_int_equal(poor.sample_us, 1000000);
	assert_true(damon_plan_differs(&small, &poor));
	assert_false(damon_plan_differs(&small, &small));
}

static void
region_limits(void **unused)
{
	struct damon_plan small, large;

	(void)unused;
	damon_plan_make(64ull << 20, 0.1, 2000, 0, &small);
	damon_plan_make(1ull << 40, 0.4, 2000, 0, &large);
	assert_int_equal(small.regions_min, 16);
	assert_int_equal(small.regions_max, 32);
	assert_int_equal(large.regions_max, 1000);
	assert_int_equal(large.regions_min, 125);
}

/* Where flushes are seldom, there is one to an aggregation, and most regions are kept apart. */
static void
seldom_flushed(void **unused)
{
	struct damon_plan plan;

	(void)unused;
	damon_plan_make(700ull << 20, 0.015, 15000, 1.6e9, &plan);
	assert_int_equal(plan.sample_us, 200000);
	assert_int_equal(plan.aggregate_us, 1600000);
	assert_in_range(plan.regions_max, 190, 210);
	assert_in_range(plan.regions_min, 95, 105);
	/* Looks that flushes come often enough for stay as they are. */
	damon_plan_make(700ull << 20, 0.4, 15000, 6e7, &plan);
	assert_int_equal(plan.sample_us, 350 * 15 * 10 / 4); /* regions, us a look, 0.4 of a CPU */
}

static struct ops_env env = {.sysroot = fake_root};

static void
probing(void **unused)
{
	char sentence[OPS_SENTENCE_BYTES];
	struct sluice_err err = {0};
	char state[96];
	void *self;

	(void)unused;
	snprintf(state, sizeof(state), "%s/run", fake_root);
	env.state_dir = state;
	assert_int_equal(sampler_damon.probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "CONFIG_DAMON"));
	fake_put(ADMIN "nr_kdamonds", "1\n");
	fake_put(ADMIN "0/state", "on\n");
	fake_put(ADMIN "0/contexts/0/operations", "vaddr\n");
	fake_put(ADMIN "0/contexts/0/targets/0/pid_target", "4321\n");
	assert_int_equal(sampler_damon.probe(&env, sentence), -EBUSY);
	assert_non_null(strstr(sentence, "kdamond 0 is on"));
	assert_non_null(strstr(sentence, "4321"));
	fake_put(ADMIN "nr_kdamonds", "0\n");
	assert_int_equal(sampler_damon.probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "mount -t tracefs"));
	fake_put(EVENT "id", "555\n");
	fake_put(EVENT "format", "field:something else;\n");
	assert_int_equal(sampler_damon.probe(&env, sentence), -ENOTSUP);
	fake_put(EVENT "format", format_text);
	assert_int_equal(sampler_damon.probe(&env, sentence), 0);
	fake_put(ADMIN "nr_kdamonds", "garbage\n");
	assert_true(sampler_damon.probe(&env, sentence) < 0);
	/* No event 555 here, or no right to it: whatever fails, nothing is changed. */
	fake_put(ADMIN "nr_kdamonds", "1\n");
	assert_true(sampler_damon.start(&env, &self, &err) < 0);
	assert_string_equal(fake_get(ADMIN "nr_kdamonds"), "1\n");
	assert_string_equal(fake_get(ADMIN "0/state"), "on\n");
}

/* Files of a kdamond that has never run. */
static void
put_kdamond(void)
{
	static const char *const names[] = {"intervals/sample_us", "intervals/aggr_us",
					    "intervals/update_us", "nr_regions/min",
					    "nr_regions/max"};
	char path[128];

	fake_put(ADMIN "nr_kdamonds", "0\n");
	fake_put(ADMIN "0/state", "off\n");
	fake_put(ADMIN "0/pid", "-1\n");
	fake_put(ADMIN "0/contexts/nr_contexts", "");
	fake_put(ADMIN "0/contexts/0/operations", "");
	fake_put(ADMIN "0/contexts/0/targets/nr_targets", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), ADMIN "0/contexts/0/monitoring_attrs/%s", names[i]);
		fake_put(path, "");
	}
}

/* The files of a target's first regions. */
static void
put_regions(int target, int count)
{
	char path[128];

	snprintf(path, sizeof(path), ADMIN "0/contexts/0/targets/%d/regions/nr_regions", target);
	fake_put(path, "");
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), ADMIN "0/contexts/0/targets/%d/regions/%d/start",
			 target, i);
		fake_put(path, "");
		snprintf(path, sizeof(path), ADMIN "0/contexts/0/targets/%d/regions/%d/end", target,
			 i);
		fake_put(path, "");
	}
}

#define STATE_BYTES 96

/* A kdamond with two targets that have so many regions; where the state is kept. */
static void
put_two_targets(char state[STATE_BYTES], int first, int second)
{
	snprintf(state, STATE_BYTES, "%s/run", fake_root);
	put_kdamond();
	fake_put(ADMIN "0/contexts/0/targets/0/pid_target", "");
	fake_put(ADMIN "0/contexts/0/targets/1/pid_target", "");
	put_regions(0, first);
	put_regions(1, second);
}

static void
one_kdamond_of_ours(void **unused)
{
	const struct damon_plan plan = {5000, 100000, 1000000, 10, 200};
	const struct damon_range ranges[] = {{0x200000, 0x400000}};
	const struct damon_target list[2] = {{41, ranges, 1}, {42, NULL, 0}};
	const struct damon_targets two = {list, 2}, one = {list, 1};
	struct damon_sysfs *damon, *second;
	struct sluice_err err = {0};
	char state[STATE_BYTES];

	(void)unused;
	put_two_targets(state, 1, 0);
	assert_int_equal(damon_sysfs_open(fake_root, state, &damon, &err), 0);
	assert_string_equal(fake_get(ADMIN "nr_kdamonds"), "1\n");
	assert_int_equal(damon_sysfs_open(fake_root, state, &second, &err), -EBUSY);
	assert_int_equal(damon_sysfs_run(damon, &plan, &two, &err), 0);
	assert_string_equal(fake_get(ADMIN "0/state"), "on\n");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/operations"), "fvaddr");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/0/end"), "4194304");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/1/pid_target"), "42");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/1/regions/nr_regions"), "0");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/monitoring_attrs/intervals/aggr_us"),
			    "100000");
	/* Somebody makes it theirs: we keep our hands off, also at the end. */
	fake_put(ADMIN "0/contexts/0/targets/0/pid_target", "77\n");
	assert_int_equal(damon_sysfs_run(damon, &plan, &two, &err), -EBUSY);
	damon_sysfs_close(damon);
	assert_string_equal(fake_get(ADMIN "0/state"), "on\n");
	assert_string_equal(fake_get(ADMIN "nr_kdamonds"), "1\n");

	fake_put(ADMIN "nr_kdamonds", "0\n");
	fake_put(ADMIN "0/state", "off\n");
	fake_put(ADMIN "0/contexts/0/targets/0/pid_target", "");
	assert_int_equal(damon_sysfs_open(fake_root, state, &damon, &err), 0);
	assert_int_equal(damon_sysfs_run(damon, &plan, &one, &err), 0);
	damon_sysfs_close(damon);
	assert_string_equal(fake_get(ADMIN "0/state"), "off\n");
	assert_string_equal(fake_get(ADMIN "nr_kdamonds"), "0\n");
	damon_sysfs_close(NULL);
}

/* A target that has reserved much leaves the others their part of the regions. */
static void
each_target_its_part(void **unused)
{
	static const struct damon_range much[] = {{1ull << 40, 2ull << 40}},
					little[] = {{0x200000, 0x4200000}};
	const struct damon_target list[2] = {{41, much, 1}, {42, little, 1}};
	const struct damon_targets targets = {list, 2};
	const struct damon_plan plan = {5000, 100000, 1000000, 10, 200};
	struct damon_sysfs *damon;
	struct sluice_err err = {0};
	char state[STATE_BYTES];

	(void)unused;
	put_two_targets(state, 5, 5);
	assert_int_equal(damon_sysfs_open(fake_root, state, &damon, &err), 0);
	if (damon_sysfs_run(damon, &plan, &targets, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/nr_regions"), "5");
	/* 64 MiB by 5: 14 MiB each, and the rest. */
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/1/regions/nr_regions"), "5");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/1/regions/0/end"), "16777216");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/1/regions/4/end"), "69206016");
	damon_sysfs_close(damon);
}

#define GIB (1ull << 30)

/* What is near is one range, what is small and far away is none. */
static void
ranges_of_mappings(void **unused)
{
	static const struct heat_span spans[] = {
		{GIB, GIB + 0x1000},                        /* far and small */
		{4 * GIB, 5 * GIB},                         /* a heap, */
		{5 * GIB + 0x1000, 6 * GIB},                /* and the rest of it */
		{6 * GIB + 0x800000, 6 * GIB + 0x900000},   /* 8 MiB further, */
		{6 * GIB + 0x901000, 7 * GIB},              /* with this one large enough */
		{64 * GIB, 64 * GIB + 0x1000},              /* three of them */
		{64 * GIB + 0x2000, 64 * GIB + 0x101000},   /* are less than 2 MiB */
		{64 * GIB + 0x102000, 64 * GIB + 0x103000}, /* together */
		{1024 * GIB, 1024 * GIB + 0x200000},        /* large enough */
	};
	const size_t count = sizeof(spans) / sizeof(*spans);
	struct damon_range few[2], all[8];

	(void)unused;
	assert_int_equal(damon_ranges_make(spans, count, all, 8), 3);
	assert_true(all[0].start == 4 * GIB && all[0].end == 6 * GIB);
	assert_true(all[1].start == 6 * GIB + 0x800000 && all[1].end == 7 * GIB);
	assert_true(all[2].start == 1024 * GIB);
	assert_int_equal(damon_ranges_make(spans, count, few, 2), 2);
	assert_true(few[0].start == 4 * GIB && few[0].end == 7 * GIB);
	assert_int_equal(damon_ranges_make(spans, count, few, 1), 1);
	assert_true(few[0].start == GIB && few[0].end == 1024 * GIB + 0x200000);
	assert_int_equal(damon_ranges_make(spans, 1, all, 8), 1);
	assert_int_equal(damon_ranges_make(spans, 0, all, 8), 0);

	assert_true(damon_ranges_bytes(all, 0) == 0);
	assert_int_equal(damon_ranges_make(spans, count, all, 8), 3);
	assert_true(damon_ranges_bytes(all, 2) == 3 * GIB - 0x800000);
	assert_true(damon_ranges_outside(all, 3, all, 3) == 0);
	assert_true(damon_ranges_outside(all, 3, all, 2) == 0x200000);
	assert_true(damon_ranges_outside(all, 3, NULL, 0) == damon_ranges_bytes(all, 3));
	few[0] = (struct damon_range){5 * GIB, 6 * GIB + 0xa00000};
	assert_true(damon_ranges_outside(all, 1, few, 1) == GIB);
}

/* Physical ranges are written as regions of one size, and who is at them is known by the first. */
static void
physical_ranges(void **unused)
{
	static const struct damon_range ranges[] = {{0x40000000, 0x40000000 + (64ull << 20)},
						    {0x80000000, 0x80000000 + (30ull << 20)}};
	const struct damon_target memory = {0, ranges, 2};
	const struct damon_targets targets = {&memory, 1};
	const struct damon_plan plan = {5000, 100000, 1000000, 10, 200};
	struct damon_sysfs *damon;
	struct sluice_err err = {0};
	char state[STATE_BYTES];

	(void)unused;
	snprintf(state, sizeof(state), "%s/run", fake_root);
	put_kdamond();
	put_regions(0, 10);
	assert_int_equal(damon_sysfs_open(fake_root, state, &damon, &err), 0);
	if (damon_sysfs_run(damon, &plan, &targets, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(fake_get(ADMIN "0/contexts/0/operations"), "paddr");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/nr_targets"), "1");
	/* 94 MiB by 10: 10 MiB each; seven of the first range, three of the second. */
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/nr_regions"), "10");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/0/start"), "1073741824");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/0/end"), "1084227584");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/6/end"), "1140850688");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/7/start"), "2147483648");
	assert_string_equal(fake_get(ADMIN "0/contexts/0/targets/0/regions/9/end"), "2178940928");
	assert_string_equal(fake_get(ADMIN "0/state"), "on\n");
	assert_int_equal(damon_sysfs_run(damon, &plan, &targets, &err), 0);
	/* Somebody else's regions: hands off. */
	fake_put(ADMIN "0/contexts/0/targets/0/regions/0/start", "4096\n");
	assert_int_equal(damon_sysfs_run(damon, &plan, &targets, &err), -EBUSY);
	damon_sysfs_close(damon);
	assert_string_equal(fake_get(ADMIN "0/state"), "on\n");
	assert_string_equal(fake_get(ADMIN "nr_kdamonds"), "1\n");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(records),
		TEST(odd_formats),
		TEST(rates),
		TEST(plans),
		TEST(region_limits),
		TEST(seldom_flushed),
		TEST(probing),
		TEST(one_kdamond_of_ours),
		TEST(each_target_its_part),
		TEST(ranges_of_mappings),
		TEST(physical_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
