/* SPDX-License-Identifier: Apache-2.0 */
/* blocks_find.c - which blocks of memory a dax device has, and what they are now. Changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../sysroot.h"
#include "change.h"

#define MEMORY "sys/devices/system/memory"
#define RANGES_MAX 64
#define BLOCKS_MAX (1u << 20)

int
blocks_size(int root, uint64_t *ret_bytes)
{
	char text[32];

	if (sysroot_read(root, text, sizeof(text), MEMORY "/block_size_bytes") <= 0)
		return -ENOENT;
	*ret_bytes = strtoull(text, NULL, 16);
	return *ret_bytes ? 0 : -EINVAL;
}

enum block_state
block_read(int root, uint32_t id)
{
	char text[64];

	if (sysroot_read(root, text, sizeof(text), MEMORY "/memory%u/state", id) <= 0 ||
	    strcmp(text, "offline") == 0)
		return BLOCK_OFFLINE;
	/* Of a block that is online there is one zone only. */
	if (sysroot_read(root, text, sizeof(text), MEMORY "/memory%u/valid_zones", id) > 0 &&
	    strcmp(text, "Movable") != 0)
		return BLOCK_KERNEL;
	return BLOCK_MOVABLE;
}

static int
node_seen(const char *name, void *userdata)
{
	uint32_t id;

	if (!sysroot_numbered(name, "node", 1023, &id))
		return 0;
	*(int *)userdata = (int)id;
	return 1;
}

static int
block_node(int root, uint32_t id)
{
	char path[96];
	int node = -1;

	snprintf(path, sizeof(path), MEMORY "/memory%u", id);
	sysroot_list(root, path, node_seen, &node);
	return node;
}

int
block_exists(int root, uint32_t id)
{
	char text[32];

	return sysroot_read(root, text, sizeof(text), MEMORY "/memory%u/state", id) > 0;
}

static int
add_block(struct change *change, uint32_t id)
{
	struct block *grown = realloc(change->blocks, (change->block_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	change->blocks = grown;
	grown[change->block_count++] =
		(struct block){.id = id, .was = (uint8_t)block_read(change->root, id)};
	return 0;
}

/* The i-th range of addresses of a dax device, end not included; older kernels know only one. */
static int
dax_range(int root, const char *dax, unsigned int i, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t last, size;

	if (sysroot_read_number(root, 0, UINT64_MAX - 1, ret_start,
				"sys/bus/dax/devices/%s/mapping%u/start", dax, i) == 0 &&
	    sysroot_read_number(root, *ret_start, UINT64_MAX - 1, &last,
				"sys/bus/dax/devices/%s/mapping%u/end", dax, i) == 0) {
		*ret_end = last + 1;
		return 0;
	}
	if (i > 0 ||
	    sysroot_read_number(root, 0, UINT64_MAX / 2, ret_start,
				"sys/bus/dax/devices/%s/resource", dax) < 0 ||
	    sysroot_read_number(root, 1, UINT64_MAX / 2, &size, "sys/bus/dax/devices/%s/size",
				dax) < 0)
		return -ENOENT;
	*ret_end = *ret_start + size;
	return 0;
}

int
blocks_find(struct change *change, struct sluice_err *reterr)
{
	uint64_t bytes = 0, start = 0, end = 0;

	change->block_count = 0;
	if (blocks_size(change->root, &bytes) < 0)
		return sluice_fail(reterr, -ENOTSUP,
				   "this kernel cannot add memory while it runs (no /" MEMORY
				   "/block_size_bytes: CONFIG_MEMORY_HOTPLUG is off)");
	for (unsigned int i = 0; i < RANGES_MAX; i++) {
		if (dax_range(change->root, change->dax, i, &start, &end) < 0)
			break;
		/* What is smaller than a block at either end stays unused. */
		for (uint64_t id = (start + bytes - 1) / bytes;
		     id < end / bytes && change->block_count < BLOCKS_MAX; id++) {
			if (!block_exists(change->root, (uint32_t)id))
				continue;
			if (add_block(change, (uint32_t)id) < 0)
				return sluice_fail(reterr, -ENOMEM, "out of memory");
		}
	}
	if (change->block_count == 0)
		return sluice_fail(
			reterr, -ENOENT,
			"no block of memory belongs to %s (each is %llu MiB, and only whole ones "
			"can be used)",
			change->dax, (unsigned long long)(bytes >> 20));
	change->node = block_node(change->root, change->blocks[0].id);
	if (change->node < 0)
		change->node = change->facts.target_node;
	return 0;
}
