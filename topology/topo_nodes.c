/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_nodes.c - facts about memory nodes from sysfs: size, CPUs, SLIT distance, HMAT figures, the
 * kernel's memory tiers.
 *
 * Everything but a node's size is optional. A number that is out of its plausible range is
 * unknown: firmware tables are often wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define NODE_DIR "sys/devices/system/node"
#define TIER_DIR "sys/devices/virtual/memory_tiering"

#define DISTANCE_LOCAL 10 /* by the ACPI specification; smaller values are reserved */
#define DISTANCE_UNREACHABLE 255
#define LATENCY_MAX_NS 1000000 /* a millisecond is not memory any more */
#define BANDWIDTH_MAX_MBPS 100000000

struct node_sets {
	struct nodeset online;
	struct nodeset with_memory;
	struct nodeset with_cpus;
};

static int
add_node_name(const char *name, void *userdata)
{
	uint32_t id;

	if (sysroot_numbered(name, "node", SLUICE_NODES_MAX - 1, &id))
		nodeset_add(userdata, id);
	return 0;
}

/* A node that the kernel lists but that has no folder cannot be read, so it does not count. */
static int
read_sets(int root, struct node_sets *ret)
{
	struct nodeset folders = {0};
	int r = sysroot_list(root, NODE_DIR, add_node_name, &folders);

	if (r < 0)
		return r;
	if (nodeset_read(root, NODE_DIR "/online", &ret->online) < 0)
		ret->online = folders;
	if (nodeset_read(root, NODE_DIR "/has_memory", &ret->with_memory) < 0)
		ret->with_memory = folders;
	if (nodeset_read(root, NODE_DIR "/has_cpu", &ret->with_cpus) < 0)
		ret->with_cpus = (struct nodeset){0};
	nodeset_intersect(&ret->with_memory, &folders);
	nodeset_intersect(&ret->with_memory, &ret->online);
	return 0;
}

static bool
meminfo_bytes(const char *text, const char *key, uint64_t *ret)
{
	const char *p = strstr(text, key);
	uint64_t kib;

	if (!p)
		return false;
	p += strlen(key);
	while (*p == ' ')
		p++;
	if (!sysroot_number(&p, UINT64_MAX / 1024, &kib) || strncmp(p, " kB", 3) != 0)
		return false;
	*ret = kib * 1024;
	return true;
}

int
topo_read_meminfo(int root, uint32_t id, uint64_t *ret_total, uint64_t *ret_free)
{
	char text[4096];
	uint64_t total_bytes, free_bytes;
	int r = sysroot_read_head(root, text, sizeof(text), NODE_DIR "/node%u/meminfo", id);

	if (r < 0)
		return r;
	if (!meminfo_bytes(text, " MemTotal:", &total_bytes) ||
	    !meminfo_bytes(text, " MemFree:", &free_bytes) || free_bytes > total_bytes)
		return -EINVAL;
	if (ret_total)
		*ret_total = total_bytes;
	if (ret_free)
		*ret_free = free_bytes;
	return 0;
}

static bool
is_cpu_list(const char *text, size_t length)
{
	return length > 0 && strspn(text, "0123456789,-") == length;
}

/* The list in the node's own folder is preferred: it names the CPUs. */
static void
read_cpus(int root, uint32_t id, struct node_sets *sets, char *cpus, size_t size)
{
	char text[8192];
	int r = sysroot_read(root, text, sizeof(text), NODE_DIR "/node%u/cpulist", id);

	if (r == 0) {
		sets->with_cpus.bits[id / 64] &= ~(UINT64_C(1) << (id % 64));
	} else if (r > 0 && is_cpu_list(text, (size_t)r)) {
		nodeset_add(&sets->with_cpus, id);
		if (cpus)
			nodeset_cut(text, cpus, size);
	}
}

/* The distance that row `id` of the SLIT gives to each online node, in their order. False when the
 * row is not one number for each of them. 0 stands for a number that means nothing. */
static bool
read_distances(int root, uint32_t id, size_t expected, uint32_t *ret)
{
	char text[8192];
	const char *p = text;
	size_t count = 0;

	if (sysroot_read(root, text, sizeof(text), NODE_DIR "/node%u/distance", id) < 0)
		return false;
	while (*p) {
		uint64_t distance;

		if (count == expected || !sysroot_number(&p, UINT32_MAX, &distance))
			return false;
		if (distance < DISTANCE_LOCAL || distance >= DISTANCE_UNREACHABLE)
			distance = 0;
		ret[count++] = (uint32_t)distance;
		while (*p == ' ' || *p == '\t')
			p++;
	}
	return count == expected;
}

static void
keep_smaller(uint32_t *kept, uint32_t distance)
{
	if (distance && (!*kept || distance < *kept))
		*kept = distance;
}

/* Two passes: rows of nodes with CPUs, as programs see it; a node that no such row reaches is then
 * asked for its own row. */
