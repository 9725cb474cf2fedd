/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pmu_plan.c - which events are chosen on machines of Intel, AMD and Arm, what is said of
 * them, how formats of sysfs are read, and how periods are steered.
 */
#include "topology_tree.h"

#include <linux/perf_event.h>

#include "engine/sampler/pmu_names.h"
#include "engine/sampler/pmu_pace.h"
#include "engine/sampler/pmu_plan.h"

static struct pmu_notes notes;
static struct sluice_err err;

static int
plan_of(const char *name, const char *nodes, struct pmu_plan *plan)
{
	struct sluice_topology_options options = {.synthetic = nodes};
	struct sluice_topology *topology = NULL;
	char file[64];
	int r;

	snprintf(file, sizeof(file), "../pmu/%s", name);
	tree_load_file(file);
	if (nodes && sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("%s", err.msg);
	notes.count = 0;
	err = (struct sluice_err){0};
	r = pmu_plan_make(tree_root, topology, plan, &notes, &err);
	sluice_topology_free(topology);
	return r;
}

static const struct pmu_note *
note_of(const char *about)
{
	for (size_t i = 0; i < notes.count; i++) {
		if (strcmp(notes.note[i].about, about) == 0)
			return &notes.note[i];
	}
	fail_msg("nothing is said of '%s'", about);
	return NULL;
}

static void
assert_event(const struct pmu_event *event, const char *name, uint64_t config, uint64_t config1)
{
	assert_string_equal(event->name, name);
	assert_int_equal(event->code.type, PERF_TYPE_RAW);
	assert_true(event->code.word[0] == config && event->code.word[1] == config1);
	assert_true(event->fields & PERF_SAMPLE_ADDR && event->fields & PERF_SAMPLE_TID);
	assert_true(event->precise == 2 && event->user_only);
}

/* Near and remote DRAM by an event each. */
static void
cascade_lake(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("intel-cascade-lake", "dram:8G dram:8G", &plan), 0);
	assert_string_equal(plan.way, "Intel PEBS");
	assert_int_equal(plan.count, 3);
	assert_event(&plan.event[0], "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", 0x1d3, 0);
	assert_event(&plan.event[1], "MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", 0x2d3, 0);
	assert_event(&plan.event[2], "mem-stores", 0x82d0, 0);
	assert_true(plan.event[0].only_memory && plan.event[0].group == PMU_LOADS);
	assert_true(!plan.event[2].only_memory && plan.event[2].group == PMU_STORES);
	assert_true(plan.event[2].fields & PERF_SAMPLE_DATA_SRC);
	assert_true(note_of("PMU events")->good);
	assert_non_null(strstr(note_of("PMU events")->text, "LOCAL_DRAM"));
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), 0);
	assert_non_null(note_of("PMU permission")->advice);
}

/* One socket with persistent memory: near DRAM and near persistent memory. */
static void
cascade_lake_with_pmem(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("intel-cascade-lake", "dram:8G pmem:32G", &plan), 0);
	assert_int_equal(plan.count, 3);
	assert_event(&plan.event[1], "MEM_LOAD_RETIRED:LOCAL_PMM", 0x80d1, 0);
	/* With two sockets that would be four places and stores: more than counters. */
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("intel-cascade-lake", "dram:8G dram:8G pmem:32G", &plan), 0);
	assert_int_equal(plan.count, 2);
	assert_event(&plan.event[0], "MEM_LOAD_RETIRED:L3_MISS", 0x20d1, 0);
}

/* No event tells CXL memory, so all misses are drawn from. */
static void
sapphire_rapids_with_cxl(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("intel-sapphire-rapids", "dram:8G cxl:32G", &plan), 0);
	assert_int_equal(plan.count, 2);
	assert_event(&plan.event[0], "MEM_LOAD_RETIRED:L3_MISS", 0x20d1, 0);
	assert_event(&plan.event[1], "mem-stores", 0x2cd, 0);
	assert_int_equal(plan.event[0].leader.type, UINT32_MAX);
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), -EACCES);
	assert_non_null(strstr(err.msg, "perf_event_paranoid is 4"));
	assert_false(note_of("PMU permission")->good);
	assert_non_null(note_of("PMU permission")->advice);
}

/* Names that libpfm4 does not know: the kernel's event by latency, led by another. */
static void
unknown_intel(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("intel-future", "dram:8G dram:8G", &plan), 0);
	assert_int_equal(plan.count, 2);
	assert_event(&plan.event[0], "mem-loads", 0x1cd, 128);
	assert_int_equal(plan.event[0].leader.type, PERF_TYPE_RAW);
	assert_true(plan.event[0].leader.word[0] == 0x8203);
	assert_true(!plan.event[0].only_memory && plan.event[0].spread > 1);
	assert_true(plan.event[0].fields & PERF_SAMPLE_DATA_SRC);
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), 1);
	/* Not even that. */
	tree_remove("sys/bus/event_source/devices/cpu/events/mem-loads");
	assert_int_equal(pmu_plan_make(tree_root, NULL, &plan, NULL, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "some_future_lake"));
}

