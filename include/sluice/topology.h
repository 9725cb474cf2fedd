/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.h - which memory this machine has, as ranked tiers, and why it is ranked so.
 *
 * A topology is a snapshot: loading reads /sys and /proc once (or a captured tree under another
 * root, or a description of a machine that does not exist). It never changes the machine. One
 * topology may be read from several threads, refreshed only while no other thread reads it.
 *
 * Facts come from many sources, which may contradict each other or be plainly wrong. All that was
 * read is kept, with its source and with what became of it (struct sluice_fact); every conclusion
 * (kind, figure, tier, order) names the source that it rests on. For each figure the first of these
 * that knows it wins: the user's word, a synthetic description, HMAT access1, HMAT access0, kept
 * measurements. Measurements go before firmware where firmware is plainly wrong, and where they
 * know all nodes and firmware does not: latencies of two sources are never compared.
 *
 * Growth: structs that the library hands out by pointer may get new members at their end; structs
 * that are handed in are taken by their size at the caller's compilation.
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
#define SLUICE_NO_NODE UINT32_MAX

/* Fastest first, as far as a kind alone tells. */
enum sluice_tier_kind {
	SLUICE_TIER_HBM,    /* no CPUs, twice the bandwidth of nodes with CPUs or more */
	SLUICE_TIER_DRAM,   /* with CPUs, or as fast as nodes with CPUs */
	SLUICE_TIER_REMOTE, /* no CPUs, and nothing tells what it is made of */
	SLUICE_TIER_CXL,    /* proven by a CXL region, its address range or its dax device */
	SLUICE_TIER_PMEM,   /* proven by an NVDIMM region or its dax device */
	SLUICE_TIER_SWAP    /* never a node */
};

/* Where a fact, or a conclusion, comes from. */
enum sluice_source {
	SLUICE_SOURCE_NONE,      /* not known */
	SLUICE_SOURCE_OVERRIDE,  /* the user's word */
	SLUICE_SOURCE_SYNTHETIC, /* a description of a made-up machine */
	SLUICE_SOURCE_MEASURED,  /* kept measurements of this machine */
	SLUICE_SOURCE_HMAT_CPU,  /* HMAT by sysfs, access1: from the nearest CPUs */
	SLUICE_SOURCE_HMAT_ANY, /* HMAT by sysfs, access0: from the nearest initiator of any sort */
	SLUICE_SOURCE_SLIT,     /* distances */
	SLUICE_SOURCE_KERNEL_TIER, /* the kernel's memory_tiering */
	SLUICE_SOURCE_NODE,        /* the node's folder in sysfs: CPUs, sizes */
	SLUICE_SOURCE_CPU_MODEL,   /* /proc/cpuinfo: processors with memory of their own kind */
	SLUICE_SOURCE_CXL,         /* the CXL bus */
	SLUICE_SOURCE_DAX,         /* dax devices and their target nodes */
	SLUICE_SOURCE_NVDIMM,      /* NVDIMM regions and namespaces */
	SLUICE_SOURCE_CACHE,       /* memory-side caches */
	SLUICE_SOURCE_SWAP,        /* /proc/swaps, zram, zswap */
	SLUICE_SOURCE_HUGEPAGES,   /* pools of huge pages */
	SLUICE_SOURCE_INTERLEAVE,  /* weighted interleave */
	SLUICE_SOURCE_ACCELERATOR, /* memory of a GPU, by PCI or device tree */
	SLUICE_SOURCE_COUNT
};

const char *sluice_tier_kind_name(uint32_t kind); /* "dram", ...; "unknown" out of range */
const char *sluice_source_name(uint32_t source);  /* "hmat-access1", ...; likewise */

/* ---- Nodes and tiers ---- */

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

	uint32_t mixed_bw_mbps;  /* two reads to one write */
	uint32_t spread_percent; /* of a measured latency: half the middle 90 % of rounds */
	uint32_t nearest;        /* node of the CPUs that the figures hold for, or SLUICE_NO_NODE */
	uint32_t kind_source, latency_source, bw_source; /* enum sluice_source */
	uint32_t interleave_weight;                      /* of weighted interleave; 0 unknown */
	uint32_t reserved;
	const char *device; /* what feeds it, "dax0.0 of CXL region0"; "" unknown; the topology's */
};

struct sluice_tier_info {
	uint32_t kind; /* of its nodes; only a slowest tier that had to be merged mixes kinds */
	uint32_t node_count;
	uint64_t total_bytes, free_bytes;
	uint32_t read_latency_ns; /* the best of its nodes; 0 unknown */
	uint32_t source;          /* what separates it from the tier before it; enum sluice_source,
				     NONE when kinds do, or for the first of one */
	char reason[256];         /* why these nodes form one tier, and why it ranks here */
};

