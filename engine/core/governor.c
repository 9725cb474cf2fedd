/* SPDX-License-Identifier: Apache-2.0 */
/* governor.c - which of the asked moves are admitted; see plan.h. */
#include "plan.h"

/* Latencies that firmware does not tell: the difference published for CXL expanders beside DRAM
 * lies between 70 and 300 ns, so the low end makes us move rather less than more. */
#define LATENCY_STEP_UNKNOWN_NS 100.0
/* But where copying a page takes milliseconds, or tens of microseconds, memory is slower than that
 * and than firmware says, which in a guest tells of a machine that is not there: a copy reads so
 * many lines, and overlaps them rather than waiting for each. On servers it takes 30 ns a line, and
 * up to 300 where moves are dear for other reasons: so it must take much longer than is told. */
#define PAGE_LINES 64.0
#define LINE_TIMES 2.0

static double
latency_saved_ns(const struct governor *governor, const struct sluice_view *view, uint32_t from,
		 uint32_t to)
{
	double line_ns = (double)governor->page_move_ns / PAGE_LINES;
	const struct sluice_tier *slow = sluice_view_tier(view, from);
	const struct sluice_tier *fast = sluice_view_tier(view, to);
	double step_ns = LATENCY_STEP_UNKNOWN_NS;

	if (slow->latency_ns && fast->latency_ns && slow->latency_ns > fast->latency_ns)
		step_ns = slow->latency_ns - fast->latency_ns;
	return line_ns > LINE_TIMES * step_ns ? line_ns : step_ns;
}

/* Safety rule 4: what the move is expected to save exceeds its cost twice. Every promotion is
 * charged with a demotion too, since sooner or later it needs one. */
static int
pays_back(const struct governor *governor, const struct sluice_view *view,
	  const struct sluice_region *entry, const struct plan_move *move)
{
	double saved_ns = (double)move->gain * ((double)governor->horizon_ms / 1000.0) *
			  latency_saved_ns(governor, view, entry->tier, move->tier);

	return saved_ns > 2.0 * 2.0 * (double)governor->page_move_ns;
}

static int
is_promotion(const struct sluice_view *view, const struct plan_move *move)
{
	return move->tier < sluice_view_region(view, move->region)->tier;
}

/* What of the move fits: whole units, since half a huge page cannot go. */
static uint32_t
whole_units(const struct plan_move *move, uint64_t fits_bytes)
{
	uint64_t bytes = move->bytes < fits_bytes ? move->bytes : fits_bytes;

	return (uint32_t)(bytes - bytes % move->unit_bytes);
}

uint64_t
governor_admit(const struct governor *governor, struct sluice_plan *plan, uint64_t *refused_bytes)
{
	const struct sluice_view *view = plan->view;
	uint64_t room[ROUND_TIERS_MAX] = {0}, wanted[ROUND_TIERS_MAX] = {0};
	uint64_t shortage[ROUND_TIERS_MAX] = {0};
	uint64_t pointless[ROUND_TIERS_MAX] = {0}, asked_down[ROUND_TIERS_MAX] = {0};
	uint64_t left = governor->budget_bytes, admitted = 0;
	uint32_t tiers = view->tier_count < ROUND_TIERS_MAX ? view->tier_count : ROUND_TIERS_MAX;

	for (uint32_t t = 0; t < tiers; t++) {
		room[t] = sluice_view_tier(view, t)->room_bytes;
		shortage[t] = sluice_view_tier(view, t)->shortage_bytes;
	}

	/* Promotions that do not pay are out, and so is the room that was to be made for them. */
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_move *move = &plan->moves[i];
		const struct sluice_region *entry = sluice_view_region(view, move->region);

		move->bytes = move->tier == entry->tier ? 0 : entry->bytes;
		if (!is_promotion(view, move)) {
			asked_down[entry->tier] += move->bytes;
		} else if (!pays_back(governor, view, entry, move)) {
			refused_bytes[REFUSED_PAYBACK] += move->bytes;
			move->refused |= 1u << REFUSED_PAYBACK;
			pointless[move->tier] += move->bytes;
			move->bytes = 0;
		} else {
			wanted[move->tier] += move->bytes;
		}
	}
	for (uint32_t t = 0; t < tiers; t++) {
		uint64_t needed = wanted[t] > room[t] ? wanted[t] - room[t] : 0;

		/* Demotions are kept as far as they serve admitted promotions or cure a shortage;
		 * those a policy asks for on its own account are kept whole. */
		needed += shortage[t];
		if (asked_down[t] < needed)
			needed = asked_down[t];
		if (asked_down[t] - needed < pointless[t])
			pointless[t] = asked_down[t] - needed;
	}

	for (size_t i = plan->count; i-- > 0;) {
		struct plan_move *move = &plan->moves[i];
		const struct sluice_region *entry = sluice_view_region(view, move->region);

		if (is_promotion(view, move) || !move->bytes || !pointless[entry->tier])
			continue;
		uint32_t cut = whole_units(move, pointless[entry->tier]);

		pointless[entry->tier] -= cut;
		refused_bytes[REFUSED_PAYBACK] += cut;
		move->refused |= (uint8_t)((cut > 0) << REFUSED_PAYBACK);
		move->bytes -= cut;
	}

	/* In order: budget, then room, which demotions add to where they come from. */
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_move *move = &plan->moves[i];
		const struct sluice_region *entry = sluice_view_region(view, move->region);
		uint32_t bytes = whole_units(move, room[move->tier]);

		refused_bytes[REFUSED_ROOM] += move->bytes - bytes;
		move->refused |= (uint8_t)((move->bytes > bytes) << REFUSED_ROOM);
		move->bytes = bytes;
		bytes = whole_units(move, left);
		if (!bytes && !admitted && left && move->bytes)
			bytes = move->unit_bytes;
		refused_bytes[REFUSED_BUDGET] += move->bytes - bytes;
		move->refused |= (uint8_t)((move->bytes > bytes) << REFUSED_BUDGET);
		move->bytes = bytes;
		room[move->tier] -= bytes;
		if (entry->tier < tiers) {
			uint64_t cured =
				bytes < shortage[entry->tier] ? bytes : shortage[entry->tier];

			shortage[entry->tier] -= cured;
			room[entry->tier] += bytes - cured;
		}
		left -= bytes < left ? bytes : left;
		admitted += bytes;
	}
	return admitted;
}
