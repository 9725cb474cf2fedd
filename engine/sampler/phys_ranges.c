/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phys_ranges.c - see phys_ranges.h. sysfs tells each node's blocks of memory; blocks are some 128
 * MiB to 2 GiB, so there are thousands of them at most.
 */
#include "phys_ranges.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

#define BLOCK_SIZE "/sys/devices/system/memory/block_size_bytes"
#define BLOCKS_MOST (1u << 20)

struct blocks {
	uint64_t *at;
	size_t count, capacity;
};

static int
blocks_add(struct blocks *blocks, uint64_t block)
{
	if (blocks->count == blocks->capacity) {
		size_t capacity = blocks->capacity * 2 + 64;
		uint64_t *at = realloc(blocks->at, capacity * sizeof(*at));

		if (!at)
			return -ENOMEM;
		blocks->at = at;
		blocks->capacity = capacity;
	}
	blocks->at[blocks->count++] = block;
	return 0;
}

/* Blocks of the node that are online; a node without any, or that has gone, has none. */
static int
node_read(const char *sysroot, uint32_t node, struct blocks *blocks)
{
	char path[512], state[32], rest;
	struct dirent *entry;
	unsigned long long block;
	int r = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%u", sysroot, node);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (r == 0 && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "memory%llu%c", &block, &rest) != 1 ||
		    block >= BLOCKS_MOST)
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/memory%llu/state",
			 node, block);
		if (procfs_line(sysroot, 0, path, state, sizeof(state)) < 0 ||
		    strcmp(state, "offline") == 0)
			continue;
		r = blocks_add(blocks, block);
	}
	closedir(dir);
	return r;
}

static int
smaller_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Two ranges become one, with what lies between them: that is nobody's memory, or not ours. */
static void
close_smallest_gap(struct damon_range *ranges, size_t *count)
{
	size_t best = 0;

	for (size_t i = 1; i + 1 < *count; i++) {
		if (ranges[i + 1].start - ranges[i].end < ranges[best + 1].start - ranges[best].end)
			best = i;
	}
	ranges[best].end = ranges[best + 1].end;
	memmove(&ranges[best + 1], &ranges[best + 2], (*count - best - 2) * sizeof(*ranges));
	(*count)--;
}

int
phys_ranges_read(const struct ops_env *env, struct damon_range *ret, size_t *ret_count,
		 struct sluice_err *reterr)
{
	struct blocks blocks = {0};
	unsigned long long bytes = 0;
	size_t count = 0;
	char line[32];
	int r = 0;

	if (procfs_line(env->sysroot, 0, BLOCK_SIZE, line, sizeof(line)) > 0)
		bytes = strtoull(line, NULL, 16);
	if (bytes < HEAT_REGION_BYTES || bytes % HEAT_REGION_BYTES || bytes >> 40)
		return sluice_fail(reterr, -ENOTSUP,
				   "the kernel does not tell which physical memory nodes have (%s; "
				   "CONFIG_MEMORY_HOTPLUG)",
				   BLOCK_SIZE);
	for (size_t i = 0; r == 0 && i < sluice_topology_node_count(env->topology); i++)
		r = node_read(env->sysroot, sluice_topology_node(env->topology, i)->id, &blocks);
	if (r < 0) {
		free(blocks.at);
		return sluice_fail(reterr, r, "out of memory");
	}
	if (blocks.count)
		qsort(blocks.at, blocks.count, sizeof(*blocks.at), smaller_first);
	for (size_t i = 0; i < blocks.count; i++) {
		struct damon_range range = {blocks.at[i] * bytes, (blocks.at[i] + 1) * bytes};

		if (count && ret[count - 1].end >= range.start) {
			ret[count - 1].end = range.end;
			continue;
		}
		if (count == PHYS_RANGES_MAX)
			close_smallest_gap(ret, &count);
		ret[count++] = range;
	}
	free(blocks.at);
	if (!count)
		return sluice_fail(reterr, -ENOTSUP,
				   "the kernel tells of no physical memory of the tiers' nodes "
				   "(/sys/devices/system/node/nodeN/memoryN)");
	*ret_count = count;
	return 0;
}
