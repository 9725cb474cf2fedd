/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_nodes.c - the nodes of sysfs: which have memory and how much, which have CPUs, and which
 * have no memory (yet).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

static int
add_node_name(const char *name, void *userdata)
{
	uint32_t id;

	if (sysroot_numbered(name, "node", SLUICE_NODES_MAX - 1, &id))
		nodeset_add(userdata, id);
	return 0;
}

/* A node that the kernel lists but that has no folder cannot be read, so it does not count. */
int
topo_read_sets(int root, struct nodeset *ret_online, struct nodeset *ret_with_memory,
	       struct nodeset *ret_with_cpus)
{
	struct nodeset folders = {0};
	int r = sysroot_list(root, TOPO_NODE_DIR, add_node_name, &folders);

	if (r < 0)
		return r;
	if (nodeset_read(root, TOPO_NODE_DIR "/online", ret_online) < 0)
		*ret_online = folders;
	if (nodeset_read(root, TOPO_NODE_DIR "/has_memory", ret_with_memory) < 0)
		*ret_with_memory = folders;
	if (nodeset_read(root, TOPO_NODE_DIR "/has_cpu", ret_with_cpus) < 0)
		*ret_with_cpus = (struct nodeset){0};
	nodeset_intersect(ret_with_memory, &folders);
	nodeset_intersect(ret_with_memory, ret_online);
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
	int r = id == SLUICE_NO_NODE ? sysroot_read_head(root, text, sizeof(text), "proc/meminfo")
				     : sysroot_read_head(root, text, sizeof(text),
							 TOPO_NODE_DIR "/node%u/meminfo", id);

