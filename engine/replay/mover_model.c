/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mover_model.c - mover_ops over a world. A call takes the model's time on the virtual clock; that
 * time and the interrupts are owed by the program's threads, as if no CPU were idle; the bytes are
 * read from one tier and written to the other while the program runs on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* What is moved at once: pages of one unit that follow each other and are in one tier. */
struct piece {
	size_t count; /* of addresses; 0 in a tier that has no room */
	uint32_t unit_bytes;
	uint8_t from; /* HEAT_TIER_ABSENT: there is no such page */
	uint64_t page;
	size_t unit;
};

/* The piece that addrs begins with. */
static struct piece
piece_at(struct world *world, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier)
{
	int64_t unit = world_find(world, pid, addrs[0]);
	struct piece piece = {1, HEAT_PAGE_BYTES, HEAT_TIER_ABSENT, 0, (size_t)unit};
	uint64_t end, free_bytes = 0, fits;

	if (unit < 0)
		return piece;
	piece.page = world_page(world, piece.unit, addrs[0]);
	piece.from = world->page_tier[piece.page];
	if (world->huge && world->info->units[unit].pages == HEAT_REGION_PAGES) {
		piece.page = world->first_page[unit];
		piece.unit_bytes = HEAT_REGION_BYTES;
	}
	if (piece.from == tier)
		return piece;
	if (world->model->tiers[tier].bytes > world->used_bytes[tier])
		free_bytes = world->model->tiers[tier].bytes - world->used_bytes[tier];
	fits = free_bytes / piece.unit_bytes;
	end = piece.unit_bytes == HEAT_PAGE_BYTES ? world->first_page[unit + 1] : piece.page + 1;
	while (piece.count < count && piece.count < fits && piece.page + piece.count < end &&
	       addrs[piece.count] == addrs[0] + piece.count * HEAT_PAGE_BYTES &&
	       world->page_tier[piece.page + piece.count] == piece.from)
		piece.count++;
	piece.count = fits ? piece.count : 0;
	return piece;
}

/* Moves a piece that has room in a tier that it is not in. */
static void
move_piece(struct world *world, const struct piece *piece, uint32_t tier)
{
	uint64_t bytes = piece->count * piece->unit_bytes;

	world_put(world, piece->unit, (uint32_t)(piece->page - world->first_page[piece->unit]),
		  (uint32_t)(bytes / HEAT_PAGE_BYTES), tier);
	world->read_bytes[piece->from] += (double)bytes;
	world->write_bytes[tier] += (double)bytes;
	*(tier < piece->from ? &world->up_bytes : &world->down_bytes) += bytes;
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
	for (size_t i = 0; i < count;) {
		struct piece piece = {1, HEAT_PAGE_BYTES, HEAT_TIER_ABSENT, 0, 0};
		enum move_outcome outcome = MOVE_FAILED;

		if (tier < world->model->tier_count) {
			piece = piece_at(world, pid, addrs + i, count - i, tier);
			outcome = piece.from == HEAT_TIER_ABSENT ? MOVE_GONE
				  : piece.from == tier           ? MOVE_ALREADY
				  : piece.count                  ? MOVE_MOVED
								 : MOVE_NOMEM;
		}
		if (outcome == MOVE_MOVED) {
			move_piece(world, &piece, tier);
			*(piece.unit_bytes == HEAT_PAGE_BYTES ? &small : &huge) += piece.count;
		}
		piece.count += piece.count == 0;
		memset(outcomes + i, (int)outcome, piece.count);
		memset(landed + i, outcome == MOVE_MOVED ? (int)tier : piece.from, piece.count);
		for (size_t end = i + piece.count; i < end; i++)
			bytes[i] = piece.unit_bytes;
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
