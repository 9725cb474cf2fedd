/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_distances.c - SLIT distances of every pair of CPU node and memory node, from sysfs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sysroot.h"
#include "topo.h"

#define DISTANCE_LOCAL 10 /* by the ACPI specification; smaller values are reserved */
#define DISTANCE_UNREACHABLE 255
#define FACTS_MAX 16384 /* pairs; a machine with more has the pairs all the same, not the facts */

struct columns {
	uint16_t of_node[SLUICE_NODES_MAX];
	size_t count;
	uint32_t row[SLUICE_NODES_MAX];
};

/* The distance that row `id` of the SLIT gives to each online node, in their order. False when the
 * row is not one number for each of them. 0 stands for a number that means nothing. */
static bool
read_row(struct sluice_topology *topo, uint32_t id, struct columns *columns)
{
	char text[8192];
	const char *p = text;
	size_t count = 0;
	int r = sysroot_read(topo->root, text, sizeof(text), TOPO_NODE_DIR "/node%u/distance", id);

	if (r < 0)
		return false;
	while (*p) {
		uint64_t distance;

		if (count == columns->count || !sysroot_number(&p, UINT32_MAX, &distance)) {
			count = SIZE_MAX;
			break;
		}
		if (distance < DISTANCE_LOCAL || distance >= DISTANCE_UNREACHABLE)
			distance = 0;
		columns->row[count++] = (uint32_t)distance;
		while (*p == ' ' || *p == '\t')
			p++;
	}
	if (count == columns->count)
		return true;
	topo_refuse(topo, SLUICE_SOURCE_SLIT, id, "distance", text,
		    "not one number for each online node", TOPO_NODE_DIR "/node%u/distance", id);
	return false;
}

static void
keep(struct sluice_topology *topo, struct topo_pair *pair, uint32_t distance, uint32_t row)
{
	struct topo_fact *fact;

	if (!distance || pair->pair.distance)
		return;
	pair->pair.distance = distance;
	if (topo->initiators.count * topo->node_count > FACTS_MAX)
		return;
	fact = topo_fact_number(topo, SLUICE_SOURCE_SLIT, pair->pair.node, "distance", distance,
				TOPO_NODE_DIR "/node%u/distance", row);
	fact->fact.initiator = pair->pair.initiator;
}

/* Two passes: rows of nodes with CPUs, as programs see it; then pairs that no such row tells, from
 * the row of the memory node. */
static void
read_rows(struct sluice_topology *topo, struct columns *columns)
{
	for (size_t i = 0; i < topo->initiators.count; i++) {
		const struct sluice_initiator *initiator = topo->initiators.items[i];

		if (!read_row(topo, initiator->node, columns))
			continue;
		for (size_t k = 0; k < topo->node_count; k++)
			keep(topo, &topo->pairs[i * topo->node_count + k],
			     columns->row[columns->of_node[topo->nodes[k].node.id]],
			     initiator->node);
	}
	for (size_t k = 0; k < topo->node_count; k++) {
		uint32_t id = topo->nodes[k].node.id;
		bool whole = true;

		for (size_t i = 0; i < topo->initiators.count; i++)
			whole = whole && topo->pairs[i * topo->node_count + k].pair.distance;
		if (whole || !read_row(topo, id, columns))
			continue;
		for (size_t i = 0; i < topo->initiators.count; i++) {
			const struct sluice_initiator *initiator = topo->initiators.items[i];

			keep(topo, &topo->pairs[i * topo->node_count + k],
			     columns->row[columns->of_node[initiator->node]], id);
		}
	}
}

void
topo_read_distances(struct sluice_topology *topo)
{
	struct columns *columns = calloc(1, sizeof(*columns));

	if (!columns) {
		topo->out_of_memory = true;
		return;
	}
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		if (nodeset_has(&topo->online, id))
			columns->of_node[id] = (uint16_t)columns->count++;
	read_rows(topo, columns);
	free(columns);
}