static void
guests(void **unused)
{
	struct pmu_plan plan = {.way = "untouched"};

	(void)unused;
	assert_int_equal(plan_of("intel-guest", NULL, &plan), -ENOTSUP);
	assert_non_null(strstr(err.msg, "PEBS"));
	assert_true(!note_of("PMU precise")->good && note_of("PMU precise")->advice);
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("guest-none", NULL, &plan), -ENOTSUP);
	assert_non_null(strstr(err.msg, "virtual machine"));
	assert_non_null(strstr(note_of("PMU")->advice, "pmu=on"));
	assert_string_equal(plan.way, "untouched");
}

static void
amd(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("amd-zen3", NULL, &plan), 0);
	assert_true(plan.count == 1 && plan.event[0].code.type == 11);
	assert_true(plan.event[0].code.word[0] == 1u << 19 && !plan.event[0].user_only);
	assert_true(plan.event[0].precise == 0 && plan.event[0].step == 16);
	assert_true(plan.event[0].first % 16 == 0 && plan.event[0].least % 16 == 0);
	assert_false(note_of("PMU L3-miss filter")->good);
	/* IBS with the kernel's operations in it is not for everybody. */
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), -EACCES);
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("amd-zen4", NULL, &plan), 0);
	assert_true(plan.event[0].code.word[0] == (1u << 19 | 1u << 16));
	assert_true(note_of("PMU L3-miss filter")->good);
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), 1);
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("amd-zen5", NULL, &plan), 0);
	assert_true(plan.event[0].code.word[2] == 1 && plan.event[0].user_only);
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), 0);
}

static void
arm(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(plan_of("arm-neoverse-n1", NULL, &plan), 0);
	assert_true(plan.spe && plan.count == 1 && plan.event[0].code.type == 12);
	assert_true(plan.event[0].code.word[0] == (UINT64_C(1) | 1u << 16 | UINT64_C(3) << 33));
	assert_int_equal(plan.sources, SPE_SOURCES_NEOVERSE);
	assert_true(note_of("PMU data source")->good);
	assert_int_equal(pmu_may_watch(tree_root, &plan, &notes, &err), -EACCES);
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("arm-other", NULL, &plan), 0);
	assert_int_equal(plan.sources, SPE_SOURCES_UNKNOWN);
	assert_false(note_of("PMU data source")->good);
	tree_remove("sys/bus/event_source/devices/arm_spe_0/format/ts_enable");
	assert_int_equal(pmu_plan_make(tree_root, NULL, &plan, NULL, &err), -ENOTSUP);
	assert_int_equal(tree_teardown(NULL), 0);
	assert_int_equal(tree_setup(NULL), 0);
	assert_int_equal(plan_of("arm-no-spe", NULL, &plan), -ENOTSUP);
	assert_non_null(strstr(note_of("PMU")->advice, "arm_spe_pmu"));
}

static void
no_perf_at_all(void **unused)
{
	struct pmu_plan plan;

	(void)unused;
	assert_int_equal(pmu_plan_make(tree_root, NULL, &plan, NULL, &err), -ENOTSUP);
	pmu_plan_faults(&plan);
	assert_int_equal(pmu_may_watch(tree_root, &plan, NULL, &err), -ENOTSUP);
}

static void
fields(void **unused)
{
	static const char *const wrong[] = {"",
					    "config",
					    "config:",
					    "config3:0",
					    "config:64",
					    "config:5-3",
					    "config:1,",
					    "config:-3",
					    "config:0-7x",
					    "konfig:0",
					    "config1:0-",
					    "config:0 ",
					    "config1",
					    "config:0,1,2,3,4,5,6,7,8",
					    "config:99999999999999999999"};
	struct pmu_field field = {.word = 77};
	struct pmu_code code = {0};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(pmu_field_parse(wrong[i], &field), -EBADMSG);
	assert_int_equal(field.word, 77);
	assert_int_equal(pmu_field_parse("config:0-7,32-35", &field), 0);
	assert_int_equal(pmu_field_set(&field, 0xabc, &code), 0);
	assert_true(code.word[0] == UINT64_C(0xa000000bc));
	assert_int_equal(pmu_field_set(&field, 0x1000, &code), -ERANGE);
	assert_true(code.word[0] == UINT64_C(0xa000000bc));
	assert_int_equal(pmu_field_set(&field, 1, &code), 0); /* and nothing of before is left */
	assert_true(code.word[0] == 1);
	assert_int_equal(pmu_field_parse("config2:0-63", &field), 0);
	assert_int_equal(pmu_field_set(&field, UINT64_MAX, &code), 0);
	assert_true(code.word[2] == UINT64_MAX && code.word[1] == 0);
}

