/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_rank.c - order nodes by speed and group them into tiers.
 *
 * Nodes that the user placed stand aside. All others start as one group. Each evidence of enum
 * topo_evidence in turn, the strongest first, cuts every group that it can tell apart; so a weaker
 * one only decides what stronger ones leave open. An evidence speaks on a group only if it knows
 * all nodes of it, and if it does not put memory that is proven to be CXL or persistent before DRAM
 * with CPUs: such firmware is wrong, and a reason says so. Last, the user's nodes join the tiers
 * that they were given.
 */
#include "topo_rank.h"

#include <stdlib.h>

#define PERCENT_CLEAR                                                                              \
	150 /* the user's or a measured order of this much goes before the kernel's                \
	     */

bool
topo_key(const struct sluice_topology *topo, const struct topo_node *node,
	 enum topo_evidence evidence, uint64_t *ret)
{
	switch (evidence) {
	case TOPO_BY_KERNEL:
		*ret = (uint64_t)node->node.kernel_tier;
		return node->node.kernel_tier >= 0;
	case TOPO_BY_BANDWIDTH:
		*ret = node->node.kind != SLUICE_TIER_HBM;
		return true;
	case TOPO_BY_LATENCY:
		*ret = topo_comparable_ns(topo, node);
		return *ret > 0;
	case TOPO_BY_KIND:
		*ret = node->node.kind;
		return true;
	case TOPO_BY_SLIT:
		*ret = node->node.distance;
		return *ret > 0;
	case TOPO_BY_NONE:
	case TOPO_BY_COUNT:
		break;
	}
	return false;
}

bool
topo_keys_known(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count,
		enum topo_evidence evidence)
{
	uint64_t key;

	for (size_t i = 0; i < count; i++)
		if (!topo_key(topo, &nodes[i], evidence, &key))
			return false;
	return true;
}

/* Slow memory before DRAM. */
static bool
is_impossible(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count,
	      enum topo_evidence evidence)
{
	uint64_t best_slow = UINT64_MAX, worst_dram = 0, key;

	for (size_t i = 0; i < count; i++) {
		if (!topo_key(topo, &nodes[i], evidence, &key))
			continue;
		if (evidence == TOPO_BY_LATENCY &&
		    nodes[i].node.latency_source == SLUICE_SOURCE_OVERRIDE)
			return false; /* the user may say what seems impossible */
		if (topo_is_proven_slow(&nodes[i]) && key < best_slow)
			best_slow = key;
		if (nodes[i].node.has_cpu && key > worst_dram)
			worst_dram = key;
	}
	return best_slow < worst_dram;
}

/* The kernel ranks by what firmware told it: the user and measurements know better. */
static bool
is_refuted(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			const struct sluice_node *fast = &nodes[i].node, *slow = &nodes[k].node;
			uint64_t fast_ns = topo_comparable_ns(topo, &nodes[i]);
			uint64_t slow_ns = topo_comparable_ns(topo, &nodes[k]);
			bool firmware = fast->latency_source >= SLUICE_SOURCE_HMAT_CPU &&
					slow->latency_source >= SLUICE_SOURCE_HMAT_CPU;

			if (fast_ns && slow_ns && !firmware &&
			    slow_ns * 100 >= fast_ns * PERCENT_CLEAR &&
			    slow->kernel_tier < fast->kernel_tier)
				return true;
		}
	}
	return false;
}

static bool
is_slower(enum topo_evidence evidence, uint64_t first, uint64_t key)
{
	if (evidence == TOPO_BY_LATENCY || evidence == TOPO_BY_SLIT)
		return key * 100 > first * (100 + TOPO_NEAR_PERCENT);
	return key > first;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct topo_node *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->node.id > y->node.id) - (x->node.id < y->node.id);
}

static int
compare_tiers(const void *a, const void *b)
{
	const struct topo_node *x = a, *y = b;

	if (x->node.tier != y->node.tier)
		return x->node.tier < y->node.tier ? -1 : 1;
	return (x->node.id > y->node.id) - (x->node.id < y->node.id);
}

size_t
topo_group_end(const struct sluice_topology *topo, size_t begin, size_t ranked)
{
	size_t end = begin + 1;

	while (end < ranked && topo->nodes[end].split == TOPO_BY_NONE)
		end++;
	return end < ranked ? end : ranked;
}

static bool
has_some_cpus(const struct topo_node *nodes, size_t count)
{
	size_t with_cpus = 0;

	for (size_t i = 0; i < count; i++)
		with_cpus += nodes[i].node.has_cpu != 0;
	return with_cpus > 0 && with_cpus < count;
}

static void
split_group(struct sluice_topology *topo, struct topo_node *nodes, size_t count,
	    enum topo_evidence evidence)
{
	enum topo_evidence split = nodes[0].split;
	uint64_t first;

