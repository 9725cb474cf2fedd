/* SPDX-License-Identifier: Apache-2.0 */
/* targets.c - keeping the region table in step with the targets' mappings and with where pages are.
 */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "round_parts.h"

#define NS_PER_MS 1000000ull
#define YOUNG_NS (5000 * NS_PER_MS)
#define SPANS_EVERY_YOUNG_NS (250 * NS_PER_MS)
#define SPANS_EVERY_NS (2000 * NS_PER_MS)
/* Residency is re-read all the time, since others move pages too: a slice of the regions each tick,
 * 50 ticks for a pass over a small table, twice as many while there is little to learn, and up to
 * four times those where pass after pass finds nothing new; and more for a large one so that a tick
 * stays short. */
#define RESIDENCY_PASS_TICKS 50
#define RESIDENCY_STILL_MOST 3
#define RESIDENCY_SLICE_MAX 512
#define RESIDENCY_URGENT_MAX 8192
#define GROWTH_EVERY_NS (250 * NS_PER_MS)
#define GROWTH 1.01       /* by so much beyond what it had before, from look to look */
#define STILL_LOOKS 2     /* without growth, and it has ended */
#define LARGER 1.25       /* than when it was learned */
#define WORTH_WAKING 0.05 /* of all targets' memory */
#define FIRST_LOOK 0.5    /* interval: at the full pace what stands out is seen by then */

void
target_mark_ended(struct round *round, int32_t pid)
{
	for (size_t i = 0; i < round->target_count; i++) {
		if (round->targets[i].pid == pid)
			round->targets[i].ended = 1;
	}
}

static uint64_t
hash_spans(const struct heat_span *spans, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325u + count;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ spans[i].start) * 0x100000001b3u;
		hash = (hash ^ spans[i].end) * 0x100000001b3u;
	}
	return hash;
}

static void
target_sync_spans(struct round *round, struct target *target, uint64_t now_ns)
{
	struct sluice_err err;
	size_t count = 0;
	uint64_t hash;
	int r = round->parts.memory_ops->spans(round->parts.memory, target->pid, round->spans,
					       ROUND_SPANS_MAX, &count, &target->pinned_bytes,
					       &err);

	target->spans_due_ns = now_ns + (now_ns - target->added_ns < YOUNG_NS ? SPANS_EVERY_YOUNG_NS
									      : SPANS_EVERY_NS);
	if (r == -ESRCH) {
		target->ended = 1;
		return;
	}
	if (r < 0) {
		log_debug("round", "process %d: %s", target->pid, err.msg);
		return;
	}
	hash = hash_spans(round->spans, count);
	if (hash == target->spans_hash)
		return;
	target->spans_hash = hash;
	if (heat_set_spans(round->heat, target->pid, round->spans, count, now_ns, &err) < 0)
		log_debug("round", "%s", err.msg);
	round->residency_next = 0;
	round->residency_urgent = heat_region_count(round->heat);
}

static size_t
pass_ticks(const struct round *round)
{
	if (!round_is_quiet(round))
		return RESIDENCY_PASS_TICKS;
	return RESIDENCY_PASS_TICKS * 2u * (1 + round->residency_still);
}

static void
sync_residency(struct round *round, uint64_t now_ns)
{
	size_t regions = heat_region_count(round->heat);
	size_t slice = regions / pass_ticks(round) + 1;
	uint8_t tiers[HEAT_REGION_PAGES];

	if (slice > RESIDENCY_SLICE_MAX)
		slice = RESIDENCY_SLICE_MAX;
	if (round->residency_urgent) {
		slice = round->residency_urgent < RESIDENCY_URGENT_MAX ? round->residency_urgent
								       : RESIDENCY_URGENT_MAX;
		round->residency_urgent -= slice;
	}
	for (size_t i = 0; i < slice && regions; i++) {
		int32_t pid;
		uint64_t addr;
		uint32_t len_bytes;
		int huge = 0, r;
		struct sluice_err err;

		if (round->residency_next >= regions) {
			round->residency_next = 0;
			if (!round->residency_changed &&
			    round->residency_still < RESIDENCY_STILL_MOST)
				round->residency_still++;
			round->residency_changed = 0;
		}
		heat_region_at(round->heat, round->residency_next, &pid, &addr, &len_bytes);
		r = round->parts.memory_ops->residency(round->parts.memory, pid, addr, len_bytes,
						       tiers, &huge, &err);
		if (r == -ESRCH) {
			target_mark_ended(round, pid);
			return;
		}
		if (r == 0 &&
		    heat_set_residency(round->heat, round->residency_next, tiers, huge, now_ns)) {
			round->residency_changed = 1;
			round->residency_still = 0;
		}
		round->residency_next++;
	}
}

