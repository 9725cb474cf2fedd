/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_cxl.c - the CXL bus: memory devices, and regions, which map an address range to them.
 *
 * A committed region whose address range holds memory blocks of a node feeds that node: so is CXL
 * memory seen that firmware brought up by itself, for which no dax device exists.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define CXL_DIR "sys/bus/cxl/devices"
#define TARGETS_MAX 16 /* the widest interleave there is */

struct block {
	uint64_t start;
	uint32_t node;
};

struct search {
	struct sluice_topology *topo;
	uint64_t block_bytes;
	struct block *blocks; /* of all nodes without CPUs; read when the first region is met */
	size_t count, capacity;
	uint32_t node; /* whose folder is being read */
	bool read;
};

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

static int
add_block(const char *name, void *userdata)
{
	struct search *search = userdata;
	uint32_t number;
	uint64_t start;

	if (!sysroot_numbered(name, "memory", UINT32_MAX, &number) ||
	    __builtin_mul_overflow(number, search->block_bytes, &start))
		return 0;
	if (search->count == search->capacity) {
		size_t capacity = search->capacity ? 2 * search->capacity : 1024;
		struct block *blocks = realloc(search->blocks, capacity * sizeof(*blocks));

		if (!blocks) {
			search->topo->out_of_memory = true;
			return 1;
		}
		search->blocks = blocks;
		search->capacity = capacity;
	}
	search->blocks[search->count++] = (struct block){start, search->node};
	return 0;
}

static void
read_blocks(struct search *search)
{
	char path[64];

	if (search->read || !read_block_bytes(search->topo->root, &search->block_bytes))
		return;
	search->read = true;
	for (size_t i = 0; i < search->topo->node_count; i++) {
		search->node = search->topo->nodes[i].node.id;
		snprintf(path, sizeof(path), TOPO_NODE_DIR "/node%u", search->node);
		sysroot_list(search->topo->root, path, add_block, search);
	}
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* targetN of a region names a decoder, "decoder3.0"; its endpoint's uport is the memory device. */
static void
find_memdevs(struct sluice_topology *topo, const char *region, char *ret, size_t size)
{
	size_t length = 0;

	ret[0] = '\0';
	for (int i = 0; i < TARGETS_MAX; i++) {
		char decoder[TOPO_NAME_MAX], link[512];
		const char *p = decoder + strlen("decoder");
		uint64_t port;

		if (sysroot_read(topo->root, decoder, sizeof(decoder), CXL_DIR "/%s/target%d",
				 region, i) < 0)
			return;
		if (!decoder[0])
			continue;
		if (strncmp(decoder, "decoder", strlen("decoder")) != 0 ||
		    !sysroot_number(&p, UINT32_MAX, &port) ||
		    sysroot_read_link(topo->root, link, sizeof(link), CXL_DIR "/endpoint%u/uport",
				      (uint32_t)port) < 0)
			snprintf(link, sizeof(link), "?"); /* there is one, unknown which */
		length += (size_t)snprintf(ret + length, size - length, "%s%.*s", length ? "," : "",
					   TOPO_NAME_MAX, last_part(link));
		if (length >= size)
			return;
	}
}

/* What the region's own files tell, for nodes on which sysfs's node folders are silent. */
static void
read_figures(struct sluice_topology *topo, const char *region, struct topo_node *node)
{
	static const struct {
		enum topo_figure figure;
		const char *name;
		uint64_t max;
	} files[] = {
		{TOPO_READ_LATENCY, "read_latency", TOPO_LATENCY_MAX_NS},
		{TOPO_WRITE_LATENCY, "write_latency", TOPO_LATENCY_MAX_NS},
		{TOPO_READ_BW, "read_bandwidth", TOPO_BW_MAX_MBPS},
		{TOPO_WRITE_BW, "write_bandwidth", TOPO_BW_MAX_MBPS},
	};

	for (int access = 1; access >= 0; access--) {
		enum sluice_source source =
			access ? SLUICE_SOURCE_HMAT_CPU : SLUICE_SOURCE_HMAT_ANY;

		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			char path[160];
			uint64_t value;

			if (node->told[source].figures[files[i].figure])
				continue;
			snprintf(path, sizeof(path), CXL_DIR "/%s/access%d/%s", region, access,
				 files[i].name);
			if (sysroot_read_number(topo->root, 1, files[i].max, &value, "%s", path) ==
			    0)
				topo_tell(topo, source, SLUICE_NO_NODE, node->node.id,
					  files[i].figure, (uint32_t)value, path);
		}
	}
}

