/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_capture.c - captures: what is in them, what is not, and that what comes back is the same
 * machine. And trees as text, hostile ones among them: nothing outside of the folder is touched.
 */
#include "topology_tree.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "topology/tree.h"
#include "topology_json.h"

static json_t *
machine_of(const char *sysroot)
{
	struct sluice_topology_options options = {.sysroot = sysroot};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0};
	json_t *json;

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("load failed: %s", err.msg);
	json = topology_to_json(topology, true);
	sluice_topology_free(topology);
	assert_non_null(json);
	return json;
}

static char *
capture_of(const char *sysroot)
{
	struct sluice_err err = {0};
	char *text = NULL;

	if (sluice_topology_capture(sysroot, &text, &err) < 0)
		fail_msg("capture failed: %s", err.msg);
	if (!text)
		abort();
	return text;
}

/* A file beside the tree's folder; its name is good until the next call. */
static const char *
write_capture(const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s.tree", tree_root);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
	return path;
}

static void
assert_same_again(void)
{
	json_t *before = machine_of(tree_root), *after;
	char *text = capture_of(tree_root), *again;
	const char *path = write_capture(text);

	after = machine_of(path);
	if (!json_equal(before, after))
		fail_msg("%s\n\nis not\n\n%s", json_dumps(after, 0), json_dumps(before, 0));
	again = capture_of(path);
	assert_string_equal(again, text);
	assert_null(strstr(text, "nobody has said"));
	free(text);
	free(again);
	json_decref(before);
	json_decref(after);
	remove(path);
}

static void
test_captured_machines(void **state)
{
	static const char *const names[] = {"single",    "dram-slow",      "dram-cxl",
					    "dram-pmem", "two-socket-cxl", "two-socket-expanders"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tree_load_file(names[i]);
		assert_same_again();
		tree_teardown(state);
		assert_int_equal(tree_setup(state), 0);
	}
}

/* All that the topology reads must be in a capture: who adds a source adds its files to the table
 * of topo_capture.c. This machine has what no other test does. */
static void
test_this_machine(void **state)
{
	char *text = capture_of(NULL);
	json_t *after = machine_of(write_capture(text));

	(void)state;
	assert_null(strstr(text, "nobody has said"));
	assert_true(json_array_size(json_object_get(after, "nodes")) > 0);
	json_decref(after);
	remove(write_capture(text));
	free(text);
}

static void
make_rich_machine(void)
{
	tree_node(0, 512, "0-1", "10 20");
	tree_node(1, 1024, "", "20 10");
	tree_put(NODES "/online", "0-1\n");
	tree_put("sys/devices/system/memory/block_size_bytes", "8000000\n");
	for (int block = 0; block < 300; block++)
		tree_putf("", NODES "/node0/memory%d/state", block);
	tree_dax("platform/ACPI0017:00/root0/decoder0.0/region0/dax_region0", "dax0.0", 1, "kmem");
	tree_put("sys/bus/cxl/devices/region1/commit", "1\n");
	tree_put("sys/bus/cxl/devices/region1/mode", "ram\n");
	tree_put("sys/bus/cxl/devices/region1/resource", "0x1000000000\n");
	tree_put("sys/bus/cxl/devices/region1/size", "0x10000000\n");
	tree_put(NODES "/node0/hugepages/hugepages-2048kB/nr_hugepages", "7\n");
	tree_put(NODES "/node0/hugepages/hugepages-2048kB/free_hugepages", "2\n");
	tree_put(NODES "/node0/hugepages/hugepages-2048kB/surplus_hugepages", "0\n");
	tree_put("sys/kernel/mm/mempolicy/weighted_interleave/node0", "3\n");
	tree_put("sys/kernel/mm/mempolicy/weighted_interleave/node1", "1\n");
	tree_put(NODES "/node1/memory_side_cache/index1/size", "1073741824\n");
	tree_put("sys/block/zram0/comp_algorithm", "lzo [zstd]\n");
	tree_put("sys/block/zram0/mm_stat", "4096 1024 2048 0 0 0 0 0 0\n");
	tree_put("sys/module/zswap/parameters/enabled", "Y\n");
	tree_put("sys/module/zswap/parameters/compressor", "zstd\n");
	tree_put("proc/meminfo", "MemTotal: 1572864 kB\nZswap: 8 kB\nZswapped: 32 kB\n");
	tree_put("proc/swaps", "Filename Type Size Used Priority\n"
			       "/dev/zram0 partition 1048572 4 100\n");
}

static void
test_rich_machine(void **state)
{
	char *text;

	(void)state;
	make_rich_machine();
	assert_same_again();
	text = capture_of(tree_root);
	assert_says(text, "lzo [zstd]");
	/* Like folders are told together, or a large machine's capture has a line for each block.
	 */
	assert_says(text, "/node0/memory[0-299]/");
	free(text);
}

