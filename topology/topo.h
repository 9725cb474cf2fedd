/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo.h - what the files of this folder share: the topology while it is being built.
 *
 * Loading runs the sources of topo_sources.c, one file each (facts, from the kernel, the user, or
 * kept measurements), then topo_choose() (one figure where several were told), topo_find_kinds(),
 * topo_rank() and topo_order() (conclusions, each with its reason), and topo_verdicts() (what
 * became of each fact). A new source is a new file and a line there; conclusions read facts from
 * here only, never files.
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

/* Firmware's 0xffff means "none"; 60 microseconds is no memory any more. 10^6 bytes per second. */
#define TOPO_LATENCY_MAX_NS 60000
#define TOPO_BW_MAX_MBPS 100000000

#define TOPO_NODE_DIR "sys/devices/system/node"

/* ---- Texts, lists, facts (topo_facts.c). Memory that is short is told once, at the end of the
 * load, by out_of_memory; until then what is handed out can be written to, and is not kept. ---- */

struct topo_list {
	void **items;
	size_t count, capacity;
};

/* size bytes of zeros that live as long as the topology. */
void *topo_alloc(struct sluice_topology *topo, size_t size);

/* A new item of zeros at the end of a list; the address stays. */
void *topo_list_add(struct sluice_topology *topo, struct topo_list *list, size_t size);

static inline void *
topo_list_at(const struct topo_list *list, size_t i)
{
	return i < list->count ? list->items[i] : NULL;
}

/* Bytes that are not printable ASCII become "?": names come from outside. */
void topo_make_plain(char *text);

