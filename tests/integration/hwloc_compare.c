/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hwloc_compare.c - reads one captured machine with Sluice's topology and with hwloc, which has its
 * own reader of sysfs, and tells where the two disagree: nodes that have memory, the latencies and
 * bandwidths of firmware, kinds of memory, the order of tiers.
 *
 * One machine a run, as hwloc takes the root from the environment.
 */
#include <errno.h>
#include <hwloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sluice/topology.h"

static int differences;
static int compared;
static int latencies, bandwidths; /* of firmware that both read, among those */

__attribute__((format(printf, 1, 2))) static void
differ(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("  differs: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	differences++;
}

static hwloc_topology_t
load_hwloc(const char *root)
{
	hwloc_topology_t topology;

	/* sysfs only: captures have no CPUID of theirs to ask. */
	setenv("HWLOC_FSROOT", root, 1);
	setenv("HWLOC_THISSYSTEM", "0", 1);
	setenv("HWLOC_COMPONENTS", "linux,stop", 1);
	unsetenv("HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES");
	if (hwloc_topology_init(&topology) < 0 ||
	    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) < 0 ||
	    hwloc_topology_load(topology) < 0) {
		printf("  hwloc cannot read it\n");
		exit(77);
	}
	return topology;
}

/* With numa=fake several nodes have the same CPUs, and hwloc drops all but one. Their memory is
 * there all the same. */
static int
shares_cpus(const struct sluice_topology *ours, const struct sluice_node *node)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc(), others = hwloc_bitmap_alloc();
	const struct sluice_node *other;
	int shares = 0;

	hwloc_bitmap_list_sscanf(cpus, node->cpus);
	for (size_t i = 0; (other = sluice_topology_node(ours, i)); i++) {
		hwloc_bitmap_list_sscanf(others, other->cpus);
		shares = shares || (other != node && hwloc_bitmap_intersects(cpus, others));
	}
	hwloc_bitmap_free(cpus);
	hwloc_bitmap_free(others);
	return shares;
}

static void
compare_nodes(hwloc_topology_t theirs, const struct sluice_topology *ours)
{
	const struct sluice_node *node;
	hwloc_obj_t object = NULL;

	while ((object = hwloc_get_next_obj_by_type(theirs, HWLOC_OBJ_NUMANODE, object))) {
		node = sluice_topology_node_by_id(ours, object->os_index);
		compared++;
		if (object->attr->numanode.local_memory > 0 && !node)
			differ("hwloc gives node %u memory", object->os_index);
		else if (node && node->total_bytes != object->attr->numanode.local_memory)
			differ("node %u has %llu bytes, hwloc says %llu", node->id,
			       (unsigned long long)node->total_bytes,
			       (unsigned long long)object->attr->numanode.local_memory);
	}
	for (size_t i = 0; (node = sluice_topology_node(ours, i)); i++) {
		if (hwloc_get_numanode_obj_by_os_index(theirs, node->id))
			continue;
		if (shares_cpus(ours, node))
			printf("  note: hwloc drops node %u, whose CPUs are another's too\n",
			       node->id);
		else
			differ("hwloc has no node %u", node->id);
	}
}

/* What either class of HMAT told of the node. */
static int
is_told(const struct sluice_topology *ours, uint32_t node, const char *key, uint64_t value)
{
	const struct sluice_fact *fact;

	for (size_t i = 0; (fact = sluice_topology_fact(ours, i)); i++) {
		if (fact->node == node && strcmp(fact->key, key) == 0 && fact->number == value &&
		    (fact->source == SLUICE_SOURCE_HMAT_CPU ||
		     fact->source == SLUICE_SOURCE_HMAT_ANY))
			return 1;
	}
	return 0;
}

static uint32_t
figure_of(const struct sluice_node *node, hwloc_memattr_id_t id)
{
	switch (id) {
	case HWLOC_MEMATTR_ID_READ_LATENCY:
		return node->read_latency_ns;
	case HWLOC_MEMATTR_ID_WRITE_LATENCY:
		return node->write_latency_ns;
	case HWLOC_MEMATTR_ID_READ_BANDWIDTH:
		return node->read_bw_mbps;
	default:
		return node->write_bw_mbps;
	}
}

static void
compare_figure(hwloc_topology_t theirs, const struct sluice_topology *ours,
	       const struct sluice_node *node, hwloc_obj_t object, hwloc_memattr_id_t id,
	       const char *key)
{
	struct hwloc_location initiators[64];
	hwloc_uint64_t values[64];
	unsigned int count = 64;
	uint32_t figure = figure_of(node, id);

	if (hwloc_memattr_get_initiators(theirs, id, object, 0, &count, initiators, values) < 0)
		count = 0;
	for (unsigned int i = 0; i < count && i < 64; i++) {
		compared++;
		/* 0 means that firmware does not know. */
		if (values[i] &&
		    (id == HWLOC_MEMATTR_ID_READ_LATENCY || id == HWLOC_MEMATTR_ID_WRITE_LATENCY))
			latencies++;
		else if (values[i])
			bandwidths++;
		if (values[i] && !is_told(ours, node->id, key, values[i]))
			differ("node %u: hwloc's %s is %llu, ours %u", node->id, key,
			       (unsigned long long)values[i], figure);
		else if (values[i] && figure != values[i])
			printf("  note: node %u: of two classes, hwloc takes %s %llu, we %u\n",
			       node->id, key, (unsigned long long)values[i], figure);
	}
	if (count == 0 && figure)
		differ("node %u: our %s is %u, hwloc has none", node->id, key, figure);
}

