/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topology.c - kinds, ranks and reasons, on machines made up file by file.
 */
#include "topology_tree.h"

#define CXL_PARENT "platform/ACPI0017:00/root0/decoder0.0/region0/dax_region0"
#define NVDIMM_PARENT "LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region0/dax0.1"

static const struct sluice_node *
node_by_id(const struct sluice_topology *topology, uint32_t id)
{
	const struct sluice_node *node = sluice_topology_node_by_id(topology, id);

	assert_non_null(node);
	assert_int_equal(node->id, id);
	return node;
}

static void
test_single_node(void **state)
{
	struct sluice_topology *t;
	const struct sluice_node *node;

	(void)state;
	tree_node(0, 1024, "0-3", "10");
	t = tree_topology();
	assert_tiers(t, "0:dram");
	assert_int_equal(sluice_topology_tier_count(t), 1);
	assert_int_equal(sluice_topology_node_count(t), 1);
	assert_null(sluice_topology_tier(t, 1));
	assert_null(sluice_topology_node(t, 1));
	assert_null(sluice_topology_node_by_id(t, 1));
	node = node_by_id(t, 0);
	assert_int_equal(node->total_bytes, UINT64_C(1024) << 20);
	assert_int_equal(node->free_bytes, UINT64_C(512) << 20);
	assert_int_equal(node->has_cpu, 1);
	assert_int_equal(node->distance, 10);
	assert_int_equal(node->read_latency_ns, 0);
	assert_int_equal(node->kernel_tier, -1);
	assert_string_equal(node->cpus, "0-3");
	assert_says(node->reason, "it has CPUs");
	assert_says(sluice_topology_tier(t, 0)->reason, "only memory tier");
	sluice_topology_free(t);
}

static void
test_kernel_order(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(1);
	tree_hmat(0, 0, 80, 4000);
	tree_hmat(1, 0, 250, 1300);
	tree_kernel_tier(4, "0");
	tree_kernel_tier(46, "1");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote");
	assert_int_equal(node_by_id(t, 1)->kernel_tier, 46);
	assert_int_equal(node_by_id(t, 1)->read_latency_ns, 250);
	assert_int_equal(node_by_id(t, 1)->write_bw_mbps, 1300);
	assert_int_equal(node_by_id(t, 1)->distance, 20);
	assert_int_equal(sluice_topology_tier(t, 1)->read_latency_ns, 250);
	assert_int_equal(sluice_topology_tier(t, 1)->total_bytes, UINT64_C(1024) << 20);
	assert_says(node_by_id(t, 1)->reason, "unknown kind");
	assert_says(sluice_topology_tier(t, 0)->reason, "memory_tier4");
	assert_says(sluice_topology_tier(t, 1)->reason, "memory_tier46");
	sluice_topology_free(t);
}

/* The complaint heard most: the kernel puts the CXL node into the tier of DRAM. */
static void
test_cxl_in_the_kernels_dram_tier(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(1);
	tree_kernel_tier(4, "0-1");
	tree_dax(CXL_PARENT, "dax0.0", 1, "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:cxl");
	assert_says(node_by_id(t, 1)->reason, "dax0.0 of CXL region0");
	assert_says(node_by_id(t, 1)->reason, "both are in the kernel's memory_tier4");
	sluice_topology_free(t);
}

static void
test_pmem(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(1);
	tree_dax(NVDIMM_PARENT, "dax0.0", 1, "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:pmem");
	assert_says(node_by_id(t, 1)->reason, "dax0.0 of NVDIMM ndbus0/region0");
	sluice_topology_free(t);
}

/* Persistent memory on a CXL card stands below both buses. */
static void
test_pmem_on_cxl(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(1);
	tree_dax("platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0/region0/dax0.0", "dax0.0", 1,
		 "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:pmem");
	sluice_topology_free(t);
}

/* A dax device that is not memory of its node, soft-reserved memory, and a node with CPUs: none of
 * them proves CXL. */