static void
test_owner_stays_out(void **state)
{
	static const char *const secrets[] = {"machine-id-1", "SERIAL", "vendor-x", "alice", "VIN"};
	char *text;
	json_t *after;

	(void)state;
	make_rich_machine();
	tree_put("etc/machine-id", "machine-id-1\n");
	tree_put("etc/hostname", "alices-laptop\n");
	tree_put("sys/class/dmi/id/product_name", "vendor-x\n");
	tree_put("sys/class/dmi/id/product_serial", "SERIAL\n");
	tree_put("sys/bus/cxl/devices/mem0/serial", "0xSERIAL\n");
	tree_put("sys/bus/cxl/devices/mem0/ram/size", "0x40000000\n");
	tree_put("proc/cpuinfo", "processor\t: 0\nmodel name\t: A CPU\nSerial\t\t: SERIAL\n");
	tree_put("proc/swaps", "Filename Type Size Used Priority\n"
			       "/home/alice/swap file 1024 0 -2\n"
			       "/dev/mapper/VIN-swap partition 2048 0 -3\n"
			       "/dev/nvme0n1p2 partition 4096 0 -4\n");
	text = capture_of(tree_root);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		if (strstr(text, secrets[i]))
			fail_msg("'%s' is in the capture:\n%s", secrets[i], text);
	}
	assert_says(text, "A CPU");
	assert_says(text, "/dev/nvme0n1p2");
	assert_says(text, "# Left out: the machine's id.");
	assert_says(text, "# Left out: names of swap files.");
	assert_says(text, "# Left out: lines of /proc/cpuinfo");
	after = machine_of(write_capture(text));
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(after, "swap"), "devices")), 3);
	json_decref(after);
	remove(write_capture(text));
	free(text);
}

static void
parse_error(const char *text, const char *says)
{
	struct tree tree = {0};
	struct sluice_err err = {0};

	if (tree_parse(text, &tree, &err) != -EINVAL)
		fail_msg("taken: %s", text);
	assert_says(err.msg, says);
	tree_clear(&tree);
}

static void
test_text_that_is_no_tree(void **state)
{
	(void)state;
	parse_error("sys/a", "line 1");
	parse_error("sys/a = b\nsys/c -> \n", "line 2");
	parse_error("/etc/passwd = root\n", "line 1");
	parse_error("../etc/passwd = root\n", "line 1");
	parse_error("sys/../../etc/passwd = root\n", "line 1");
	parse_error("sys//a = b\n", "line 1");
	parse_error("sys/./a = b\n", "line 1");
	parse_error("sys/a = \\q\n", "line 1");
	parse_error("sys/a = \\x0\n", "line 1");
	parse_error("sys/a = \\x00\n", "line 1");
	parse_error("sys/m[3-1]/\n", "line 1");
	parse_error("sys/m[0-999999]/\n", "line 1");
	parse_error("sys/m[0-3\n", "line 1");
	parse_error("sys/m[0-3]x/\n", "line 1");
	parse_error("\n#\n = b\n", "line 3");
}

static void
test_text_and_back(void **state)
{
	static const char text[] = "# head\n"
				   "sys/a2 = one\\ntwo\\\\\\x09\\xc3\\xa9 = -> x\n"
				   "sys/a10 -> ../b = c\n"
				   "sys/b/\n"
				   "sys/m[9-11]/\n"
				   "sys/m11x/\n";
	struct tree tree = {0};
	char *again;

	(void)state;
	assert_int_equal(tree_parse(text, &tree, NULL), 0);
	assert_int_equal(tree.count, 7);
	assert_string_equal(tree.entries[0].text, "one\ntwo\\\t\xc3\xa9 = -> x");
	/* A folder that others imply, a link that is also a folder, a shorter text. */
	assert_int_equal(tree_add(&tree, TREE_FOLDER, "sys", NULL), 0);
	assert_int_equal(tree_add(&tree, TREE_FOLDER, "sys/a10", NULL), 0);
	assert_int_equal(tree_add(&tree, TREE_FILE, "sys/a2", "one"), 0);
	tree_tidy(&tree);
	again = tree_format(&tree, "# head\n");
	assert_string_equal(again, text);
	free(again);
	tree_clear(&tree);
}

static int
unpack_text(const char *text, struct sluice_err *err)
{
	struct tree tree = {0};
	int folder = open(tree_root, O_PATH | O_DIRECTORY), r;

	assert_int_equal(tree_parse(text, &tree, err), 0);
	r = tree_unpack(&tree, folder, err);
	close(folder);
	tree_clear(&tree);
	return r;
}

