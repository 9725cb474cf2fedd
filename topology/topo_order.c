/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_order.c - for each node of CPUs, all memory nodes from near to far.
 *
 * By latency, where one source knows it of all nodes as seen from these CPUs; otherwise by the
 * machine's tiers, and within a tier by SLIT distance, then by the socket that CXL devices hang on.
 * The user's tiers go before either. HBM that
 * is near these CPUs goes first, as in the machine's tiers: its latency is no better than DRAM's,
 * its bandwidth is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "topo.h"

struct candidate {
	const struct topo_node *node;
	const struct topo_pair *pair;
	uint64_t key[4];
	uint32_t latency_ns;
};

struct order {
	struct sluice_topology *topo;
	enum sluice_source base; /* NONE: no latencies */
	bool tiers_first;
	struct candidate *candidates;
	size_t count;
};

static int
compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	for (size_t i = 0; i < 4; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return (x->node->node.id > y->node->node.id) - (x->node->node.id < y->node->node.id);
}

static enum sluice_source
find_base(const struct order *order)
{
	static const enum sluice_source bases[] = {SLUICE_SOURCE_SYNTHETIC, SLUICE_SOURCE_HMAT_CPU,
						   SLUICE_SOURCE_MEASURED};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t known = 0;

		while (known < order->count &&
		       topo_latency_of(order->candidates[known].pair->told, bases[i]))
			known++;
		if (known == order->count && !order->topo->wrong_latency[bases[i]])
			return bases[i];
	}
	return SLUICE_SOURCE_NONE;
}

/* Whether these CPUs are near only because the memory's devices hang on them. */
static bool
is_attached(const struct candidate *candidate)
{
	return candidate->node->initiators_from == SLUICE_SOURCE_CXL &&
	       nodeset_has(&candidate->node->initiators, candidate->pair->pair.initiator);
}

static void
set_keys(const struct order *order, struct candidate *candidate)
{
	const struct sluice_node *node = &candidate->node->node;
	const struct sluice_pair *pair = &candidate->pair->pair;
	bool is_near = nodeset_has(&candidate->node->initiators, pair->initiator);

	if (order->base != SLUICE_SOURCE_NONE) {
		candidate->latency_ns = topo_latency_of(candidate->pair->told, order->base);
		candidate->key[0] = order->tiers_first ? node->tier : 0;
		candidate->key[1] = node->kind == SLUICE_TIER_HBM && is_near ? 0 : 1;
		candidate->key[2] = candidate->latency_ns;
		return;
	}
	candidate->key[0] = node->tier;
	/* Own memory is at hand, whatever is unknown. */
	candidate->key[1] = node->id == pair->initiator ? 0 : 1;
	candidate->key[2] = pair->distance ? pair->distance : UINT32_MAX;
	candidate->key[3] = is_attached(candidate) ? 0 : 1;
}

static bool
is_farther(const struct order *order, const struct candidate *first, const struct candidate *next)
{
	if (first->key[0] != next->key[0] || first->key[1] != next->key[1])
		return true;
	if (!order->base && first->key[2] == next->key[2])
		return first->key[3] != next->key[3];
	return next->key[2] * 100 > first->key[2] * (order->base ? 100 + TOPO_NEAR_PERCENT : 100);
}

static void
describe(const struct order *order, const struct candidate *candidate, bool first, bool farther,
	 const struct candidate *before, struct sluice_place *place)
{
	struct sluice_topology *topo = order->topo;
	const struct sluice_pair *pair = &candidate->pair->pair;
	enum sluice_source latency_source =
		candidate->pair->told[SLUICE_SOURCE_OVERRIDE].figures[TOPO_READ_LATENCY]
			? SLUICE_SOURCE_OVERRIDE
			: order->base;
	const char *attached = "";

	if (candidate->latency_ns) {
		place->source = farther ? latency_source : SLUICE_SOURCE_NONE;
		place->reason =
			topo_say(topo, "%s%u ns by %s%s", first ? "nearest: " : "",
				 candidate->latency_ns, topo_source_words(latency_source),
				 candidate->node->node.kind == SLUICE_TIER_HBM && !candidate->key[1]
					 ? ", hbm goes first for its bandwidth"
					 : "");
		return;
	}
	if (is_attached(candidate)) {
		place->slot = SLUICE_SLOT_OWN;
		attached = ", its CXL device hangs on these CPUs";
	} else if (candidate->node->initiators_from == SLUICE_SOURCE_CXL) {
		place->slot = SLUICE_SLOT_OTHER;
		attached = ", its CXL device hangs on others";
	}
	if (!first && before->key[0] != candidate->key[0]) {
		place->reason =
			pair->distance
				? topo_say(topo, "tier %u, SLIT distance %u%s",
					   candidate->node->node.tier, pair->distance, attached)
				: topo_say(topo, "tier %u%s", candidate->node->node.tier, attached);
		return;
	}
	if (farther && before->key[2] == candidate->key[2] && before->key[1] == candidate->key[1])
		place->source = SLUICE_SOURCE_CXL;
	else if (farther && pair->distance)
		place->source = SLUICE_SOURCE_SLIT;
	if (candidate->node->node.id == pair->initiator)
		place->reason = "memory of these CPUs' own node";
	else if (pair->distance)
		place->reason = topo_say(topo, "%sSLIT distance %u%s", first ? "nearest: " : "",
					 pair->distance, attached);
	else
		place->reason =
			*attached ? topo_say(topo, "%s", attached + 2) : "nothing tells how far";
}

static void
order_one(struct order *order, size_t row)
{
	struct sluice_topology *topo = order->topo;
	struct sluice_place *places = &topo->places[row * topo->node_count];
	const struct sluice_initiator *initiator = topo->initiators.items[row];
	const struct candidate *first = order->candidates;
	uint32_t rank = 0;

	for (size_t i = 0; i < order->count; i++) {
		order->candidates[i] = (struct candidate){
			.node = &topo->nodes[i],
			.pair = topo_pair_find(topo, initiator->node, topo->nodes[i].node.id),
		};
	}
	order->base = find_base(order);
	for (size_t i = 0; i < order->count; i++)
		set_keys(order, &order->candidates[i]);
	qsort(order->candidates, order->count, sizeof(*order->candidates), compare);
	for (size_t i = 0; i < order->count; i++) {
		const struct candidate *candidate = &order->candidates[i];
		bool farther = i > 0 && is_farther(order, first, candidate);

		if (farther) {
			rank++;
			first = candidate;
		}
		places[i].node = candidate->node->node.id;
		places[i].tier = candidate->node->node.tier;
		places[i].rank = rank;
		describe(order, candidate, i == 0, farther, i ? candidate - 1 : NULL, &places[i]);
	}
}

void
topo_order(struct sluice_topology *topo)
{
	struct order order = {.topo = topo, .count = topo->node_count};

	if (topo->initiators.count == 0)
		return;
	for (size_t i = 0; i < topo->node_count; i++)
		order.tiers_first = order.tiers_first || topo->nodes[i].override_tier >= 0;
	order.candidates = calloc(order.count, sizeof(*order.candidates));
	if (!order.candidates) {
		topo->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < topo->initiators.count; i++)
		order_one(&order, i);
	free(order.candidates);
}
