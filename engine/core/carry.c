/* SPDX-License-Identifier: Apache-2.0 */
/* carry.c - carrying out an admitted plan: nearly in order, in batches, within the rate, and
 * accounted. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "round_parts.h"

#define NS_PER_S 1000000000ull
#define YOUNG_MS 30000u
/* One slice of moving may hold up sampling by about this much. */
#define SLICE_NS (100 * 1000000ull)
/* Moves of a plan within which those of one process are put together. */
#define RUN_MOVES 4096u

/* Addresses of the pages of an entry. Of a region without detail heat knows how many pages are in
 * the tier, not which: then the kernel is asked, or pages of a third tier would be moved too. */
static size_t
entry_pages(struct round *round, const struct plan_move *move, uint64_t addrs[ROUND_BATCH])
{
	const struct sluice_region *entry = &round->entries[move->region];
	size_t count = heat_entry_pages(round->heat, move->region, addrs, ROUND_BATCH), kept = 0;
	uint8_t tiers[HEAT_REGION_PAGES];
	int huge = 0;

	if (count * move->unit_bytes <= entry->bytes)
		return count;
	/* One that has become huge meanwhile is seen as such by the next plan. */
	if (round->parts.memory_ops->residency(round->parts.memory, entry->pid, entry->addr,
					       entry->span_bytes, tiers, &huge, NULL) < 0 ||
	    huge)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (tiers[(addrs[i] - entry->addr) / HEAT_PAGE_BYTES] == entry->tier)
			addrs[kept++] = addrs[i];
	}
	return kept;
}

static void
enqueue_move(struct round *round, const struct plan_move *move)
{
	const struct sluice_region *entry = &round->entries[move->region];
	uint64_t addrs[ROUND_BATCH];
	size_t pages = entry_pages(round, move, addrs);

	/* Only to the lowest tier all goes down, wherever it is by now. */
	round->queue_promotes |= move->tier + 1u < round->tier_count;
	for (size_t p = 0; p < pages && (p + 1) * move->unit_bytes <= move->bytes; p++) {
		if (round->queue_count == round->queue_max)
			return;
		round->queue[round->queue_count++] = (struct queued_page){
			.addr = addrs[p],
			.pid = entry->pid,
			.tier = (uint8_t)move->tier,
			.from = (uint8_t)entry->tier,
			.bytes = move->unit_bytes,
			.moved_before = entry->age_ms < HEAT_NEVER_MOVED_MS,
			.moved_lately = entry->age_ms <= YOUNG_MS,
		};
	}
}

static int32_t
pid_of(const struct round *round, size_t move)
{
	return round->entries[round->plan.moves[move].region].pid;
}

/* The end of the run of moves between the same two tiers that begins there. */
static size_t
run_end(const struct round *round, size_t first)
{
	const struct plan_move *moves = round->plan.moves;
	size_t end = first + 1;

	while (end < round->plan.count && end - first < RUN_MOVES &&
	       moves[end].tier == moves[first].tier &&
	       round->entries[moves[end].region].tier == round->entries[moves[first].region].tier)
		end++;
	return end;
}

/* One process after another: a call moves pages of one. */
static void
enqueue_run(struct round *round, size_t first, size_t end)
{
	int32_t done = 0, pid;

	for (;;) {
		pid = INT32_MAX;
		for (size_t i = first; i < end; i++) {
			if (pid_of(round, i) > done && pid_of(round, i) < pid)
				pid = pid_of(round, i);
		}
		if (pid == INT32_MAX)
			return;
		for (size_t i = first; i < end; i++) {
			if (pid_of(round, i) == pid && round->plan.moves[i].bytes)
				enqueue_move(round, &round->plan.moves[i]);
		}
		done = pid;
	}
}

void
carry_enqueue(struct round *round)
{
	round->queue_count = 0;
	round->queue_done = 0;
	round->queue_promotes = 0;
	for (size_t t = 0; t < round->tier_count; t++) {
		round->shortage_bytes[t] = round->tiers[t].shortage_bytes;
		round->room_bytes[t] = round->tiers[t].room_bytes;
	}
	for (size_t first = 0, end; first < round->plan.count; first = end) {
		end = run_end(round, first);
		enqueue_run(round, first, end);
	}
}

