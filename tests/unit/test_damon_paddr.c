/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_damon_paddr.c - physical memory: which there is of the tiers' nodes, what was seen of it,
 * and whose pages lie there. Under a made-up /sys and /proc.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "engine/sampler/pagemap_runs.h"
#include "engine/sampler/phys_heat.h"
#include "engine/sampler/phys_ranges.h"
#include "engine/sampler/phys_slice.h"
#include "engine/sampler/sampler_registry.h"
#include "fake_root.h"

#define MIB (1ull << 20)
#define NODE "sys/devices/system/node/node"
#define ADMIN "sys/kernel/mm/damon/admin/kdamonds/"
#define EVENT "sys/kernel/tracing/events/damon/damon_aggregated/"

static const char event_format[] =
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n";

static struct ops_env env = {.sysroot = fake_root, .state_dir = fake_root};
static struct sluice_topology *topology;

/* Two nodes; of the third, which the topology does not have, nothing is wanted. */
static void
put_machine(void)
{
	struct sluice_topology_options options = {.synthetic = "dram:1G cxl:1G@250ns"};
	struct sluice_err err = {0, ""};

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("%s", err.msg);
	env.topology = topology;
	fake_put("sys/devices/system/memory/block_size_bytes", "8000000\n");
	fake_put(NODE "0/memory1/state", "online\n");
	fake_put(NODE "0/memory0/state", "online\n");
	fake_put(NODE "0/memory9/state", "offline\n");
	fake_put(NODE "1/memory32/state", "online\n");
	fake_put(NODE "1/memory2/state", "online\n");
	fake_put(NODE "1/memoryx/state", "online\n");
	fake_put(NODE "7/memory5/state", "online\n");
}

