/* SPDX-License-Identifier: Apache-2.0 */
/* safe_policy.c - see safe_policy.h. */
#include "safe_policy.h"

#include <string.h>

#include "round.h"

/* The upper bits of a float order as the float does (heat is never negative), in steps of a quarter
 * octave. What is not known yet has the greatest heat, and goes last. */
#define LEVELS 1024u

struct shortage {
	uint64_t bytes[LEVELS]; /* of the tier, by heat */
	uint64_t left_bytes;    /* that still have to go */
	uint32_t cut;           /* levels below it go whole */
};

static uint32_t
level_of(float heat)
{
	uint32_t bits;

	if (!(heat > 0))
		return 0;
	memcpy(&bits, &heat, sizeof(bits));
	return bits >> 21 < LEVELS ? bits >> 21 : LEVELS - 1;
}

static void
find_cut(const struct sluice_view *view, uint32_t tier, struct shortage *shortage)
{
	uint64_t colder = 0;

	memset(shortage->bytes, 0, sizeof(shortage->bytes));
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *region = sluice_view_region(view, i);

		if (region->tier == tier)
			shortage->bytes[level_of(region->heat_high)] += region->bytes;
	}
	for (shortage->cut = 0; shortage->cut < LEVELS - 1 && colder < shortage->left_bytes;
	     shortage->cut++)
		colder += shortage->bytes[shortage->cut];
}

void
safe_policy_decide(const struct sluice_view *view, struct sluice_plan *plan)
{
	uint32_t tiers = view->tier_count < ROUND_TIERS_MAX ? view->tier_count : ROUND_TIERS_MAX;
	uint64_t room_bytes[ROUND_TIERS_MAX];
	struct shortage shortage;

	for (uint32_t t = 0; t < tiers; t++)
		room_bytes[t] = sluice_view_tier(view, t)->room_bytes;
	for (uint32_t t = 0; t + 1 < tiers; t++) {
		shortage.left_bytes = sluice_view_tier(view, t)->shortage_bytes;
		if (!shortage.left_bytes)
			continue;
		find_cut(view, t, &shortage);
		for (uint64_t i = 0; i < view->region_count && shortage.left_bytes; i++) {
			const struct sluice_region *region = sluice_view_region(view, i);
			uint32_t to = t + 1;

			if (region->tier != t || level_of(region->heat_high) >= shortage.cut)
				continue;
			while (to < tiers && room_bytes[to] < region->bytes)
				to++;
			if (to == tiers || plan_ask(plan, i, to, 0) < 0)
				continue;
			room_bytes[to] -= region->bytes;
			shortage.left_bytes -= region->bytes < shortage.left_bytes
						       ? region->bytes
						       : shortage.left_bytes;
		}
	}
}
