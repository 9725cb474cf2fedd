/* SPDX-License-Identifier: Apache-2.0 */
/* memory_replay.c - memory_ops over a world: the program's mappings, and where its pages are. */
#include <errno.h>
#include <string.h>

#include "world.h"

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	(void)ret_self;
	return sluice_fail(reterr, -ENOTSUP, "the memory of a replay is made by the replay");
}

static int
spans(void *self, int32_t pid, struct heat_span *list, size_t capacity, size_t *ret_count,
      uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	const struct world *world = self;
	size_t count = 0;

	for (size_t u = 0; u < world->info->unit_count; u++) {
		const struct workload_unit *unit = &world->info->units[u];
		uint64_t end = unit->addr + (uint64_t)unit->pages * WORKLOAD_PAGE_BYTES;

		if (unit->pid != pid)
			continue;
		if (count && list[count - 1].end == unit->addr) {
			list[count - 1].end = end;
			continue;
		}
		if (count == capacity)
			return sluice_fail(reterr, -ENOSPC, "process %d has more than %zu mappings",
					   pid, capacity);
		list[count++] = (struct heat_span){unit->addr, end};
	}
	if (!count)
		return sluice_fail(reterr, -ESRCH, "there is no process %d", pid);
	*ret_count = count;
	*ret_pinned_bytes = 0;
	return 0;
}

static int
resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	struct world *world = self;

	(void)pid;
	(void)reterr;
	*ret_bytes = world->info->bytes; /* memory neither comes nor goes */
	return 0;
}

static int
residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	  struct sluice_err *reterr)
{
	struct world *world = self;
	uint64_t end = addr + len_bytes;

	(void)reterr;
	*ret_huge = world->huge && len_bytes == HEAT_REGION_BYTES;
	while (addr < end) {
		int64_t unit = world_find(world, pid, addr);
		uint64_t unit_end, pages;

		if (unit < 0) {
			*tiers++ = HEAT_TIER_ABSENT;
			*ret_huge = 0;
			addr += HEAT_PAGE_BYTES;
			continue;
		}
		unit_end = world->info->units[unit].addr +
			   (uint64_t)world->info->units[unit].pages * HEAT_PAGE_BYTES;
		pages = ((unit_end < end ? unit_end : end) - addr) / HEAT_PAGE_BYTES;
		memcpy(tiers, world->page_tier + world_page(world, (size_t)unit, addr), pages);
		tiers += pages;
		addr += pages * HEAT_PAGE_BYTES;
	}
	return 0;
}

static int
list_tiers(void *self, struct sluice_tier *list, size_t capacity, size_t *ret_count,
	   struct sluice_err *reterr)
{
	const struct world *world = self;

	(void)reterr;
	*ret_count = world->model->tier_count < capacity ? world->model->tier_count : capacity;
	for (size_t t = 0; t < *ret_count; t++) {
		const struct model_tier *tier = &world->model->tiers[t];
		uint64_t used = world->used_bytes[t];

		list[t] = (struct sluice_tier){
			.total_bytes = tier->bytes,
			.free_bytes = tier->bytes > used ? tier->bytes - used : 0,
			.latency_ns = (uint32_t)tier->kind.read_ns,
			.kind = tier->kind.kind,
			.loaded_latency_ns = (uint32_t)(tier->kind.read_ns * world->times[t]),
		};
	}
	return 0;
}

static void
stop(void *self)
{
	(void)self; /* the replay's */
}

const struct memory_ops memory_replay = {
	.name = "replay",
	.start = start,
	.spans = spans,
	.resident = resident,
	.residency = residency,
	.tiers = list_tiers,
	.stop = stop,
};
