/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_dax.c - dax devices and the nodes that they feed. A dax device under the kmem driver is
 * memory of its target node, and its place in the device tree says what it is made of: CXL,
 * persistent memory, or memory that firmware set aside without saying what it is.
 *
 * Devices are read from sysfs, here and in topo_cxl.c and topo_nvdimm.c, as libdaxctl, libcxl and
 * libndctl know the real /sys only, and captured machines have to read the same way.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define DAX_DIR "sys/bus/dax/devices"

/* Folders come in no order: the strongest proof, then the first by name, names the node. */
void
topo_prove(struct topo_node *node, enum topo_proof proof, enum sluice_source source,
	   const char *text)
{
	if (proof < node->proof || (proof == node->proof && strcmp(text, node->device_text) >= 0))
		return;
	node->proof = proof;
	node->proof_source = source;
	snprintf(node->device_text, sizeof(node->device_text), "%s", text);
	topo_make_plain(node->device_text);
}

struct sluice_device *
topo_add_device(struct sluice_topology *topo, enum sluice_device_type type, const char *name)
{
	struct sluice_device *device = topo_list_add(topo, &topo->devices, sizeof(*device));

	*device = (struct sluice_device){
		.type = type,
		.node = SLUICE_NO_NODE,
		.near = SLUICE_NO_NODE,
		.name = topo_say(topo, "%.*s", TOPO_NAME_MAX, name),
		.parent = "",
		.detail = "",
	};
	return device;
}

uint32_t
topo_read_node_id(const struct sluice_topology *topo, const char *folder, const char *name,
		  const char *file)
{
	uint64_t id;

	return sysroot_read_number(topo->root, 0, SLUICE_NODES_MAX - 1, &id, "%s/%.*s/%s", folder,
				   TOPO_NAME_MAX, name, file) < 0
		       ? SLUICE_NO_NODE
		       : (uint32_t)id;
}

struct place {
	enum topo_proof proof;
	enum sluice_source source;
	char text[128];  /* "dax0.0 of CXL region0" */
	char parent[64]; /* "region0" */
};

/* What the folders above a dax device say. Persistent memory on a CXL card has both an ndbus and a
 * CXL port above it, so the ndbus is looked for first. */
static void
classify(const char *name, char *path, struct place *ret)
{
	char *save = NULL;
	const char *previous = "", *bus = NULL, *region = "";
	uint32_t number;

	*ret = (struct place){.proof = TOPO_PROOF_NONE, .source = SLUICE_SOURCE_DAX};
	for (char *part = strtok_r(path, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (sysroot_numbered(part, "ndbus", UINT32_MAX, &number)) {
			bus = part;
			ret->proof = TOPO_PROOF_PMEM;
		} else if (sysroot_numbered(part, "region", UINT32_MAX, &number)) {
			region = part;
			if (strncmp(previous, "decoder", strlen("decoder")) == 0)
				ret->proof = TOPO_PROOF_CXL;
		} else if (sysroot_numbered(part, "hmem.", UINT32_MAX, &number)) {
			ret->proof = TOPO_PROOF_SOFT_RESERVED;
		}
		previous = part;
	}
	snprintf(ret->parent, sizeof(ret->parent), "%.*s", TOPO_NAME_MAX, region);
	if (ret->proof == TOPO_PROOF_PMEM)
		snprintf(ret->text, sizeof(ret->text), "%s of NVDIMM %.*s/%s", name, TOPO_NAME_MAX,
			 bus, ret->parent);
	else if (ret->proof == TOPO_PROOF_CXL)
		snprintf(ret->text, sizeof(ret->text), "%s of CXL %s", name, ret->parent);
	else
		snprintf(ret->text, sizeof(ret->text), "%s", name);
}

static int
read_device(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct sluice_device *device;
	struct topo_node *node;
	struct place place;
	char path[1024], driver[256] = "";
	const char *driver_name;
	uint32_t id;

	if (strlen(name) >= TOPO_NAME_MAX || strncmp(name, "dax", strlen("dax")) != 0)
		return 0;
	id = topo_read_node_id(topo, DAX_DIR, name, "target_node");
	if (sysroot_read_link(topo->root, path, sizeof(path), DAX_DIR "/%s", name) < 0)
		return 0;
	classify(name, path, &place);
	sysroot_read_link(topo->root, driver, sizeof(driver), DAX_DIR "/%s/driver", name);
	driver_name = strrchr(driver, '/') ? strrchr(driver, '/') + 1 : driver;
	node = topo_node_find(topo, id);

	device = topo_add_device(topo, SLUICE_DEVICE_DAX, name);
	device->node = id;
	device->near = topo_read_node_id(topo, DAX_DIR, name, "numa_node");
	device->parent = topo_say(topo, "%s", place.parent);
	device->detail = *driver_name ? topo_say(topo, "driver %.*s", TOPO_NAME_MAX, driver_name)
				      : "no driver";
	sysroot_read_number(topo->root, 1, UINT64_MAX, &device->total_bytes, DAX_DIR "/%s/size",
			    name);
	/* Only kmem turns the device into memory of a node; other drivers keep it a device. */
	if (!node || strcmp(driver_name, "kmem") != 0)
		return 0;
	device->feeds = 1;
	topo_fact(topo, SLUICE_SOURCE_DAX, id, "device", place.text, DAX_DIR "/%s", name);
	if (place.proof != TOPO_PROOF_NONE)
		topo_prove(node, place.proof, place.source, place.text);
	return 0;
}

void
topo_read_dax(struct sluice_topology *topo)
{
	sysroot_list(topo->root, DAX_DIR, read_device, topo);
}
