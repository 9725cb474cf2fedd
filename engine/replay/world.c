/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - see world.h. */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
fits_bytes(const struct model *model, uint32_t tier)
{
	double share = tier == 0 ? 1 - model->costs.free_share : 1;

	return (uint64_t)((double)model->tiers[tier].bytes * share);
}

/* Memory is where there was room when it was first touched, in the units' order. */
static void
place_first_touch(struct world *world)
{
	uint32_t tier = 0;

	for (size_t u = 0; u < world->info->unit_count; u++) {
		uint32_t pages = world->info->units[u].pages;
		uint64_t bytes = (uint64_t)pages * WORKLOAD_PAGE_BYTES;

		while (tier + 1 < world->model->tier_count &&
		       world->used_bytes[tier] + bytes > fits_bytes(world->model, tier))
			tier++;
		memset(world->page_tier + world->first_page[u], (int)tier, pages);
		world->resident[u][tier] = (uint16_t)pages;
		world->used_bytes[tier] += bytes;
	}
}

int
world_new(const struct model *model, const struct workload *workload, int huge, struct world **ret,
	  struct sluice_err *reterr)
{
	const struct workload_info *info = workload_info(workload);
	struct world *world = calloc(1, sizeof(*world));
	uint64_t pages = info->bytes / WORKLOAD_PAGE_BYTES, at = 0;

	if (!world)
		return sluice_fail(reterr, -ENOMEM, "no memory for a replay");
	world->model = model;
	world->workload = workload;
	world->info = info;
	world->huge = huge && !info->page_grained;
	world->uses = calloc(info->unit_count, sizeof(*world->uses));
	world->first_page = calloc(info->unit_count + 1, sizeof(*world->first_page));
	world->resident = calloc(info->unit_count, sizeof(*world->resident));
	world->page_tier = malloc(pages);
	if (!world->uses || !world->first_page || !world->resident || !world->page_tier) {
		world_free(world);
		return sluice_fail(reterr, -ENOMEM, "no memory to replay %llu MiB",
				   (unsigned long long)(info->bytes >> 20));
	}
	for (size_t u = 0; u < info->unit_count; u++) {
		world->first_page[u] = at;
		at += info->units[u].pages;
	}
	world->first_page[info->unit_count] = at;
	place_first_touch(world);
	*ret = world;
	return 0;
}

void
world_free(struct world *world)
{
	if (!world)
		return;
	free(world->uses);
	free(world->first_page);
	free(world->resident);
	free(world->page_tier);
	free(world);
}

static void
demand_add(struct model_demand *demand, const struct workload_use *use, double pages)
{
	double reads = (double)use->reads * pages, writes = (double)use->writes * pages;

	demand->reads += reads;
	demand->writes += writes;
	demand->read_stalls += reads / (double)use->mlp;
	demand->write_stalls += writes / (double)use->mlp;
}

static void
count_demand(struct world *world)
{
	memset(world->demand, 0, sizeof(world->demand));
	memset(&world->all, 0, sizeof(world->all));
	for (size_t u = 0; u < world->info->unit_count; u++) {
		const struct workload_use *use = &world->uses[u];

		if (use->reads + use->writes <= 0)
			continue;
		for (uint32_t t = 0; t < world->model->tier_count; t++) {
			if (world->resident[u][t])
				demand_add(&world->demand[t], use, world->resident[u][t]);
		}
		demand_add(&world->all, use, world->info->units[u].pages);
	}
	world->stirred = 1;
}

int
world_epoch(struct world *world, uint32_t epoch)
{
	if (epoch > 0 &&
	    workload_phase(world->workload, epoch) == workload_phase(world->workload, epoch - 1))
		return 0;
	workload_epoch(world->workload, epoch, world->uses);
	count_demand(world);
	return 1;
}

void
world_place_all(struct world *world, uint32_t tier)
{
	memset(world->page_tier, (int)tier, world->first_page[world->info->unit_count]);
	memset(world->used_bytes, 0, sizeof(world->used_bytes));
	world->used_bytes[tier] = world->info->bytes;
	for (size_t u = 0; u < world->info->unit_count; u++) {
		memset(world->resident[u], 0, sizeof(world->resident[u]));
		world->resident[u][tier] = (uint16_t)world->info->units[u].pages;
	}
	count_demand(world);
}

static int
holds(const struct workload_unit *unit, int32_t pid, uint64_t addr)
{
	return unit->pid == pid && addr >= unit->addr &&
	       addr < unit->addr + (uint64_t)unit->pages * WORKLOAD_PAGE_BYTES;
}

int64_t
world_find(struct world *world, int32_t pid, uint64_t addr)
{
	const struct workload_unit *units = world->info->units;
	size_t low = 0, high = world->info->unit_count;

	/* Questions come in runs: the same unit, or the one after. */
	for (size_t u = world->last_found; u < high && u < world->last_found + 2; u++) {
		if (holds(&units[u], pid, addr)) {
			world->last_found = u;
			return (int64_t)u;
		}
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (units[middle].pid < pid ||
		    (units[middle].pid == pid && units[middle].addr <= addr))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !holds(&units[low - 1], pid, addr))
		return -1;
	world->last_found = low - 1;
	return (int64_t)low - 1;
}

void
world_put(struct world *world, size_t unit, uint32_t page, uint32_t count, uint32_t tier)
{
	const struct workload_use *use = &world->uses[unit];
	uint8_t *tiers = world->page_tier + world->first_page[unit] + page;
	int used = use->reads + use->writes > 0;

	for (uint32_t i = 0, run; i < count; i += run) {
		uint8_t from = tiers[i];

		for (run = 1; i + run < count && tiers[i + run] == from; run++)
			continue;
		if (from == tier)
			continue;
		memset(tiers + i, (int)tier, run);
		world->resident[unit][from] = (uint16_t)(world->resident[unit][from] - run);
		world->resident[unit][tier] = (uint16_t)(world->resident[unit][tier] + run);
		world->used_bytes[from] -= (uint64_t)run * WORKLOAD_PAGE_BYTES;
		world->used_bytes[tier] += (uint64_t)run * WORKLOAD_PAGE_BYTES;
		if (used) {
			demand_add(&world->demand[from], use, -(double)run);
			demand_add(&world->demand[tier], use, run);
		}
	}
	world->stirred = 1;
}

uint64_t
world_clock_ns(void *world)
{
	const struct world *w = world;

	return w->now_ns + (uint64_t)w->mover_ns;
}
