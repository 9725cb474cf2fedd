/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_near.c - pairs of CPU node and memory node, and which CPUs are nearest to each memory node:
 * its own; else those that HMAT names; else those at the smallest SLIT distance, and of several
 * such those that its CXL devices hang on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topo.h"

struct topo_node *
topo_node_find(const struct sluice_topology *topo, uint64_t id)
{
	for (size_t i = 0; i < topo->node_count; i++)
		if (topo->nodes[i].node.id == id)
			return &topo->nodes[i];
	return NULL;
}

size_t
topo_initiator_index(const struct sluice_topology *topo, uint32_t id)
{
	size_t low = 0, high = topo->initiators.count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct sluice_initiator *initiator = topo->initiators.items[middle];

		if (initiator->node == id)
			return middle;
		if (initiator->node < id)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

/* Columns are in the order that nodes had when pairs were made: by id. */
static size_t
pair_column(const struct sluice_topology *topo, uint32_t id)
{
	size_t low = 0, high = topo->node_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint32_t other = topo->pairs[middle].pair.node;

		if (other == id)
			return middle;
		if (other < id)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

struct topo_pair *
topo_pair_find(const struct sluice_topology *topo, uint32_t initiator, uint32_t node)
{
	size_t row = topo_initiator_index(topo, initiator), column;

	if (row == SIZE_MAX || !topo->pairs)
		return NULL;
	column = pair_column(topo, node);
	return column == SIZE_MAX ? NULL : &topo->pairs[row * topo->node_count + column];
}

int
topo_pairs_new(struct sluice_topology *topo, struct sluice_err *reterr)
{
	size_t rows = topo->initiators.count, columns = topo->node_count;

	if (rows == 0)
		return 0;
	topo->pairs = calloc(rows * columns, sizeof(*topo->pairs));
	topo->places = calloc(rows * columns, sizeof(*topo->places));
	if (!topo->pairs || !topo->places)
		return sluice_fail(reterr, -ENOMEM, "no memory for %zu pairs of nodes",
				   rows * columns);
	for (size_t i = 0; i < rows; i++) {
		const struct sluice_initiator *initiator = topo->initiators.items[i];

		for (size_t k = 0; k < columns; k++) {
			struct sluice_pair *pair = &topo->pairs[i * columns + k].pair;

			pair->initiator = initiator->node;
			pair->node = topo->nodes[k].node.id;
		}
	}
	return 0;
}

static bool
has_figures(const struct topo_told *told)
{
	for (size_t i = 0; i < TOPO_FIGURES; i++)
		if (told->figures[i])
			return true;
	return false;
}

static uint32_t
first_of(const struct nodeset *set)
{
	uint32_t id = 0;

	while (id < SLUICE_NODES_MAX && !nodeset_has(set, id))
		id++;
	return id;
}

/* Where distances leave several CPUs equally near, or tell nothing. */
static bool
prefer_attached(struct topo_node *node)
{
	struct nodeset both = node->attached;

	if (node->initiators_from == SLUICE_SOURCE_SLIT)
		nodeset_intersect(&both, &node->initiators);
	if (first_of(&both) == SLUICE_NODES_MAX ||
	    memcmp(&both, &node->initiators, sizeof(both)) == 0)
		return false;
	node->initiators = both;
	node->initiators_from = SLUICE_SOURCE_CXL;
	return true;
}

static void
find_nearest(struct sluice_topology *topo, struct topo_node *node)
{
	uint32_t best = 0, nearest = 0;
	bool named = node->initiators_from != SLUICE_SOURCE_NONE;

	for (size_t i = 0; i < topo->initiators.count; i++) {
		const struct sluice_initiator *initiator = topo->initiators.items[i];
		struct topo_pair *pair = topo_pair_find(topo, initiator->node, node->node.id);
		uint32_t distance = pair ? pair->pair.distance : 0;

		if (distance && (!node->node.distance || distance < node->node.distance))
			node->node.distance = distance;
		if (named && !nodeset_has(&node->initiators, initiator->node))
			continue;
		/* An only initiator is the nearest one, whether or not a distance is known. */
		if (!distance)
			distance = topo->initiators.count == 1 || named ? UINT32_MAX : 0;
		if (!distance || (best && distance > best))
			continue;
		if (!best || distance < best) {
			nearest = initiator->node;
			if (!named)
				node->initiators = (struct nodeset){0};
		}
		best = distance;
		if (!named)
			nodeset_add(&node->initiators, initiator->node);
	}
	if (!named && best)
		node->initiators_from = SLUICE_SOURCE_SLIT;
	if (!named && !node->node.has_cpu && prefer_attached(node)) {
		nearest = first_of(&node->initiators);
		best = best ? best : UINT32_MAX;
	}
	if (node->node.has_cpu) {
		node->node.nearest = node->node.id;
		nodeset_add(&node->initiators, node->node.id);
	} else if (best) {
		node->node.nearest = nearest;
	}
}

/* What was told of the node holds for the nearest CPUs, and what was told of the nearest CPUs holds
 * for the node. */
static void
share(struct sluice_topology *topo, struct topo_node *node)
{
	struct topo_pair *nearest = topo_pair_find(topo, node->node.nearest, node->node.id);

	for (int source = 0; source < TOPO_TELLERS; source++) {
		if (nearest && !has_figures(&node->told[source]))
			node->told[source] = nearest->told[source];
		if (!has_figures(&node->told[source]))
			continue;
		for (size_t i = 0; i < topo->initiators.count; i++) {
			const struct sluice_initiator *initiator = topo->initiators.items[i];
			struct topo_pair *pair;

			if (!nodeset_has(&node->initiators, initiator->node))
				continue;
			pair = topo_pair_find(topo, initiator->node, node->node.id);
			/* A measurement is of one pair, however near others are. */
			if (pair && source != SLUICE_SOURCE_MEASURED &&
			    !has_figures(&pair->told[source]))
				pair->told[source] = node->told[source];
		}
	}
}

void
topo_find_nearest(struct sluice_topology *topo)
{
	for (size_t i = 0; i < topo->node_count; i++) {
		find_nearest(topo, &topo->nodes[i]);
		share(topo, &topo->nodes[i]);
	}
}
