/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.h - which memory this machine has, as ranked tiers, and why it is ranked so.
 *
 * A topology is a snapshot: loading reads /sys and /proc (or a captured tree under another root)
 * once. It never changes the machine. One topology may be read from several threads, refreshed
 * only while no other thread reads it.
 */
#ifndef SLUICE_TOPOLOGY_H
#define SLUICE_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_NODES_MAX 1024 /* node ids are below this */
#define SLUICE_TIERS_MAX 8    /* of which at most 7 are memory, so that swap always has room */

/* Fastest first, as far as a kind alone tells. */
enum sluice_tier_kind {
	SLUICE_TIER_HBM,    /* no CPUs, twice the bandwidth of nodes with CPUs or more */
	SLUICE_TIER_DRAM,   /* with CPUs, or as fast as nodes with CPUs */
	SLUICE_TIER_REMOTE, /* no CPUs, and nothing tells what it is made of */
	SLUICE_TIER_CXL,    /* proven by a CXL region or its dax device */
	SLUICE_TIER_PMEM,   /* proven by a dax device of an NVDIMM */
	SLUICE_TIER_SWAP    /* never a node */
};

/* A memory node with memory. Figures are as seen from the nearest CPUs; 0 means unknown. */
struct sluice_node {
	uint32_t id;
	uint32_t kind; /* enum sluice_tier_kind */
	uint32_t tier; /* index of its tier, 0 is the fastest */
	uint32_t has_cpu;
	uint64_t total_bytes;
	uint64_t free_bytes; /* as of the load or the last refresh */
	uint32_t distance;   /* smallest SLIT distance from a node with CPUs; 10 is local */
	uint32_t read_latency_ns, write_latency_ns;
	uint32_t read_bw_mbps, write_bw_mbps; /* 10^6 bytes per second */
	int32_t kernel_tier;                  /* N of the kernel's memory_tierN, -1 unknown */
	char cpus[256];                       /* list format, "0-3,8"; cut with "..." when longer */
	char reason[256];                     /* why it has its kind and tier */
};

struct sluice_tier_info {
	uint32_t kind; /* of its nodes; only a slowest tier that had to be merged mixes kinds */
	uint32_t node_count;
	uint64_t total_bytes, free_bytes;
	uint32_t read_latency_ns; /* the best of its nodes; 0 unknown */
	uint32_t reserved;
	char reason[256]; /* why these nodes form one tier, and why it ranks here */
};

struct sluice_topology;

struct sluice_topology_options {
	const char *sysroot; /* read SYSROOT/sys and SYSROOT/proc; NULL or "" is "/" */
};

/* Read the machine. options may be NULL. *ret is the caller's, to be freed with
 * sluice_topology_free(). A file that is missing, looping or garbage makes what it would tell
 * unknown, never a failure; a node whose size cannot be read is left out. -ENOENT: no root, no node
 * directory under it, or no node with memory. -ENOMEM. Other errors of opening the root. */
int sluice_topology_load(const struct sluice_topology_options *options,
			 struct sluice_topology **ret, struct sluice_err *reterr);
void sluice_topology_free(struct sluice_topology *topology); /* NULL is fine */

/* Read the free bytes of all nodes and tiers again. Allocates nothing; for use in every round. A
 * node whose file cannot be read counts as full. 0 or -errno of the first such node; all others are
 * then up to date all the same. */
int sluice_topology_refresh(struct sluice_topology *topology, struct sluice_err *reterr);

/* Borrowed until the topology is freed. Tiers fastest first, at least one; nodes by tier, then id.
 * Nodes without memory are left out. NULL when the index, or the id, is not there. */
size_t sluice_topology_tier_count(const struct sluice_topology *topology);
size_t sluice_topology_node_count(const struct sluice_topology *topology);
const struct sluice_tier_info *sluice_topology_tier(const struct sluice_topology *topology,
						    size_t i);
const struct sluice_node *sluice_topology_node(const struct sluice_topology *topology, size_t i);
const struct sluice_node *sluice_topology_node_by_id(const struct sluice_topology *topology,
						     uint32_t id);

const char *sluice_tier_kind_name(uint32_t kind); /* "dram", ...; "unknown" out of range */

#ifdef __cplusplus
}
#endif
#endif
