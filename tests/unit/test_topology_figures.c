/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which figure counts where several sources told one, what is plainly wrong, what measurements do,
 * and each initiator's own order.
 */
#include "topology_tree.h"

#define CXL_PARENT "platform/ACPI0017:00/root0/decoder0.0/region0/dax_region0"

static char measured_dir[64];

static int
setup(void **state)
{
	snprintf(measured_dir, sizeof(measured_dir), "/tmp/sluice-measured-XXXXXX");
	return tree_setup(state) < 0 || !mkdtemp(measured_dir) ? -1 : 0;
}

static int
teardown(void **state)
{
	if (tree_teardown(state) != 0)
		return -1;
	return nftw(measured_dir, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct sluice_topology *
load(const char *overrides)
{
	struct sluice_topology_options options = {
		.sysroot = tree_root,
		.overrides = overrides,
		.measured_dir = measured_dir,
	};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0};

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("load failed: %s", err.msg);
	return topology;
}

static void
keep(const struct sluice_measured *figures, size_t count)
{
	struct sluice_topology *t = load(NULL);
	struct sluice_err err = {0};

	if (sluice_topology_keep_measured(t, measured_dir, figures, count, &err) < 0)
		fail_msg("not kept: %s", err.msg);
	sluice_topology_free(t);
}

static const struct sluice_fact *
find_fact(const struct sluice_topology *t, uint32_t node, uint32_t source, const char *key)
{
	const struct sluice_fact *fact;

	for (size_t i = 0; (fact = sluice_topology_fact(t, i)); i++)
		if (fact->node == node && fact->source == source && strcmp(fact->key, key) == 0)
			return fact;
	fail_msg("no fact '%s' of node %u by %s", key, node, sluice_source_name(source));
	return NULL;
}

static void
assert_remark(const struct sluice_topology *t, const char *part)
{
	const char *text;

	for (size_t i = 0; (text = sluice_topology_remark(t, i, NULL)); i++)
		if (strstr(text, part))
			return;
	fail_msg("no remark says '%s'; the first is: %s", part,
		 sluice_topology_remark(t, 0, NULL) ? sluice_topology_remark(t, 0, NULL) : "none");
}

/* "0 1 2,3": nodes near to far, "," between those of one rank. */
static void
assert_order(const struct sluice_topology *t, uint32_t initiator, const char *expected)
{
	const struct sluice_place *place;
	char text[512] = "";
	size_t length = 0;
	uint32_t rank = 0;

	for (size_t i = 0; (place = sluice_topology_place(t, initiator, i)); i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
					   i == 0               ? ""
					   : place->rank > rank ? " "
								: ",",
					   place->node);
		assert_true(place->reason[0] != '\0');
		rank = place->rank;
	}
	assert_string_equal(text, expected);
}

static void
two_nodes(void)
{
	tree_node(0, 512, "0-1", "10 20");
	tree_node(1, 1024, "", "20 10");
}

static void
test_access1_goes_first(void **state)
{
	const struct sluice_fact *fact;
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_hmat(0, 0, 70, 1000);
	tree_hmat(0, 1, 80, 2000);
	tree_hmat(1, 0, 250, 500);
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 80);
	assert_int_equal(sluice_topology_node_by_id(t, 0)->latency_source, SLUICE_SOURCE_HMAT_CPU);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 250);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->latency_source, SLUICE_SOURCE_HMAT_ANY);
	fact = find_fact(t, 0, SLUICE_SOURCE_HMAT_CPU, "read_latency_ns");
	assert_int_equal(fact->verdict, SLUICE_FACT_USED);
	assert_int_equal(fact->number, 80);
	assert_string_equal(fact->value, "80");
	assert_string_equal(fact->origin, NODES "/node0/access1/initiators/read_latency");
	fact = find_fact(t, 0, SLUICE_SOURCE_HMAT_ANY, "read_latency_ns");
	assert_int_equal(fact->verdict, SLUICE_FACT_OUTRANKED);
	assert_string_equal(fact->note, "hmat-access1 goes first");
	sluice_topology_free(t);
}

static void
test_numbers_that_mean_nothing(void **state)
{
	static const char *const texts[] = {
		"0", "65535", "-5", "250ns", "1e3", "", "99999999999999999999"};

	(void)state;
	two_nodes();
	tree_hmat(0, 1, 80, 1000);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct sluice_fact *fact;
		struct sluice_topology *t;

		tree_put(NODES "/node1/access1/initiators/read_latency", texts[i]);
		t = load(NULL);
		assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
		assert_int_equal(sluice_topology_node_by_id(t, 1)->latency_source,
				 SLUICE_SOURCE_NONE);
		fact = find_fact(t, 1, SLUICE_SOURCE_HMAT_CPU, "read_latency_ns");
		assert_int_equal(fact->verdict, SLUICE_FACT_REFUSED);
		assert_true(fact->note[0] != '\0');
		sluice_topology_free(t);
	}
}

