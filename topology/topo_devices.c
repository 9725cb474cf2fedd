/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_devices.c - which device feeds a memory node: CXL, persistent memory, or memory that
 * firmware set aside without saying what it is.
 *
 * Two proofs are taken. A dax device under the kmem driver names the node that it feeds, and its
 * place in the device tree says what it is made of. And a committed CXL region whose address range
 * holds memory blocks of a node feeds that node: so is CXL memory seen that firmware brought up by
 * itself, for which no dax device exists.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define DAX_DIR "sys/bus/dax/devices"
#define CXL_DIR "sys/bus/cxl/devices"
#define DEVICE_NAME_MAX 32

/* Folders come in no order: the strongest proof, then the first by name, names the node. */
static void
set_device(struct topo_node *node, enum topo_proof device, const char *text)
{
	if (device < node->proof || (device == node->proof && strcmp(text, node->device_text) >= 0))
		return;
	node->proof = device;
	snprintf(node->device_text, sizeof(node->device_text), "%s", text);
}

/* What the folders above a dax device say. Persistent memory on a CXL card has both an ndbus and a
 * CXL port above it, so the ndbus is looked for first. */
static enum topo_proof
classify_dax(const char *name, char *path, char *text, size_t size)
{
	char *save = NULL;
	const char *previous = "", *bus = NULL, *region = "";
	enum topo_proof device = TOPO_PROOF_NONE;
	uint32_t number;

	for (char *part = strtok_r(path, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (sysroot_numbered(part, "ndbus", UINT32_MAX, &number)) {
			bus = part;
			device = TOPO_PROOF_PMEM;
		} else if (sysroot_numbered(part, "region", UINT32_MAX, &number)) {
			region = part;
			if (strncmp(previous, "decoder", strlen("decoder")) == 0)
				device = TOPO_PROOF_CXL;
		} else if (sysroot_numbered(part, "hmem.", UINT32_MAX, &number)) {
			device = TOPO_PROOF_SOFT_RESERVED;
		}
		previous = part;
	}
	switch (device) {
	case TOPO_PROOF_PMEM:
		snprintf(text, size, "%s of NVDIMM %s/%s", name, bus, region);
		break;
	case TOPO_PROOF_CXL:
		snprintf(text, size, "%s of CXL %s", name, region);
		break;
	case TOPO_PROOF_SOFT_RESERVED:
		snprintf(text, size, "%s", name);
		break;
	default:
		break;
	}
	return device;
}

static int
read_dax(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct topo_node *node;
	char path[1024], driver[256], text[sizeof(node->device_text)];
	const char *driver_name;
	enum topo_proof device;
	uint64_t id;

	if (strlen(name) >= DEVICE_NAME_MAX ||
	    sysroot_read_number(topo->root, 0, SLUICE_NODES_MAX - 1, &id, DAX_DIR "/%s/target_node",
				name) < 0)
		return 0;
	node = topo_node_find(topo, id);
	/* Only kmem turns the device into memory of a node; other drivers keep it a device. */
	if (!node ||
	    sysroot_read_link(topo->root, driver, sizeof(driver), DAX_DIR "/%s/driver", name) < 0 ||
	    sysroot_read_link(topo->root, path, sizeof(path), DAX_DIR "/%s", name) < 0)
		return 0;
	driver_name = strrchr(driver, '/');
	if (strcmp(driver_name ? driver_name + 1 : driver, "kmem") != 0)
		return 0;
	device = classify_dax(name, path, text, sizeof(text));
	if (device != TOPO_PROOF_NONE)
		set_device(node, device, text);
	return 0;
}

struct region_search {
	struct sluice_topology *topo;
	uint64_t block_bytes;
	uint64_t start, end;
};

static int
is_block_inside(const char *name, void *userdata)
{
	const struct region_search *search = userdata;
	uint32_t block;
	uint64_t start;

	if (!sysroot_numbered(name, "memory", UINT32_MAX, &block) ||
	    __builtin_mul_overflow(block, search->block_bytes, &start))
		return 0;
	return start < search->end && start + (search->block_bytes - 1) >= search->start;
}

static int
read_region(const char *name, void *userdata)
{
	struct region_search *search = userdata;
	int root = search->topo->root;
	char mode[16], path[64], text[64];
	uint64_t committed, bytes;
	uint32_t number;

	if (!sysroot_numbered(name, "region", UINT32_MAX, &number) ||
	    sysroot_read_number(root, 1, 1, &committed, CXL_DIR "/%s/commit", name) < 0 ||
	    sysroot_read_number(root, 0, UINT64_MAX, &search->start, CXL_DIR "/%s/resource", name) <
		    0 ||
	    sysroot_read_number(root, 1, UINT64_MAX - search->start, &bytes, CXL_DIR "/%s/size",
				name) < 0)
		return 0;
	/* Kernels before 6.3 have no mode: their regions hold persistent memory only. */
	if (sysroot_read(root, mode, sizeof(mode), CXL_DIR "/%s/mode", name) < 0 ||
	    strcmp(mode, "ram") != 0)
		return 0;
	search->end = search->start + bytes;
	for (size_t i = 0; i < search->topo->node_count; i++) {
		struct topo_node *node = &search->topo->nodes[i];

		if (node->proof >= TOPO_PROOF_CXL)
			continue;
		snprintf(path, sizeof(path), "sys/devices/system/node/node%u", node->node.id);
		if (sysroot_list(root, path, is_block_inside, search) <= 0)
			continue;
		snprintf(text, sizeof(text), "the address range of CXL %.*s", DEVICE_NAME_MAX,
			 name);
		set_device(node, TOPO_PROOF_CXL, text);
	}
	return 0;
}

/* The file is hexadecimal without 0x. */
static bool
read_block_bytes(int root, uint64_t *ret)
{
	char text[32] = "0x";
	const char *p = text;

	return sysroot_read(root, text + 2, sizeof(text) - 2,
			    "sys/devices/system/memory/block_size_bytes") > 0 &&
	       sysroot_number(&p, UINT64_MAX, ret) && !*p && *ret > 0;
}

void
topo_read_devices(struct sluice_topology *topo)
{
	struct region_search search = {.topo = topo};

	sysroot_list(topo->root, DAX_DIR, read_dax, topo);
	if (read_block_bytes(topo->root, &search.block_bytes))
		sysroot_list(topo->root, CXL_DIR, read_region, &search);
}
