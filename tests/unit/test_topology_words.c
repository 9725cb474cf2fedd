/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small languages: corrections of nodes, and made-up machines. What is wrong in them is told
 * with its place.
 */
#include "topology_tree.h"

static struct sluice_topology *
make(const char *synthetic)
{
	struct sluice_topology_options options = {.synthetic = synthetic, .sysroot = "/nowhere"};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0};

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("'%s': %s", synthetic, err.msg);
	return topology;
}

static void
test_made_up_machine(void **state)
{
	struct sluice_topology *t = make("dram:8G@80ns,100GB/s cxl:32G@250ns,30GB/s");
	const struct sluice_node *node = sluice_topology_node_by_id(t, 1);

	(void)state;
	assert_tiers(t, "0:dram 1:cxl");
	assert_int_equal(node->total_bytes, UINT64_C(32) << 30);
	assert_int_equal(node->free_bytes, node->total_bytes);
	assert_int_equal(node->read_latency_ns, 250);
	assert_int_equal(node->write_latency_ns, 250);
	assert_int_equal(node->read_bw_mbps, 30000);
	assert_int_equal(node->latency_source, SLUICE_SOURCE_SYNTHETIC);
	assert_int_equal(node->distance, 20);
	assert_string_equal(sluice_topology_node_by_id(t, 0)->cpus, "0-7");
	assert_null(sluice_topology_swap(t));
	assert_int_equal(sluice_topology_refresh(t, NULL), 0);
	assert_int_equal(sluice_topology_is_stale(t), 0);
	assert_int_equal(sluice_topology_tier(t, 0)->free_bytes, UINT64_C(8) << 30);
	sluice_topology_free(t);
}

static void
test_homes_and_swap(void **state)
{
	struct sluice_topology *t = make(" 2xdram:1.5G@0.1us,cpus=4\t2xcxl:512MiB,dist=17 cxl:1T "
					 "dram:1G,cpus=0@150ns;2xswap:16G ");

	(void)state;
	assert_int_equal(sluice_topology_node_count(t), 6);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->total_bytes, UINT64_C(1536) << 20);
	assert_string_equal(sluice_topology_node_by_id(t, 1)->cpus, "4-7");
	assert_int_equal(sluice_topology_initiator_count(t), 2);
	/* The CXL nodes in turn, and the DRAM without CPUs by itself. */
	assert_int_equal(sluice_topology_node_by_id(t, 2)->nearest, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 3)->nearest, 1);
	assert_int_equal(sluice_topology_node_by_id(t, 4)->nearest, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 5)->nearest, 0);
	assert_int_equal(sluice_topology_pair(t, 1, 3)->distance, 17);
	assert_int_equal(sluice_topology_pair(t, 0, 3)->distance, 30);
	assert_int_equal(sluice_topology_node_by_id(t, 5)->kind, SLUICE_TIER_DRAM);
	assert_int_equal(sluice_topology_swap(t)->total_bytes, UINT64_C(32) << 30);
	assert_int_equal(sluice_topology_swap(t)->device_count, 2);
	sluice_topology_free(t);
}

/* 1 to 64 nodes in 1 to 5 tiers: all are there, in the order of their kinds' latencies. */
static void
test_all_sizes(void **state)
{
	static const char *const items[] = {"dram:8G@80ns", "remote:8G@140ns", "cxl:8G@250ns",
					    "pmem:8G@400ns", "cxl:8G@700ns"};

	(void)state;
	for (int tiers = 1; tiers <= 5; tiers++) {
		for (int nodes = tiers; nodes <= 64; nodes++) {
			struct sluice_topology *t;
			char text[512] = "";
			size_t length = 0;

			for (int i = 0; i < tiers; i++)
				length += (size_t)snprintf(
					text + length, sizeof(text) - length, "%dx%s ",
					nodes / tiers + (i < nodes % tiers), items[i]);
			t = make(text);
			assert_int_equal(sluice_topology_node_count(t), nodes);
			assert_int_equal(sluice_topology_tier_count(t), tiers);
			for (int i = 0; i < tiers; i++)
				assert_int_equal(sluice_topology_tier(t, (size_t)i)->node_count,
						 nodes / tiers + (i < nodes % tiers));
			for (size_t i = 0; i < sluice_topology_initiator_count(t); i++) {
				uint32_t id = sluice_topology_initiator(t, i)->node;

				assert_int_equal(sluice_topology_place(t, id, 0)->node, id);
				assert_non_null(sluice_topology_place(t, id, (size_t)nodes - 1));
			}
			sluice_topology_free(t);
		}
	}
}

struct bad {
	const char *text, *says;
};