static void
attach_region(struct search *search, struct sluice_device *device, uint64_t start)
{
	struct sluice_topology *topo = search->topo;
	uint64_t last = start + (device->total_bytes - 1);

	read_blocks(search);
	for (size_t i = 0; i < search->count; i++) {
		const struct block *block = &search->blocks[i];
		struct topo_node *node;
		char text[64];

		if (block->start > last || block->start + (search->block_bytes - 1) < start)
			continue;
		node = topo_node_find(topo, block->node);
		if (device->node != block->node) {
			snprintf(text, sizeof(text), "the address range of CXL %s", device->name);
			topo_fact(topo, SLUICE_SOURCE_CXL, block->node, "device", text,
				  CXL_DIR "/%s/resource", device->name);
			/* What a dax device says is more to the point. */
			if (node->proof < TOPO_PROOF_CXL)
				topo_prove(node, TOPO_PROOF_CXL, SLUICE_SOURCE_CXL, text);
			if (!node->node.has_cpu)
				read_figures(topo, device->name, node);
		}
		device->node = block->node;
		device->feeds = 1;
	}
}

static void
read_region(struct search *search, const char *name)
{
	struct sluice_topology *topo = search->topo;
	struct sluice_device *device = topo_add_device(topo, SLUICE_DEVICE_CXL_REGION, name);
	char mode[16], memdevs[128];
	uint64_t committed = 0, start = 0, ways = 0, granularity = 0;
	bool has_range;

	has_range = sysroot_read_number(topo->root, 0, UINT64_MAX, &start, CXL_DIR "/%s/resource",
					name) == 0 &&
		    sysroot_read_number(topo->root, 1, UINT64_MAX - start, &device->total_bytes,
					CXL_DIR "/%s/size", name) == 0;
	sysroot_read_number(topo->root, 0, 1, &committed, CXL_DIR "/%s/commit", name);
	sysroot_read_number(topo->root, 1, TARGETS_MAX, &ways, CXL_DIR "/%s/interleave_ways", name);
	sysroot_read_number(topo->root, 1, 1 << 20, &granularity,
			    CXL_DIR "/%s/interleave_granularity", name);
	/* Kernels before 6.3 have no mode: their regions hold persistent memory only. */
	if (sysroot_read(topo->root, mode, sizeof(mode), CXL_DIR "/%s/mode", name) < 0)
		snprintf(mode, sizeof(mode), "pmem");
	find_memdevs(topo, name, memdevs, sizeof(memdevs));
	device->parent = topo_say(topo, "%s", memdevs);
	device->detail =
		ways > 1 ? topo_say(topo, "%s, %llu-way by %llu bytes%s", mode,
				    (unsigned long long)ways, (unsigned long long)granularity,
				    committed ? "" : ", not committed")
			 : topo_say(topo, "%s%s", mode, committed ? "" : ", not committed");
	if (committed && has_range && strcmp(mode, "ram") == 0)
		attach_region(search, device, start);
}

/* The PCI device above mem0: its link tells what speed there can be. */
static void
read_memdev(struct sluice_topology *topo, const char *name)
{
	struct sluice_device *device = topo_add_device(topo, SLUICE_DEVICE_CXL_MEMDEV, name);
	char path[1024], speed[64], width[16], link[96] = "";
	uint64_t ram_bytes = 0, pmem_bytes = 0;
	char *slash;

	sysroot_read_number(topo->root, 1, UINT64_MAX >> 1, &ram_bytes, CXL_DIR "/%s/ram/size",
			    name);
	sysroot_read_number(topo->root, 1, UINT64_MAX >> 1, &pmem_bytes, CXL_DIR "/%s/pmem/size",
			    name);
	device->total_bytes = ram_bytes + pmem_bytes;
	device->near = topo_read_node_id(topo, CXL_DIR, name, "numa_node");
	if (sysroot_read_link(topo->root, path, sizeof(path), CXL_DIR "/%s", name) > 0 &&
	    (slash = strrchr(path, '/'))) {
		*slash = '\0';
		device->parent = topo_say(topo, "%.*s", TOPO_NAME_MAX, last_part(path));
	}
	if (sysroot_read(topo->root, speed, sizeof(speed), CXL_DIR "/%s/../current_link_speed",
			 name) > 0 &&
	    sysroot_read(topo->root, width, sizeof(width), CXL_DIR "/%s/../current_link_width",
			 name) > 0)
		snprintf(link, sizeof(link), ", x%s at %s", width, speed);
	device->detail =
		topo_say(topo, "ram %llu MiB, pmem %llu MiB%s", (unsigned long long)ram_bytes >> 20,
			 (unsigned long long)pmem_bytes >> 20, link);
}

static int
read_entry(const char *name, void *userdata)
{
	struct search *search = userdata;
	uint32_t number;

	if (strlen(name) >= TOPO_NAME_MAX)
		return 0;
	if (sysroot_numbered(name, "region", UINT32_MAX, &number))
		read_region(search, name);
	else if (sysroot_numbered(name, "mem", UINT32_MAX, &number))
		read_memdev(search->topo, name);
	return 0;
}

void
topo_read_cxl(struct sluice_topology *topo)
{
	struct search search = {.topo = topo};

	sysroot_list(topo->root, CXL_DIR, read_entry, &search);
	free(search.blocks);
}
