/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping the arena and choosing where it is first touched; see wl_arena.h. */
#include "wl_arena.h"

#include <errno.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NODES_ROOT "/sys/devices/system/node"

int
arena_thp_parse(const char *text, enum arena_thp *ret_thp)
{
	if (strcmp(text, "default") == 0)
		*ret_thp = ARENA_THP_DEFAULT;
	else if (strcmp(text, "on") == 0)
		*ret_thp = ARENA_THP_ON;
	else if (strcmp(text, "off") == 0)
		*ret_thp = ARENA_THP_OFF;
	else
		return -EINVAL;
	return 0;
}

int
arena_map(uint64_t bytes, enum arena_thp thp, unsigned char **ret_base)
{
	for (uint64_t gib = 0; gib < 4096; gib++) {
		void *wanted = (void *)(uintptr_t)(ARENA_ADDRESS + (gib << 30));
		void *base = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
				  -1, 0);

		if (base == MAP_FAILED) {
			if (errno == EEXIST)
				continue;
			return -errno;
		}
		if (base != wanted) { /* a kernel before 4.17 takes the address as a mere hint */
			munmap(base, bytes);
			continue;
		}
		if (thp != ARENA_THP_DEFAULT &&
		    madvise(base, bytes, thp == ARENA_THP_ON ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)) {
			int r = -errno;

			munmap(base, bytes);
			return r;
		}
		*ret_base = base;
		return 0;
	}
	return -EEXIST;
}

int
arena_bind(unsigned node)
{
	unsigned long mask[NODES_MAX / (8 * sizeof(unsigned long))] = {0};
	const unsigned bits = 8 * sizeof(unsigned long);

	if (node >= NODES_MAX)
		return -EINVAL;
	mask[node / bits] |= 1UL << (node % bits);
	return set_mempolicy(MPOL_BIND, mask, NODES_MAX + 1) ? -errno : 0;
}

int
arena_unbind(void)
{
	return set_mempolicy(MPOL_DEFAULT, NULL, 0) ? -errno : 0;
}

static int
nodes_file(const char *path, struct nodeset *ret_nodes)
{
	char line[512];
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;

	const char *got = fgets(line, sizeof(line), file);

	fclose(file);
	return got ? parse_nodes(line, ret_nodes) : -EINVAL;
}

int
arena_node_fits(unsigned node, uint64_t bytes)
{
	char path[96], line[160];
	struct nodeset with_memory;
	uint64_t room_kib = 0;

	if (nodes_file(NODES_ROOT "/has_memory", &with_memory) < 0)
		return node == 0 ? 0 : -ENOENT;
	if (!nodeset_has(&with_memory, node))
		return -ENOENT;

	snprintf(path, sizeof(path), NODES_ROOT "/node%u/meminfo", node);

	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		char key[64];
		unsigned long long kib;

		if (sscanf(line, "Node %*u %63[^:]: %llu kB", key, &kib) == 2 &&
		    (strcmp(key, "MemFree") == 0 || strcmp(key, "FilePages") == 0))
			room_kib += kib;
	}
	fclose(file);
	return room_kib == 0 || room_kib >= bytes >> 10 ? 0 : -ENOMEM;
}

void
arena_nodes_with_cpus(struct nodeset *ret_nodes)
{
	if (nodes_file(NODES_ROOT "/has_cpu", ret_nodes) < 0)
		*ret_nodes = (struct nodeset){{1}};
}
