/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_proc.c - the memory of live processes: spans from maps, numa_maps and smaps, residency
 * from pagemap, tiers from the nodes' meminfo. The free bytes of a tier are free pages only: file
 * pages that the kernel could reclaim are in use.
 */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "memory_registry.h"
#include "page_table.h"
#include "procfs.h"
#include "spans.h"
#include "tier_map.h"

struct memory_proc {
	struct tier_map tiers;
	struct spans *spans;
	struct page_table *pages;
	const char *sysroot; /* the env's */
};

static void
stop(void *self)
{
	struct memory_proc *memory = self;

	if (!memory)
		return;
	page_table_free(memory->pages);
	spans_free(memory->spans);
	tier_map_unload(&memory->tiers);
	free(memory);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct memory_proc *memory = calloc(1, sizeof(*memory));
	int r;

	if (!memory)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	memory->sysroot = env->sysroot;
	r = tier_map_load(&memory->tiers, env, reterr);
	if (r == 0)
		r = spans_new(env->sysroot, &memory->spans, reterr);
	if (r == 0)
		r = page_table_new(env->sysroot, &memory->pages, reterr);
	if (r < 0) {
		stop(memory);
		return r;
	}
	*ret_self = memory;
	return 0;
}

static int
spans(void *self, int32_t pid, struct heat_span *list, size_t capacity, size_t *ret_count,
      uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	struct memory_proc *memory = self;

	return spans_get(memory->spans, pid, clock_now_ns(), list, capacity, ret_count,
			 ret_pinned_bytes, reterr);
}

static int
resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	struct memory_proc *memory = self;
	int r = procfs_resident(memory->sysroot, pid, ret_bytes);

	return r < 0 ? sluice_fail(reterr, r, "cannot read the size of process %d", pid) : 0;
}

static int
residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	  struct sluice_err *reterr)
{
	struct memory_proc *memory = self;
	int16_t nodes[HEAT_REGION_PAGES];
	size_t count = len_bytes / HEAT_PAGE_BYTES;
	int r;

	r = page_table_nodes(memory->pages, pid, addr, count, nodes, ret_huge, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		tiers[i] = tier_map_find(&memory->tiers, nodes[i]);
	return 0;
}

static int
leaving(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	struct sluice_err *reterr)
{
	struct memory_proc *memory = self;
	int16_t nodes[HEAT_REGION_PAGES];
	size_t count = len_bytes / HEAT_PAGE_BYTES;
	int r;

	r = page_table_nodes(memory->pages, pid, addr, count, nodes, ret_huge, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		tiers[i] = ops_is_leaving(memory->tiers.leaving, nodes[i])
				   ? tier_map_own(&memory->tiers, nodes[i])
				   : HEAT_TIER_ABSENT;
	return 0;
}

static int
tiers(void *self, struct sluice_tier *list, size_t capacity, size_t *ret_count,
      struct sluice_err *reterr)
{
	struct memory_proc *memory = self;
	const struct sluice_tier_info *info;
	const struct sluice_node *node;
	size_t count = 0;

	(void)reterr;
	/* A node that went away counts as full; the others go on. */
	sluice_topology_refresh(memory->tiers.topology, NULL);
	while (count < capacity && (info = sluice_topology_tier(memory->tiers.topology, count))) {
		list[count++] = (struct sluice_tier){
			.total_bytes = info->total_bytes,
			.free_bytes = info->free_bytes,
			.latency_ns = info->read_latency_ns,
			.kind = info->kind,
		};
	}
	for (size_t i = 0; (node = sluice_topology_node(memory->tiers.topology, i)); i++) {
		if (!ops_is_leaving(memory->tiers.leaving, (int)node->id) || node->tier >= count)
			continue;
		list[node->tier].total_bytes -= node->total_bytes;
		list[node->tier].free_bytes -= node->free_bytes;
	}
	*ret_count = count;
	return 0;
}

const struct memory_ops memory_proc = {
	.name = "proc",
	.start = start,
	.spans = spans,
	.resident = resident,
	.residency = residency,
	.leaving = leaving,
	.tiers = tiers,
	.stop = stop,
};