static void
ranges_of_nodes(void **unused)
{
	static struct damon_range ranges[PHYS_RANGES_MAX];
	struct sluice_err err = {0, ""};
	size_t count = 0;

	(void)unused;
	put_machine();
	assert_int_equal(phys_ranges_read(&env, ranges, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(ranges[0].start == 0 && ranges[0].end == 384 * MIB);
	assert_true(ranges[1].start == 4096 * MIB && ranges[1].end == 4224 * MIB);
	fake_put("sys/devices/system/memory/block_size_bytes", "12345\n");
	assert_int_equal(phys_ranges_read(&env, ranges, &count, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "CONFIG_MEMORY_HOTPLUG"));
	sluice_topology_free(topology);
}

/* Many holes: the bound holds, and no memory is left out. */
static void
ranges_are_bounded(void **unused)
{
	static struct damon_range ranges[PHYS_RANGES_MAX];
	struct sluice_err err = {0, ""};
	uint64_t last = 0;
	size_t count = 0;
	char path[128];

	(void)unused;
	put_machine();
	for (unsigned int i = 0; i < PHYS_RANGES_MAX + 40; i++) {
		last = 100 + 2 * i + i / 7;
		snprintf(path, sizeof(path), NODE "1/memory%llu/state", (unsigned long long)last);
		fake_put(path, "online\n");
	}
	assert_int_equal(phys_ranges_read(&env, ranges, &count, &err), 0);
	assert_int_equal(count, PHYS_RANGES_MAX);
	for (unsigned int i = 0; i < PHYS_RANGES_MAX + 40; i++) {
		uint64_t addr = (100 + 2 * i + i / 7) * 128 * MIB;
		size_t k = 0;

		while (k < count && !(ranges[k].start <= addr && addr + 128 * MIB <= ranges[k].end))
			k++;
		assert_true(k < count);
	}
	for (size_t k = 1; k < count; k++)
		assert_true(ranges[k].start > ranges[k - 1].end);
	assert_true(ranges[count - 1].end == (last + 1) * 128 * MIB);
	sluice_topology_free(topology);
}

static void
wants_rate(struct phys_rate rate, double events, double exposure_s)
{
	assert_true(fabs((double)rate.events - events) < 1e-4);
	assert_true(fabs((double)rate.exposure_s - exposure_s) < 1e-4);
}

static void
intervals_of_heat(void **unused)
{
	static const struct damon_range ranges[] = {{16 * MIB, 32 * MIB}, {64 * MIB, 96 * MIB}};
	struct phys_heat *heat = phys_heat_new(ranges, 2);

	(void)unused;
	assert_non_null(heat);
	assert_true(phys_heat_total_bytes(heat) == 48 * MIB);
	assert_false(phys_heat_has_news(heat));
	/* Over both ranges and the hole, and parts of a chunk. */
	phys_heat_add(heat, 30 * MIB, 66 * MIB, (struct phys_rate){8, 1});
	phys_heat_add(heat, 66 * MIB, 67 * MIB, (struct phys_rate){2, 1});
	phys_heat_add(heat, 67 * MIB, 68 * MIB, (struct phys_rate){4, 1});
	phys_heat_add(heat, 0, 16 * MIB, (struct phys_rate){9, 9});
	phys_heat_add(heat, 96 * MIB, 200 * MIB, (struct phys_rate){9, 9});
	assert_true(phys_heat_has_news(heat));
	wants_rate(phys_heat_at(heat, 30 * MIB), 0, 0); /* not yet */
	phys_heat_turn(heat);
	assert_false(phys_heat_has_news(heat));
	wants_rate(phys_heat_at(heat, 30 * MIB), 8, 1);
	wants_rate(phys_heat_at(heat, 32 * MIB - 1), 8, 1);
	wants_rate(phys_heat_at(heat, 64 * MIB), 8, 1);
	wants_rate(phys_heat_at(heat, 66 * MIB), 3, 1);
	wants_rate(phys_heat_at(heat, 68 * MIB), 0, 0);
	wants_rate(phys_heat_at(heat, 16 * MIB), 0, 0);
	wants_rate(phys_heat_at(heat, 15 * MIB), 0, 0);
	wants_rate(phys_heat_at(heat, 40 * MIB), 0, 0); /* the hole */
	wants_rate(phys_heat_at(heat, 96 * MIB), 0, 0);
	/* Aggregations of one interval add up; those before are gone. */
	phys_heat_add(heat, 16 * MIB, 18 * MIB, (struct phys_rate){1, 0.5});
	phys_heat_add(heat, 16 * MIB, 20 * MIB, (struct phys_rate){2, 0.5});
	phys_heat_turn(heat);
	wants_rate(phys_heat_at(heat, 17 * MIB), 3, 1);
	wants_rate(phys_heat_at(heat, 19 * MIB), 2, 0.5);
	wants_rate(phys_heat_at(heat, 30 * MIB), 0, 0);
	phys_heat_free(heat);
	phys_heat_free(NULL);
}

/* 16 TiB take chunks of 16 MiB, so memory is bounded. */
static void
bounded_heat(void **unused)
{
	const struct damon_range range = {1ull << 40, 17ull << 40};
	struct phys_heat *heat = phys_heat_new(&range, 1);

	(void)unused;
	assert_non_null(heat);
	assert_true(phys_heat_chunk_bytes(heat) == 16 * MIB);
	phys_heat_add(heat, (17ull << 40) - 4096, 17ull << 40, (struct phys_rate){4096, 4096});
	phys_heat_turn(heat);
	wants_rate(phys_heat_at(heat, (17ull << 40) - 1), 1, 1);
	phys_heat_free(heat);
}

static uint64_t
entry(uint64_t addr)
{
	return PAGEMAP_PRESENT | addr / 4096;
}

static void
pages_of_a_slice(void **unused)
{
	static const struct damon_range range = {16 * MIB, 32 * MIB};
	struct phys_heat *heat = phys_heat_new(&range, 1);
	const struct scan_slice slice = {.pid = 7, .addr = 0x7f0000200000, .pages = 512};
	uint64_t entries[512] = {0};
	struct sample got[PHYS_SLICE_SAMPLES];

	(void)unused;
	assert_non_null(heat);
	phys_heat_add(heat, 16 * MIB, 20 * MIB, (struct phys_rate){8, 1});
	phys_heat_add(heat, 20 * MIB, 22 * MIB, (struct phys_rate){2, 1});
	phys_heat_turn(heat);
	assert_int_equal(phys_slice_samples(heat, &slice, entries, 5, got), 0);
	/* 100 pages of two chunks that are alike, a hole, 50 of another, some of unknown memory,
	 * some of nobody's. */
	for (uint64_t p = 0; p < 100; p++)
		entries[p] = entry(18 * MIB - 50 * 4096 + p * 4096);
	for (uint64_t p = 110; p < 160; p++)
		entries[p] = entry(21 * MIB + p * 4096 - 110 * 4096);
	for (uint64_t p = 160; p < 170; p++)
		entries[p] = entry(30 * MIB);
	for (uint64_t p = 170; p < 180; p++)
		entries[p] = entry(4 * MIB);
	entries[180] = PAGEMAP_SWAPPED | 1234;
	entries[511] = entry(16 * MIB);
	assert_int_equal(phys_slice_samples(heat, &slice, entries, 5, got), 3);
	assert_true(got[0].addr == 0x7f0000200000 && got[0].len_bytes == 100 * 4096);
	assert_int_equal(got[0].pid, 7);
	assert_int_equal(got[0].kind, SAMPLE_RATE);
	assert_int_equal(got[0].time_ns, 5);
	assert_true(got[0].events == 8 && got[0].exposure_s == 1);
	assert_true(got[1].addr == 0x7f0000200000 + 110 * 4096 && got[1].len_bytes == 50 * 4096);
	assert_true(got[1].events == 2);
	assert_true(got[2].addr == 0x7f0000200000 + 511 * 4096 && got[2].len_bytes == 4096);
	/* Scattered: one sample, of the average. */
	for (uint64_t p = 0; p < 512; p++)
		entries[p] = p % 4 == 0 ? entry(16 * MIB) : p % 2 ? entry(20 * MIB) : 0;
	assert_int_equal(phys_slice_samples(heat, &slice, entries, 5, got), 1);
	assert_true(got[0].addr == 0x7f0000200000 && got[0].len_bytes == 512 * 4096);
	assert_true(fabsf(got[0].events - 4) < 1e-4f && fabsf(got[0].exposure_s - 1) < 1e-4f);
	phys_heat_free(heat);
}

static void
says_what_is_missing(void **unused)
{
	char sentence[OPS_SENTENCE_BYTES], path[64];
	uint64_t hidden = PAGEMAP_PRESENT, shown = entry(16 * MIB);

	(void)unused;
	put_machine();
	assert_int_equal(sampler_damon_paddr.probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "CONFIG_DAMON"));
	fake_put(ADMIN "nr_kdamonds", "0\n");
	fake_put(EVENT "id", "555\n");
	fake_put(EVENT "format", event_format);
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	fake_put_bytes(path, &hidden, 8, 0);
	assert_int_equal(sampler_damon_paddr.probe(&env, sentence), -EACCES);
	assert_non_null(strstr(sentence, "CAP_SYS_ADMIN"));
	fake_put_bytes(path, &shown, 8, 0);
	assert_int_equal(sampler_damon_paddr.probe(&env, sentence), 0);
	fake_put(ADMIN "nr_kdamonds", "1\n");
	assert_int_equal(sampler_damon_paddr.probe(&env, sentence), -EBUSY);
	assert_int_equal(sampler_damon_paddr.uses, sampler_damon.uses);
	assert_true(sampler_damon_paddr.named_only);
	sluice_topology_free(topology);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(ranges_of_nodes), TEST(ranges_are_bounded), TEST(intervals_of_heat),
		TEST(bounded_heat),    TEST(pages_of_a_slice),   TEST(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