static void
compare_figures(hwloc_topology_t theirs, const struct sluice_topology *ours)
{
	static const struct {
		hwloc_memattr_id_t id;
		const char *key;
	} figures[] = {
		{HWLOC_MEMATTR_ID_READ_LATENCY, "read_latency_ns"},
		{HWLOC_MEMATTR_ID_WRITE_LATENCY, "write_latency_ns"},
		{HWLOC_MEMATTR_ID_READ_BANDWIDTH, "read_bw_mbps"},
		{HWLOC_MEMATTR_ID_WRITE_BANDWIDTH, "write_bw_mbps"},
	};
	const struct sluice_node *node;

	for (size_t i = 0; (node = sluice_topology_node(ours, i)); i++) {
		hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(theirs, node->id);

		for (size_t k = 0; object && k < sizeof(figures) / sizeof(figures[0]); k++)
			compare_figure(theirs, ours, node, object, figures[k].id, figures[k].key);
	}
}

static void
compare_kinds(hwloc_topology_t theirs, const struct sluice_topology *ours)
{
	static const struct {
		const char *subtype;
		uint32_t kind;
	} kinds[] = {
		{"DRAM", SLUICE_TIER_DRAM},    {"HBM", SLUICE_TIER_HBM},
		{"MCDRAM", SLUICE_TIER_HBM},   {"NVM", SLUICE_TIER_PMEM},
		{"CXL-DRAM", SLUICE_TIER_CXL}, {"CXL-NVM", SLUICE_TIER_PMEM},
	};
	const struct sluice_node *node;

	for (size_t i = 0; (node = sluice_topology_node(ours, i)); i++) {
		hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(theirs, node->id);
		const char *subtype = object ? object->subtype : NULL;

		for (size_t k = 0; subtype && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (strcmp(subtype, kinds[k].subtype) != 0)
				continue;
			compared++;
			if (kinds[k].kind != node->kind)
				differ("node %u is %s, hwloc says %s", node->id,
				       sluice_tier_kind_name(node->kind), subtype);
		}
	}
}

/* hwloc 2.10 and later ranks nodes too; 0 is the fastest. */
static int
tier_in(hwloc_topology_t theirs, uint32_t node)
{
	hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(theirs, node);
	const char *text = object ? hwloc_obj_get_info_by_name(object, "MemoryTier") : NULL;

	return text ? atoi(text) : -1;
}

static void
compare_tiers(hwloc_topology_t theirs, const struct sluice_topology *ours)
{
	const struct sluice_node *a, *b;

	for (size_t i = 0; (a = sluice_topology_node(ours, i)); i++) {
		for (size_t k = 0; (b = sluice_topology_node(ours, k)); k++) {
			int theirs_a = tier_in(theirs, a->id), theirs_b = tier_in(theirs, b->id);

			if (theirs_a < 0 || theirs_b < 0)
				continue;
			compared++;
			if (theirs_a < theirs_b && a->tier > b->tier)
				differ("hwloc ranks node %u before node %u", a->id, b->id);
		}
	}
}

/* The best of some loads; large machines are to be read in 50 ms. */
static void
time_discovery(const struct sluice_topology_options *options, size_t nodes)
{
	double best_ms = 1e9;

	for (int i = 0; i < 10; i++) {
		struct sluice_topology *topology = NULL;
		struct timespec began, ended;
		double ms;

		clock_gettime(CLOCK_MONOTONIC, &began);
		sluice_topology_load(options, &topology, NULL);
		clock_gettime(CLOCK_MONOTONIC, &ended);
		sluice_topology_free(topology);
		ms = (double)(ended.tv_sec - began.tv_sec) * 1e3 +
		     (double)(ended.tv_nsec - began.tv_nsec) / 1e6;
		best_ms = ms < best_ms ? ms : best_ms;
	}
	printf("  discovery of %zu nodes: %.1f ms, best of 10\n", nodes, best_ms);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (best_ms >= 50)
		differ("discovery takes 50 ms or more");
#endif
}

int
main(int argc, char **argv)
{
	struct sluice_topology_options options = {0};
	struct sluice_topology *ours = NULL;
	struct sluice_err err = {0};
	hwloc_topology_t theirs;
	hwloc_obj_t object = NULL;
	uint64_t bytes = 0;
	int r;

	if (argc != 2) {
		fprintf(stderr, "Usage: hwloc_compare ROOT\n");
		return 2;
	}
	options.sysroot = argv[1];
	r = sluice_topology_load(&options, &ours, &err);
	theirs = load_hwloc(argv[1]);
	if (r < 0) {
		/* Captures without any memory in them are hwloc's tests of other things; for what
		 * it does not know it puts 4 GiB. */
		while ((object = hwloc_get_next_obj_by_type(theirs, HWLOC_OBJ_NUMANODE, object)))
			bytes += object->attr->numanode.local_memory;
		printf("  no memory: %s\n", err.msg);
		if ((bytes > 0 && bytes != UINT64_C(1) << 32) || !err.msg[0])
			differ("hwloc sees %llu bytes", (unsigned long long)bytes);
		compared++;
	} else {
		compare_nodes(theirs, ours);
		compare_figures(theirs, ours);
		compare_kinds(theirs, ours);
		compare_tiers(theirs, ours);
		if (sluice_topology_node_count(ours) >= 64)
			time_discovery(&options, sluice_topology_node_count(ours));
		printf("  %zu nodes, %zu tiers, %d comparisons, %d of latencies, %d of "
		       "bandwidths\n",
		       sluice_topology_node_count(ours), sluice_topology_tier_count(ours), compared,
		       latencies, bandwidths);
	}
	sluice_topology_free(ours);
	hwloc_topology_destroy(theirs);
	return differences > 0 || compared == 0;
}
