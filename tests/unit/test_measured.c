/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_measured.c - measurements that are kept: written and read back, on another machine, with
 * other nodes, cut off, garbage.
 */
#include "topology_tree.h"

static char folder[96];

static void
machine(const char *processor, uint64_t slow_mib)
{
	tree_put(NODES "/online", "0-1");
	tree_put(NODES "/has_memory", "0-1");
	tree_node(0, 1024, "0-1", "10 20");
	tree_node(1, slow_mib, "", "20 10");
	tree_put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	tree_put("proc/cpuinfo", processor);
}

static int
setup(void **state)
{
	int r = tree_setup(state);

	if (r < 0)
		return r;
	machine("model name\t: CPU 9000\n", 4096);
	snprintf(folder, sizeof(folder), "%s/kept", tree_root);
	return mkdir(folder, 0755);
}

static struct sluice_topology *
load(void)
{
	struct sluice_topology_options options = {.sysroot = tree_root, .measured_dir = folder};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0, ""};

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("%s", err.msg);
	return topology;
}

static void
keep(uint32_t node, uint32_t latency_ns)
{
	struct sluice_measured figures = {.initiator = 0,
					  .node = node,
					  .read_latency_ns = latency_ns,
					  .read_bw_mbps = 100 * latency_ns,
					  .write_bw_mbps = 7,
					  .mixed_bw_mbps = 1234,
					  .latency_spread_percent = 3};
	struct sluice_topology *topology = load();
	struct sluice_err err = {0, ""};

	if (sluice_topology_keep_measured(topology, folder, &figures, 1, &err) < 0)
		fail_msg("%s", err.msg);
	sluice_topology_free(topology);
}

/* The latency of node 1 from node 0 that is believed, 0 for none, and whether a remark has it. */
static uint32_t
believed(const char *remark)
{
	struct sluice_topology *topology = load();
	const struct sluice_pair *pair = sluice_topology_pair(topology, 0, 1);
	uint32_t latency_ns = pair->read_latency_ns;
	const char *text;
	bool said = !remark;

	assert_int_equal(pair->latency_source,
			 latency_ns ? SLUICE_SOURCE_MEASURED : SLUICE_SOURCE_NONE);
	for (size_t i = 0; (text = sluice_topology_remark(topology, i, NULL)); i++)
		said = said || strstr(text, remark);
	if (!said)
		fail_msg("no remark says '%s'", remark);
	sluice_topology_free(topology);
	return latency_ns;
}

static void
kept_path(char path[PATH_MAX])
{
	struct sluice_topology *topology = load();

	snprintf(path, PATH_MAX, "%s/measured-%s.txt", folder, sluice_topology_identity(topology));
	sluice_topology_free(topology);
}

static size_t
read_kept(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, size - 1, file);
	fclose(file);
	text[length] = '\0';
	return length;
}