static void
account_page(struct round *round, const struct queued_page *page, uint8_t outcome, uint32_t bytes,
	     uint8_t landed, uint64_t now_ns)
{
	struct round_stats *stats = &round->stats;
	uint64_t cured;

	stats->outcome_pages[outcome] += bytes / HEAT_PAGE_BYTES;
	if (outcome == MOVE_BUSY || outcome == MOVE_NOMEM || outcome == MOVE_FAILED)
		return;
	heat_page_moved(round->heat, page->pid, page->addr, page->from, landed, now_ns);
	if (outcome != MOVE_MOVED)
		return;
	if (page->tier < page->from) {
		stats->promoted_bytes += bytes;
	} else {
		stats->demoted_bytes += bytes;
		/* Of fast memory, as what stays is counted there only. */
		if (page->moved_before && page->from == 0)
			horizon_left(&round->horizon, bytes);
		if (page->moved_lately)
			stats->pingpong_bytes += bytes;
	}
	round->room_bytes[page->tier] -=
		bytes < round->room_bytes[page->tier] ? bytes : round->room_bytes[page->tier];
	/* What leaves a tier cures its shortage first, and only then makes room. */
	cured = bytes < round->shortage_bytes[page->from] ? bytes
							  : round->shortage_bytes[page->from];
	round->shortage_bytes[page->from] -= cured;
	round->room_bytes[page->from] += bytes - cured;
}

static int
is_alike(const struct queued_page *a, const struct queued_page *b)
{
	return a->pid == b->pid && a->tier == b->tier && a->from == b->from;
}

/* Pages at the head of the queue that go in one call: same process, same destination, and together
 * no more than there is room for (safety rule 2). The last may be larger than what the rate leaves,
 * which goes into debt, or huge pages would never move at a low rate. */
static size_t
next_batch(const struct round *round)
{
	const struct queued_page *first = &round->queue[round->queue_done];
	uint64_t bytes = 0;
	size_t count = 0;

	while (count < ROUND_BATCH && round->queue_done + count < round->queue_count &&
	       is_alike(&first[count], first) &&
	       (double)bytes + HEAT_PAGE_BYTES <= round->allowance_bytes &&
	       bytes + first[count].bytes <= round->room_bytes[first->tier])
		bytes += first[count++].bytes;
	return count;
}

/* There is no room for the next page: pages that leave its tier later in the plan go before it, as
 * what left before is not all free yet. Returns whether there are any. */
static int
make_room(struct round *round)
{
	struct queued_page *queue = round->queue, batch[ROUND_BATCH];
	size_t head = round->queue_done, first = head, count = 0;

	while (first < round->queue_count &&
	       (queue[first].from != queue[head].tier ||
		queue[first].bytes > round->room_bytes[queue[first].tier]))
		first++;
	while (count < ROUND_BATCH && first + count < round->queue_count &&
	       is_alike(&queue[first], &queue[first + count])) {
		batch[count] = queue[first + count];
		count++;
	}
	memmove(&queue[head + count], &queue[head], (first - head) * sizeof(*queue));
	memcpy(&queue[head], batch, count * sizeof(*queue));
	return count > 0;
}

static uint64_t
queued_bytes(const struct round *round)
{
	uint64_t bytes = 0;

	for (size_t i = round->queue_done; i < round->queue_count; i++)
		bytes += round->queue[i].bytes;
	return bytes;
}

/* What a move costs is CPU time: on a busy machine most of what a call takes is waiting for a CPU.
 * Where the world is a model, so is its clock. */
static uint64_t
cost_clock_ns(const struct round *round)
{
	return round->parts.clock_ns ? round_clock_ns(round) : round_cpu_ns(round);
}

static uint64_t
move_batch(struct round *round, size_t count, uint64_t now_ns)
{
	const struct queued_page *pages = &round->queue[round->queue_done];
	uint64_t addrs[ROUND_BATCH], moved_bytes = 0, began, took, cost;
	uint8_t outcomes[ROUND_BATCH], landed[ROUND_BATCH];
	uint32_t bytes[ROUND_BATCH];
	struct sluice_err err;
	int r;

	for (size_t i = 0; i < count; i++)
		addrs[i] = pages[i].addr;
	began = round_clock_ns(round);
	cost = cost_clock_ns(round);
	r = round->parts.mover_ops->move(round->parts.mover, pages->pid, addrs, count, pages->tier,
					 outcomes, bytes, landed, &err);
	cost = cost_clock_ns(round) - cost;
	took = round_clock_ns(round) - began;
	if (r == -ESRCH)
		target_mark_ended(round, pages->pid);
	else if (r < 0)
		log_debug("round", "%s", err.msg);
	round_read_samplers(round, now_ns);
	for (size_t i = 0; i < count; i++) {
		account_page(round, &pages[i], outcomes[i], bytes[i], landed[i], now_ns);
		if (outcomes[i] == MOVE_MOVED)
			moved_bytes += bytes[i];
	}
	round->stats.move_calls++;
	round->stats.move_ns += took;
	/* Huge pages are cheaper by the byte: they must not price small ones. */
	if (moved_bytes <= count * HEAT_PAGE_BYTES)
		move_price_add(&round->move_price, moved_bytes / HEAT_PAGE_BYTES, cost, now_ns);
	if (moved_bytes >= MOVE_PRICE_PAGES * HEAT_PAGE_BYTES)
		round->page_pace_ns =
			(round->page_pace_ns * 7 + took / (moved_bytes / HEAT_PAGE_BYTES)) / 8;
	return moved_bytes;
}

