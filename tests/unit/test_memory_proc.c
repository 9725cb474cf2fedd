/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_proc.c - which mappings may be moved (safety rule 3), where pages are, and where they
 * may go, read from a made-up machine: two sockets, each with a slow node of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/mover/destination.h"
#include "engine/mover/memory_registry.h"
#include "engine/mover/node_map.h"
#include "engine/mover/placement.h"
#include "engine/mover/spans.h"
#include "fake_root.h"

#define S 1000000000ull
#define MIB (1ull << 20)
#define PRESENT (1ull << 63)

/* A line of /proc/7/stat: its state, and when it started. */
#define STAT(state, start)                                                                         \
	"7 (a) " state " 1 7 7 0 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 " start " 0 0\n"

static void
put_node(int id, const char *cpus, const char *distance, unsigned long free_kb)
{
	char path[128], text[256];

	snprintf(path, sizeof(path), "sys/devices/system/node/node%d/meminfo", id);
	snprintf(text, sizeof(text), "Node %d MemTotal: 1048576 kB\nNode %d MemFree: %lu kB\n", id,
		 id, free_kb);
	fake_put(path, text);
	snprintf(path, sizeof(path), "sys/devices/system/node/node%d/cpulist", id);
	fake_put(path, cpus);
	snprintf(path, sizeof(path), "sys/devices/system/node/node%d/distance", id);
	fake_put(path, distance);
	/* 128 MiB blocks; node N has the N-th GiB. */
	for (int b = 0; b < 8; b++) {
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/memory%d/x", id,
			 id * 8 + b);
		fake_put(path, "");
	}
}

static int
setup(void **state)
{
	if (fake_root_make(state) < 0)
		return -1;
	fake_put("sys/devices/system/node/online", "0-3\n");
	fake_put("sys/devices/system/node/has_memory", "0-3\n");
	fake_put("sys/devices/system/node/has_cpu", "0-1\n");
	fake_put("sys/devices/system/memory/block_size_bytes", "8000000\n");
	put_node(0, "0-3\n", "10 21 17 28\n", 500000);
	put_node(1, "4-7\n", "21 10 28 17\n", 500000);
	put_node(2, "\n", "17 28 10 28\n", 900000);
	put_node(3, "\n", "28 17 28 10\n", 900000);
	fake_put("proc/7/stat", STAT("S", "100"));
	fake_put("proc/7/status", "Name:\ta\nVmLck:\t       0 kB\nMems_allowed_list:\t0-3\n");
	return 0;
}

static void
kinds_of_mappings(void **unused)
{
	static const struct {
		const char *line;
		int movable;
	} cases[] = {
		{"1000-2000 rw-p 00000000 00:00 0 ", 1},
		{"1000-2000 rw-p 00000000 00:00 0    [heap]", 1},
		{"1000-2000 rw-p 00000000 00:00 0    [stack]", 1},
		{"1000-2000 rw-p 00000000 00:00 0    [anon:arena]", 1},
		{"1000-2000 r--p 00000000 00:00 0 ", 1}, /* sealed after it was filled */
		{"1000-2000 ---p 00000000 00:00 0 ", 0},
		{"1000-2000 r--p 00000000 00:00 0    [vvar]", 0},
		{"1000-2000 r-xp 00000000 00:00 0    [vdso]", 0},
		{"1000-2000 --xp 00000000 00:00 0    [vsyscall]", 0},
		{"1000-2000 r-xp 00000000 fe:01 42   /usr/lib/libc.so.6", 0},
		{"1000-2000 r--p 00000000 fe:01 42   /usr/lib/libc.so.6", 0},
		{"1000-2000 rw-p 00000000 fe:01 42   /usr/lib/libc.so.6", 1},
		{"1000-2000 rw-s 00000000 fe:01 42   /var/lib/data.db", 0},
		{"1000-2000 rw-s 00000000 00:01 42   /dev/zero (deleted)", 1},
		{"1000-2000 rw-s 00000000 00:01 42   /dev/shm/x", 1},
		{"1000-2000 rw-s 00000000 00:01 42   /memfd:x (deleted)", 1},
		{"1000-2000 rw-s 00000000 00:01 42   /SYSV00000000 (deleted)", 1},
		{"1000-2000 rw-s 00000000 00:06 42   /dev/nvidia0", 0},
		{"1000-2000 rw-p 00000000 00:0f 42   /anon_hugepage (deleted)", 0},
		{"1000-2000 rw-s 00000000 00:0f 42   anon_inode:[perf_event]", 0},
	};
	struct procfs_map map;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(procfs_map_parse(cases[i].line, &map), 1);
		if (placement_movable_kind(&map) != cases[i].movable)
			fail_msg("%s", cases[i].line);
	}
}

