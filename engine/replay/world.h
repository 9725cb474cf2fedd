/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the machine and the program that one policy meets in a replay: where each page is, what
 * the program demands of each tier, and the virtual time. memory_replay shows it to the round,
 * mover_model moves its pages. One thread.
 */
#ifndef REPLAY_WORLD_H
#define REPLAY_WORLD_H

#include "model.h"
#include "ops.h"
#include "workload.h"

struct world {
	const struct model *model;
	const struct workload *workload;
	const struct workload_info *info;
	int huge; /* whole regions of 2 MiB are one page each */

	struct workload_use *uses; /* of the epoch */
	uint64_t *first_page;      /* of each unit, and the end of the last; numbers of pages */
	uint8_t *page_tier;
	uint16_t (*resident)[MODEL_TIERS_MAX]; /* pages of each unit by tier */
	uint64_t used_bytes[MODEL_TIERS_MAX];
	struct model_demand demand[MODEL_TIERS_MAX], all; /* of the whole epoch */
	int stirred;                                      /* demand is other than before */
	size_t last_found;

	double times[MODEL_TIERS_MAX]; /* latency by the idle one, of late; 0: not known yet */
	uint64_t now_ns;
	double mover_ns;  /* beyond now_ns: a tick's moves take time */
	double moving_ns; /* threads' time that moves took so far: the mover's, and interrupts */
	double owed_ns;   /* threads' time that the program has yet to lose */
	double read_bytes[MODEL_TIERS_MAX], write_bytes[MODEL_TIERS_MAX]; /* by moves, unpriced */
	uint64_t up_bytes, down_bytes;                                    /* of moves */
};

/* Borrows model and workload. Everything is where first-touch puts it. -ENOMEM. */
int world_new(const struct model *model, const struct workload *workload, int huge,
	      struct world **ret, struct sluice_err *reterr);
void world_free(struct world *world);

/* The program is in this epoch from now on. Returns 1 when its uses are others than before. */
int world_epoch(struct world *world, uint32_t epoch);
/* Everything goes to one tier, whether it fits or not. */
void world_place_all(struct world *world, uint32_t tier);

/* The unit that holds the page, or -1. */
int64_t world_find(struct world *world, int32_t pid, uint64_t addr);
/* Pages [page, page + count) of a unit, counted from its first, are in a tier from now on. */
void world_put(struct world *world, size_t unit, uint32_t page, uint32_t count, uint32_t tier);

static inline uint64_t
world_page(const struct world *world, size_t unit, uint64_t addr)
{
	return world->first_page[unit] +
	       (addr - world->info->units[unit].addr) / WORKLOAD_PAGE_BYTES;
}

uint64_t world_clock_ns(void *world); /* for round_parts */

/* self of both is the world. */
extern const struct memory_ops memory_replay;
extern const struct mover_ops mover_model;

#define MOVER_MODEL_BATCH 512u /* pages of a call, as the round's */
/* Of two tiers: bit u of fast set, and unit u is fast from now on, else slow; paid for as any move.
 * What leaves goes first. */
void mover_model_place(struct world *world, const uint64_t *fast);

#endif