static void
read_all_distances(struct sluice_topology *topo, const struct node_sets *sets)
{
	uint16_t position[SLUICE_NODES_MAX] = {0};
	uint32_t row[SLUICE_NODES_MAX];
	size_t online = 0;

	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		if (nodeset_has(&sets->online, id))
			position[id] = (uint16_t)online++;
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++) {
		if (!nodeset_has(&sets->online, id) || !nodeset_has(&sets->with_cpus, id) ||
		    !read_distances(topo->root, id, online, row))
			continue;
		for (size_t i = 0; i < topo->node_count; i++) {
			struct sluice_node *node = &topo->nodes[i].node;

			keep_smaller(&node->distance, row[position[node->id]]);
		}
	}
	for (size_t i = 0; i < topo->node_count; i++) {
		struct sluice_node *node = &topo->nodes[i].node;

		if (node->distance || !read_distances(topo->root, node->id, online, row))
			continue;
		for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
			if (nodeset_has(&sets->online, id) && nodeset_has(&sets->with_cpus, id))
				keep_smaller(&node->distance, row[position[id]]);
	}
}

static uint32_t
read_figure(int root, uint32_t id, int access, const char *name, uint64_t max)
{
	uint64_t figure = 0;

	sysroot_read_number(root, 1, max, &figure, NODE_DIR "/node%u/access%d/initiators/%s", id,
			    access, name);
	return (uint32_t)figure;
}

/* access1 is seen from the nearest CPUs, access0 from the nearest initiator of any sort, which may
 * be an accelerator: so access1 first, and figures of the two are not mixed. */
static void
read_hmat(int root, struct sluice_node *node)
{
	for (int access = 1; access >= 0; access--) {
		node->read_latency_ns =
			read_figure(root, node->id, access, "read_latency", LATENCY_MAX_NS);
		node->write_latency_ns =
			read_figure(root, node->id, access, "write_latency", LATENCY_MAX_NS);
		node->read_bw_mbps =
			read_figure(root, node->id, access, "read_bandwidth", BANDWIDTH_MAX_MBPS);
		node->write_bw_mbps =
			read_figure(root, node->id, access, "write_bandwidth", BANDWIDTH_MAX_MBPS);
		if (node->read_latency_ns || node->write_latency_ns || node->read_bw_mbps ||
		    node->write_bw_mbps)
			return;
	}
}

static int
read_kernel_tier(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct nodeset nodes;
	char text[8192];
	uint32_t rank;
	int r;

	if (!sysroot_numbered(name, "memory_tier", INT32_MAX, &rank))
		return 0;
	r = sysroot_read(topo->root, text, sizeof(text), TIER_DIR "/%s/nodelist", name);
	if (r < 0 || strlen(text) != (size_t)r || !nodeset_parse(text, &nodes))
		return 0;
	for (size_t i = 0; i < topo->node_count; i++) {
		struct sluice_node *node = &topo->nodes[i].node;

		if (nodeset_has(&nodes, node->id))
			node->kernel_tier = (int32_t)rank;
	}
	return 0;
}

int
topo_read_nodes(struct sluice_topology *topo, struct sluice_err *reterr)
{
	struct node_sets sets;
	size_t candidates = 0;
	int r = read_sets(topo->root, &sets);

	if (r < 0)
		return sluice_fail(reterr, r == -ENOTDIR ? -ENOENT : r,
				   "cannot list /%s: %s; a kernel with CONFIG_NUMA and a mounted "
				   "/sys are needed (with --sysroot: a captured tree)",
				   NODE_DIR, strerror(-r));
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		candidates += nodeset_has(&sets.with_memory, id);
	topo->nodes = calloc(candidates ? candidates : 1, sizeof(*topo->nodes));
	if (!topo->nodes)
		return sluice_fail(reterr, -ENOMEM, "no memory for %zu nodes", candidates);

	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++) {
		struct sluice_node *node = &topo->nodes[topo->node_count].node;
		bool has_memory = nodeset_has(&sets.with_memory, id) &&
				  topo_read_meminfo(topo->root, id, &node->total_bytes,
						    &node->free_bytes) == 0 &&
				  node->total_bytes > 0;

		if (nodeset_has(&sets.online, id))
			read_cpus(topo->root, id, &sets, has_memory ? node->cpus : NULL,
				  sizeof(node->cpus));
		if (!has_memory)
			continue;
		node->id = id;
		node->has_cpu = nodeset_has(&sets.with_cpus, id);
		node->kernel_tier = -1;
		read_hmat(topo->root, node);
		topo->node_count++;
	}
	if (topo->node_count == 0)
		return sluice_fail(reterr, -ENOENT,
				   "no node under /%s has memory whose size can be read", NODE_DIR);
	read_all_distances(topo, &sets);
	sysroot_list(topo->root, TIER_DIR, read_kernel_tier, topo);
	return 0;
}
