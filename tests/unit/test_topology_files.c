/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topology_files.c - the topology on captured machines, on damaged trees, and while files
 * change under it.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "topology_tree.h"

#include <malloc.h>

#include "topology/nodeset.h"
#include "topology/sysroot.h"

static int
load_error(struct sluice_err *err)
{
	struct sluice_topology_options options = {.sysroot = tree_root};
	struct sluice_topology *untouched = (struct sluice_topology *)tree_root, *t = untouched;
	int r = sluice_topology_load(&options, &t, err);

	assert_ptr_equal(t, untouched);
	return r;
}

static void
test_no_machine(void **state)
{
	struct sluice_topology_options options = {.sysroot = "/nonexistent/root"};
	struct sluice_topology *t = NULL;
	struct sluice_err err = {0};

	(void)state;
	assert_int_equal(load_error(&err), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_says(err.msg, "sys/devices/system/node");
	assert_int_equal(load_error(NULL), -ENOENT);
	assert_int_equal(sluice_topology_load(&options, &t, &err), -ENOENT);
	assert_says(err.msg, "/nonexistent/root");
	assert_null(t);

	tree_put(NODES, "a file where the folder should be");
	assert_int_equal(load_error(&err), -ENOENT);
	tree_remove(NODES);
	tree_put(NODES "/online", "0\n");
	assert_int_equal(load_error(&err), -ENOENT);
	assert_says(err.msg, "no node");
	sluice_topology_free(NULL);
}

static void
test_this_machine(void **state)
{
	struct sluice_topology *t = NULL;

	(void)state;
	if (access("/" NODES "/node0/meminfo", R_OK) < 0)
		skip();
	assert_int_equal(sluice_topology_load(NULL, &t, NULL), 0);
	assert_true(sluice_topology_node_count(t) > 0);
	assert_true(sluice_topology_tier_count(t) > 0);
	assert_int_equal(sluice_topology_refresh(t, NULL), 0);
	for (size_t i = 0; i < sluice_topology_node_count(t); i++) {
		const struct sluice_node *node = sluice_topology_node(t, i);

		assert_true(node->free_bytes > 0 && node->free_bytes < node->total_bytes);
		assert_true(node->tier < sluice_topology_tier_count(t));
		assert_true(node->reason[0]);
	}
	sluice_topology_free(t);
}

/* No key is trusted: each kind of damage makes just that fact unknown. */
static void
test_damaged_figures(void **state)
{
	static const char *const damage[] = {
		"",      "-5\n",  "abc\n", "0\n", "99999999999999999999\n",
		"12x\n", "1 2\n", "0x\n",  "\n",  "+7\n"};

	(void)state;
	tree_node(0, 512, "0-1", "10");
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct sluice_topology *t;
		const struct sluice_node *node;

		tree_put(NODES "/node0/access0/initiators/read_latency", damage[i]);
		tree_put(NODES "/node0/access0/initiators/read_bandwidth", damage[i]);
		tree_put(NODES "/node0/distance", damage[i]);
		tree_put(TIERS "/memory_tier4/nodelist", "garbage");
		tree_put(TIERS "/memory_tier-4/nodelist", "0\n");
		tree_put(TIERS "/memory_tier/nodelist", "0\n");
		t = tree_topology();
		node = sluice_topology_node(t, 0);
		assert_int_equal(node->read_latency_ns, 0);
		assert_int_equal(node->read_bw_mbps, 0);
		assert_int_equal(node->distance, 0);
		assert_int_equal(node->kernel_tier, -1);
		assert_tiers(t, "0:dram");
		sluice_topology_free(t);
	}
}

static void
test_damaged_lists(void **state)
{
	static const char *const damage[] = {"x",   "0-",    "-1",  "0,,1",      "0,",
					     "3-1", "0-1:2", "0 1", "4294967296"};

	(void)state;
	tree_node(0, 512, "0-1", "10 20");
	tree_node(1, 512, "zzz", "20 10");
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct sluice_topology *t;

		tree_put(NODES "/online", damage[i]);
		tree_put(NODES "/has_memory", damage[i]);
		t = tree_topology();
		assert_tiers(t, "0:dram 1:remote");
		assert_string_equal(sluice_topology_node_by_id(t, 1)->cpus, "");
		sluice_topology_free(t);
	}
}