/* Without a measurement, wrong is unknown; with one, it is what was measured. */
static void
test_slow_memory_told_fast(void **state)
{
	struct sluice_measured measured[] = {
		{.initiator = 0, .node = 0, .read_latency_ns = 90, .read_bw_mbps = 50000},
		{.node = 1,
		 .read_latency_ns = 260,
		 .read_bw_mbps = 20000,
		 .mixed_bw_mbps = 15000,
		 .latency_spread_percent = 4},
	};
	const struct sluice_node *node;
	const struct sluice_fact *fact;
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_hmat(0, 1, 80, 1000);
	tree_hmat(1, 1, 60, 500);
	tree_dax(CXL_PARENT, "dax0.0", 1, "kmem");
	t = load(NULL);
	assert_tiers(t, "0:dram 1:cxl");
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_bw_mbps, 500);
	assert_remark(t, "would be faster (60 ns)");
	assert_remark(t, "there is no measurement to use instead");
	fact = find_fact(t, 1, SLUICE_SOURCE_HMAT_CPU, "read_latency_ns");
	assert_int_equal(fact->verdict, SLUICE_FACT_REFUSED);
	assert_says(fact->note, "plainly wrong");
	sluice_topology_free(t);

	keep(measured, 2);
	t = load(NULL);
	assert_tiers(t, "0:dram 1:cxl");
	node = sluice_topology_node_by_id(t, 1);
	assert_int_equal(node->read_latency_ns, 260);
	assert_int_equal(node->spread_percent, 4);
	assert_int_equal(node->latency_source, SLUICE_SOURCE_MEASURED);
	assert_int_equal(node->read_bw_mbps, 500); /* of bandwidth HMAT knows all */
	assert_int_equal(node->mixed_bw_mbps, 15000);
	assert_remark(t, "kept measurements are used instead");
	assert_says(sluice_topology_tier(t, 1)->reason, "HMAT's latencies");
	sluice_topology_free(t);
}

static void
test_all_equal_is_wrong_too(void **state)
{
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_hmat(0, 1, 100, 1000);
	tree_hmat(1, 1, 100, 1000);
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 100);
	sluice_topology_free(t);
	tree_dax(CXL_PARENT, "dax0.0", 1, "kmem"); /* now it is known that it cannot be */
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
	assert_remark(t, "the same 100 ns for all nodes");
	sluice_topology_free(t);
}

static void
test_silent_firmware(void **state)
{
	struct sluice_measured measured[] = {
		{.node = 0, .read_latency_ns = 90},
		{.node = 1, .read_latency_ns = 100},
	};
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_hmat(0, 1, 30, 1000);
	t = load(NULL);
	assert_tiers(t, "0:dram 1:remote");
	sluice_topology_free(t);
	/* 100 against 30 would be slow, but those are of two sources; against 90 it is DRAM. */
	keep(measured, 2);
	t = load(NULL);
	assert_tiers(t, "0,1:dram");
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 90);
	assert_remark(t, "silent on the latency of some nodes");
	assert_remark(t, "firmware (HMAT) says 30 ns, measured were 90 ns");
	assert_int_equal(find_fact(t, 0, SLUICE_SOURCE_HMAT_CPU, "read_latency_ns")->verdict,
			 SLUICE_FACT_OUTRANKED);
	sluice_topology_free(t);
}

static void
test_firmware_against_measurements(void **state)
{
	struct sluice_measured measured[] = {
		{.node = 0, .read_latency_ns = 100},
		{.node = 1, .read_latency_ns = 300},
	};
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_hmat(0, 1, 100, 1000);
	tree_hmat(1, 1, 90, 1000);
	t = load(NULL);
	assert_tiers(t, "0,1:dram");
	sluice_topology_free(t);
	keep(measured, 2);
	t = load(NULL);
	assert_tiers(t, "0:dram 1:remote");
	assert_remark(t, "where measurements are 300 and 100 ns");
	sluice_topology_free(t);
	/* Firmware that keeps the order counts, though its figures are others. */
	tree_hmat(1, 1, 150, 1000);
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 150);
	assert_remark(t, "firmware counts, as it knows all nodes");
	sluice_topology_free(t);
}