static void
test_unpack_stays_inside(void **state)
{
	struct sluice_err err = {0};
	char outside[128], text[1024], path[PATH_MAX];
	struct stat st;

	(void)state;
	snprintf(outside, sizeof(outside), "%s-outside", tree_root);
	assert_int_equal(mkdir(outside, 0700), 0);
	/* Through a link that the text itself makes, before or after. */
	snprintf(text, sizeof(text), "sys/door -> %s\nsys/door/file = x\n", outside);
	assert_int_equal(unpack_text(text, &err), -EINVAL);
	assert_says(err.msg, "sys/door");
	snprintf(path, sizeof(path), "%s/file", outside);
	assert_int_equal(stat(path, &st), -1);
	/* Through a link that is there already. */
	tree_link("proc", outside);
	assert_int_equal(unpack_text("proc/file = x\n", &err), -EINVAL);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(unpack_text("a = x\na/b = y\n", &err), -EINVAL);
	/* And removing it follows none. */
	snprintf(path, sizeof(path), "%s/kept", outside);
	fclose(fopen(path, "w"));
	tree_remove_folder(tree_root);
	assert_int_equal(stat(tree_root, &st), -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(remove(path), 0);
	assert_int_equal(rmdir(outside), 0);
	assert_int_equal(mkdir(tree_root, 0700), 0);
}

static size_t
unpacked_folders(void)
{
	char command[PATH_MAX];
	size_t count = 0;
	FILE *list;

	snprintf(command, sizeof(command), "ls -d '%s'/sluice-* 2>/dev/null", tree_root);
	list = popen(command, "r");
	for (int c; list && (c = getc(list)) != EOF;)
		count += c == '\n';
	pclose(list);
	return count;
}

static void
test_files_that_are_no_capture(void **state)
{
	static const char *const bad[] = {
		"nonsense\n", "sys/a = b\nsys/a = c\n", "sys/a = b\n",
		"", /* empty: no nodes in it */
	};
	struct sluice_topology_options options = {0};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0};
	char *text;

	(void)state;
	setenv("TMPDIR", tree_root, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		options.sysroot = write_capture(bad[i]);
		assert_true(sluice_topology_load(&options, &topology, &err) < 0);
		assert_null(topology);
		assert_true(strlen(err.msg) > 20);
	}
	options.sysroot = "/proc/self/exe"; /* binary */
	assert_int_equal(sluice_topology_load(&options, &topology, &err), -EINVAL);
	assert_says(err.msg, "binary");
	/* A good one leaves nothing behind either, and does not change. */
	tree_load_file("dram-cxl");
	text = capture_of(tree_root);
	options.sysroot = write_capture(text);
	free(text);
	assert_int_equal(sluice_topology_load(&options, &topology, &err), 0);
	assert_int_equal(unpacked_folders(), 0);
	assert_int_equal(sluice_topology_refresh(topology, &err), 0);
	assert_true(sluice_topology_node(topology, 0)->free_bytes > 0);
	assert_int_equal(sluice_topology_is_stale(topology), 0);
	sluice_topology_free(topology);
	remove(options.sysroot);
	unsetenv("TMPDIR");
}

static void
load_capture(const char *path)
{
	struct sluice_topology_options options = {.sysroot = path};
	struct sluice_topology *topology = NULL;

	if (sluice_topology_load(&options, &topology, NULL) < 0)
		abort(); /* in children too */
	sluice_topology_free(topology);
}

/* What a load that was killed has unpacked is gone after the next one; what another is reading just
 * now stays, and so does what only looks alike. */
static void
test_killed_loads(void **state)
{
	char path[PATH_MAX], *text;
	int left = 0, fd;

	(void)state;
	setenv("TMPDIR", tree_root, 1);
	tree_load_file("dram-cxl");
	text = capture_of(tree_root);
	snprintf(path, sizeof(path), "%s", write_capture(text));
	free(text);
	for (int i = 0; i < 30; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		while (child == 0)
			load_capture(path);
		usleep(2000 + 500 * (unsigned int)i);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		left += unpacked_folders() > 0;
	}
	print_message("%d of 30 killed loads left something\n", left);
	assert_true(left > 0);
	load_capture(path);
	assert_int_equal(unpacked_folders(), 0);

	tree_put("sluice-capture-abcdef/sys/x", "1");
	tree_put("sluice-capture-longer-name/x", "1");
	tree_put("sluice-capture-ABCDEF/x", "1");
	tree_link("sluice-capture-linked", "sys");
	tree_path(path, "sluice-capture-ABCDEF");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
	snprintf(path, sizeof(path), "%s.tree", tree_root);
	load_capture(path);
	assert_int_equal(unpacked_folders(), 3);
	tree_path(path, "sluice-capture-abcdef");
	assert_true(access(path, F_OK) < 0);
	close(fd);
	snprintf(path, sizeof(path), "%s.tree", tree_root);
	load_capture(path);
	assert_int_equal(unpacked_folders(), 2);
	remove(path);
	unsetenv("TMPDIR");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_captured_machines, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_this_machine, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_rich_machine, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_owner_stays_out, tree_setup, tree_teardown),
		cmocka_unit_test(test_text_that_is_no_tree),
		cmocka_unit_test(test_text_and_back),
		cmocka_unit_test_setup_teardown(test_unpack_stays_inside, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(test_files_that_are_no_capture, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(test_killed_loads, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
