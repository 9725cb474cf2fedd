/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_verdicts.c - what became of each fact, once all conclusions are drawn; and their order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo.h"

static bool
is_latency(enum topo_figure figure)
{
	return figure == TOPO_READ_LATENCY || figure == TOPO_WRITE_LATENCY;
}

/* Whose figure was taken where this one was told. */
static enum sluice_source
winner(const struct sluice_topology *topo, const struct topo_fact *fact)
{
	const struct topo_pair *pair = topo_pair_find(topo, fact->fact.initiator, fact->fact.node);
	const struct topo_node *node = topo_node_find(topo, fact->fact.node);

	if (fact->figure == TOPO_MIXED_BW)
		return SLUICE_SOURCE_MEASURED;
	if (pair)
		return is_latency(fact->figure) ? pair->pair.latency_source : pair->pair.bw_source;
	if (node)
		return is_latency(fact->figure) ? node->node.latency_source : node->node.bw_source;
	return SLUICE_SOURCE_NONE;
}

static void
judge_figure(struct sluice_topology *topo, struct topo_fact *fact)
{
	enum sluice_source source = fact->fact.source, taken = winner(topo, fact);

	if (is_latency(fact->figure) && source < TOPO_TELLERS && topo->wrong_latency[source]) {
		fact->fact.verdict = SLUICE_FACT_REFUSED;
		fact->fact.note = topo->wrong_latency[source];
	} else if (source == taken) {
		fact->fact.verdict = SLUICE_FACT_USED;
	} else {
		fact->fact.verdict = SLUICE_FACT_OUTRANKED;
		fact->fact.note = topo_say(topo, "%s goes first", sluice_source_name(taken));
	}
}

static void
judge_kernel_tier(struct sluice_topology *topo, struct topo_fact *fact)
{
	if (topo->set_aside[TOPO_BY_KERNEL]) {
		fact->fact.verdict = SLUICE_FACT_REFUSED;
		fact->fact.note = "the kernel's order would put slow memory before fast";
	} else if (topo->spoke[TOPO_BY_KERNEL]) {
		fact->fact.verdict = SLUICE_FACT_USED;
	}
}

/* Whether distances set any two nodes apart in the order of these CPUs, or in the tiers. */
static bool
distances_count(const struct sluice_topology *topo, uint32_t initiator)
{
	const struct sluice_place *place;

	if (topo->spoke[TOPO_BY_SLIT])
		return true;
	for (size_t i = 0; (place = sluice_topology_place(topo, initiator, i)); i++)
		if (place->source == SLUICE_SOURCE_SLIT)
			return true;
	return false;
}

static void
judge_distances(struct sluice_topology *topo)
{
	uint32_t initiator = SLUICE_NO_NODE;
	bool count = false;

	/* They come row by row. */
	for (size_t i = 0; i < topo->facts.count; i++) {
		struct topo_fact *fact = topo->facts.items[i];

		if (fact->fact.source != SLUICE_SOURCE_SLIT ||
		    fact->fact.verdict == SLUICE_FACT_REFUSED)
			continue;
		if (fact->fact.initiator != initiator) {
			initiator = fact->fact.initiator;
			count = distances_count(topo, initiator);
		}
		if (count)
			fact->fact.verdict = SLUICE_FACT_USED;
		else
			fact->fact.note = "latencies or tiers tell more";
	}
}

static void
judge_attached(struct sluice_topology *topo, struct topo_fact *fact)
{
	const struct topo_node *node = topo_node_find(topo, fact->fact.node);
	struct nodeset others;

	if (!node)
		return;
	others = node->initiators;
	nodeset_intersect(&others, &node->attached);
	if (node->initiators_from == SLUICE_SOURCE_CXL)
		fact->fact.verdict = SLUICE_FACT_USED;
	else if (memcmp(&others, &node->initiators, sizeof(others)) == 0)
		fact->fact.note = "distances or HMAT say as much";
	else
		fact->fact.note = "set aside: distances or HMAT say that others are nearest";
}

static int
compare(const void *a, const void *b)
{
	const struct topo_fact *x = *(void *const *)a, *y = *(void *const *)b;
	/* SLUICE_NO_NODE, the machine, comes first. */
	uint32_t x_node = x->fact.node + 1, y_node = y->fact.node + 1;
	uint32_t x_from = x->fact.initiator + 1, y_from = y->fact.initiator + 1;
	int order;

	if (x_node != y_node)
		return x_node < y_node ? -1 : 1;
	if (x->fact.source != y->fact.source)
		return x->fact.source < y->fact.source ? -1 : 1;
	if (x_from != y_from)
		return x_from < y_from ? -1 : 1;
	if (x->figure != y->figure)
		return x->figure < y->figure ? -1 : 1;
	order = strcmp(x->fact.key, y->fact.key);
	return order ? order : strcmp(x->fact.origin, y->fact.origin);
}

void
topo_verdicts(struct sluice_topology *topo)
{
	for (size_t i = 0; i < topo->facts.count; i++) {
		struct topo_fact *fact = topo->facts.items[i];

		if (fact->fact.verdict == SLUICE_FACT_REFUSED)
			continue;
		if (fact->figure != TOPO_FIGURES)
			judge_figure(topo, fact);
		else if (fact->fact.source == SLUICE_SOURCE_KERNEL_TIER)
			judge_kernel_tier(topo, fact);
		else if (strcmp(fact->fact.key, "attached_to") == 0)
			judge_attached(topo, fact);
	}
	judge_distances(topo);
	if (topo->set_aside[TOPO_BY_KERNEL])
		topo_remark(topo, SLUICE_NO_NODE,
			    "The kernel's order of memory tiers is set aside: it puts memory that "
			    "is slow before memory that is fast.");
	if (topo->facts.count > 0)
		qsort(topo->facts.items, topo->facts.count, sizeof(*topo->facts.items), compare);
}