/* Samplers may have to prepare for moves; when one cannot, nothing is moved. They are asked again
 * before each slice, since others may change the kernel's settings meanwhile (invariant 19). */
static int
announce(struct round *round, int on, struct sluice_err *reterr)
{
	struct sluice_err err;

	if (!on && !round->announced)
		return 0;
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		const struct sampler_ops *ops = round->parts.sampler_ops[s];

		err.msg[0] = '\0';
		if (!ops->moving || ops->moving(round->parts.samplers[s], on, &err) == 0)
			continue;
		log_warn("round", "%s: %s; nothing is moved", ops->name, err.msg);
		sluice_fail(reterr, -EBUSY, "nothing is moved: %s: %s", ops->name, err.msg);
		/* Those that are prepared by now wait for nothing. */
		for (size_t k = 0; on && k < round->parts.sampler_count; k++) {
			ops = round->parts.sampler_ops[k];
			if (ops->moving && (k < s || round->announced))
				(void)ops->moving(round->parts.samplers[k], 0, NULL);
		}
		if (on)
			round->announced = 0;
		round->queue_done = round->queue_count;
		return -1;
	}
	round->announced = on;
	return 0;
}

/* Others allocate meanwhile, and their memory is not to be taken (safety rule 2): room is never
 * more than what leaves so much of the watermark free. Before a slice three quarters: of a small
 * node's half the kernel may give nothing, and complains in its log. What leaves makes room, so
 * between calls it is looked at again, and less is asked: it waits in a list of its CPU's for some
 * time, is not free, and comes back. */
#define KEPT_FIRST 0.75
#define KEPT_BETWEEN 0.5

static void
cut_room(struct round *round, double kept)
{
	struct sluice_tier tiers[ROUND_TIERS_MAX];
	size_t count = 0;

	if (round_read_tiers(round, round->options.watermark_percent * kept, tiers, &count) < 0)
		return;
	for (size_t t = 0; t < count; t++) {
		if (round->room_bytes[t] > tiers[t].room_bytes)
			round->room_bytes[t] = tiers[t].room_bytes;
	}
}

void
carry_slice(struct round *round, uint64_t now_ns, struct sluice_err *reterr)
{
	double bytes_per_ns = (double)round->options.rate_bps / (double)NS_PER_S;
	double most = (double)round->options.rate_bps / 4; /* a quarter second may be saved up */
	uint64_t spent_ns = 0;

	round->slice_is_used = 0;
	round->allowance_bytes += (double)(now_ns - round->allowance_ns) * bytes_per_ns;
	round->allowance_ns = now_ns;
	if (most < HEAT_PAGE_BYTES)
		most = HEAT_PAGE_BYTES; /* or the first page would be waited for in vain */
	if (round->allowance_bytes > most)
		round->allowance_bytes = most;

	/* Pages that only go down need no preparing. While a node leaves the kernel moves pages off
	 * it too, also after we are done. */
	if (announce(round,
		     (round->queue_promotes && round->queue_done < round->queue_count) ||
			     round->drain.told.under_way,
		     reterr) < 0)
		return;
	if (round->queue_done == round->queue_count)
		return;
	cut_room(round, KEPT_FIRST);
	while (round->queue_done < round->queue_count && spent_ns < SLICE_NS) {
		size_t count;
		uint64_t before_ns = round->stats.move_ns;

		if (round->allowance_bytes < HEAT_PAGE_BYTES)
			break;
		count = next_batch(round);
		if (!count && make_room(round))
			continue;
		if (!count) {
			/* Demotions fell short: the plan is stale, the next is near. */
			round->stats.refused_bytes[REFUSED_ROOM] += queued_bytes(round);
			round->queue_done = round->queue_count;
			break;
		}
		round->allowance_bytes -= (double)move_batch(round, count, now_ns);
		round->queue_done += count;
		spent_ns += round->stats.move_ns - before_ns;
		if (round->queue_done < round->queue_count)
			cut_room(round, KEPT_BETWEEN);
	}
	round->slice_is_used = round->queue_done < round->queue_count && spent_ns >= SLICE_NS;
	if (round->queue_done < round->queue_count)
		return;
	if (round_moved_bytes(round) >= round->hurry_bytes) {
		round->hurry_bytes = UINT64_MAX;
		round->next_decision_ns = now_ns;
	} else if (!round->drain.told.under_way) {
		/* At once: until then the kernel marks pages, whose faults cost more than a small
		 * move wins. */
		(void)announce(round, 0, reterr);
	}
}
