/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_devices.c - what all devices together say, once nodes and conclusions are there: which nodes
 * without memory could get some, and the order in which devices are shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo.h"

static void
offer(struct sluice_topology *topo, const struct sluice_device *device)
{
	for (size_t i = 0; i < topo->bare_nodes.count; i++) {
		struct sluice_bare_node *bare = topo->bare_nodes.items[i];

		if (bare->id != device->node || device->feeds || !device->total_bytes)
			continue;
		bare->device_offers = 1;
		snprintf(bare->reason, sizeof(bare->reason),
			 "No memory yet: %s %s could give it %llu MiB ('sluice tier online %s').",
			 sluice_device_type_name(device->type), device->name,
			 (unsigned long long)device->total_bytes >> 20, device->name);
	}
}

static int
compare(const void *a, const void *b)
{
	const struct sluice_device *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return strverscmp(x->name, y->name);
}

void
topo_finish_devices(struct sluice_topology *topo)
{
	if (topo->devices.count > 0)
		qsort(topo->devices.items, topo->devices.count, sizeof(void *), compare);
	for (size_t i = 0; i < topo->devices.count; i++) {
		const struct sluice_device *device = topo->devices.items[i];

		if (device->type == SLUICE_DEVICE_DAX)
			offer(topo, device);
	}
	for (size_t i = 0; i < topo->node_count; i++) {
		struct topo_node *node = &topo->nodes[i];

		node->node.device = topo_say(topo, "%s", node->device_text);
	}
	for (size_t i = 0; i < topo->facts.count; i++) {
		struct topo_fact *fact = topo->facts.items[i];
		const struct topo_node *node = topo_node_find(topo, fact->fact.node);

		if (node && strcmp(fact->fact.key, "device") == 0 &&
		    strcmp(fact->fact.value, node->device_text) == 0)
			fact->fact.verdict = SLUICE_FACT_USED;
	}
}