/* A node of CPUs. */
struct sluice_initiator {
	uint32_t node; /* its id */
	uint32_t has_memory;
	char cpus[256]; /* as in struct sluice_node */
};

/* Where the CXL device of a place's memory hangs, where that is what tells how far it is. */
enum sluice_slot {
	SLUICE_SLOT_NONE,  /* no such device, not known, or something else tells */
	SLUICE_SLOT_OWN,   /* on the initiator's CPUs */
	SLUICE_SLOT_OTHER, /* on other CPUs */
};

/* A node of memory in the order of one initiator, near to far. */
struct sluice_place {
	uint32_t node;
	uint32_t tier;   /* the machine's, as in struct sluice_node */
	uint32_t rank;   /* the initiator's own: 0 is the nearest; equal ranks are equally near */
	uint32_t source; /* what separates it from the place before; NONE: nothing, or the tier */
	uint32_t slot;   /* enum sluice_slot */
	uint32_t reserved;
	const char *reason; /* the topology's */
};

/* A memory node as one initiator sees it; 0 is unknown. */
struct sluice_pair {
	uint32_t initiator, node;
	uint32_t distance; /* SLIT */
	uint32_t read_latency_ns, write_latency_ns;
	uint32_t read_bw_mbps, write_bw_mbps, mixed_bw_mbps;
	uint32_t spread_percent;
	uint32_t latency_source, bw_source; /* enum sluice_source */
	uint32_t reserved;
};

/* A node without memory, as is normal for CXL memory that is not there yet. */
struct sluice_bare_node {
	uint32_t id;
	uint32_t online;        /* 0: only possible */
	uint32_t has_cpu;       /* such a node is an initiator too */
	uint32_t device_offers; /* a device could give it memory: see devices with this node */
	char reason[256];       /* why it has no memory, as far as is known */
};

/* ---- What else holds memory ---- */

enum sluice_swap_kind {
	SLUICE_SWAP_PARTITION, /* or any other block device */
	SLUICE_SWAP_FILE,
	SLUICE_SWAP_ZRAM
};

const char *sluice_swap_kind_name(uint32_t kind); /* "partition", ... */

struct sluice_swap_device {
	uint32_t kind; /* enum sluice_swap_kind */
	int32_t priority;
	uint64_t total_bytes, used_bytes;
	uint64_t held_bytes; /* zram: memory that it takes; 0 otherwise or unknown */
	const char *name;    /* "/dev/zram0"; the topology's */
	const char *detail;  /* "zstd, 2.9 times smaller"; "" when nothing is known */
};

/* The slowest tier. It holds no node, so it is none of sluice_topology_tier(): what moves pages
 * between nodes does not meet it. Its index is sluice_topology_tier_count(). */
struct sluice_swap {
	uint64_t total_bytes, free_bytes;
	uint32_t device_count;
	uint32_t zswap; /* 1: compressed in memory first, whatever the devices are */
	uint64_t zswap_pool_bytes_max, zswap_held_bytes, zswap_stored_bytes; /* 0 unknown */
	const char *zswap_compressor;                                        /* "" unknown */
	const char *reason; /* one sentence or two */
};

enum sluice_device_type {
	SLUICE_DEVICE_CXL_MEMDEV,    /* a memory expander: mem0 */
	SLUICE_DEVICE_CXL_REGION,    /* an address range that decoders map to expanders */
	SLUICE_DEVICE_DAX,           /* a dax device; with the kmem driver it feeds a node */
	SLUICE_DEVICE_NVDIMM_REGION, /* persistent memory */
	SLUICE_DEVICE_NVDIMM_NAMESPACE,
	SLUICE_DEVICE_ACCELERATOR /* memory of a GPU that the kernel shows as a node */
};

const char *sluice_device_type_name(uint32_t type); /* "cxl-memdev", ... */

struct sluice_device {
	uint32_t type;        /* enum sluice_device_type */
	uint32_t node;        /* the node that it feeds or would feed, or SLUICE_NO_NODE */
	uint32_t near;        /* the node of the CPUs that it hangs on, or SLUICE_NO_NODE */
	uint32_t feeds;       /* 1: its memory is (part of) the node's now */
	uint64_t total_bytes; /* 0 unknown */
	const char *name;     /* "mem0", "region0", "dax0.0", "region1", "namespace0.0" */
	const char *parent; /* what it is made of or hangs on: "mem0,mem1", "0000:35:00.0"; or "" */
	const char *detail; /* "ram, 2-way by 256 bytes, committed", ...; or "" */
};

struct sluice_hugepages { /* one pool of one node */
	uint32_t node;
	uint32_t reserved;
	uint64_t page_bytes;
	uint64_t total_pages, free_pages, surplus_pages;
};