/* What is much larger than when it was last learned is learned anew; of a program that filled its
 * memory meanwhile, what was seen before is forgotten. */
static void
learn_anew(struct round *round, uint64_t now_ns)
{
	uint64_t all = 0, fresh = 0;

	for (size_t i = 0; i < round->target_count; i++) {
		struct target *target = &round->targets[i];

		all += target->resident_now;
		if (target->resident_now &&
		    (double)target->resident_now > LARGER * (double)target->learned_bytes) {
			if (target->grew)
				heat_restart(round->heat, target->pid, now_ns);
			fresh += target->resident_now;
			target->learned_bytes = target->resident_now;
		}
		target->grew = 0;
	}
	if ((double)fresh <= WORTH_WAKING * (double)all)
		return;
	effort_wake(&round->effort, now_ns);
	round_set_effort(round);
	round_decide_soon(round, now_ns, FIRST_LOOK);
	round->calm = 0;
	round->residency_urgent = heat_region_count(round->heat);
}

/* While programs fill their memory nothing can be learned from it: marked pages are not touched,
 * and look cold. */
static void
watch_growth(struct round *round, uint64_t now_ns)
{
	uint64_t before = 0, more = 0;
	int grows;

	if (now_ns < round->growth_due_ns)
		return;
	round->growth_due_ns = now_ns + GROWTH_EVERY_NS;
	for (size_t i = 0; i < round->target_count; i++) {
		struct target *target = &round->targets[i];
		uint64_t bytes;

		if (target->ended || round->parts.memory_ops->resident(
					     round->parts.memory, target->pid, &bytes, NULL) < 0)
			continue;
		/* Of one that was just attached it is not known whether it grows. */
		if (target->resident_now) {
			before += target->peak_bytes;
			more += bytes > target->peak_bytes ? bytes - target->peak_bytes : 0;
			target->grew |= (double)bytes > GROWTH * (double)target->peak_bytes;
		}
		target->resident_now = bytes;
		/* What goes up and down all the time is no growth, or nothing would ever be learned
		 * of it: the peak stays, until much less is there while nothing grows. */
		if (bytes > target->peak_bytes ||
		    (!round->effort.paused && (double)target->peak_bytes > LARGER * (double)bytes))
			target->peak_bytes = bytes;
	}
	grows = (double)more > (GROWTH - 1) * (double)before;
	round->still_looks = grows ? 0 : round->still_looks + 1;
	if (!grows && round->still_looks < STILL_LOOKS)
		return;
	if (grows != round->effort.paused) {
		effort_pause(&round->effort, grows);
		round_set_effort(round);
	}
	if (!grows)
		learn_anew(round, now_ns);
}

void
targets_sync(struct round *round, uint64_t now_ns)
{
	for (size_t i = 0; i < round->target_count; i++) {
		struct target *target = &round->targets[i];

		if (!target->ended && now_ns >= target->spans_due_ns)
			target_sync_spans(round, target, now_ns);
	}
	watch_growth(round, now_ns);
	sync_residency(round, now_ns);
}

void
targets_account(struct round *round, const struct sluice_region *entries, size_t count)
{
	struct target *target = NULL;

	round->promoted_standing = 0;
	for (size_t i = 0; i < round->target_count; i++) {
		memset(round->targets[i].resident_bytes, 0,
		       sizeof(round->targets[i].resident_bytes));
		memset(round->targets[i].access_rate, 0, sizeof(round->targets[i].access_rate));
	}
	for (size_t i = 0; i < count; i++) {
		if (entries[i].tier == 0 && entries[i].age_ms < HEAT_NEVER_MOVED_MS)
			round->promoted_standing += entries[i].bytes;
		if (!target || target->pid != entries[i].pid) {
			target = NULL;
			for (size_t t = 0; t < round->target_count; t++) {
				if (round->targets[t].pid == entries[i].pid)
					target = &round->targets[t];
			}
		}
		if (!target || entries[i].tier >= ROUND_TIERS_MAX)
			continue;
		target->resident_bytes[entries[i].tier] += entries[i].bytes;
		target->access_rate[entries[i].tier] +=
			(double)entries[i].heat * entries[i].bytes / HEAT_PAGE_BYTES;
	}
}
