/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.c - the public face: load, refresh, look up, free.
 */
#include "sluice/topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysroot.h"
#include "topo.h"

int
sluice_topology_load(const struct sluice_topology_options *options, struct sluice_topology **ret,
		     struct sluice_err *reterr)
{
	const char *sysroot = options ? options->sysroot : NULL;
	struct sluice_topology *topo = calloc(1, sizeof(*topo));
	int r;

	if (!topo)
		return sluice_fail(reterr, -ENOMEM, "no memory for the topology");
	topo->root = sysroot_open(sysroot);
	if (topo->root < 0) {
		r = sluice_fail(reterr, topo->root, "cannot open the folder '%s': %s",
				sysroot && *sysroot ? sysroot : "/", strerror(-topo->root));
		goto fail;
	}
	r = topo_read_nodes(topo, reterr);
	if (r < 0)
		goto fail;
	topo_read_devices(topo);
	topo_find_kinds(topo);
	topo_rank(topo);
	*ret = topo;
	return 0;
fail:
	sluice_topology_free(topo);
	return r;
}

void
sluice_topology_free(struct sluice_topology *topology)
{
	if (!topology)
		return;
	if (topology->root >= 0)
		close(topology->root);
	free(topology->nodes);
	free(topology);
}

int
sluice_topology_refresh(struct sluice_topology *topology, struct sluice_err *reterr)
{
	int first = 0;

	for (size_t i = 0; i < topology->tier_count; i++)
		topology->tiers[i].free_bytes = 0;
	for (size_t i = 0; i < topology->node_count; i++) {
		struct sluice_node *node = &topology->nodes[i].node;
		int r = topo_read_meminfo(topology->root, node->id, NULL, &node->free_bytes);

		if (r < 0) {
			node->free_bytes = 0;
			if (first == 0)
				first = sluice_fail(
					reterr, r,
					"cannot read the free memory of node %u: %s; it "
					"counts as full (was the node taken offline?)",
					node->id, strerror(-r));
		}
		topology->tiers[node->tier].free_bytes += node->free_bytes;
	}
	return first;
}

size_t
sluice_topology_tier_count(const struct sluice_topology *topology)
{
	return topology->tier_count;
}

size_t
sluice_topology_node_count(const struct sluice_topology *topology)
{
	return topology->node_count;
}

const struct sluice_tier_info *
sluice_topology_tier(const struct sluice_topology *topology, size_t i)
{
	return i < topology->tier_count ? &topology->tiers[i] : NULL;
}

const struct sluice_node *
sluice_topology_node(const struct sluice_topology *topology, size_t i)
{
	return i < topology->node_count ? &topology->nodes[i].node : NULL;
}

const struct sluice_node *
sluice_topology_node_by_id(const struct sluice_topology *topology, uint32_t id)
{
	for (size_t i = 0; i < topology->node_count; i++)
		if (topology->nodes[i].node.id == id)
			return &topology->nodes[i].node;
	return NULL;
}

const char *
sluice_tier_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[SLUICE_TIER_HBM] = "hbm",       [SLUICE_TIER_DRAM] = "dram",
		[SLUICE_TIER_REMOTE] = "remote", [SLUICE_TIER_CXL] = "cxl",
		[SLUICE_TIER_PMEM] = "pmem",     [SLUICE_TIER_SWAP] = "swap",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
