/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_attached.c - which CPUs a node's CXL devices hang on. The kernel makes the nodes of CXL
 * windows itself, and then the SLIT has no line for them: they are equally far from every socket by
 * default. The PCI slot of a device still tells which socket it is in.
 */
#include <stdio.h>
#include <string.h>

#include "topo.h"

static const struct sluice_device *
find_memdev(const struct sluice_topology *topo, const char *name, size_t length)
{
	for (size_t i = 0; i < topo->devices.count; i++) {
		const struct sluice_device *device = topo->devices.items[i];

		if (device->type == SLUICE_DEVICE_CXL_MEMDEV && strlen(device->name) == length &&
		    memcmp(device->name, name, length) == 0)
			return device;
	}
	return NULL;
}

/* Regions may be interleaved over devices of several sockets; one that is nowhere makes all of the
 * node unknown. */
static void
attach(struct sluice_topology *topo, const struct sluice_device *region, struct nodeset *unknown)
{
	struct topo_node *node = topo_node_find(topo, region->node);
	const char *name = region->parent;
	struct nodeset near = {0};

	if (!node || node->node.has_cpu)
		return;
	if (!*name)
		nodeset_add(unknown, node->node.id);
	while (*name) {
		size_t length = strcspn(name, ",");
		const struct sluice_device *memdev = find_memdev(topo, name, length);

		if (!memdev || topo_initiator_index(topo, memdev->near) == SIZE_MAX) {
			nodeset_add(unknown, node->node.id);
			return;
		}
		nodeset_add(&near, memdev->near);
		name += length + (name[length] == ',');
	}
	for (uint32_t id = 0; id < SLUICE_NODES_MAX; id++)
		if (nodeset_has(&near, id))
			nodeset_add(&node->attached, id);
}

void
topo_read_attached(struct sluice_topology *topo)
{
	struct nodeset unknown = {0};

	for (size_t i = 0; i < topo->devices.count; i++) {
		const struct sluice_device *device = topo->devices.items[i];

		if (device->type == SLUICE_DEVICE_CXL_REGION && device->feeds)
			attach(topo, device, &unknown);
	}
	for (size_t i = 0; i < topo->node_count; i++) {
		struct topo_node *node = &topo->nodes[i];
		char list[256];

		if (nodeset_has(&unknown, node->node.id))
			node->attached = (struct nodeset){0};
		nodeset_format(&node->attached, list, sizeof(list));
		if (list[0])
			topo_fact(topo, SLUICE_SOURCE_CXL, node->node.id, "attached_to", list,
				  "sys/bus/cxl/devices/mem*/numa_node");
	}
}
