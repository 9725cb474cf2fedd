/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - what a policy asked for in one decide(), and the governor that admits it.
 *
 * Pure. The plan's room is allocated once. A region may be asked for twice; its last ask counts.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "round.h"
#include "sluice/policy.h"

struct plan_move {
	uint64_t region; /* entry of the view */
	uint32_t tier;
	float gain;          /* accesses per second and page */
	uint32_t bytes;      /* admitted part of the entry, in whole units; 0: refused */
	uint32_t unit_bytes; /* what moves as one: 4 KiB, or a huge page */
	uint8_t refused;     /* a bit for each enum round_refusal that took some of it */
};

struct sluice_plan {
	struct plan_move *moves;
	size_t count, capacity;
	size_t wrong_count; /* asks that were refused as none: such a plan is not to be used */
	uint32_t *move_of_region; /* 1 + index of the last ask for an entry, 0 none */
	const struct sluice_view *view;
};

int plan_init(struct sluice_plan *plan, size_t capacity, struct sluice_err *reterr);
void plan_destroy(struct sluice_plan *plan);
/* Begin a plan for a view, which is borrowed until the next begin. */
void plan_begin(struct sluice_plan *plan, const struct sluice_view *view);
/* The host's move(): see policy.h. Its unit is 4 KiB until somebody knows better. */
int plan_ask(struct sluice_plan *plan, uint64_t region, uint32_t tier, float gain);

struct governor {
	uint64_t budget_bytes; /* until the next decision */
	uint64_t page_move_ns; /* cost of one 4 KiB page, measured */
	uint64_t horizon_ms;   /* expected stay of heat; 0: nothing pays back */
};

/* Decide for every move of the plan how many of its bytes may go, in order, and count the refused
 * bytes by reason. Promotions must pay back twice (safety rule 4) and fit the room that is there or
 * that admitted demotions make (rule 2); demotions asked for in favour of promotions that were
 * refused are dropped with them. What is admitted of a move are whole units, and the first unit is
 * never too large for the budget, or huge pages would not move at a low rate. Returns the admitted
 * bytes. */
uint64_t governor_admit(const struct governor *governor, struct sluice_plan *plan,
			uint64_t *refused_bytes);

#endif
