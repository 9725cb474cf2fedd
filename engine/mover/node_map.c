/* SPDX-License-Identifier: Apache-2.0 */
/* node_map.c - see node_map.h. */
#include "node_map.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "procfs.h"

#define BLOCK_SIZE "/sys/devices/system/memory/block_size_bytes"
#define REREAD_NS 1000000000u

struct block_range {
	uint64_t first, end; /* block numbers */
	int node;            /* -1: more than one */
};

struct node_map {
	char sysroot[256];
	uint64_t block_pages;
	uint64_t read_ns;
	struct block_range *ranges; /* sorted, no overlap */
	size_t count, capacity;
	size_t last; /* where the last answer was found */
};

static int
ranges_add(struct node_map *map, uint64_t block, int node)
{
	if (map->count == map->capacity) {
		size_t capacity = map->capacity ? 2 * map->capacity : 64;
		struct block_range *ranges = realloc(map->ranges, capacity * sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		map->ranges = ranges;
		map->capacity = capacity;
	}
	map->ranges[map->count++] = (struct block_range){block, block + 1, node};
	return 0;
}

static int
range_compare(const void *left, const void *right)
{
	const struct block_range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

static void
ranges_merge(struct node_map *map)
{
	size_t used = 0;

	qsort(map->ranges, map->count, sizeof(*map->ranges), range_compare);
	for (size_t i = 0; i < map->count; i++) {
		struct block_range *range = &map->ranges[i];
		struct block_range *last = used ? &map->ranges[used - 1] : NULL;

		if (last && last->end > range->first) {
			/* The same block in two nodes' folders: split off, as nobody's. */
			if (last->end - last->first > 1) {
				last->end--;
				map->ranges[used++] =
					(struct block_range){range->first, range->end, -1};
			} else {
				last->node = -1;
			}
		} else if (last && last->end == range->first && last->node == range->node) {
			last->end = range->end;
		} else {
			map->ranges[used++] = *range;
		}
	}
	map->count = used;
}

static int
node_read(struct node_map *map, int node)
{
	char path[512];
	struct dirent *entry;
	unsigned long block;
	char rest;
	int r = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%d", map->sysroot, node);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (r == 0 && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "memory%lu%c", &block, &rest) == 1)
			r = ranges_add(map, block, node);
	}
	closedir(dir);
	return r;
}

static int
map_read(struct node_map *map)
{
	char path[512], rest;
	struct dirent *entry;
	int node, r = 0;
	DIR *dir;

	map->read_ns = clock_now_ns();
	map->count = map->last = 0;
	snprintf(path, sizeof(path), "%s/sys/devices/system/node", map->sysroot);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "node%d%c", &node, &rest) == 1 && node >= 0)
			r = node_read(map, node);
	}
	closedir(dir);
	ranges_merge(map);
	return r;
}

int
node_map_new(const char *sysroot, struct node_map **ret, struct sluice_err *reterr)
{
	struct node_map *map = calloc(1, sizeof(*map));
	unsigned long long bytes = 0;
	char line[32];
	int r;

	if (!map)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(map->sysroot, sizeof(map->sysroot), "%s", sysroot);
	if (procfs_line(sysroot, 0, BLOCK_SIZE, line, sizeof(line)) > 0)
		bytes = strtoull(line, NULL, 16);
	if (bytes < 4096) {
		free(map);
		return sluice_fail(reterr, -ENOENT,
				   "could not learn the size of memory blocks from %s%s", sysroot,
				   BLOCK_SIZE);
	}
	map->block_pages = bytes / 4096;
	r = map_read(map);
	if (r == 0 && map->count == 0)
		r = -ENOENT;
	if (r < 0) {
		node_map_free(map);
		return sluice_fail(reterr, r,
				   "could not read the nodes' memory blocks under "
				   "%s/sys/devices/system/node: %s",
				   sysroot, strerror(-r));
	}
	*ret = map;
	return 0;
}

void
node_map_free(struct node_map *map)
{
	if (!map)
		return;
	free(map->ranges);
	free(map);
}

static int
lookup(struct node_map *map, uint64_t block, int *ret_node)
{
	size_t low = 0, high = map->count;

	if (map->last < map->count && block >= map->ranges[map->last].first &&
	    block < map->ranges[map->last].end) {
		*ret_node = map->ranges[map->last].node;
		return 1;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (block >= map->ranges[middle].end) {
			low = middle + 1;
		} else if (block < map->ranges[middle].first) {
			high = middle;
		} else {
			map->last = middle;
			*ret_node = map->ranges[middle].node;
			return 1;
		}
	}
	return 0;
}

int
node_map_find(struct node_map *map, uint64_t pfn)
{
	uint64_t block = pfn / map->block_pages;
	int node;

	if (lookup(map, block, &node))
		return node;
	if (clock_now_ns() - map->read_ns < REREAD_NS || map_read(map) < 0)
		return -1;
	return lookup(map, block, &node) ? node : -1;
}
