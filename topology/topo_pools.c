/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_pools.c - what the kernel keeps by node beside plain memory: pools of huge pages, weights of
 * weighted interleave, and memory-side caches, which stand in front of a node's memory.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define CACHES_MAX 8 /* levels */

struct folder {
	struct sluice_topology *topo;
	uint32_t node;
};

static void
read_count(struct sluice_topology *topo, uint32_t node, const char *pool, const char *file,
	   uint64_t *ret)
{
	sysroot_read_number(topo->root, 0, UINT64_MAX >> 12, ret,
			    TOPO_NODE_DIR "/node%u/hugepages/%s/%s", node, pool, file);
}

static int
read_pool(const char *name, void *userdata)
{
	const struct folder *folder = userdata;
	struct sluice_topology *topo = folder->topo;
	const char *p = name + strlen("hugepages-");
	struct sluice_hugepages pool = {.node = folder->node}, *kept;
	uint64_t kib;

	if (strncmp(name, "hugepages-", strlen("hugepages-")) != 0 ||
	    !sysroot_number(&p, UINT64_MAX >> 12, &kib) || strcmp(p, "kB") != 0)
		return 0;
	pool.page_bytes = kib * 1024;
	read_count(topo, folder->node, name, "nr_hugepages", &pool.total_pages);
	read_count(topo, folder->node, name, "free_hugepages", &pool.free_pages);
	read_count(topo, folder->node, name, "surplus_hugepages", &pool.surplus_pages);
	kept = topo_list_add(topo, &topo->hugepages, sizeof(*kept));
	*kept = pool;
	if (pool.total_pages)
		topo_fact_number(
			topo, SLUICE_SOURCE_HUGEPAGES, folder->node, "hugepages", pool.total_pages,
			TOPO_NODE_DIR "/node%u/hugepages/%s/nr_hugepages", folder->node, name);
	return 0;
}

static void
read_weight(struct sluice_topology *topo, struct topo_node *node)
{
	static const char dir[] = "sys/kernel/mm/mempolicy/weighted_interleave";
	uint64_t weight;

	if (sysroot_read_number(topo->root, 1, 255, &weight, "%s/node%u", dir, node->node.id) < 0)
		return;
	node->node.interleave_weight = (uint32_t)weight;
	topo_fact_number(topo, SLUICE_SOURCE_INTERLEAVE, node->node.id, "interleave_weight", weight,
			 "%s/node%u", dir, node->node.id);
}

static void
read_caches(struct sluice_topology *topo, uint32_t node)
{
	for (uint32_t level = 1; level <= CACHES_MAX; level++) {
		struct sluice_memory_cache cache = {.node = node, .level = level}, *kept;
		uint64_t number;
		char folder[96];

		snprintf(folder, sizeof(folder), TOPO_NODE_DIR "/node%u/memory_side_cache/index%u",
			 node, level);
		if (sysroot_read_number(topo->root, 1, UINT64_MAX >> 1, &cache.total_bytes,
					"%s/size", folder) < 0)
			continue;
		if (sysroot_read_number(topo->root, 1, 1 << 20, &number, "%s/line_size", folder) ==
		    0)
			cache.line_bytes = (uint32_t)number;
		/* The kernel's numbers: 0 direct mapped, 1 indexed; 0 write-back, 1 write-through.
		 */
		cache.direct_mapped =
			sysroot_read_number(topo->root, 0, 0, &number, "%s/indexing", folder) == 0;
		cache.write_through = sysroot_read_number(topo->root, 1, 1, &number,
							  "%s/write_policy", folder) == 0;
		kept = topo_list_add(topo, &topo->caches, sizeof(*kept));
		*kept = cache;
		topo_fact_number(topo, SLUICE_SOURCE_CACHE, node, "memory_side_cache_bytes",
				 cache.total_bytes, "%s/size", folder);
	}
}

void
topo_read_pools(struct sluice_topology *topo)
{
	for (size_t i = 0; i < topo->node_count; i++) {
		struct folder folder = {topo, topo->nodes[i].node.id};
		char path[96];

		snprintf(path, sizeof(path), TOPO_NODE_DIR "/node%u/hugepages", folder.node);
		sysroot_list(topo->root, path, read_pool, &folder);
		read_weight(topo, &topo->nodes[i]);
		read_caches(topo, folder.node);
	}
}