/* 10 is local, 255 is unreachable: what is below or beyond is no distance. */
static void
test_distances_out_of_range(void **state)
{
	static const char *const rows[] = {"10 9", "10 255",   "10 4000000000",
					   "10",   "10 20 30", "10,20"};

	(void)state;
	tree_node(1, 512, "", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sluice_topology *t;

		tree_node(0, 512, "0-1", rows[i]);
		t = tree_topology();
		assert_int_equal(sluice_topology_node_by_id(t, 1)->distance, 0);
		sluice_topology_free(t);
	}
}

/* Folders of nodes that are offline, or that the kernel says have no memory, do not count. */
static void
test_only_online_nodes_with_memory(void **state)
{
	struct sluice_topology *t;

	(void)state;
	for (uint32_t id = 0; id < 4; id++)
		tree_node(id, 512, id ? "" : "0", "10");
	tree_put(NODES "/online", "0,2-3,5\n");
	tree_put(NODES "/has_memory", "0-2,5\n");
	t = tree_topology();
	assert_tiers(t, "0:dram 2:remote");
	sluice_topology_free(t);
}

/* has_cpu still tells when the CPUs' list is damaged; an empty list is a clear no. */
static void
test_has_cpu_without_list(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_node(0, 512, "zzz", "10 20");
	tree_node(1, 512, "", "20 10");
	tree_put(NODES "/has_cpu", "0-1\n");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote");
	sluice_topology_free(t);
}

static void
test_damaged_sizes(void **state)
{
	static const char *const damage[] = {
		"",
		"Node 1 MemTotal: -5 kB\nNode 1 MemFree: 1 kB\n",
		"Node 1 MemTotal: 5\n",
		"Node 1 MemTotal: 5 MB\nNode 1 MemFree: 1 kB\n",
		"Node 1 MemTotal: 5 kB\nNode 1 MemFree: 6 kB\n",
		"Node 1 MemTotal: 18446744073709551615 kB\nNode 1 MemFree: 6 kB\n",
		"Node 1 MemTotal: 0 kB\nNode 1 MemFree: 0 kB\n",
	};

	(void)state;
	tree_slow_nodes(1);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct sluice_topology *t;

		tree_put(NODES "/node1/meminfo", damage[i]);
		t = tree_topology();
		assert_tiers(t, "0:dram");
		sluice_topology_free(t);
	}
}

/* Loops, folders, pipes, binary and huge files where text should be. */
static void
test_damaged_files(void **state)
{
	struct sluice_topology *t;
	char path[PATH_MAX];
	char *huge = malloc(1 << 20);

	(void)state;
	assert_non_null(huge);
	memset(huge, '7', 1 << 20);
	tree_slow_nodes(1);
	tree_link(NODES "/online", "online");
	tree_put(NODES "/has_memory/file", "");
	tree_path(path, NODES "/has_cpu");
	assert_int_equal(mkfifo(path, 0600), 0);
	tree_put_bytes(NODES "/node1/access1/initiators/read_latency", "250\0x\n", 6);
	tree_put_bytes(NODES "/node1/access1/initiators/write_latency", huge, 1 << 20);
	tree_put_bytes(NODES "/node7/meminfo", huge, 1 << 20);
	tree_put_bytes(TIERS "/memory_tier3/nodelist", "1\0", 2);
	tree_put(TIERS "/memory_tier99999999999/nodelist", "1\n");
	tree_put_bytes(NODES "/node8/distance", "\xff\xfe\x00\x01", 4);
	tree_put(NODES "/node4294967296/meminfo", "Node 0 MemTotal: 5 kB\nNode 0 MemFree: 5 kB\n");
	tree_put(NODES "/node1024/meminfo", "Node 0 MemTotal: 5 kB\nNode 0 MemFree: 5 kB\n");
	tree_link("sys/bus/dax/devices/dax0.0", "dax0.0");
	tree_link("sys/bus/dax/devices/dax0.1", "../../../../../../../..");
	tree_put("sys/bus/dax/devices/dax0.2/target_node", "1\n");
	tree_put("sys/devices/system/memory/block_size_bytes", "0\n");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:remote");
	assert_int_equal(sluice_topology_node_by_id(t, 1)->read_latency_ns, 0);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->kernel_tier, -1);
	sluice_topology_free(t);
	free(huge);
}