static void
policies(void **unused)
{
	static const struct {
		const char *line;
		int ok, owners, huge;
		uint64_t bytes;
	} cases[] = {
		{"7f0000000000 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4", 1, 0, 0,
		 12288},
		{"7f0000000000 default", 1, 0, 0, 0},
		{"7f0000000000 local anon=3 N0=3 kernelpagesize_kB=4", 1, 0, 0, 12288},
		{"7f0000000000 bind:1 anon=2 N1=2 kernelpagesize_kB=4", 1, 1, 0, 8192},
		{"7f0000000000 bind=static:1 anon=2 N1=2 kernelpagesize_kB=4", 1, 1, 0, 8192},
		{"7f0000000000 prefer:0 anon=2 N1=2 kernelpagesize_kB=4", 1, 1, 0, 8192},
		{"7f0000000000 prefer (many):0-1 anon=2 N1=2 kernelpagesize_kB=4", 1, 1, 0, 8192},
		{"7f0000000000 interleave:0-1 N0=1 N1=1 kernelpagesize_kB=4", 1, 1, 0, 8192},
		{"7f0000000000 weighted interleave:0-1 N0=1 kernelpagesize_kB=4", 1, 1, 0, 4096},
		{"7f0000000000 default file=/N1=5 huge dirty=1 N0=1 kernelpagesize_kB=2048", 1, 0,
		 1, 2097152},
		{"7f0000000000 default N0=99999999999999999999 kernelpagesize_kB=99999999999", 1, 0,
		 0, 0},
		{"", 0, 0, 0, 0},
		{"zzz default", 0, 0, 0, 0},
		{"7f0000000000", 0, 0, 0, 0},
		{"7f0000000000 ", 0, 0, 0, 0},
	};
	struct numa_line numa;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int ok = placement_numa_line(cases[i].line, &numa);

		if (ok != cases[i].ok)
			fail_msg("%s", cases[i].line);
		if (ok && (numa.owner_placed != cases[i].owners || numa.hugetlb != cases[i].huge ||
			   numa.resident_bytes != cases[i].bytes))
			fail_msg("%s", cases[i].line);
	}
	assert_int_equal(placement_flags_fixed(" rd wr mr mw me ac sd"), 0);
	assert_int_equal(placement_flags_fixed(" rd wr mr mw me lo ac sd "), 1);
	assert_int_equal(placement_flags_fixed(" rd wr io"), 1);
	assert_int_equal(placement_flags_fixed(" rd wr lol solo"), 0);
	assert_int_equal(placement_flags_fixed(""), 0);
}

