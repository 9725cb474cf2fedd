/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology_tree.h - make a machine's /sys in a temporary folder, by calls or from a .tree file.
 *
 * The .tree files of tests/data/topology are captures (topology/tree.h has the form), made in
 * guests by `sluice topology --capture`.
 */
#ifndef TOPOLOGY_TREE_H
#define TOPOLOGY_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those four before it. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sluice/topology.h"
#include "topology/tree.h"

#define NODES "sys/devices/system/node"
#define TIERS "sys/devices/virtual/memory_tiering"

/* The folder of the running test; made and removed by tree_setup() and tree_teardown(). */
static char tree_root[64];

static inline int
tree_setup(void **state)
{
	(void)state;
	snprintf(tree_root, sizeof(tree_root), "/tmp/sluice-topology-XXXXXX");
	return mkdtemp(tree_root) ? 0 : -1;
}

static inline int
tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
tree_teardown(void **state)
{
	(void)state;
	return nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
tree_path(char full[PATH_MAX], const char *path)
{
	assert_true(snprintf(full, PATH_MAX, "%s/%s", tree_root, path) < PATH_MAX);
	for (char *p = full + strlen(tree_root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
}

static inline void
tree_put_bytes(const char *path, const void *bytes, size_t size)
{
	char full[PATH_MAX];
	FILE *file;

	tree_path(full, path);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void
tree_put(const char *path, const char *text)
{
	tree_put_bytes(path, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static inline void
tree_putf(const char *text, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	tree_put(path, text);
}

static inline void
tree_link(const char *path, const char *target)
{
	char full[PATH_MAX];

	tree_path(full, path);
	assert_int_equal(symlink(target, full), 0);
}

static inline void
tree_remove(const char *path)
{
	char full[PATH_MAX];

	tree_path(full, path);
	assert_int_equal(remove(full), 0);
}

/* A node of `mib` MiB, half of it free. */
static inline void
tree_node(uint32_t id, uint64_t mib, const char *cpus, const char *distances)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "Node %u MemTotal:       %llu kB\nNode %u MemFree:        %llu kB\n"
		 "Node %u MemUsed:        %llu kB\n",
		 id, (unsigned long long)mib * 1024, id, (unsigned long long)mib * 512, id,
		 (unsigned long long)mib * 512);
	tree_putf(text, NODES "/node%u/meminfo", id);
	snprintf(text, sizeof(text), "%s\n", cpus);
	tree_putf(text, NODES "/node%u/cpulist", id);
	snprintf(text, sizeof(text), "%s\n", distances);
	tree_putf(text, NODES "/node%u/distance", id);
}

/* Node 0 of 512 MiB with two CPUs, and `slow` nodes of 1 GiB without any, all equally far. */
static inline void
tree_slow_nodes(uint32_t slow)
{
	for (uint32_t id = 0; id <= slow; id++) {
		char distances[256] = "";

		for (uint32_t to = 0; to <= slow; to++)
			strcat(distances, to == id ? "10 " : "20 ");
		distances[strlen(distances) - 1] = '\0';
		tree_node(id, id ? 1024 : 512, id ? "" : "0-1", distances);
	}
}

static inline void
tree_hmat(uint32_t id, int access, uint32_t latency_ns, uint32_t bw_mbps)
{
	const char *names[] = {"read_latency", "write_latency", "read_bandwidth",
			       "write_bandwidth"};
	char text[32];

	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%u\n", i < 2 ? latency_ns : bw_mbps);
		tree_putf(text, NODES "/node%u/access%d/initiators/%s", id, access, names[i]);
	}
}

static inline void
tree_kernel_tier(int rank, const char *nodes)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", nodes);
	tree_putf(text, TIERS "/memory_tier%d/nodelist", rank);
}

/* A dax device at sys/devices/PARENT/NAME that feeds `node` through `driver` (NULL for none). */
static inline void
tree_dax(const char *parent, const char *name, int node, const char *driver)
{
	char path[PATH_MAX], text[PATH_MAX];

	snprintf(text, sizeof(text), "%d\n", node);
	tree_putf(text, "sys/devices/%s/%s/target_node", parent, name);
	snprintf(path, sizeof(path), "sys/bus/dax/devices/%s", name);
	snprintf(text, sizeof(text), "../../../devices/%s/%s", parent, name);
	tree_link(path, text);
	if (!driver)
		return;
	tree_putf("", "sys/bus/dax/drivers/%s/bind", driver);
	snprintf(path, sizeof(path), "sys/devices/%s/%s/driver", parent, name);
	snprintf(text, sizeof(text), "/sys/bus/dax/drivers/%s", driver);
	tree_link(path, text);
}

static inline void
tree_load_file(const char *name)
{
	char path[PATH_MAX];
	char *text = calloc(1, 1 << 20);
	struct sluice_err err = {0};
	struct tree tree = {0};
	int folder = open(tree_root, O_PATH | O_DIRECTORY);
	FILE *file;

	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/topology/%s.tree", TEST_DATA, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s", path);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	if (tree_parse(text, &tree, &err) < 0 || tree_unpack(&tree, folder, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	tree_clear(&tree);
	close(folder);
	free(text);
}

static inline struct sluice_topology *
tree_topology(void)
{
	struct sluice_topology_options options = {.sysroot = tree_root};
	struct sluice_topology *topology = NULL;
	struct sluice_err err = {0};

	if (sluice_topology_load(&options, &topology, &err) < 0)
		fail_msg("load failed: %s", err.msg);
	return topology;
}

/* The whole ranking in one line, "0,1:dram 2:cxl", so that a failure shows what came instead. */
static inline void
assert_tiers(const struct sluice_topology *topology, const char *expected)
{
	char text[8192] = "";
	size_t length = 0, nodes = sluice_topology_node_count(topology);

	for (size_t i = 0; i < nodes; i++) {
		const struct sluice_node *node = sluice_topology_node(topology, i);
		const struct sluice_node *next = sluice_topology_node(topology, i + 1);
		bool last = !next || next->tier != node->tier;
		const char *kind =
			sluice_tier_kind_name(sluice_topology_tier(topology, node->tier)->kind);

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%u%s%s%s",
					   node->id, last ? ":" : ",", last ? kind : "",
					   last && next ? " " : "");
	}
	assert_string_equal(text, expected);
}

static inline void
assert_says(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text ? text : "nothing");
}

#endif