static void
test_the_users_word(void **state)
{
	const struct sluice_fact *fact;
	struct sluice_topology *t;

	(void)state;
	two_nodes();
	tree_kernel_tier(4, "0");
	tree_kernel_tier(22, "1");
	tree_hmat(0, 1, 80, 1000);
	tree_hmat(1, 1, 250, 500);
	t = load("1=dram@40ns,2GB/s");
	/* The kernel's order is against the user's. */
	assert_tiers(t, "1:dram 0:dram");
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 40);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->write_bw_mbps, 2000);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->kind_source, SLUICE_SOURCE_OVERRIDE);
	assert_says(sluice_topology_node_by_id(t, 1)->reason, "as you say");
	assert_remark(t, "The kernel's order of memory tiers is set aside");
	fact = find_fact(t, 1, SLUICE_SOURCE_HMAT_CPU, "read_latency_ns");
	assert_int_equal(fact->verdict, SLUICE_FACT_OUTRANKED);
	fact = find_fact(t, 1, SLUICE_SOURCE_OVERRIDE, "kind");
	assert_string_equal(fact->origin, "1=dram@40ns,2GB/s");
	assert_order(t, 0, "1 0");
	sluice_topology_free(t);

	t = load("1=tier0");
	assert_tiers(t, "0,1:dram");
	assert_says(sluice_topology_tier(t, 0)->reason, "Node 1: as you say.");
	assert_int_equal(sluice_topology_tier(t, 0)->total_bytes, UINT64_C(1536) << 20);
	sluice_topology_free(t);
	t = load("0=tier1");
	assert_tiers(t, "1:remote 0:dram");
	assert_order(t, 0, "1 0");
	sluice_topology_free(t);
	t = load("0=tier5;1=tier3"); /* beyond the last: in their order */
	assert_tiers(t, "1:remote 0:dram");
	sluice_topology_free(t);
	t = load("7=cxl");
	assert_remark(t, "which is not there (yet)");
	sluice_topology_free(t);
}

/* The guest of tests/vm: HMAT tells each node's nearest CPUs only, SLIT the rest. */
static void
test_orders_of_two_sockets(void **state)
{
	const struct sluice_pair *pair;
	struct sluice_topology *t;

	(void)state;
	tree_load_file("two-socket-cxl");
	t = load(NULL);
	assert_int_equal(sluice_topology_initiator_count(t), 2);
	assert_int_equal(sluice_topology_initiator(t, 1)->node, 1);
	assert_null(sluice_topology_initiator(t, 2));
	assert_order(t, 0, "0 1 2 3");
	assert_order(t, 1, "1 0 3 2");
	assert_null(sluice_topology_place(t, 2, 0)); /* no CPUs */
	assert_null(sluice_topology_place(t, 0, 4));
	pair = sluice_topology_pair(t, 0, 2);
	assert_int_equal(pair->read_latency_ns, 210);
	assert_int_equal(pair->distance, 20);
	pair = sluice_topology_pair(t, 0, 3);
	assert_int_equal(pair->read_latency_ns, 0);
	assert_int_equal(pair->distance, 26);
	assert_null(sluice_topology_pair(t, 2, 0));
	assert_int_equal(sluice_topology_node_by_id(t, 3)->nearest, 1);
	sluice_topology_free(t);
}

/* With latencies of all pairs, memory across may be farther than slow memory at hand. */
static void
test_order_by_latency(void **state)
{
	static const uint32_t ns[2][4] = {{80, 400, 250, 500}, {400, 80, 500, 250}};
	struct sluice_measured measured[8];
	struct sluice_topology *t;

	(void)state;
	tree_load_file("two-socket-cxl");
	for (uint32_t i = 0; i < 8; i++)
		measured[i] = (struct sluice_measured){
			.initiator = i / 4, .node = i % 4, .read_latency_ns = ns[i / 4][i % 4]};
	keep(measured, 8);
	t = load(NULL);
	assert_order(t, 0, "0 2 1 3");
	assert_order(t, 1, "1 3 0 2");
	assert_int_equal(sluice_topology_place(t, 0, 1)->source, SLUICE_SOURCE_MEASURED);
	/* What is shown of a pair that firmware tells is firmware's all the same. */
	assert_int_equal(sluice_topology_pair(t, 0, 2)->latency_source, SLUICE_SOURCE_HMAT_CPU);
	assert_int_equal(sluice_topology_pair(t, 0, 3)->latency_source, SLUICE_SOURCE_MEASURED);
	assert_int_equal(sluice_topology_pair(t, 0, 3)->read_latency_ns, 500);
	sluice_topology_free(t);
	t = load("0:3=200ns"); /* the user's word on one pair */
	assert_order(t, 0, "0 3 2 1");
	sluice_topology_free(t);
}