static void
owners_mappings_stay(void **unused)
{
	struct heat_span list[8];
	struct sluice_err err = {0};
	struct spans *spans;
	uint64_t pinned;
	size_t count;

	(void)unused;
	fake_put("proc/7/maps", "10000000-10200000 rw-p 00000000 00:00 0 \n"
				"20000000-20200000 rw-p 00000000 00:00 0 \n"
				"30000000-30200000 rw-p 00000000 00:00 0 \n"
				"garbage in between\n"
				"40000000-40001000 r-xp 00000000 fe:01 42 /bin/a\n");
	fake_put("proc/7/numa_maps", "10000000 default anon=3 N0=3 kernelpagesize_kB=4\n"
				     "20000000 bind:2 anon=5 N2=5 kernelpagesize_kB=4\n"
				     "30000000 default anon=3 N0=3 kernelpagesize_kB=4\n");
	fake_put("proc/7/status", "VmLck:\t   8 kB\nMems_allowed_list:\t0-3\n");
	fake_put("proc/7/smaps", "10000000-10200000 rw-p 00000000 00:00 0 \nRss: 12 kB\n"
				 "VmFlags: rd wr mr mw me ac sd \n"
				 "30000000-30200000 rw-p 00000000 00:00 0 \nRss: 12 kB\n"
				 "VmFlags: rd wr mr mw me lo ac sd \n");
	assert_int_equal(spans_new(fake_root, &spans, &err), 0);
	assert_int_equal(spans_get(spans, 7, 1 * S, list, 8, &count, &pinned, &err), 0);
	assert_int_equal(count, 1);
	assert_true(list[0].start == 0x10000000 && list[0].end == 0x10200000);
	assert_int_equal(pinned, 5 * 4096 + 12 * 1024);

	/* A new mapping is not given out before somebody has looked, a grown one is at once. */
	fake_put("proc/7/maps", "10000000-10400000 rw-p 00000000 00:00 0 \n"
				"20000000-20400000 rw-p 00000000 00:00 0 \n"
				"30000000-30200000 rw-p 00000000 00:00 0 \n"
				"50000000-50200000 rw-p 00000000 00:00 0 \n");
	assert_int_equal(spans_get(spans, 7, 1 * S + 1, list, 8, &count, &pinned, &err), 0);
	assert_int_equal(count, 1);
	assert_true(list[0].end == 0x10400000);
	assert_int_equal(spans_get(spans, 7, 20 * S, list, 8, &count, &pinned, &err), 0);
	assert_int_equal(count, 2);
	assert_true(list[1].start == 0x50000000);

	/* The owner binds what was free before: seen at the next look. */
	fake_put("proc/7/numa_maps", "10000000 interleave:0-1 anon=3 N0=3 kernelpagesize_kB=4\n");
	assert_int_equal(spans_get(spans, 7, 21 * S, list, 8, &count, &pinned, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(spans_get(spans, 7, 80 * S, list, 8, &count, &pinned, &err), 0);
	assert_true(list[0].start != 0x10000000);

	/* Another process has the pid now: what was found out about the old one's does not hold. */
	fake_put("proc/7/numa_maps", "10000000 default anon=3 N0=3 kernelpagesize_kB=4\n");
	assert_int_equal(spans_get(spans, 7, 140 * S, list, 8, &count, &pinned, &err), 0);
	assert_true(list[0].start == 0x10000000);
	fake_put("proc/7/stat", STAT("S", "200"));
	fake_put("proc/7/numa_maps", "10000000 bind:0 anon=3 N0=3 kernelpagesize_kB=4\n");
	assert_int_equal(spans_get(spans, 7, 140 * S + 1, list, 8, &count, &pinned, &err), 0);
	assert_true(list[0].start != 0x10000000);

	fake_put("proc/7/stat", STAT("Z", "200"));
	assert_int_equal(spans_get(spans, 7, 141 * S, list, 8, &count, &pinned, &err), -ESRCH);
	fake_put("proc/7/stat", "7 (kswapd0) S 2 0 0 0 -1 2166784 0 0");
	assert_int_equal(spans_get(spans, 7, 82 * S, list, 8, &count, &pinned, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "kernel thread"));
	assert_int_equal(spans_get(spans, 99, 82 * S, list, 8, &count, &pinned, &err), -ESRCH);
	spans_free(spans);
	spans_free(NULL);
}

static void
the_smallest_give_way(void **unused)
{
	struct heat_span list[2];
	struct spans *spans;
	uint64_t pinned;
	size_t count;

	(void)unused;
	fake_put("proc/7/maps", "10000000-10001000 rw-p 00000000 00:00 0 \n"
				"20000000-20400000 rw-p 00000000 00:00 0 \n"
				"30000000-30003000 rw-p 00000000 00:00 0 \n"
				"50000000-50800000 rw-p 00000000 00:00 0 \n");
	assert_int_equal(spans_new(fake_root, &spans, NULL), 0);
	assert_int_equal(spans_get(spans, 7, S, list, 2, &count, &pinned, NULL), 0);
	assert_int_equal(count, 2);
	assert_true(list[0].start == 0x20000000 && list[1].start == 0x50000000);
	spans_free(spans);
}

static void
blocks(void **unused)
{
	struct node_map *map;

	(void)unused;
	fake_put("sys/devices/system/node/node3/memory0/x", ""); /* shared with node 0 */
	assert_int_equal(node_map_new(fake_root, &map, NULL), 0);
	assert_int_equal(node_map_find(map, 0), -1);
	assert_int_equal(node_map_find(map, 32768), 0);
	assert_int_equal(node_map_find(map, 262143), 0);
	assert_int_equal(node_map_find(map, 262144), 1);
	assert_int_equal(node_map_find(map, 4 * 262144 - 1), 3);
	assert_int_equal(node_map_find(map, 4 * 262144), -1);
	assert_int_equal(node_map_find(map, UINT64_MAX >> 9), -1);
	node_map_free(map);
	fake_put("sys/devices/system/memory/block_size_bytes", "nonsense\n");
	assert_int_equal(node_map_new(fake_root, &map, NULL), -ENOENT);
}

static void
put_entry(uint64_t addr, uint64_t entry)
{
	fake_put_bytes("proc/7/pagemap", &entry, 8, addr / 4096 * 8);
}

static void
residency_of_pages(void **unused)
{
	uint64_t leaving[SLUICE_NODES_MAX / 64] = {0};
	struct ops_env env = {.sysroot = fake_root, .state_dir = fake_root, .leaving = leaving};
	struct sluice_err err = {0};
	struct sluice_tier tiers[8];
	uint8_t where[512];
	uint64_t flags;
	size_t count;
	void *memory;
	int huge = 7;

	(void)unused;
	fake_put("proc/7/pagemap", "");
	put_entry(0x10000000, PRESENT | 262144);       /* node 1 */
	put_entry(0x10001000, PRESENT | (2 * 262144)); /* node 2 */
	put_entry(0x10002000, 1ull << 62 | 1234);      /* swapped */
	put_entry(0x10004000, PRESENT | 5);            /* node 0, after a hole */
	/* A huge page on node 2 (heads and tails), then 512 single pages that lie side by side. */
	for (uint64_t i = 0; i < 1024; i++)
		put_entry(0x20000000 + i * 4096, PRESENT | (2 * 262144 + 512 + i));
	for (uint64_t i = 0; i < 1024; i++) {
		flags = i == 0 ? 1ull << 15 | 1ull << 22 : i < 512 ? 1ull << 16 | 1ull << 22 : 0;
		fake_put_bytes("proc/kpageflags", &flags, 8, (2 * 262144 + 512 + i) * 8);
	}
	assert_int_equal(memory_proc.start(&env, &memory, &err), 0);
	assert_int_equal(memory_proc.residency(memory, 7, 0x10000000, 5 * 4096, where, &huge, &err),
			 0);
	assert_int_equal(huge, 0);
	assert_int_equal(where[0], 0);
	assert_int_equal(where[1], 1);
	assert_int_equal(where[2], HEAT_TIER_ABSENT);
	assert_int_equal(where[3], HEAT_TIER_ABSENT);
	assert_int_equal(where[4], 0);
	assert_int_equal(memory_proc.residency(memory, 7, 0x20000000, 2 * MIB, where, &huge, &err),
			 0);
	assert_int_equal(huge, 1);
	assert_int_equal(where[511], 1);
	assert_int_equal(memory_proc.residency(memory, 7, 0x20200000, 2 * MIB, where, &huge, &err),
			 0);
	assert_int_equal(huge, 0);
	assert_int_equal(where[511], 1);
	/* Past the end of the file nothing is resident. */
	assert_int_equal(memory_proc.residency(memory, 7, 0x20400000, 2 * MIB, where, &huge, &err),
			 0);
	assert_int_equal(where[0], HEAT_TIER_ABSENT);
	assert_int_equal(memory_proc.residency(memory, 99, 0x20400000, 4096, where, &huge, &err),
			 -ESRCH);
	assert_int_equal(memory_proc.residency(memory, 7, 0x10000001, 4096, where, &huge, &err),
			 -EINVAL);

	assert_int_equal(memory_proc.tiers(memory, tiers, 8, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(tiers[0].total_bytes == 2048 * MIB);
	assert_true(tiers[0].free_bytes == 2 * 500000ull * 1024);
	put_node(0, "0-3\n", "10 21 17 28\n", 100000);
	assert_int_equal(memory_proc.tiers(memory, tiers, 8, &count, &err), 0);
	assert_true(tiers[0].free_bytes == 600000ull * 1024);
	/* A node that leaves is no part of its tier. */
	leaving[0] = 1u << 0;
	assert_int_equal(memory_proc.tiers(memory, tiers, 8, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(tiers[0].total_bytes == 1024 * MIB);
	assert_true(tiers[0].free_bytes == 500000ull * 1024);
	memory_proc.stop(memory);
}

static void
destinations(void **unused)
{
	struct ops_env env = {.sysroot = fake_root};
	struct destination *destination;
	struct tier_map tiers;
	struct sluice_err err = {0};

	(void)unused;
	assert_int_equal(tier_map_load(&tiers, &env, &err), 0);
	assert_int_equal(tier_map_find(&tiers, 0), 0);
	assert_int_equal(tier_map_find(&tiers, 1), 0);
	assert_int_equal(tier_map_find(&tiers, 2), 1);
	assert_int_equal(tier_map_find(&tiers, 77), HEAT_TIER_ABSENT);
	assert_int_equal(tier_map_find(&tiers, -2), HEAT_TIER_ABSENT);
	assert_int_equal(destination_new(fake_root, &tiers, &destination, &err), 0);
	/* The slow node of the same socket. */
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, S), 2);
	assert_int_equal(destination_pick(destination, 7, 1, 1, 4096, S), 3);
	assert_int_equal(destination_pick(destination, 7, 0, 3, 4096, S), 1);
	/* When it is full, the other; when both are, none. */
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, S), 2);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, S), 3);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, S), -ENOSPC);
	destination_refresh(destination);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, S), 2);
	destination_refresh(destination);
	/* The cpuset counts, and its change is noticed after a while. */
	fake_put("proc/7/status", "Mems_allowed_list:\t0-1,3\n");
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, S + 1), 2);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, 10 * S), 3);
	fake_put("proc/7/status", "Mems_allowed_list:\t0-1\n");
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, 20 * S), -EPERM);
	fake_put("proc/7/status", "Mems_allowed_list:\t,,-5,x\n");
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, 30 * S), -EPERM);
	/* What leaves is nobody's destination, and its pages are nowhere, but known. */
	tiers.leaving = (const uint64_t[SLUICE_NODES_MAX / 64]){1u << 2};
	assert_int_equal(tier_map_find(&tiers, 2), HEAT_TIER_ABSENT);
	assert_int_equal(tier_map_own(&tiers, 2), 1);
	fake_put("proc/7/status", "Mems_allowed_list:\t0-3\n");
	destination_refresh(destination);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, 40 * S), 3);
	assert_int_equal(destination_pick(destination, 7, 1, 2, 4096, 40 * S), 3);
	destination_free(destination);
	tier_map_unload(&tiers);
}

