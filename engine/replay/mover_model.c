/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mover_model.c - mover_ops over a world. A call takes the model's time on the virtual clock; that
 * time and the interrupts are owed by the program's threads, as if no CPU were idle; the bytes are
 * read from one tier and written to the other while the program runs on.
 */
#include <errno.h>
#include <stdio.h>

#include "world.h"

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	(void)env;
	snprintf(sentence, OPS_SENTENCE_BYTES, "moves pages of a replay only");
	return -ENOTSUP;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	(void)ret_self;
	return sluice_fail(reterr, -ENOTSUP, "the mover of a replay is started by the replay");
}

static enum move_outcome
move_one(struct world *world, int32_t pid, uint64_t addr, uint32_t tier, uint32_t *ret_bytes,
	 uint8_t *ret_landed)
{
	int64_t unit = world_find(world, pid, addr);
	uint64_t page, free_bytes;
	uint8_t from;

	*ret_bytes = HEAT_PAGE_BYTES;
	*ret_landed = HEAT_TIER_ABSENT;
	if (unit < 0)
		return MOVE_GONE;
	page = world_page(world, (size_t)unit, addr);
	from = world->page_tier[page];
	if (world->huge && world->info->units[unit].pages == HEAT_REGION_PAGES) {
		page = world->first_page[unit];
		*ret_bytes = HEAT_REGION_BYTES;
	}
	*ret_landed = from;
	if (from == tier)
		return MOVE_ALREADY;
	free_bytes = world->model->tiers[tier].bytes > world->used_bytes[tier]
			     ? world->model->tiers[tier].bytes - world->used_bytes[tier]
			     : 0;
	if (free_bytes < *ret_bytes)
		return MOVE_NOMEM;
	world_put(world, (size_t)unit, (uint32_t)(page - world->first_page[unit]),
		  *ret_bytes / HEAT_PAGE_BYTES, tier);
	world->read_bytes[from] += *ret_bytes;
	world->write_bytes[tier] += *ret_bytes;
	*(tier < from ? &world->up_bytes : &world->down_bytes) += *ret_bytes;
	*ret_landed = (uint8_t)tier;
	return MOVE_MOVED;
}

/* The program's threads owe what one call took. Returns the mover's time. */
static double
charge(struct world *world, uint64_t pages, uint64_t huge_pages)
{
	const struct model_costs *costs = &world->model->costs;
	double took_ns = model_move_ns(costs, pages, huge_pages);
	double interrupts_ns = pages + huge_pages ? costs->interrupt_ns * world->info->threads : 0;

	world->moving_ns += took_ns + interrupts_ns;
	world->owed_ns += took_ns + interrupts_ns;
	return took_ns;
}

/* Units whose bit says so, and that are not there, go to a tier, in calls as the round's. */
static void
place(struct world *world, const uint64_t *fast, int wanted, uint32_t tier)
{
	uint64_t small = 0, huge = 0;

	for (size_t u = 0; u < world->info->unit_count; u++) {
		const struct workload_unit *unit = &world->info->units[u];
		int is_huge = world->huge && unit->pages == HEAT_REGION_PAGES;
		uint32_t from = 0, pages = unit->pages - world->resident[u][tier];

		if ((int)(fast[u / 64] >> (u % 64) & 1) != wanted || pages == 0)
			continue;
		while (from == tier || world->resident[u][from] == 0)
			from++;
		world_put(world, u, 0, unit->pages, tier);
		world->read_bytes[from] += (double)pages * HEAT_PAGE_BYTES;
		world->write_bytes[tier] += (double)pages * HEAT_PAGE_BYTES;
		*(tier < from ? &world->up_bytes : &world->down_bytes) +=
			(uint64_t)pages * HEAT_PAGE_BYTES;
		small += is_huge ? 0 : pages;
		huge += (uint64_t)is_huge;
		if (small + huge < MOVER_MODEL_BATCH)
			continue;
		(void)charge(world, small, huge);
		small = huge = 0;
	}
	(void)charge(world, small, huge);
}

void
mover_model_place(struct world *world, const uint64_t *fast)
{
	place(world, fast, 0, 1); /* what leaves makes room */
	place(world, fast, 1, 0);
}

static int
move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier, uint8_t *outcomes,
     uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct world *world = self;
	uint64_t small = 0, huge = 0;

	(void)reterr;
	for (size_t i = 0; i < count; i++) {
		outcomes[i] = (uint8_t)(tier < world->model->tier_count
						? move_one(world, pid, addrs[i], tier, &bytes[i],
							   &landed[i])
						: MOVE_FAILED);
		if (outcomes[i] == MOVE_MOVED)
			*(bytes[i] == HEAT_PAGE_BYTES ? &small : &huge) += 1;
	}
	world->mover_ns += charge(world, small, huge);
	return 0;
}

static void
stop(void *self)
{
	(void)self; /* the replay's */
}

const struct mover_ops mover_model = {
	.name = "model",
	.summary = "moves pages of a replay, in modelled time",
	.probe = probe,
	.start = start,
	.move = move,
	.stop = stop,
};