static void
write_kept(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

static void
test_round_trip(void **state)
{
	struct sluice_topology *topology;
	const struct sluice_pair *pair;

	(void)state;
	assert_int_equal(believed(NULL), 0);
	keep(1, 251);
	assert_int_equal(believed(NULL), 251);
	keep(0, 81); /* another pair: what was kept stays */
	topology = load();
	pair = sluice_topology_pair(topology, 0, 1);
	assert_int_equal(pair->read_latency_ns, 251);
	assert_int_equal(pair->read_bw_mbps, 25100);
	assert_int_equal(pair->write_bw_mbps, 7);
	assert_int_equal(pair->mixed_bw_mbps, 1234);
	assert_int_equal(pair->spread_percent, 3);
	assert_int_equal(pair->bw_source, SLUICE_SOURCE_MEASURED);
	assert_int_equal(sluice_topology_pair(topology, 0, 0)->read_latency_ns, 81);
	sluice_topology_free(topology);
	keep(1, 300); /* the same pair: the newer figure */
	assert_int_equal(believed(NULL), 300);
}

static void
test_other_machine(void **state)
{
	(void)state;
	keep(1, 251);
	machine("model name\t: CPU 9001\n", 4096);
	assert_int_equal(believed("are of another machine"), 0);
	machine("model name\t: CPU 9000\n", 4096);
	tree_put("proc/version", "another kernel");
	assert_int_equal(believed(NULL), 251);
}

static void
test_other_nodes(void **state)
{
	(void)state;
	keep(1, 251);
	machine("model name\t: CPU 9000\n", 4000); /* as much as kernels differ */
	assert_int_equal(believed(NULL), 251);
	machine("model name\t: CPU 9000\n", 8192);
	assert_int_equal(believed("is not what it was when it was measured"), 0);
}

/* Whatever of it is left, a figure that it did not hold is never believed. */
static void
test_cut(void **state)
{
	char path[PATH_MAX], text[4096];
	size_t length;

	(void)state;
	keep(0, 81);
	keep(1, 251);
	kept_path(path);
	length = read_kept(path, text, sizeof(text));
	assert_true(length > 100);
	for (size_t i = 0; i + 1 < length; i++) { /* the last byte is a newline */
		write_kept(path, text, i);
		if (believed(NULL) != 0)
			fail_msg("cut at %zu of %zu it is believed", i, length);
	}
	write_kept(path, text, length - 10);
	assert_int_equal(believed("cut off or damaged"), 0);
	keep(0, 90); /* and what is measured next does not carry it on */
	assert_int_equal(believed(NULL), 0);
	write_kept(path, text, length);
	assert_int_equal(believed(NULL), 251);
}

static void
test_garbage(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"sluice-measured 2\nnode 0 1073741824 0-1\n",
		"sluice-measured 1\npair 0 1 read_latency_ns=251\nend 1\n", /* no node lines */
		"sluice-measured 1\nnode 0 1073741824 0-1\nnode 1 4294967296 -\n"
		"pair 0 1 read_latency_ns=-5 read_latency_ns=1e3 read_latency_ns= read_latency_ns\n"
		"pair 0 1 read_latency_ns=99999999999999999999 =5 ==\npair 1024 1\npair\nend 2\n",
		"sluice-measured 1\nnode 0 1073741824 0-1\nnode 1 4294967296 -\n"
		"pair 0 7 read_latency_ns=5\npair 7 1 read_latency_ns=5\nend 2\n",
	};
	char path[PATH_MAX], binary[512];

	(void)state;
	kept_path(path);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_kept(path, texts[i], strlen(texts[i]));
		if (believed(NULL) != 0)
			fail_msg("believed:\n%s", texts[i]);
	}
	for (size_t i = 0; i < sizeof(binary); i++)
		binary[i] = (char)(i * 37);
	write_kept(path, binary, sizeof(binary));
	assert_int_equal(believed("cut off or damaged"), 0);
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(believed("cannot be read"), 0);
	assert_int_equal(remove(path), 0);
	assert_int_equal(symlink(strrchr(path, '/') + 1, path), 0);
	assert_int_equal(believed("cannot be read"), 0);
	assert_int_equal(remove(path), 0);
	keep(1, 251);
	assert_int_equal(believed(NULL), 251);
}

static void
test_refuses(void **state)
{
	struct sluice_measured figures = {.initiator = 1, .node = 0, .read_latency_ns = 5};
	struct sluice_topology *topology = load();
	struct sluice_err err = {0, ""};

	(void)state;
	assert_int_equal(sluice_topology_keep_measured(topology, folder, &figures, 1, &err),
			 -EINVAL);
	figures.initiator = 0;
	assert_int_equal(
		sluice_topology_keep_measured(topology, "/nonexistent/kept", &figures, 1, &err),
		-ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/kept"));
	sluice_topology_free(topology);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_other_machine, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_other_nodes, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_refuses, setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