/* A link in a captured tree shows that machine, never this one. */
static void
test_links_stay_inside(void **state)
{
	char text[64];
	int root;

	(void)state;
	root = sysroot_open(tree_root);
	assert_true(root >= 0);
	tree_put("etc/inside", "captured\n");
	tree_link("absolute", "/etc/inside");
	tree_link("up", "../../../../../etc/inside");
	tree_link("outside", "/etc/passwd");
	assert_int_equal(sysroot_read(root, text, sizeof(text), "absolute"), strlen("captured"));
	assert_string_equal(text, "captured");
	assert_int_equal(sysroot_read(root, text, sizeof(text), "up"), strlen("captured"));
	assert_int_equal(sysroot_read(root, text, sizeof(text), "outside"), -ENOENT);
	assert_string_equal(text, "");
	assert_int_equal(sysroot_read(root, text, sizeof(text), "etc"), -EISDIR);
	assert_int_equal(sysroot_read_link(root, text, sizeof(text), "absolute"), 11);
	assert_string_equal(text, "/etc/inside");
	assert_true(sysroot_read_link(root, text, sizeof(text), "etc/inside") < 0);
	assert_int_equal(sysroot_read_link(root, text, 4, "absolute"), -ENAMETOOLONG);
	close(root);
}

/* From here on openat2 is refused, as old containers do. */
static bool
refuse_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Without openat2 the machine itself is read all the same, but no captured tree, as links would
 * lead out of it. */