static void
test_what_is_no_proof(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(3);
	tree_dax(CXL_PARENT, "dax0.0", 1, "device_dax");
	tree_dax(CXL_PARENT, "dax0.1", 1, NULL);
	tree_dax(CXL_PARENT, "dax0.2", 0, "kmem");
	tree_dax("platform/hmem.0", "dax1.0", 2, "kmem");
	tree_dax("platform/something/region0", "dax2.0", 3, "kmem");
	tree_dax(CXL_PARENT, "dax3.0", 77, "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1,2,3:remote");
	assert_says(node_by_id(t, 0)->reason, "part of it comes from dax0.2");
	assert_says(node_by_id(t, 2)->reason, "specific-purpose");
	sluice_topology_free(t);
}

/* CXL memory that firmware brought up: plain RAM to the kernel, a region without a dax device. */
static void
test_cxl_region_by_address(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(2);
	tree_put("sys/devices/system/memory/block_size_bytes", "8000000\n");
	tree_put(NODES "/node0/memory0/online", "1\n");
	tree_put(NODES "/node1/memory31/online", "1\n"); /* the region's end is not inside */
	tree_put(NODES "/node1/memory40/online", "1\n");
	tree_put(NODES "/node2/memory39/online", "1\n");
	tree_put("sys/bus/cxl/devices/region0/commit", "1\n");
	tree_put("sys/bus/cxl/devices/region0/mode", "ram\n");
	tree_put("sys/bus/cxl/devices/region0/resource", "0x100000000\n");
	tree_put("sys/bus/cxl/devices/region0/size", "0x40000000\n");
	/* Not committed, and persistent: neither feeds a node. */
	tree_put("sys/bus/cxl/devices/region1/commit", "0\n");
	tree_put("sys/bus/cxl/devices/region1/mode", "ram\n");
	tree_put("sys/bus/cxl/devices/region1/resource", "0xf8000000\n");
	tree_put("sys/bus/cxl/devices/region1/size", "0x8000000\n");
	tree_put("sys/bus/cxl/devices/region2/commit", "1\n");
	tree_put("sys/bus/cxl/devices/region2/mode", "pmem\n");
	tree_put("sys/bus/cxl/devices/region2/resource", "0xf8000000\n");
	tree_put("sys/bus/cxl/devices/region2/size", "0x8000000\n");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote 2:cxl");
	assert_says(node_by_id(t, 2)->reason, "CXL region0");
	sluice_topology_free(t);
}

static void
test_hbm_goes_first(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 512, "0-1", "10 13");
	tree_node(1, 64, "", "13 10");
	tree_hmat(0, 1, 110, 100000);
	tree_hmat(1, 1, 140, 200000);
	t = tree_topology();
	assert_tiers(t, "1:hbm 0:dram");
	assert_says(node_by_id(t, 1)->reason, "200000 MB/s against 100000 MB/s");
	sluice_topology_free(t);
}

static void
test_cpuless_dram(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(2);
	tree_hmat(0, 1, 100, 1000);
	tree_hmat(1, 1, 120, 1000);
	tree_hmat(2, 1, 121, 1000);
	t = tree_topology();
	assert_tiers(t, "0,1:dram 2:remote");
	assert_says(sluice_topology_tier(t, 0)->reason, "100 to 120");
	assert_says(sluice_topology_tier(t, 1)->reason, "121 ns against 100 ns");
	sluice_topology_free(t);
}

/* Two sockets are one ranking: both DRAM nodes are the first tier. */
static void
test_two_sockets(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 384, "0", "10 16 20 26");
	tree_node(1, 384, "1", "16 10 26 20");
	tree_node(2, 512, "", "20 26 10 30");
	tree_node(3, 512, "", "26 20 30 10");
	for (uint32_t id = 0; id < 4; id++)
		tree_hmat(id, 1, id < 2 ? 200 : 600, id < 2 ? 4000 : 1300);
	t = tree_topology();
	assert_tiers(t, "0,1:dram 2,3:remote");
	assert_int_equal(node_by_id(t, 3)->distance, 20);
	assert_int_equal(sluice_topology_tier(t, 0)->node_count, 2);
	assert_int_equal(sluice_topology_tier(t, 0)->total_bytes, UINT64_C(768) << 20);
	assert_int_equal(sluice_topology_tier(t, 0)->free_bytes, UINT64_C(384) << 20);
	sluice_topology_free(t);
}

