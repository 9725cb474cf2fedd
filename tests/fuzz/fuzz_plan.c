/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_plan.c - what a policy's process writes, taken for a plan: plugin/policy_process.c. Of
 * whatever is there, either nothing is taken, or a plan of which each move is one that can be.
 *
 * The input: tiers (1 byte), regions (2), the number of moves that is claimed (8), that of wrong
 * ones (1), then moves of 16 bytes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "policy_process_parts.h"

#define MOVES_MAX 256u
#define HEAD 12u

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct channel_plan shared;
	static struct channel_move moves[MOVES_MAX];
	static struct sluice_plan plan;
	struct sluice_err err = {0, ""};
	struct sluice_view view = {.size = sizeof(view)};
	enum policy_fault fault = POLICY_FAULT_NONE;
	uint16_t regions;
	size_t rest;
	int r;

	if (size < HEAD)
		return 0;
	if (!plan.moves)
		FUZZ_REQUIRE(plan_init(&plan, MOVES_MAX, &err) == 0);
	view.tier_count = data[0];
	memcpy(&regions, data + 1, sizeof(regions));
	view.region_count = regions;
	memcpy(&shared.move_count, data + 3, sizeof(shared.move_count));
	shared.wrong_count = data[11];
	rest = size - HEAD < sizeof(moves) ? size - HEAD : sizeof(moves);
	memset(moves, 0, sizeof(moves));
	memcpy(moves, data + HEAD, rest);
	plan_begin(&plan, &view);
	r = policy_plan_take(&shared, moves, MOVES_MAX, &plan, &fault, &err);
	if (r < 0) {
		FUZZ_REQUIRE(r == -EPROTO && err.code == r && err.msg[0]);
		FUZZ_REQUIRE(fault == POLICY_FAULT_PLAN && plan.count == 0);
		return 0;
	}
	FUZZ_REQUIRE(fault == POLICY_FAULT_NONE && !shared.wrong_count);
	FUZZ_REQUIRE(plan.count <= shared.move_count && shared.move_count <= MOVES_MAX);
	for (size_t i = 0; i < plan.count; i++) {
		const struct plan_move *move = &plan.moves[i];

		FUZZ_REQUIRE(move->region < view.region_count && move->tier < view.tier_count &&
			     !isnan(move->gain));
		for (size_t k = 0; k < i; k++)
			FUZZ_REQUIRE(plan.moves[k].region != move->region);
	}
	return 0;
}