	if (r < 0)
		return r;
	/* Captures may hold sizes only: such a node counts as full. */
	if (!strstr(text, "MemFree:"))
		free_bytes = 0;
	else if (!meminfo_bytes(text, "MemFree:", &free_bytes))
		return -EINVAL;
	if (!meminfo_bytes(text, "MemTotal:", &total_bytes) || free_bytes > total_bytes)
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

/* "00000000,000000ff": the mask that old captures have instead of the list. */
static bool
read_mask(int root, uint32_t id, struct nodeset *ret)
{
	char text[8192];
	uint32_t bit = 0;
	int r = sysroot_read(root, text, sizeof(text), TOPO_NODE_DIR "/node%u/cpumap", id);

	*ret = (struct nodeset){0};
	if (r <= 0 || strspn(text, "0123456789abcdefABCDEF,") != (size_t)r)
		return false;
	while (r-- > 0) {
		unsigned int digit;

		if (text[r] == ',')
			continue;
		digit = (unsigned int)(text[r] <= '9' ? text[r] - '0' : (text[r] | 32) - 'a' + 10);
		for (uint32_t i = 0; i < 4 && bit + i < SLUICE_NODES_MAX; i++)
			if (digit >> i & 1)
				nodeset_add(ret, bit + i);
		bit += 4;
	}
	return true;
}

/* The node's own files are preferred to has_cpu: they name the CPUs. */
static void
read_cpus(int root, uint32_t id, struct nodeset *with_cpus, char *cpus, size_t size)
{
	char text[8192];
	struct nodeset mask;
	int r = sysroot_read(root, text, sizeof(text), TOPO_NODE_DIR "/node%u/cpulist", id);

	cpus[0] = '\0';
	if (r > 0 && is_cpu_list(text, (size_t)r)) {
		nodeset_cut(text, cpus, size);
	} else if (r < 0 && read_mask(root, id, &mask)) {
		nodeset_format(&mask, cpus, size);
		r = 0;
	}
	if (cpus[0])
		nodeset_add(with_cpus, id);
	else if (r == 0)
		with_cpus->bits[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

void
topo_add_initiator(struct sluice_topology *topo, uint32_t id, bool has_memory, const char *cpus)
{
	struct sluice_initiator *initiator =
		topo_list_add(topo, &topo->initiators, sizeof(*initiator));

	initiator->node = id;
	initiator->has_memory = has_memory;
	snprintf(initiator->cpus, sizeof(initiator->cpus), "%s", cpus);
}

static void
add_bare(struct sluice_topology *topo, uint32_t id, bool online, bool has_cpu, const char *reason)
{
	struct sluice_bare_node *bare = topo_list_add(topo, &topo->bare_nodes, sizeof(*bare));

	bare->id = id;
	bare->online = online;
	bare->has_cpu = has_cpu;
	snprintf(bare->reason, sizeof(bare->reason), "%s", reason);
}

struct topo_node *
topo_add_node(struct sluice_topology *topo, uint32_t id, uint64_t total_bytes, uint64_t free_bytes,
	      bool has_cpu, const char *cpus)
{
	struct topo_node *node = &topo->nodes[topo->node_count++];

	node->node = (struct sluice_node){
		.id = id,
		.total_bytes = total_bytes,
		.free_bytes = free_bytes,
		.has_cpu = has_cpu,
		.kernel_tier = -1,
		.nearest = has_cpu ? id : SLUICE_NO_NODE,
		.device = "",
	};
	snprintf(node->node.cpus, sizeof(node->node.cpus), "%s", cpus);
	node->said_kind = node->override_tier = -1;
	if (topo->root < 0)
		return node; /* made up: no file tells */
	topo_fact_number(topo, SLUICE_SOURCE_NODE, id, "total_bytes", total_bytes,
			 TOPO_NODE_DIR "/node%u/meminfo", id)
		->fact.verdict = SLUICE_FACT_USED;
	if (has_cpu)
		topo_fact(topo, SLUICE_SOURCE_NODE, id, "cpus", cpus,
			  TOPO_NODE_DIR "/node%u/cpulist", id)
			->fact.verdict = SLUICE_FACT_USED;
	return node;
}

static void
read_node(struct sluice_topology *topo, uint32_t id, struct nodeset *with_cpus,
	  const char *overrides)
{
	bool online = nodeset_has(&topo->online, id);
	bool listed = nodeset_has(&topo->with_memory, id);
	uint64_t total_bytes = 0, free_bytes = 0;
	char cpus[sizeof(((struct sluice_node *)NULL)->cpus)] = "";
	bool has_cpu;
	int r = 0;

	if (listed)
		r = topo_read_meminfo(topo->root, id, &total_bytes, &free_bytes);
	if (online)
		read_cpus(topo->root, id, with_cpus, cpus, sizeof(cpus));
	has_cpu = nodeset_has(with_cpus, id) && online;
	if (has_cpu)
		topo_add_initiator(topo, id, total_bytes > 0, cpus);
	if (total_bytes > 0 && nodeset_has(&topo->of_accelerators, id) && !has_cpu &&
	    !topo_override_names(overrides, id))
		add_bare(
			topo, id, true, false,
			"Memory of a GPU: no place for other programs' pages. A correction of this "
			"node makes it one.");
	else if (total_bytes > 0)
		topo_add_node(topo, id, total_bytes, free_bytes, has_cpu, cpus);
	else if (r < 0)
		add_bare(topo, id, true, has_cpu,
			 "The kernel says that it has memory, but its size cannot be read.");
	else if (online)
		add_bare(topo, id, true, has_cpu,
			 has_cpu ? "CPUs without memory of their own."
				 : "Online without memory: none was added yet, or all of it was "
				   "taken offline.");
	else
		add_bare(topo, id, false, false,
			 "Possible only: firmware announces it, and nothing is there yet.");
}

/* A kernel without NUMA: all memory and all CPUs are one node. */
static int
read_without_numa(struct sluice_topology *topo)
{
	uint64_t total_bytes, free_bytes;
	char cpus[sizeof(((struct sluice_node *)NULL)->cpus)] = "", text[8192];
	int r = topo_read_meminfo(topo->root, SLUICE_NO_NODE, &total_bytes, &free_bytes);

	if (r < 0 || total_bytes == 0)
		return -ENOENT;
	topo->nodes = calloc(1, sizeof(*topo->nodes));
	if (!topo->nodes)
		return -ENOMEM;
	r = sysroot_read(topo->root, text, sizeof(text), "sys/devices/system/cpu/online");
	if (r > 0 && is_cpu_list(text, (size_t)r))
		nodeset_cut(text, cpus, sizeof(cpus));
	topo->without_numa = true;
	nodeset_add(&topo->online, 0);
	nodeset_add(&topo->with_memory, 0);
	topo_add_initiator(topo, 0, true, cpus);
	topo_add_node(topo, 0, total_bytes, free_bytes, true, cpus);
	topo_remark(topo, 0,
		    "The kernel shows no NUMA nodes (/" TOPO_NODE_DIR " is missing): all memory "
		    "counts as one node.");
	return 0;
}

static void
remark_shared_cpus(struct sluice_topology *topo)
{
	for (size_t i = 1; i < topo->initiators.count; i++) {
		const struct sluice_initiator *one = topo->initiators.items[i - 1];
		const struct sluice_initiator *next = topo->initiators.items[i];

		if (!one->cpus[0] || strcmp(one->cpus, next->cpus) != 0)
			continue;
		topo_remark(topo, next->node,
			    "Nodes %u and %u have the same CPUs, as with numa=fake: the nodes are "
			    "made up by the kernel, and so are their distances.",
			    one->node, next->node);
		return;
	}
}

int
topo_read_nodes(struct sluice_topology *topo, const char *overrides, struct sluice_err *reterr)
{
	struct nodeset with_cpus, possible;
	size_t candidates = 0;
	int r = topo_read_sets(topo->root, &topo->online, &topo->with_memory, &with_cpus);

	if (r == -ENOENT || r == -ENOTDIR) {
		r = read_without_numa(topo);
		if (r == 0)
			return 0;
	}
	if (r < 0)
		return sluice_fail(reterr, r == -ENOTDIR ? -ENOENT : r,
				   "cannot list /%s: %s; a kernel with CONFIG_NUMA and a mounted "
				   "/sys are needed (with --sysroot: a captured tree)",
				   TOPO_NODE_DIR, strerror(-r));
	/* Kernels built for many nodes call them all possible: then it tells nothing. */
	if (nodeset_read(topo->root, TOPO_NODE_DIR "/possible", &possible) < 0 ||
	    nodeset_has(&possible, SLUICE_NODES_MAX / 2))
		possible = topo->online;
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		candidates += nodeset_has(&topo->with_memory, id);
	topo->nodes = calloc(candidates ? candidates : 1, sizeof(*topo->nodes));
	if (!topo->nodes)
		return sluice_fail(reterr, -ENOMEM, "no memory for %zu nodes", candidates);
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		if (nodeset_has(&topo->online, id) || nodeset_has(&possible, id))
			read_node(topo, id, &with_cpus, overrides);
	remark_shared_cpus(topo);
	if (topo->node_count == 0)
		return sluice_fail(reterr, -ENOENT,
				   "no node under /%s has memory whose size can be read",
				   TOPO_NODE_DIR);
	return 0;
}