static void
test_slit_alone(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 512, "0-1", "10 20 24 40");
	tree_node(1, 512, "", "20 10 20 20");
	tree_node(2, 512, "", "24 20 10 20");
	tree_node(3, 512, "", "40 20 20 10");
	t = tree_topology();
	assert_tiers(t, "0:dram 1,2:remote 3:remote");
	assert_says(node_by_id(t, 3)->reason, "SLIT distance 40 against 20");
	sluice_topology_free(t);
}

/* The SLIT's row of a node with CPUs counts; the node's own row only where there is no such row. */
static void
test_distance_direction(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 512, "0", "10 17");
	tree_node(1, 512, "", "28 10");
	t = tree_topology();
	assert_int_equal(node_by_id(t, 1)->distance, 17);
	sluice_topology_free(t);
	tree_remove(NODES "/node0/distance");
	t = tree_topology();
	assert_int_equal(node_by_id(t, 1)->distance, 28);
	assert_int_equal(node_by_id(t, 0)->distance, 0);
	sluice_topology_free(t);
}

/* A node with CPUs and no memory is no tier, yet memory is near or far from it. */
static void
test_memoryless_cpu_node(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 0, "0-7", "10 12 30");
	tree_node(1, 512, "8", "12 10 30");
	tree_node(2, 512, "", "30 30 10");
	tree_put(NODES "/online", "0-2\n");
	tree_put(NODES "/has_memory", "1-2\n");
	t = tree_topology();
	assert_tiers(t, "1:dram 2:remote");
	assert_null(sluice_topology_node_by_id(t, 0));
	sluice_topology_free(t);
}

static void
test_kernel_order_set_aside(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(1);
	tree_kernel_tier(4, "0");
	tree_kernel_tier(2, "1");
	tree_hmat(0, 1, 300, 0);
	tree_hmat(1, 1, 100, 0);
	tree_dax(CXL_PARENT, "dax0.0", 1, "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:cxl");
	assert_says(sluice_topology_tier(t, 0)->reason,
		    "Set aside as plainly wrong: the kernel's order, HMAT's latencies.");
	assert_says(sluice_topology_tier(t, 1)->reason, "the kernel's order, HMAT's latencies.");
	sluice_topology_free(t);
}

/* Kernel before latency before kind; and a source that lacks a node of a group is not asked. */
static void
test_order_of_sources(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(3);
	tree_kernel_tier(4, "0");
	tree_kernel_tier(10, "1");
	tree_kernel_tier(22, "2-3");
	tree_hmat(0, 1, 100, 1000);
	tree_hmat(1, 1, 900, 1000); /* the kernel's word is stronger */
	tree_hmat(2, 1, 500, 1000);
	tree_hmat(3, 1, 300, 1000);
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote 3:remote 2:remote");
	assert_says(sluice_topology_tier(t, 1)->reason, "memory_tier10");
	assert_says(sluice_topology_tier(t, 2)->reason,
		    "memory_tier22 by the kernel, after memory_tier10");
	assert_says(sluice_topology_tier(t, 3)->reason, "500 ns against 300 ns");
	sluice_topology_free(t);

	tree_kernel_tier(10, ""); /* node 1 unknown to the kernel: latency decides */
	t = tree_topology();
	assert_tiers(t, "0:dram 3:remote 2:remote 1:remote");
	assert_int_equal(node_by_id(t, 1)->kernel_tier, -1);
	sluice_topology_free(t);
}

/* Latency names the group it was compared with, not the neighbour that a weaker source cut off. */
static void
test_latency_is_told_against_its_group(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_slow_nodes(2);
	tree_hmat(0, 1, 80, 1000);
	tree_hmat(1, 1, 95, 1000);
	tree_hmat(2, 1, 100, 1000);
	tree_dax(CXL_PARENT, "dax0.0", 1, "kmem");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:cxl 2:remote");
	assert_says(sluice_topology_tier(t, 1)->reason, "cxl goes after dram");
	assert_says(sluice_topology_tier(t, 2)->reason, "100 ns against 80 ns");
	sluice_topology_free(t);
}

