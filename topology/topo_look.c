/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_look.c - the public face: looking things up, and names of all that has one.
 */
#include <errno.h>

#include "topo.h"

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
	const struct topo_node *node = topo_node_find(topology, id);

	return node ? &node->node : NULL;
}

size_t
sluice_topology_initiator_count(const struct sluice_topology *topology)
{
	return topology->initiators.count;
}

const struct sluice_initiator *
sluice_topology_initiator(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->initiators, i);
}

const struct sluice_place *
sluice_topology_place(const struct sluice_topology *topology, uint32_t initiator, size_t i)
{
	size_t row = topo_initiator_index(topology, initiator);

	return row == SIZE_MAX || i >= topology->node_count
		       ? NULL
		       : &topology->places[row * topology->node_count + i];
}

const struct sluice_pair *
sluice_topology_pair(const struct sluice_topology *topology, uint32_t initiator, uint32_t node)
{
	const struct topo_pair *pair = topo_pair_find(topology, initiator, node);

	return pair ? &pair->pair : NULL;
}

const struct sluice_swap *
sluice_topology_swap(const struct sluice_topology *topology)
{
	return topology->swap;
}

const struct sluice_swap_device *
sluice_topology_swap_device(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->swap_devices, i);
}

const struct sluice_bare_node *
sluice_topology_bare_node(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->bare_nodes, i);
}

const struct sluice_device *
sluice_topology_device(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->devices, i);
}

const struct sluice_hugepages *
sluice_topology_hugepages(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->hugepages, i);
}

const struct sluice_memory_cache *
sluice_topology_cache(const struct sluice_topology *topology, size_t i)
{
	return topo_list_at(&topology->caches, i);
}

const struct sluice_fact *
sluice_topology_fact(const struct sluice_topology *topology, size_t i)
{
	const struct topo_fact *fact = topo_list_at(&topology->facts, i);

	return fact ? &fact->fact : NULL;
}

const char *
sluice_topology_identity(const struct sluice_topology *topology)
{
	return topology->identity;
}

#define NAME_OF(names, i)                                                                          \
	((i) < sizeof(names) / sizeof((names)[0]) && (names)[i] ? (names)[i] : "unknown")

const char *
sluice_tier_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[SLUICE_TIER_HBM] = "hbm",       [SLUICE_TIER_DRAM] = "dram",
		[SLUICE_TIER_REMOTE] = "remote", [SLUICE_TIER_CXL] = "cxl",
		[SLUICE_TIER_PMEM] = "pmem",     [SLUICE_TIER_SWAP] = "swap",
	};

	return NAME_OF(names, kind);
}

const char *
sluice_source_name(uint32_t source)
{
	static const char *const names[] = {
		[SLUICE_SOURCE_NONE] = "none",
		[SLUICE_SOURCE_OVERRIDE] = "override",
		[SLUICE_SOURCE_SYNTHETIC] = "synthetic",
		[SLUICE_SOURCE_MEASURED] = "measured",
		[SLUICE_SOURCE_HMAT_CPU] = "hmat-access1",
		[SLUICE_SOURCE_HMAT_ANY] = "hmat-access0",
		[SLUICE_SOURCE_SLIT] = "slit",
		[SLUICE_SOURCE_KERNEL_TIER] = "kernel-tiers",
		[SLUICE_SOURCE_NODE] = "sysfs-node",
		[SLUICE_SOURCE_CPU_MODEL] = "cpu-model",
		[SLUICE_SOURCE_CXL] = "cxl",
		[SLUICE_SOURCE_DAX] = "dax",
		[SLUICE_SOURCE_NVDIMM] = "nvdimm",
		[SLUICE_SOURCE_CACHE] = "memory-cache",
		[SLUICE_SOURCE_SWAP] = "swap",
		[SLUICE_SOURCE_HUGEPAGES] = "hugepages",
		[SLUICE_SOURCE_INTERLEAVE] = "weighted-interleave",
		[SLUICE_SOURCE_ACCELERATOR] = "accelerator",
	};

	return NAME_OF(names, source);
}

const char *
sluice_swap_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[SLUICE_SWAP_PARTITION] = "partition",
		[SLUICE_SWAP_FILE] = "file",
		[SLUICE_SWAP_ZRAM] = "zram",
	};

	return NAME_OF(names, kind);
}

const char *
sluice_device_type_name(uint32_t type)
{
	static const char *const names[] = {
		[SLUICE_DEVICE_CXL_MEMDEV] = "cxl-memdev",
		[SLUICE_DEVICE_CXL_REGION] = "cxl-region",
		[SLUICE_DEVICE_DAX] = "dax",
		[SLUICE_DEVICE_NVDIMM_REGION] = "nvdimm-region",
		[SLUICE_DEVICE_NVDIMM_NAMESPACE] = "nvdimm-namespace",
		[SLUICE_DEVICE_ACCELERATOR] = "accelerator",
	};

	return NAME_OF(names, type);
}

const char *
sluice_verdict_name(uint32_t verdict)
{
	static const char *const names[] = {
		[SLUICE_FACT_KEPT] = "kept",
		[SLUICE_FACT_USED] = "used",
		[SLUICE_FACT_OUTRANKED] = "outranked",
		[SLUICE_FACT_REFUSED] = "refused",
	};

	return NAME_OF(names, verdict);
}