/* A text that lives as long as the topology. Bytes that are not printable ASCII become "?". */
const char *topo_say(struct sluice_topology *topo, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What a figure tells about. */
enum topo_figure {
	TOPO_READ_LATENCY,
	TOPO_WRITE_LATENCY,
	TOPO_READ_BW,
	TOPO_WRITE_BW,
	TOPO_MIXED_BW,
	TOPO_FIGURES /* also: a fact that is none */
};

struct topo_fact {
	struct sluice_fact fact; /* first: what the public side sees */
	enum topo_figure figure;
};

/* Add a fact; its origin is the format. The value is cut after 200 bytes. */
struct topo_fact *topo_fact(struct sluice_topology *topo, enum sluice_source source, uint32_t node,
			    const char *key, const char *value, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
struct topo_fact *topo_fact_number(struct sluice_topology *topo, enum sluice_source source,
				   uint32_t node, const char *key, uint64_t value,
				   const char *format, ...) __attribute__((format(printf, 6, 7)));

/* As topo_fact(), for one that is of no use; note says why. */
void topo_refuse(struct sluice_topology *topo, enum sluice_source source, uint32_t node,
		 const char *key, const char *value, const char *note, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

const char *topo_figure_key(enum topo_figure figure); /* "read_latency_ns" */

/* A full sentence about a node, or SLUICE_NO_NODE. */
void topo_remark(struct sluice_topology *topo, uint32_t node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- The topology ---- */

/* Who tells figures: enum sluice_source up to this one. */
#define TOPO_TELLERS (SLUICE_SOURCE_HMAT_ANY + 1)

struct topo_told {
	uint32_t figures[TOPO_FIGURES]; /* 0: not told */
	uint32_t spread_percent;
};

/* The device that feeds a node, the strongest proof last. */
enum topo_proof {
	TOPO_PROOF_NONE,
	TOPO_PROOF_SOFT_RESERVED, /* firmware set the memory aside; it does not say what it is */
	TOPO_PROOF_HBM,           /* the processor's own stacked memory */
	TOPO_PROOF_CXL,
	TOPO_PROOF_PMEM
};

/* What may tell two nodes' ranks apart, the strongest evidence first. */
enum topo_evidence {
	TOPO_BY_NONE,
	TOPO_BY_KERNEL,    /* rank of memory_tierN */
	TOPO_BY_BANDWIDTH, /* hbm goes first: what DRAM wins in idle latency it loses under load */
	TOPO_BY_LATENCY,
	TOPO_BY_KIND, /* the order of enum sluice_tier_kind */
	TOPO_BY_SLIT, /* distance, where latencies are missing */
	TOPO_BY_COUNT
};

struct topo_node {
	struct sluice_node node;
	enum topo_proof proof;
	enum sluice_source proof_source;
	char device_text[128];               /* names the device, for reasons */
	char kind_reason[224];               /* one sentence */
	struct topo_told told[TOPO_TELLERS]; /* as seen from the nearest CPUs */
	struct nodeset attached;             /* CPUs that its CXL devices hang on; none: unknown */
	struct nodeset initiators;           /* the nearest ones */
	enum sluice_source initiators_from;  /* who says so: HMAT, SLIT, or CXL (attached) */
	int32_t said_kind, override_tier;    /* -1: none */
	enum sluice_source said_by;          /* the user, or a description */

	/* For ranking: what separates it from the node before it; its place by one source. */
	enum topo_evidence split;
	uint64_t key;
};

struct topo_pair {
	struct sluice_pair pair;
	struct topo_told told[TOPO_TELLERS];
};

struct sluice_topology {
	int root;          /* -1: made up */
	bool without_numa; /* node 0 is the whole machine */
	size_t node_count, tier_count;
	struct topo_node *nodes;
	struct sluice_tier_info tiers[SLUICE_TIERS_MAX];

	struct topo_list initiators; /* struct sluice_initiator */
	struct topo_pair *pairs;     /* a row for each initiator, a column for each of nodes */
	struct sluice_place *places; /* likewise */
	struct nodeset online, with_memory;
	struct nodeset of_accelerators; /* whose memory is no place for programs' pages */

	struct topo_list bare_nodes, devices, swap_devices, hugepages, caches, facts, remarks;
	struct sluice_swap *swap; /* NULL: no such tier */
	char identity[17];

	/* Conclusions on figures: whose are compared, and what is plainly wrong, why. */
	enum sluice_source latency_base, bw_base;
	const char *wrong_latency[TOPO_TELLERS]; /* NULL: it is not */
	bool set_aside[TOPO_BY_COUNT];           /* evidence that was wrong for some group */
	bool spoke[TOPO_BY_COUNT];               /* evidence that set two groups apart */
	bool merged;                             /* there were more groups than tiers */

	struct topo_list blocks; /* allocations */
	char *block;             /* the one in use */
	size_t block_left;
	bool out_of_memory;
	char scratch[1024]; /* handed out when memory is short */
};

size_t topo_initiator_index(const struct sluice_topology *topo, uint32_t id); /* SIZE_MAX: none */
struct topo_node *topo_node_find(const struct sluice_topology *topo, uint64_t id);
struct topo_pair *topo_pair_find(const struct sluice_topology *topo, uint32_t initiator,
				 uint32_t node);

/* A source in the words of sentences: "HMAT", "the measurement", ... */
const char *topo_source_words(enum sluice_source source);

/* Whether the node is proven, or said by the user, to be slower than DRAM. */
bool topo_is_proven_slow(const struct topo_node *node);

/* Bytes of MemTotal and MemFree of a node (SLUICE_NO_NODE: of the machine); either pointer may be
 * NULL. 0 or -errno. */
int topo_read_meminfo(int root, uint32_t id, uint64_t *ret_total, uint64_t *ret_free);

/* Ids of nodes that are online and have memory; folders are those that can be looked into. */
int topo_read_sets(int root, struct nodeset *ret_online, struct nodeset *ret_with_memory,
		   struct nodeset *ret_with_cpus);

/* Remember that a device feeds a node; the strongest proof, then the first text, counts. */
void topo_prove(struct topo_node *node, enum topo_proof proof, enum sluice_source source,
		const char *text);

/* Keep one told figure, with its fact, of a node (initiator SLUICE_NO_NODE: as seen from its
 * nearest CPUs) or of a pair. */
void topo_tell(struct sluice_topology *topo, enum sluice_source source, uint32_t initiator,
	       uint32_t node, enum topo_figure figure, uint32_t value, const char *origin);

/* A device; names are cut at TOPO_NAME_MAX. */
#define TOPO_NAME_MAX 32
struct sluice_device *topo_add_device(struct sluice_topology *topo, enum sluice_device_type type,
				      const char *name);

/* A node's id from FOLDER/NAME/FILE, or SLUICE_NO_NODE (-1 there means none, too). */
uint32_t topo_read_node_id(const struct sluice_topology *topo, const char *folder, const char *name,
			   const char *file);

/* ---- Sources ---- */

/* Nodes, initiators and nodes without memory: what all others hang their facts on. */
int topo_read_nodes(struct sluice_topology *topo, const char *overrides, struct sluice_err *reterr);
int topo_make_synthetic(struct sluice_topology *topo, const char *text, struct sluice_err *reterr);

void topo_add_initiator(struct sluice_topology *topo, uint32_t id, bool has_memory,
			const char *cpus);
struct topo_node *topo_add_node(struct sluice_topology *topo, uint32_t id, uint64_t total_bytes,
				uint64_t free_bytes, bool has_cpu, const char *cpus);

/* Room for pairs, once nodes and initiators are known. */
int topo_pairs_new(struct sluice_topology *topo, struct sluice_err *reterr);

void topo_read_distances(struct sluice_topology *topo);
void topo_read_hmat(struct sluice_topology *topo);
void topo_read_kernel_tiers(struct sluice_topology *topo);
void topo_read_dax(struct sluice_topology *topo);
void topo_read_cxl(struct sluice_topology *topo);
void topo_read_attached(struct sluice_topology *topo); /* after cxl */
void topo_read_nvdimm(struct sluice_topology *topo);
void topo_read_pools(struct sluice_topology *topo);
void topo_read_processor(struct sluice_topology *topo);
void topo_read_accelerators(struct sluice_topology *topo); /* before nodes */
/* name: the topology's. */
struct sluice_swap_device *topo_add_swap(struct sluice_topology *topo, enum sluice_swap_kind kind,
					 const char *name, uint64_t total_bytes,
					 uint64_t used_bytes, int32_t priority);
void topo_read_swap(struct sluice_topology *topo);       /* also sums up made-up devices */
bool topo_override_names(const char *text, uint32_t id); /* whether a correction is of the node */
int topo_read_overrides(struct sluice_topology *topo, const char *text, struct sluice_err *reterr);
void topo_read_identity(struct sluice_topology *topo);
void topo_read_measured(struct sluice_topology *topo, const char *dir);

/* ---- Conclusions ---- */

/* Which CPUs are nearest to each node, so that what was told of the node holds for the pair. */
void topo_find_nearest(struct sluice_topology *topo);

/* Latency that may be compared with other nodes' by the one source that figures rest on; 0: none.
 */
uint32_t topo_latency_of(const struct topo_told told[TOPO_TELLERS], enum sluice_source base);
uint32_t topo_comparable_ns(const struct sluice_topology *topo, const struct topo_node *node);

void topo_choose(struct sluice_topology *topo);
void topo_find_kinds(struct sluice_topology *topo);

/* Groups nodes into tiers, sorts nodes by tier then id, writes reasons. */
void topo_rank(struct sluice_topology *topo);
void topo_order(struct sluice_topology *topo);
void topo_verdicts(struct sluice_topology *topo);
void topo_finish_devices(struct sluice_topology *topo); /* what they offer, and their order */

#endif