static int
sum_term(void *ctx, const char *name, uint64_t value)
{
	*(uint64_t *)ctx += value;
	return strcmp(name, "stop") == 0 ? -EINTR : 0;
}

static void
terms(void **unused)
{
	static const char *const wrong[] = {"",
					    ",",
					    "a=1,",
					    "a=",
					    "a=?",
					    "a=1x",
					    "=1",
					    "../a=1",
					    "a/b",
					    "a=-1",
					    "a=99999999999999999999999"};
	uint64_t sum = 0;

	(void)unused;
	assert_int_equal(pmu_terms_parse("event=0xcd,umask=0x1,ldlat=3,edge", sum_term, &sum), 0);
	assert_true(sum == 0xcd + 1 + 3 + 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(pmu_terms_parse(wrong[i], sum_term, &sum), -EBADMSG);
	assert_int_equal(pmu_terms_parse("a,stop,b", sum_term, &sum), -EINTR);
}

static void
devices(void **unused)
{
	struct pmu_code code = {.type = 9};
	uint32_t type = 9;
	int64_t cap;

	(void)unused;
	tree_load_file("../pmu/intel-cascade-lake");
	assert_int_equal(pmu_device_type(tree_root, "cpu", &type), 0);
	assert_int_equal(type, 4);
	assert_int_equal(pmu_device_type(tree_root, "none", &type), -ENOENT);
	assert_int_equal(pmu_device_cap(tree_root, "cpu", "max_precise", &cap), 0);
	assert_int_equal(cap, 3);
	assert_int_equal(pmu_device_cap(tree_root, "cpu", "pmu_name", &cap), -EBADMSG);
	assert_int_equal(pmu_device_event(tree_root, "cpu", "none", &code), -ENOENT);
	tree_put("sys/bus/event_source/devices/cpu/events/odd", "event=0xcd,nofield=1\n");
	assert_int_equal(pmu_device_event(tree_root, "cpu", "odd", &code), -EBADMSG);
	tree_put("sys/bus/event_source/devices/cpu/events/big", "event=0x1cd\n");
	assert_int_equal(pmu_device_event(tree_root, "cpu", "big", &code), -ERANGE);
	assert_int_equal(code.type, 9);
	assert_int_equal(pmu_name_encode("spr", "MEM_LOAD_RETIRED:NOTHING", &code), -ENOENT);
	assert_int_equal(pmu_name_encode(NULL, "MEM_LOAD_RETIRED:L3_MISS", &code), -ENOENT);
	assert_null(pmu_names_for("some_future_lake", 0));
}

static void
paces(void **unused)
{
	struct pmu_pace pace = {.period = 20011, .least = 101, .step = 1};
	const uint64_t second = 1000000000;

	(void)unused;
	assert_true(pmu_prime(0) == 2 && pmu_prime(14) == 17 && pmu_prime(20011) == 20011);
	/* 10,000 a second at 1 us are 1 %: right. */
	assert_true(pmu_pace_next(&pace, 10000, second, 1000, 0.01, 0) == 20011);
	/* Four times too many; a tenth of them; none. */
	assert_true(pmu_pace_next(&pace, 40000, second, 1000, 0.01, 0) == pmu_prime(80044));
	assert_true(pmu_pace_next(&pace, 1000, second, 1000, 0.01, 0) == pmu_prime(5002));
	assert_true(pmu_pace_next(&pace, 0, second, 1000, 0.01, 0) == pmu_prime(5002));
	/* Stopped by the kernel: rarer, whatever the count says. */
	assert_true(pmu_pace_next(&pace, 0, second, 1000, 0.01, 1) == pmu_prime(40022));
	/* Bounds. */
	pace.period = 103;
	assert_true(pmu_pace_next(&pace, 0, second, 1000, 0.01, 0) == 101);
	pace.period = PMU_PERIOD_MOST;
	assert_true(pmu_pace_next(&pace, UINT32_MAX, second, 1000, 0.01, 0) ==
		    pmu_prime(PMU_PERIOD_MOST));
	pace = (struct pmu_pace){.period = 16 * 1009, .least = 16 * 613, .step = 16};
	assert_true(pmu_pace_next(&pace, 40000, second, 1000, 0.01, 0) == 16 * pmu_prime(4036));
	pace = (struct pmu_pace){.period = 2, .least = 1, .step = 1};
	assert_true(pmu_pace_next(&pace, 0, second, 1000, 0.01, 0) == 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)
	const struct CMUnitTest tests[] = {
		TEST(cascade_lake),
		TEST(cascade_lake_with_pmem),
		TEST(sapphire_rapids_with_cxl),
		TEST(unknown_intel),
		TEST(guests),
		TEST(amd),
		TEST(arm),
		TEST(no_perf_at_all),
		TEST(fields),
		TEST(terms),
		TEST(devices),
		TEST(paces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