static void
test_links_stay_inside_without_openat2(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	tree_link("outside", "/proc/version");
	child = fork();
	if (child == 0) {
		int captured = sysroot_open(tree_root), own = sysroot_open(NULL);
		char text[4096];

		if (captured < 0 || own < 0 || !refuse_openat2())
			_exit(77);
		_exit((sysroot_read(captured, text, sizeof(text), "outside") >= 0) |
		      (sysroot_read(own, text, sizeof(text), "proc/version") <= 0) << 1);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_bounded_read(void **state)
{
	char text[8];
	uint64_t number = 99;
	int root;

	(void)state;
	root = sysroot_open(tree_root);
	tree_put("seven", "1234567");
	tree_put("eight", "12345678");
	assert_int_equal(sysroot_read(root, text, sizeof(text), "seven"), 7);
	assert_int_equal(sysroot_read(root, text, sizeof(text), "eight"), -EFBIG);
	assert_string_equal(text, "");
	assert_int_equal(sysroot_read_head(root, text, sizeof(text), "eight"), 7);
	assert_string_equal(text, "1234567");
	tree_put("hex", "0xFf\n");
	assert_int_equal(sysroot_read_number(root, 0, 254, &number, "hex"), -EINVAL);
	assert_int_equal(number, 99);
	assert_int_equal(sysroot_read_number(root, 0, 255, &number, "hex"), 0);
	assert_int_equal(number, 255);
	assert_int_equal(sysroot_read_number(root, 256, 300, &number, "hex"), -EINVAL);
	tree_put("max", "18446744073709551615");
	assert_int_equal(sysroot_read_number(root, 0, UINT64_MAX, &number, "max"), 0);
	assert_true(number == UINT64_MAX);
	tree_put("over", "18446744073709551616");
	assert_int_equal(sysroot_read_number(root, 0, UINT64_MAX, &number, "over"), -EINVAL);
	close(root);
}

static void
test_nodeset(void **state)
{
	struct nodeset set = {0};
	char text[16];

	(void)state;
	assert_true(nodeset_parse("0-2,5,1023,2000-4294967295", &set));
	nodeset_format(&set, text, sizeof(text));
	assert_string_equal(text, "0-2,5,1023");
	assert_true(nodeset_parse("", &set));
	nodeset_format(&set, text, sizeof(text));
	assert_string_equal(text, "");
	assert_true(nodeset_parse("100,200,300,400", &set));
	nodeset_format(&set, text, sizeof(text));
	assert_string_equal(text, "100,200,300,400");
	assert_true(nodeset_parse("100,200,300,400,500", &set));
	nodeset_format(&set, text, sizeof(text));
	assert_string_equal(text, "100,200,300,...");
	assert_false(nodeset_has(&set, SLUICE_NODES_MAX));
}

static void
test_long_cpu_list(void **state)
{
	struct sluice_topology *t;
	char list[1024] = "0";
	const char *cpus;

	(void)state;
	for (int cpu = 2; cpu < 200; cpu += 2)
		sprintf(list + strlen(list), ",%d", cpu);
	tree_node(0, 512, list, "10");
	t = tree_topology();
	cpus = sluice_topology_node(t, 0)->cpus;
	assert_int_equal(strncmp(cpus, "0,2,4,6", 7), 0);
	assert_string_equal(cpus + strlen(cpus) - 4, ",...");
	sluice_topology_free(t);
}

static void
test_refresh(void **state)
{
	struct sluice_topology *t;
	struct sluice_err err = {0};
	struct mallinfo2 before, after;

	(void)state;
	tree_slow_nodes(2);
	t = tree_topology();
	assert_int_equal(sluice_topology_tier(t, 1)->free_bytes, UINT64_C(1024) << 20);
	tree_put(NODES "/node1/meminfo",
		 "Node 1 MemTotal:  1048576 kB\nNode 1 MemFree:   1024 kB\n");
	before = mallinfo2();
	assert_int_equal(sluice_topology_refresh(t, &err), 0);
	after = mallinfo2();
	assert_int_equal(before.uordblks, after.uordblks);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->free_bytes, 1 << 20);
	assert_int_equal(sluice_topology_tier(t, 1)->free_bytes, UINT64_C(513) << 20);
	assert_int_equal(sluice_topology_tier(t, 0)->free_bytes, UINT64_C(256) << 20);

	tree_remove(NODES "/node1/meminfo"); /* the node went offline */
	tree_put(NODES "/node2/meminfo",
		 "Node 2 MemTotal:  1048576 kB\nNode 2 MemFree:   2048 kB\n");
	assert_int_equal(sluice_topology_refresh(t, &err), -ENOENT);
	assert_says(err.msg, "node 1");
	assert_int_equal(sluice_topology_node_by_id(t, 1)->free_bytes, 0);
	assert_int_equal(sluice_topology_tier(t, 1)->free_bytes, 2 << 20);
	assert_int_equal(sluice_topology_node_by_id(t, 1)->total_bytes, UINT64_C(1024) << 20);
	sluice_topology_free(t);
}

/* What a real kernel shows, captured in the guests of tests/vm. */
static void
test_captured_machines(void **state)
{
	static const struct {
		const char *name, *tiers, *says;
	} machines[] = {
		{"single", "0:dram", "only memory tier"},
		{"dram-slow", "0:dram 1:remote", "210 ns against 70 ns"},
		{"dram-cxl", "0:dram 1:cxl", "dax0.0 of CXL region"},
		{"dram-pmem", "0:dram 1:pmem", "dax0.0 of NVDIMM ndbus0/region0"},
		{"two-socket-cxl", "0,1:dram 2,3:remote", "210 ns against 70 ns"},
		{"two-socket-expanders", "0,1:dram 2,3:cxl", "dax1.0 of CXL region1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct sluice_topology *t;
		size_t nodes;

		assert_int_equal(tree_setup(NULL), 0);
		tree_load_file(machines[i].name);
		t = tree_topology();
		assert_tiers(t, machines[i].tiers);
		nodes = sluice_topology_node_count(t);
		assert_says(sluice_topology_node(t, nodes - 1)->reason, machines[i].says);
		assert_int_equal(sluice_topology_refresh(t, NULL), 0);
		sluice_topology_free(t);
		assert_int_equal(tree_teardown(NULL), 0);
	}
}

/* Were there no dax device, the region's addresses would still tell. */
static void
test_captured_cxl_without_dax(void **state)
{
	struct sluice_topology *t;

	(void)state;
	tree_load_file("dram-cxl");
	tree_remove("sys/bus/dax/devices/dax0.0");
	t = tree_topology();
	assert_tiers(t, "0:dram 1:cxl");
	assert_says(sluice_topology_node_by_id(t, 1)->reason, "address range of CXL region0");
	sluice_topology_free(t);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_no_machine),
		cmocka_unit_test(test_this_machine),
		TREE_TEST(test_damaged_figures),
		TREE_TEST(test_damaged_lists),
		TREE_TEST(test_distances_out_of_range),
		TREE_TEST(test_only_online_nodes_with_memory),
		TREE_TEST(test_has_cpu_without_list),
		TREE_TEST(test_damaged_sizes),
		TREE_TEST(test_damaged_files),
		TREE_TEST(test_links_stay_inside),
		TREE_TEST(test_links_stay_inside_without_openat2),
		TREE_TEST(test_bounded_read),
		cmocka_unit_test(test_nodeset),
		TREE_TEST(test_long_cpu_list),
		TREE_TEST(test_refresh),
		cmocka_unit_test(test_captured_machines),
		TREE_TEST(test_captured_cxl_without_dax),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