static void
test_kept_measurements(void **state)
{
	struct sluice_measured measured[] = {
		{.node = 0, .read_latency_ns = 90},
		{.node = 1, .read_latency_ns = 260, .bw_spread_percent = 7},
	};
	struct sluice_measured other = {.node = 1, .read_latency_ns = 270};
	struct sluice_topology *t;
	struct sluice_err err = {0};
	char path[PATH_MAX], text[4096];
	FILE *file;

	(void)state;
	two_nodes();
	tree_put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	keep(measured, 2);
	keep(&other, 1); /* replaces that pair, leaves the other */
	t = load(NULL);
	assert_int_equal(strlen(sluice_topology_identity(t)), 16);
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 90);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 270);
	snprintf(path, sizeof(path), "%s/measured-%s.txt", measured_dir,
		 sluice_topology_identity(t));
	assert_string_equal(find_fact(t, 1, SLUICE_SOURCE_MEASURED, "read_latency_ns")->origin,
			    path);
	other.node = 9;
	assert_int_equal(sluice_topology_keep_measured(t, measured_dir, &other, 1, &err), -EINVAL);
	assert_says(err.msg, "no pair of CPU node 0 and memory node 9");
	other.node = 1;
	assert_int_equal(sluice_topology_keep_measured(t, "/nonexistent/x", &other, 1, &err),
			 -ENOENT);
	assert_says(err.msg, "/nonexistent/x");
	sluice_topology_free(t);

	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_says(text, "sluice-measured 1\nmachine ");
	assert_says(text, "node 0 536870912 0-1\nnode 1 1073741824 -\n");
	assert_says(text, "pair 0 1 read_latency_ns=270\n");

	/* A node of another size is another node; a little less is the same one. */
	tree_node(1, 1000, "", "20 10");
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 270);
	sluice_topology_free(t);
	tree_node(1, 2048, "", "20 10");
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 90);
	assert_remark(t, "is not what it was when it was measured");
	sluice_topology_free(t);

	/* Another machine. */
	tree_put("etc/machine-id", "1123456789abcdef0123456789abcdef\n");
	t = load(NULL);
	assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 0);
	sluice_topology_free(t);
}

static void
test_damaged_measurements(void **state)
{
	static const char *const texts[] = {
		"",
		"sluice-measured 2\npair 0 0 read_latency_ns=90\n",
		"sluice-measured 1\npair 0 0 read_latency_ns=90\n", /* of a node never described */
		"sluice-measured 1\nnode 0 536870912 0-1\npair 0 0 read_latency_ns=-90\n",
		"sluice-measured 1\nnode 0 536870912 0-1\npair 0 0 read_latency_ns=99999999999\n",
		"sluice-measured 1\nnode 0 536870912 0-1\npair 0 0 read_latency_ns=60001\n",
		"sluice-measured 1\nnode 0 536870912 0-1\npair 0 x read_latency_ns=90\n",
		"sluice-measured 1\nnode 0 536870912 0-7\npair 0 0 read_latency_ns=90\n",
		"sluice-measured 1\nnode 0 99999999999999999999 0-1\npair 0 0 read_latency_ns=9\n",
		"sluice-measured 1\nnode 0 536870912 0-1\npair 0 0 read_latency=90 =90 x =\n",
	};
	char path[PATH_MAX];

	(void)state;
	two_nodes();
	for (size_t i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++) {
		struct sluice_topology *t = load(NULL);
		FILE *file;

		assert_int_equal(sluice_topology_node_by_id(t, 0)->read_latency_ns, 0);
		snprintf(path, sizeof(path), "%s/measured-%s.txt", measured_dir,
			 sluice_topology_identity(t));
		sluice_topology_free(t);
		if (i == sizeof(texts) / sizeof(texts[0]))
			break;
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
	}
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	sluice_topology_free(load(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_access1_goes_first),    TEST(test_numbers_that_mean_nothing),
		TEST(test_slow_memory_told_fast), TEST(test_all_equal_is_wrong_too),
		TEST(test_silent_firmware),       TEST(test_firmware_against_measurements),
		TEST(test_the_users_word),        TEST(test_orders_of_two_sockets),
		TEST(test_order_by_latency),      TEST(test_kept_measurements),
		TEST(test_damaged_measurements),
	};

	return cmocka_run_group_tests_name("topology_figures", tests, NULL, NULL);
}
