/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo.h - what the files of this folder share: the topology while it is being built.
 *
 * Loading runs topo_read_nodes() and topo_read_devices() (facts, from the kernel), then
 * topo_find_kinds() and topo_rank() (conclusions, each with its reason). A new source of facts is
 * a new topo_read_x(); conclusions read facts from here only, never files.
 */
#ifndef TOPO_H
#define TOPO_H

#include <stdbool.h>

#include "nodeset.h"
#include "sluice/topology.h"

/* Memory tiers leave one place of SLUICE_TIERS_MAX free, for swap. */
#define TOPO_TIERS_MAX (SLUICE_TIERS_MAX - 1)

/* Two latencies or distances this near, in percent of the smaller, count as one speed. */
#define TOPO_NEAR_PERCENT 20

/* The device that feeds a node, where one is known. */
enum topo_device {
	TOPO_DEVICE_NONE,
	TOPO_DEVICE_SOFT_RESERVED, /* firmware set the memory aside; it does not say what it is */
	TOPO_DEVICE_CXL,
	TOPO_DEVICE_PMEM
};

/* What may tell two nodes' ranks apart, the strongest evidence first. */
enum topo_source {
	TOPO_SOURCE_NONE,
	TOPO_SOURCE_KERNEL,    /* rank of memory_tierN */
	TOPO_SOURCE_BANDWIDTH, /* hbm goes first: what DRAM wins in idle latency it loses under load
				*/
	TOPO_SOURCE_LATENCY,   /* HMAT */
	TOPO_SOURCE_KIND,      /* the order of enum sluice_tier_kind */
	TOPO_SOURCE_SLIT,      /* distance, where latencies are missing */
	TOPO_SOURCE_COUNT
};

struct topo_node {
	struct sluice_node node;
	enum topo_device device;
	char device_text[96];  /* names the device, for reasons */
	char kind_reason[160]; /* one sentence */

	/* For ranking: what separates it from the node before it; its place by one source. */
	enum topo_source split;
	uint64_t key;
};

struct sluice_topology {
	int root;
	size_t node_count, tier_count;
	struct topo_node *nodes;
	struct sluice_tier_info tiers[SLUICE_TIERS_MAX];
};

/* Bytes of MemTotal and MemFree of a node; either pointer may be NULL. 0 or -errno. */
int topo_read_meminfo(int root, uint32_t id, uint64_t *ret_total, uint64_t *ret_free);

/* Fills nodes and node_count, by id. */
int topo_read_nodes(struct sluice_topology *topo, struct sluice_err *reterr);

/* Which nodes are fed by CXL, persistent memory or soft-reserved memory. Missing is unknown. */
void topo_read_devices(struct sluice_topology *topo);

void topo_find_kinds(struct sluice_topology *topo);

/* Groups nodes into tiers, sorts nodes by tier then id, writes reasons. */
void topo_rank(struct sluice_topology *topo);

/* The node's HMAT latency: read, else write, else 0. */
uint32_t topo_latency_ns(const struct topo_node *node);

#endif