/* Class 1 is seen from CPUs; class 0 may be seen from an accelerator. */
static void
test_access_classes(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 512, "0-1", "10");
	tree_hmat(0, 0, 50, 9000);
	t = tree_topology();
	assert_int_equal(node_by_id(t, 0)->read_latency_ns, 50);
	sluice_topology_free(t);
	tree_hmat(0, 1, 90, 0);
	t = tree_topology();
	assert_int_equal(node_by_id(t, 0)->read_latency_ns, 90);
	assert_int_equal(node_by_id(t, 0)->read_bw_mbps, 0);
	sluice_topology_free(t);
}

static void
test_64_nodes_with_holes(void **state)
{
	struct sluice_topology *t;
	char expected[4096] = "", rows[64 * 3 + 1] = "", list[64 * 5] = "", part[32];

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		strcat(rows, i ? " 20" : "20");
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t id = i * 16; /* up to 1008 */

		snprintf(part, sizeof(part), "%s%u", i ? "," : "", id);
		strcat(list, part);
		tree_node(id, 64, i % 2 ? "" : "1", rows);
		tree_hmat(id, 1, i % 2 ? 300 : 100, 1000);
	}
	tree_put(NODES "/online", list);
	for (uint32_t odd = 0; odd < 2; odd++) {
		for (uint32_t i = odd; i < 64; i += 2) {
			snprintf(part, sizeof(part), "%u%s", i * 16, i + 2 < 64 ? "," : "");
			strcat(expected, part);
		}
		strcat(expected, odd ? ":remote" : ":dram ");
	}
	t = tree_topology();
	assert_tiers(t, expected);
	assert_int_equal(sluice_topology_node_count(t), 64);
	assert_int_equal(sluice_topology_refresh(t, NULL), 0);
	assert_says(sluice_topology_tier(t, 1)->reason, "..."); /* 32 ids do not fit */
	sluice_topology_free(t);
}

static void
test_more_speeds_than_tiers(void **state)
{
	struct sluice_topology *t;

	(void)state;
	for (uint32_t id = 0; id < 10; id++) {
		tree_node(id, 64, id ? "" : "0", "");
		tree_hmat(id, 1, 100u << id, 1000);
	}
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote 2:remote 3:remote 4:remote 5:remote 6,7,8,9:remote");
	assert_int_equal(sluice_topology_tier_count(t), SLUICE_TIERS_MAX - 1);
	assert_int_equal(sluice_topology_tier(t, 6)->node_count, 4);
	assert_int_equal(sluice_topology_tier(t, 6)->read_latency_ns, 6400);
	assert_says(sluice_topology_tier(t, 6)->reason, "merged");
	sluice_topology_free(t);
}

static void
test_kind_names(void **state)
{
	(void)state;
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_HBM), "hbm");
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_DRAM), "dram");
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_REMOTE), "remote");
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_CXL), "cxl");
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_PMEM), "pmem");
	assert_string_equal(sluice_tier_kind_name(SLUICE_TIER_SWAP), "swap");
	assert_string_equal(sluice_tier_kind_name(6), "unknown");
	assert_string_equal(sluice_tier_kind_name(UINT32_MAX), "unknown");
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_single_node),
		TREE_TEST(test_kernel_order),
		TREE_TEST(test_cxl_in_the_kernels_dram_tier),
		TREE_TEST(test_pmem),
		TREE_TEST(test_pmem_on_cxl),
		TREE_TEST(test_what_is_no_proof),
		TREE_TEST(test_cxl_region_by_address),
		TREE_TEST(test_hbm_goes_first),
		TREE_TEST(test_cpuless_dram),
		TREE_TEST(test_two_sockets),
		TREE_TEST(test_slit_alone),
		TREE_TEST(test_distance_direction),
		TREE_TEST(test_memoryless_cpu_node),
		TREE_TEST(test_kernel_order_set_aside),
		TREE_TEST(test_order_of_sources),
		TREE_TEST(test_latency_is_told_against_its_group),
		TREE_TEST(test_access_classes),
		TREE_TEST(test_64_nodes_with_holes),
		TREE_TEST(test_more_speeds_than_tiers),
		cmocka_unit_test(test_kind_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
