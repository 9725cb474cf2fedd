/* SPDX-License-Identifier: Apache-2.0 */
/* plan_look.c - see plan_look.h. */
#include "plan_look.h"

#include <stdio.h>
#include <string.h>

struct sums {
	uint64_t moves, nowhere; /* nowhere: to the tier that they are in */
	uint64_t bytes, unfit_bytes;
	uint64_t left_bytes; /* of tier 0 */
};

/* In the order of the plan, as the governor will. */
static struct sums
add_up(const struct sluice_plan *plan)
{
	const struct sluice_view *view = plan->view;
	uint64_t room[CANNED_TIERS_MAX], shortage[CANNED_TIERS_MAX];
	struct sums sums = {.moves = plan->count};

	for (uint32_t t = 0; t < view->tier_count; t++) {
		room[t] = sluice_view_tier(view, t)->room_bytes;
		shortage[t] = sluice_view_tier(view, t)->shortage_bytes;
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_move *move = &plan->moves[i];
		const struct sluice_region *region = sluice_view_region(view, move->region);
		uint64_t bytes = region->bytes, cured;

		if (move->tier == region->tier) {
			sums.nowhere++;
			continue;
		}
		sums.bytes += bytes;
		if (bytes > room[move->tier]) {
			sums.unfit_bytes += bytes - room[move->tier];
			bytes = room[move->tier];
		}
		room[move->tier] -= bytes;
		cured = bytes < shortage[region->tier] ? bytes : shortage[region->tier];
		shortage[region->tier] -= cured;
		room[region->tier] += bytes - cured;
		if (region->tier == 0)
			sums.left_bytes += bytes;
	}
	return sums;
}

void
plan_look(enum canned_kind kind, const struct sluice_plan *plan, char *worry, size_t size)
{
	const struct sluice_view *view = plan->view;
	struct sums sums = add_up(plan);
	uint64_t shortage = view->tier_count ? sluice_view_tier(view, 0)->shortage_bytes : 0;
	/* One region over is fine: the engine moves what part of it may move. */
	uint64_t over = view->budget_bytes + CANNED_REGION_BYTES;

	worry[0] = '\0';
	if (sums.nowhere)
		snprintf(worry, size, "asks to move %llu entries to the tier that they are in",
			 (unsigned long long)sums.nowhere);
	else if (kind == CANNED_UNIFORM && sums.bytes)
		snprintf(worry, size,
			 "moves %llu MiB though all memory is equally hot, which gains nothing",
			 (unsigned long long)(sums.bytes >> 20));
	else if (sums.unfit_bytes > CANNED_REGION_BYTES)
		snprintf(worry, size,
			 "asks for %llu MiB more than fit, in the order of the plan: demote first, "
			 "and count room_bytes down",
			 (unsigned long long)(sums.unfit_bytes >> 20));
	else if (sums.bytes > over)
		snprintf(worry, size, "asks for %llu MiB, with a budget of %llu MiB",
			 (unsigned long long)(sums.bytes >> 20),
			 (unsigned long long)(view->budget_bytes >> 20));
	else if (kind == CANNED_SHORTAGE && sums.left_bytes < shortage &&
		 sums.left_bytes < view->budget_bytes / 2)
		snprintf(worry, size,
			 "leaves fast memory below its watermark: it lacks %llu MiB, and %llu MiB "
			 "are to leave",
			 (unsigned long long)(shortage >> 20),
			 (unsigned long long)(sums.left_bytes >> 20));
}

int
plans_are_equal(const struct sluice_plan *one, const struct sluice_plan *other)
{
	if (one->count != other->count)
		return 0;
	for (size_t i = 0; i < one->count; i++) {
		const struct plan_move *a = &one->moves[i], *b = &other->moves[i];

		if (a->region != b->region || a->tier != b->tier ||
		    memcmp(&a->gain, &b->gain, sizeof(a->gain)) != 0)
			return 0;
	}
	return 1;
}
