/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - collecting what a policy asks for. */
#include "plan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "reserve.h"

int
plan_init(struct sluice_plan *plan, size_t capacity, struct sluice_err *reterr)
{
	memset(plan, 0, sizeof(*plan));
	plan->capacity = capacity;
	plan->moves = reserve(capacity * sizeof(*plan->moves));
	plan->move_of_region = reserve(capacity * sizeof(*plan->move_of_region));
	if (!plan->moves || !plan->move_of_region) {
		plan_destroy(plan);
		return sluice_fail(reterr, -ENOMEM, "no memory for a plan of %zu moves", capacity);
	}
	return 0;
}

void
plan_destroy(struct sluice_plan *plan)
{
	release(plan->moves, plan->capacity * sizeof(*plan->moves));
	release(plan->move_of_region, plan->capacity * sizeof(*plan->move_of_region));
	memset(plan, 0, sizeof(*plan));
}

void
plan_begin(struct sluice_plan *plan, const struct sluice_view *view)
{
	/* Only what the last plan touched, so that a short plan over a long view stays cheap. */
	for (size_t i = 0; i < plan->count; i++)
		plan->move_of_region[plan->moves[i].region] = 0;
	plan->count = plan->wrong_count = 0;
	plan->view = view;
}

int
plan_ask(struct sluice_plan *plan, uint64_t region, uint32_t tier, float gain)
{
	struct plan_move *move;

	if (region >= plan->view->region_count || region >= plan->capacity ||
	    tier >= plan->view->tier_count || isnan(gain)) {
		plan->wrong_count++;
		return -EINVAL;
	}
	if (plan->move_of_region[region]) {
		move = &plan->moves[plan->move_of_region[region] - 1];
	} else {
		if (plan->count == plan->capacity)
			return -ENOSPC;
		move = &plan->moves[plan->count++];
		plan->move_of_region[region] = (uint32_t)plan->count;
	}
	*move = (struct plan_move){
		.region = region, .tier = tier, .gain = gain, .unit_bytes = HEAT_PAGE_BYTES};
	return 0;
}
