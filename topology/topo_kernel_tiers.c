/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_kernel_tiers.c - the kernel's own memory tiers: memory_tierN and their nodes. A smaller N is
 * faster.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define TIER_DIR "sys/devices/virtual/memory_tiering"

static int
read_tier(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct nodeset nodes;
	char text[8192];
	uint32_t rank;
	int r;

	if (!sysroot_numbered(name, "memory_tier", INT32_MAX, &rank))
		return 0;
	r = sysroot_read(topo->root, text, sizeof(text), TIER_DIR "/%s/nodelist", name);
	if (r < 0)
		return 0;
	if (strlen(text) != (size_t)r || !nodeset_parse(text, &nodes)) {
		topo_refuse(topo, SLUICE_SOURCE_KERNEL_TIER, SLUICE_NO_NODE, "nodelist", text,
			    "not a list of nodes", TIER_DIR "/memory_tier%u/nodelist", rank);
		return 0;
	}
	for (size_t i = 0; i < topo->node_count; i++) {
		struct sluice_node *node = &topo->nodes[i].node;

		if (!nodeset_has(&nodes, node->id))
			continue;
		/* Listed twice, as no kernel does it: the faster, whatever the folder's order. */
		if (node->kernel_tier < 0 || (int32_t)rank < node->kernel_tier)
			node->kernel_tier = (int32_t)rank;
		topo_fact_number(topo, SLUICE_SOURCE_KERNEL_TIER, node->id, "kernel_tier", rank,
				 TIER_DIR "/memory_tier%u/nodelist", rank);
	}
	return 0;
}

void
topo_read_kernel_tiers(struct sluice_topology *topo)
{
	sysroot_list(topo->root, TIER_DIR, read_tier, topo);
}