struct sluice_memory_cache { /* in front of a node's memory; programs never see it as a node */
	uint32_t node;
	uint32_t level; /* 1 is the nearest to the memory */
	uint64_t total_bytes;
	uint32_t line_bytes;
	uint32_t direct_mapped; /* 0: it is not, or unknown */
	uint32_t write_through; /* 0: write-back, or unknown */
	uint32_t reserved;
};

/* ---- What was said, and by whom ---- */

enum sluice_verdict {
	SLUICE_FACT_KEPT,      /* told for its own sake: no conclusion rests on it */
	SLUICE_FACT_USED,      /* a conclusion rests on it */
	SLUICE_FACT_OUTRANKED, /* another source goes first; the note says which */
	SLUICE_FACT_REFUSED    /* plainly wrong; the note says why */
};

const char *sluice_verdict_name(uint32_t verdict); /* "used", ... */

/* The strings are the topology's, never NULL. */
struct sluice_fact {
	uint32_t node;      /* of memory, or SLUICE_NO_NODE: of the machine */
	uint32_t initiator; /* a node of CPUs, or SLUICE_NO_NODE: of the node itself */
	uint32_t source;    /* enum sluice_source */
	uint32_t verdict;   /* enum sluice_verdict */
	const char *key;    /* what: "read_latency_ns", "kind", "kernel_tier", "device", ... */
	const char *value;  /* as text */
	uint64_t number;    /* the same, if it is one; otherwise 0 */
	const char *origin; /* the file, without the root; or the words of the user's option */
	const char *note;   /* why it is refused or not used, or ""; a part of a sentence */
};

/* ---- Loading ---- */

struct sluice_topology;

struct sluice_topology_options {
	/* Read SYSROOT/sys and SYSROOT/proc; NULL or "" is "/". A file is a capture, as
	 * sluice_topology_capture() makes them; such a topology never changes. */
	const char *sysroot;

	/* The user's corrections; NULL or "" is none. Entries "NODES=WORD,WORD...", set apart by
	 * commas, semicolons or blanks. NODES is "2" or "2-5"; with an initiator before it, "0:2",
	 * figures hold for that pair only. Words, also after "@":
	 *   hbm dram remote cxl pmem    the kind
	 *   tier2                       the tier, counted without the nodes that are so placed; a
	 *                               number beyond the last makes a slowest one
	 *   250ns                       latency, reading and writing
	 *   30GB/s 900MB/s              bandwidth, likewise (10^9, 10^6 bytes)
	 * "2=cxl@250ns,30GB/s 3=tier1". Unknown nodes are no error: they may come later. */
	const char *overrides;

	/* Do not read a machine but make this one up; NULL or "" reads. Items, set apart by blanks:
	 * "[COUNTx]KIND:SIZE[@LATENCY][,BANDWIDTH][,cpus=N][,dist=N]", KIND hbm, dram, remote, cxl,
	 * pmem, or swap:SIZE; at most 64 nodes. dram has 8 CPUs unless it says otherwise, other
	 * kinds have none. dist is the SLIT distance from its CPUs. Nodes without CPUs belong to
	 * those with, in turn: "2xdram:8G@80ns,100GB/s 2xcxl:32G@250ns,30GB/s". sysroot and
	 * measured_dir are then not looked at. */
	const char *synthetic;

	/* Folder of kept measurements, not under the root; NULL or "" uses none. A file in it is
	 * looked for by sluice_topology_identity(). */
	const char *measured_dir;
};

int sluice_topology_load_sized(const struct sluice_topology_options *options, size_t options_size,
			       struct sluice_topology **ret, struct sluice_err *reterr);

/* Read the machine. options may be NULL; nothing of them is kept. *ret is the caller's, to be freed
 * with sluice_topology_free(). A file that is missing, looping or garbage makes what it would tell
 * unknown, never a failure; a node whose size cannot be read is left out. -ENOENT: no root, no node
 * directory under it, or no node with memory. -EINVAL: overrides or synthetic do not parse; the
 * sentence says where. -ENOMEM. Other errors of opening the root. */
static inline int
sluice_topology_load(const struct sluice_topology_options *options, struct sluice_topology **ret,
		     struct sluice_err *reterr)
{
	return sluice_topology_load_sized(options, sizeof(*options), ret, reterr);
}

void sluice_topology_free(struct sluice_topology *topology); /* NULL is fine */

/* Read the free bytes of all nodes and tiers again (not of swap). Allocates nothing; for use in
 * every round. A node whose file cannot be read counts as full. 0 or -errno of the first such node;
 * all others are then up to date all the same. */
int sluice_topology_refresh(struct sluice_topology *topology, struct sluice_err *reterr);

