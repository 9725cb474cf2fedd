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

static int
move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier, uint8_t *outcomes,
     uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct world *world = self;
	const struct model_costs *costs = &world->model->costs;
	uint64_t small = 0, huge = 0;
	double took_ns, interrupts_ns;

	(void)reterr;
	for (size_t i = 0; i < count; i++) {
		outcomes[i] = (uint8_t)(tier < world->model->tier_count
						? move_one(world, pid, addrs[i], tier, &bytes[i],
							   &landed[i])
						: MOVE_FAILED);
		if (outcomes[i] == MOVE_MOVED)
			*(bytes[i] == HEAT_PAGE_BYTES ? &small : &huge) += 1;
	}
	took_ns = model_move_ns(costs, small, huge);
	interrupts_ns = small + huge ? costs->interrupt_ns * world->info->threads : 0;
	world->mover_ns += took_ns;
	world->moving_ns += took_ns + interrupts_ns;
	world->owed_ns += took_ns + interrupts_ns;
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
