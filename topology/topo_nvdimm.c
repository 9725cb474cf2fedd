/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_nvdimm.c - persistent memory: regions and their namespaces. What feeds a node is the dax
 * device made of a namespace (topo_dax.c); these tell what else there is, and where.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define ND_DIR "sys/bus/nd/devices"

/* The part above the last of a path: "region0" of ".../region0/namespace0.0". */
static const char *
parent_name(struct sluice_topology *topo, const char *name)
{
	char path[1024], *slash;

	if (sysroot_read_link(topo->root, path, sizeof(path), ND_DIR "/%s", name) <= 0 ||
	    !(slash = strrchr(path, '/')))
		return "";
	*slash = '\0';
	slash = strrchr(path, '/');
	return topo_say(topo, "%.*s", TOPO_NAME_MAX, slash ? slash + 1 : path);
}

static int
read_entry(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct sluice_device *device;
	uint64_t bytes = 0;
	char mode[32] = "";
	uint32_t number;
	bool is_region = sysroot_numbered(name, "region", UINT32_MAX, &number);

	if (strlen(name) >= TOPO_NAME_MAX ||
	    (!is_region && strncmp(name, "namespace", strlen("namespace")) != 0))
		return 0;
	/* The kernel keeps an empty namespace at hand, to make one of. */
	if (sysroot_read_number(topo->root, 1, UINT64_MAX, &bytes, ND_DIR "/%s/size", name) < 0 &&
	    !is_region)
		return 0;
	device = topo_add_device(
		topo, is_region ? SLUICE_DEVICE_NVDIMM_REGION : SLUICE_DEVICE_NVDIMM_NAMESPACE,
		name);
	device->total_bytes = bytes;
	device->near = topo_read_node_id(topo, ND_DIR, name, "numa_node");
	device->node = topo_read_node_id(topo, ND_DIR, name, "target_node");
	device->parent = parent_name(topo, name);
	if (!is_region && sysroot_read(topo->root, mode, sizeof(mode), ND_DIR "/%s/mode", name) > 0)
		device->detail = topo_say(topo, "mode %s", mode);
	if (device->node != SLUICE_NO_NODE && is_region)
		topo_fact(topo, SLUICE_SOURCE_NVDIMM, device->node, "device",
			  topo_say(topo, "NVDIMM %s", device->name), ND_DIR "/%s/target_node",
			  device->name);
	return 0;
}

void
topo_read_nvdimm(struct sluice_topology *topo)
{
	sysroot_list(topo->root, ND_DIR, read_entry, topo);
}
