/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.c - nodes whose memory is about to go are emptied: what targets have there is moved to the
 * other tiers, a slice a tick, within their watermarks and the rate.
 *
 * Pages go to other nodes of their own tier first, then to slower tiers, then to faster ones: the
 * policy put them there because others deserve better. What is left is the kernel's to move.
 */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "round_parts.h"

#define SLICE_NS (100 * 1000000ull)
#define PASSES_MAX 4
#define REFUSED_TICKS_MAX 20 /* in a row: some sampler does not let pages move */

int
drain_works(const struct round *round)
{
	return round->drain.told.under_way && !round->drain.told.complete;
}

void
round_drain(struct round *round, int on)
{
	round->drain = (struct drain){.told.under_way = on};
	/* What is queued may go to these nodes. */
	round->queue_done = round->queue_count;
	round->residency_urgent = heat_region_count(round->heat);
	if (on && (round->options.dry_run || !round->parts.memory_ops->leaving))
		round->drain.told.complete = 1;
}

void
drain_restart(struct round *round)
{
	struct drain *drain = &round->drain;

	drain->passed = 0;
	drain->pid = 0;
	drain->addr = 0;
	drain->pass_moved = drain->pass_left = drain->pass_no_room = 0;
	drain->pass_blind = 0;
}

void
round_get_drain(const struct round *round, struct round_drain *ret)
{
	*ret = round->drain.told;
}

static void
end(struct round *round, int knows_left)
{
	struct drain *drain = &round->drain;

	drain->told.complete = 1;
	drain->told.knows_left = knows_left;
	drain->told.left_bytes = drain->pass_left;
	drain->told.no_room_bytes = drain->pass_no_room;
	log_info("round", "moved %llu KiB off nodes that leave, %llu KiB of targets are left there",
		 (unsigned long long)drain->told.moved_bytes >> 10,
		 (unsigned long long)drain->pass_left >> 10);
}

/* The tier with room for a page, in the order that a page of `own` would prefer. */
static uint32_t
pick_tier(const uint64_t *room, size_t tiers, uint32_t own, uint64_t bytes)
{
	for (uint32_t t = own; t < tiers; t++) {
		if (room[t] >= bytes)
			return t;
	}
	for (uint32_t t = own < tiers ? own : (uint32_t)tiers; t-- > 0;) {
		if (room[t] >= bytes)
			return t;
	}
	return HEAT_TIER_ABSENT;
}

/* Free memory less the watermark, as for all other moves (safety rule 2). */
static int
read_room(struct round *round, uint64_t *room, size_t *ret_tiers)
{
	struct sluice_tier tiers[ROUND_TIERS_MAX];
	size_t count = 0;
	int r = round_read_tiers(round, round->options.watermark_percent, tiers, &count);

	if (r < 0)
		return r;
	for (size_t t = 0; t < count; t++)
		room[t] = tiers[t].room_bytes;
	*ret_tiers = count;
	return 0;
}

static void
account(struct round *round, int32_t pid, const uint64_t *addrs, size_t count, uint64_t unit,
	const uint8_t *outcomes, const uint32_t *bytes, const uint8_t *landed, uint64_t now_ns)
{
	struct drain *drain = &round->drain;

	round_read_samplers(round, now_ns);
	for (size_t i = 0; i < count; i++) {
		round->stats.outcome_pages[outcomes[i]] += bytes[i] / HEAT_PAGE_BYTES;
		if (outcomes[i] == MOVE_MOVED || outcomes[i] == MOVE_ELSEWHERE) {
			drain->told.moved_bytes += bytes[i];
			drain->pass_moved += bytes[i];
			round->allowance_bytes -= bytes[i];
			/* Pages of a node that leaves count as nowhere. */
			heat_page_moved(round->heat, pid, addrs[i], HEAT_TIER_ABSENT, landed[i],
					now_ns);
		} else if (outcomes[i] != MOVE_GONE && outcomes[i] != MOVE_ALREADY) {
			drain->pass_left += unit;
			if (outcomes[i] == MOVE_NOMEM)
				drain->pass_no_room += unit;
		}
	}
}

/* Pages of one region that are on nodes that leave go to one tier each, in one call for each tier.
 */