	if (!topo_keys_known(topo, nodes, count, evidence))
		return;
	if (is_impossible(topo, nodes, count, evidence) ||
	    (evidence == TOPO_BY_KERNEL && is_refuted(topo, nodes, count))) {
		topo->set_aside[evidence] = true;
		return;
	}
	/* Latency says the same, and better; and that CPUs are of the same node tells nothing on
	 * how far other nodes of the same kind are from theirs. */
	if (evidence == TOPO_BY_SLIT &&
	    (topo_keys_known(topo, nodes, count, TOPO_BY_LATENCY) || has_some_cpus(nodes, count)))
		return;
	nodes[0].split = TOPO_BY_NONE; /* it marks the place, not the node */
	for (size_t i = 0; i < count; i++)
		topo_key(topo, &nodes[i], evidence, &nodes[i].key);
	qsort(nodes, count, sizeof(*nodes), compare_keys);
	first = nodes[0].key;
	for (size_t i = 1; i < count; i++) {
		if (!is_slower(evidence, first, nodes[i].key))
			continue;
		nodes[i].split = evidence;
		topo->spoke[evidence] = true;
		first = nodes[i].key;
	}
	nodes[0].split = split;
}

static void
split_all(struct sluice_topology *topo, size_t ranked)
{
	for (enum topo_evidence by = TOPO_BY_KERNEL; by < TOPO_BY_COUNT; by++) {
		for (size_t begin = 0, end; begin < ranked; begin = end) {
			end = topo_group_end(topo, begin, ranked);
			split_group(topo, &topo->nodes[begin], end - begin, by);
		}
	}
}

static void
merge_slowest(struct sluice_topology *topo, size_t ranked, size_t groups_max)
{
	size_t groups = 1;

	for (size_t i = 1; i < ranked; i++) {
		if (topo->nodes[i].split == TOPO_BY_NONE || ++groups <= groups_max)
			continue;
		topo->nodes[i].split = TOPO_BY_NONE;
		topo->merged = true;
	}
}

/* The user's nodes go to the end; how many are left. */
static size_t
stand_aside(struct sluice_topology *topo)
{
	size_t ranked = 0;

	for (size_t i = 0; i < topo->node_count; i++) {
		struct topo_node node = topo->nodes[i];

		if (node.override_tier >= 0)
			continue;
		topo->nodes[i] = topo->nodes[ranked];
		topo->nodes[ranked++] = node;
	}
	return ranked;
}

/* Numbers beyond the last tier make new ones, in their order. */
static size_t
place_users(struct sluice_topology *topo, size_t ranked, size_t groups)
{
	size_t tiers = groups;
	int64_t last = -1;

	for (size_t i = ranked; i < topo->node_count; i++)
		topo->nodes[i].node.tier = (uint32_t)topo->nodes[i].override_tier;
	for (;;) {
		int64_t next = INT64_MAX;

		for (size_t i = ranked; i < topo->node_count; i++) {
			int64_t tier = topo->nodes[i].override_tier;

			if (tier >= (int64_t)groups && tier > last && tier < next)
				next = tier;
		}
		if (next == INT64_MAX)
			return tiers;
		if (tiers < TOPO_TIERS_MAX)
			tiers++;
		for (size_t i = ranked; i < topo->node_count; i++)
			if (topo->nodes[i].override_tier == next)
				topo->nodes[i].node.tier = (uint32_t)tiers - 1;
		last = next;
	}
}

static size_t
count_beyond(const struct sluice_topology *topo, size_t ranked, size_t groups)
{
	size_t count = 0;

	for (size_t i = ranked; i < topo->node_count; i++) {
		bool again = false;

		for (size_t k = ranked; k < i; k++)
			again = again ||
				topo->nodes[k].override_tier == topo->nodes[i].override_tier;
		count += !again && (size_t)topo->nodes[i].override_tier >= groups;
	}
	return count;
}

void
topo_rank(struct sluice_topology *topo)
{
	size_t begins[TOPO_TIERS_MAX + 1], groups = 0, ranked = stand_aside(topo), beyond;

	split_all(topo, ranked);
	for (size_t begin = 0; begin < ranked; begin = topo_group_end(topo, begin, ranked))
		groups++;
	if (groups > TOPO_TIERS_MAX)
		groups = TOPO_TIERS_MAX;
	beyond = count_beyond(topo, ranked, groups);
	if (ranked > 0)
		merge_slowest(topo, ranked, beyond < TOPO_TIERS_MAX ? TOPO_TIERS_MAX - beyond : 1);
	groups = 0;
	for (size_t begin = 0; begin < ranked; begin = topo_group_end(topo, begin, ranked))
		begins[groups++] = begin;
	topo->tier_count = place_users(topo, ranked, groups);
	begins[groups] = ranked;
	/* The words look at neighbours by speed, so they come before the last sort. */
	for (size_t i = 0; i < topo->tier_count; i++)
		topo_describe_tier(topo, i < groups ? begins[i] : ranked,
				   i < groups ? begins[i + 1] : ranked, ranked, i);
	qsort(topo->nodes, topo->node_count, sizeof(*topo->nodes), compare_tiers);
}