static void
test_bad_machines(void **state)
{
	static const struct bad bad[] = {
		{"dram", "character 1 ('dram'): an item is a kind and a size"},
		{"dram:8G ddr:8G", "character 9 ('ddr:8G'): this is no kind"},
		{"dram:8", "character 6 ('8'): this is no size"},
		{"dram:0G", "no size"},
		{"dram:-8G", "no size"},
		{"dram:9999999T", "no size"},
		{"dram:8G@", "character 8 ('@'): a word is missing"},
		{"dram:8G,,80ns", "character 9 (',80ns'): a word is missing"},
		{"dram:8G@80", "character 9 ('80'): this is no latency"},
		{"dram:8G@80ns,100GB", "character 14 ('100GB')"},
		{"dram:8G@999999ns", "no latency"},
		{"dram:8G,cpus=9999", "character 9 ('cpus=9999')"},
		{"dram:8G,dist=5", "dist=N (10 to 254)"},
		{"0xdram:8G", "a count is from 1 to 64"},
		{"65xdram:8G", "a count is from 1 to 64"},
		{"64xdram:8G cxl:8G", "character 12 ('cxl:8G'): with this there are more than 64"},
		{"dram:8G swap:1G@9ns", "swap has a size only"},
		{"swap:8G", "has no memory"},
		{" ;", "has no memory"},
		{"dram:8G,cpus=0 cxl:1G", "has no CPUs"},
		{"dr\xc3\xa4m:8G", "character 1 ('dr??m:8G')"},
		{"2x", "an item is a kind and a size"},
		{"@", "a word is missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sluice_topology_options options = {.synthetic = bad[i].text};
		struct sluice_topology *t = NULL;
		struct sluice_err err = {0};

		if (sluice_topology_load(&options, &t, &err) != -EINVAL)
			fail_msg("'%s' passes", bad[i].text);
		assert_null(t);
		assert_says(err.msg, "the description of a machine");
		assert_says(err.msg, bad[i].says);
	}
}

static void
test_bad_corrections(void **state)
{
	static const struct bad bad[] = {
		{"cxl", "character 1 ('cxl'): an entry begins with nodes and '='"},
		{"1=", "says nothing"},
		{"1= 2=cxl", "character 4 ('2=cxl'): the entry before this says nothing"},
		{"1=cxl 1=dram", "character 9 ('dram'): a node's kind is given twice"},
		{"0-1=tier0,1=tier1", "a node's tier is given twice"},
		{"1=swap", "this is no kind (hbm, dram, remote, cxl, pmem)"},
		{"1=tier64", "no tier"},
		{"1=tier-1", "no tier"},
		{"x=cxl", "before '=' stands a node or a range of nodes"},
		{"3-2=cxl", "before '=' stands a node"},
		{"1024=cxl", "before '=' stands a node"},
		{"=cxl", "before '=' stands a node"},
		{"0-1:1=50ns", "before ':' stands one node of CPUs"},
		{":1=50ns", "before ':' stands one node of CPUs"},
		{"0:1=cxl", "a pair of nodes has a latency (250ns) and a bandwidth (30GB/s) only"},
		{"1=250", "character 3 ('250')"},
		{"1=cxl@0ns", "character 7 ('0ns')"},
		{"1=cxl@250ns,30G/s", "character 13 ('30G/s')"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sluice_topology_options options = {.synthetic = "dram:1G cxl:1G",
							  .overrides = bad[i].text};
		struct sluice_topology *t = NULL;
		struct sluice_err err = {0};

		if (sluice_topology_load(&options, &t, &err) != -EINVAL)
			fail_msg("'%s' passes", bad[i].text);
		assert_says(err.msg, "the correction of the topology");
		if (!strstr(err.msg, bad[i].says))
			fail_msg("'%s': %s", bad[i].text, err.msg);
	}
}

/* A program that was compiled with an older or a newer header. */
static void
test_sizes_of_options(void **state)
{
	struct {
		struct sluice_topology_options options;
		const char *later;
	} newer = {.options = {.synthetic = "dram:1G"}};
	struct sluice_topology_options older = {.sysroot = "/nonexistent", .synthetic = "dram:1G"};
	struct sluice_topology *t = NULL;
	struct sluice_err err = {0};

	(void)state;
	assert_int_equal(sluice_topology_load_sized(&newer.options, sizeof(newer), &t, &err), 0);
	sluice_topology_free(t);
	newer.later = "something";
	assert_int_equal(sluice_topology_load_sized(&newer.options, sizeof(newer), &t, &err),
			 -E2BIG);
	assert_says(err.msg, "newer libsluice");
	/* What lies behind the older struct is not looked at. */
	assert_int_equal(sluice_topology_load_sized(&older, sizeof(older.sysroot), &t, &err),
			 -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up_machine), cmocka_unit_test(test_homes_and_swap),
		cmocka_unit_test(test_all_sizes),       cmocka_unit_test(test_bad_machines),
		cmocka_unit_test(test_bad_corrections), cmocka_unit_test(test_sizes_of_options),
	};

	return cmocka_run_group_tests_name("topology_words", tests, NULL, NULL);
}