/* 1 when nodes with memory came or went, or a node's size changed, since the load: time to load
 * anew. 0 when not, or when it cannot be told. Three small reads and one for each node. */
int sluice_topology_is_stale(const struct sluice_topology *topology);

/* Write down, as a text, all that a load of this machine reads (sysroot as in the options), but
 * what identifies its owner: ids, serial numbers, names that people gave. The text begins with
 * lines that say what was left out ("# Left out: ..."), and is the caller's to free. Errors as of a
 * load. */
int sluice_topology_capture(const char *sysroot, char **ret, struct sluice_err *reterr);

/* ---- Looking. All pointers are borrowed until the topology is freed; NULL when the index, or the
 * id, is not there. ---- */

/* Tiers fastest first, at least one; nodes by tier, then id. Nodes without memory, and swap, are
 * not among them. */
size_t sluice_topology_tier_count(const struct sluice_topology *topology);
size_t sluice_topology_node_count(const struct sluice_topology *topology);
const struct sluice_tier_info *sluice_topology_tier(const struct sluice_topology *topology,
						    size_t i);
const struct sluice_node *sluice_topology_node(const struct sluice_topology *topology, size_t i);
const struct sluice_node *sluice_topology_node_by_id(const struct sluice_topology *topology,
						     uint32_t id);

/* Nodes with CPUs, with memory or without, by id; and all memory nodes in the order of each, near
 * to far (as many as there are nodes). place: i is 0 for the nearest. */
size_t sluice_topology_initiator_count(const struct sluice_topology *topology);
const struct sluice_initiator *sluice_topology_initiator(const struct sluice_topology *topology,
							 size_t i);
const struct sluice_place *sluice_topology_place(const struct sluice_topology *topology,
						 uint32_t initiator, size_t i);
const struct sluice_pair *sluice_topology_pair(const struct sluice_topology *topology,
					       uint32_t initiator, uint32_t node);

/* The swap tier, NULL when there is none (and no zswap matters then). Devices as the kernel fills
 * them: highest priority first. */
const struct sluice_swap *sluice_topology_swap(const struct sluice_topology *topology);
const struct sluice_swap_device *sluice_topology_swap_device(const struct sluice_topology *topology,
							     size_t i);

const struct sluice_bare_node *sluice_topology_bare_node(const struct sluice_topology *topology,
							 size_t i);
const struct sluice_device *sluice_topology_device(const struct sluice_topology *topology,
						   size_t i);
const struct sluice_hugepages *sluice_topology_hugepages(const struct sluice_topology *topology,
							 size_t i);
const struct sluice_memory_cache *sluice_topology_cache(const struct sluice_topology *topology,
							size_t i);

/* Everything that was read, machine-wide facts first, then by node. */
const struct sluice_fact *sluice_topology_fact(const struct sluice_topology *topology, size_t i);

/* Contradictions, and what was decided: full sentences, about one node or (SLUICE_NO_NODE) several.
 * *ret_node may be NULL. */
const char *sluice_topology_remark(const struct sluice_topology *topology, size_t i,
				   uint32_t *ret_node);

/* ---- Kept measurements ---- */

/* Names this machine's hardware: 16 hexadecimal digits, from its machine id (hashed), product,
 * and processor; sizes and nodes are not in it, as memory comes and goes. */
const char *sluice_topology_identity(const struct sluice_topology *topology);

/* One pair of CPU node and memory node; 0 in a figure: not measured. */
struct sluice_measured {
	uint32_t initiator, node;
	uint32_t read_latency_ns; /* idle, dependent loads */
	uint32_t read_bw_mbps, write_bw_mbps, mixed_bw_mbps;
	uint32_t latency_spread_percent, bw_spread_percent; /* half the middle 90 % of rounds */
};

int sluice_topology_keep_measured_sized(const struct sluice_topology *topology, const char *dir,
					const struct sluice_measured *figures, size_t count,
					size_t figure_size, struct sluice_err *reterr);

/* Write figures of this machine into a folder (which must be there), for loads with measured_dir:
 * DIR/measured-IDENTITY.txt, replaced at once or not at all. What the file already has for other
 * pairs stays. Each node's size and CPUs are written too: a node that later differs (by a tenth of
 * its size or more) is measured anew rather than believed. -EINVAL: a pair that the topology does
 * not have. -errno of writing. */
static inline int
sluice_topology_keep_measured(const struct sluice_topology *topology, const char *dir,
			      const struct sluice_measured *figures, size_t count,
			      struct sluice_err *reterr)
{
	return sluice_topology_keep_measured_sized(topology, dir, figures, count, sizeof(*figures),
						   reterr);
}

#ifdef __cplusplus
}
#endif
#endif