static int
drain_region(struct round *round, uint64_t addr, uint32_t len_bytes, uint64_t *room, size_t tiers,
	     uint64_t now_ns)
{
	uint8_t own[HEAT_REGION_PAGES], goes[HEAT_REGION_PAGES], outcomes[ROUND_BATCH];
	uint8_t landed[ROUND_BATCH];
	uint64_t addrs[ROUND_BATCH], began;
	uint32_t bytes[ROUND_BATCH];
	struct drain *drain = &round->drain;
	size_t pages = len_bytes / HEAT_PAGE_BYTES;
	uint64_t unit = HEAT_PAGE_BYTES;
	struct sluice_err err;
	int huge = 0;
	int r = round->parts.memory_ops->leaving(round->parts.memory, drain->pid, addr, len_bytes,
						 own, &huge, &err);

	if (r < 0)
		return r;
	if (huge) {
		pages = 1;
		unit = HEAT_REGION_BYTES;
	}
	for (size_t i = 0; i < pages; i++) {
		goes[i] = HEAT_TIER_ABSENT;
		if (own[i] == HEAT_TIER_ABSENT)
			continue;
		goes[i] = (uint8_t)pick_tier(room, tiers, own[i], unit);
		if (goes[i] == HEAT_TIER_ABSENT) {
			drain->pass_left += unit;
			drain->pass_no_room += unit;
		} else {
			room[goes[i]] -= unit;
		}
	}
	for (uint32_t t = 0; t < tiers; t++) {
		size_t count = 0;

		for (size_t i = 0; i < pages; i++) {
			if (goes[i] == t)
				addrs[count++] = addr + i * HEAT_PAGE_BYTES;
		}
		if (!count)
			continue;
		began = round_clock_ns(round);
		r = round->parts.mover_ops->move(round->parts.mover, drain->pid, addrs, count, t,
						 outcomes, bytes, landed, &err);
		round->stats.move_calls++;
		round->stats.move_ns += round_clock_ns(round) - began;
		account(round, drain->pid, addrs, count, unit, outcomes, bytes, landed, now_ns);
		if (r == -ESRCH)
			return r;
		if (r < 0)
			log_debug("round", "%s", err.msg);
	}
	return 0;
}

/* The target is done, or has ended. */
static void
next_target(struct round *round)
{
	round->drain.passed++;
	round->drain.pid = 0;
	round->drain.addr = 0;
}

/* 1 when the slice is used up, 0 when the target is done. */
static int
drain_target(struct round *round, uint64_t began_ns, uint64_t *room, size_t tiers, uint64_t now_ns)
{
	struct drain *drain = &round->drain;
	uint64_t pinned;
	size_t count = 0;
	int r = round->parts.memory_ops->spans(round->parts.memory, drain->pid, round->spans,
					       ROUND_SPANS_MAX, &count, &pinned, NULL);

	if (r < 0) {
		drain->pass_blind |= r != -ESRCH;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t addr =
			round->spans[i].start > drain->addr ? round->spans[i].start : drain->addr;

		while (addr < round->spans[i].end) {
			uint64_t next = (addr / HEAT_REGION_BYTES + 1) * HEAT_REGION_BYTES;

			if (round_clock_ns(round) - began_ns >= SLICE_NS ||
			    round->allowance_bytes < HEAT_PAGE_BYTES)
				return 1;
			if (next > round->spans[i].end)
				next = round->spans[i].end;
			r = drain_region(round, addr, (uint32_t)(next - addr), room, tiers, now_ns);
			if (r == -ESRCH)
				return 0;
			drain->pass_blind |= r < 0;
			drain->addr = addr = next;
		}
	}
	return 0;
}

void
drain_slice(struct round *round, uint64_t now_ns)
{
	struct drain *drain = &round->drain;
	uint64_t room[ROUND_TIERS_MAX] = {0}, began_ns = round_clock_ns(round);
	size_t tiers = 0;

	if (!drain_works(round))
		return;
	if (!round->announced || read_room(round, room, &tiers) < 0) {
		if (++drain->refused_ticks >= REFUSED_TICKS_MAX) {
			drain->told.refused = !round->announced;
			end(round, 0);
		}
		return;
	}
	drain->refused_ticks = 0;
	while (drain->passed < round->target_count) {
		if (!drain->pid)
			drain->pid = round->targets[drain->passed].pid;
		if (drain_target(round, began_ns, room, tiers, now_ns))
			return;
		next_target(round);
	}
	/* One pass more after each that moved something: programs go on touching new memory. */
	if (drain->pass_moved == 0 || ++drain->passes == PASSES_MAX) {
		end(round, !drain->pass_blind);
		return;
	}
	drain_restart(round);
}