/* A thread that ran last on a CPU, and has taken so many ticks. */
static void
put_thread(int pid, int tid, int cpu, int ticks)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "proc/%d/task/%d/stat", pid, tid);
	snprintf(
		text, sizeof(text),
		"%d (a ) 1 b) S 1 2 3 4 5 6 7 8 9 10 %d 0 0 0 20 0 1 0 100 1 2 3 4 5 6 7 8 9 10 11 "
		"12 13 0 0 17 %d 0 0\n",
		tid, ticks, cpu);
	fake_put(path, text);
}

/* Pages go near the CPUs that the process runs on, wherever they come from. */
static void
destinations_near_cpus(void **unused)
{
	struct ops_env env = {.sysroot = fake_root};
	struct destination *destination;
	struct tier_map tiers;
	struct sluice_err err = {0};

	(void)unused;
	assert_int_equal(tier_map_load(&tiers, &env, &err), 0);
	assert_int_equal(destination_new(fake_root, &tiers, &destination, &err), 0);
	put_thread(7, 7, 1, 500);
	put_thread(7, 8, 5, 10);
	assert_int_equal(destination_pick(destination, 7, 0, 3, 4096, S), 0);
	assert_int_equal(destination_pick(destination, 7, 0, 2, 4096, S), 0);
	assert_int_equal(destination_pick(destination, 7, 1, 1, 4096, S), 2);
	/* It moves over; after a while that is noticed. */
	put_thread(7, 7, 6, 500);
	assert_int_equal(destination_pick(destination, 7, 0, 2, 4096, S + 1), 0);
	assert_int_equal(destination_pick(destination, 7, 0, 2, 4096, 10 * S), 1);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 4096, 10 * S), 3);
	/* The near one is full: the other of the tier. */
	assert_int_equal(destination_pick(destination, 7, 1, 0, 1000 * MIB, 10 * S), -ENOSPC);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, 10 * S), 3);
	assert_int_equal(destination_pick(destination, 7, 1, 0, 800 * MIB, 10 * S), 2);
	/* Evenly on both: near to where the page comes from. */
	put_thread(7, 7, 1, 500);
	put_thread(7, 8, 5, 500);
	assert_int_equal(destination_pick(destination, 7, 0, 2, 4096, 20 * S), 0);
	assert_int_equal(destination_pick(destination, 7, 0, 3, 4096, 20 * S), 1);
	/* Text that is no stat, and CPUs that no node has: nothing is known. */
	fake_put("proc/7/task/7/stat", "7 (x) S 1 2\n");
	put_thread(7, 8, 99999, 500);
	assert_int_equal(destination_pick(destination, 7, 0, 3, 4096, 30 * S), 1);
	destination_free(destination);
	tier_map_unload(&tiers);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(kinds_of_mappings),
		TEST(policies),
		TEST(owners_mappings_stay),
		TEST(the_smallest_give_way),
		TEST(blocks),
		TEST(residency_of_pages),
		TEST(destinations),
		TEST(destinations_near_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
