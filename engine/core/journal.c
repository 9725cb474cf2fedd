/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - see journal.h. */
#include "journal.h"

#include <errno.h>

#include "reserve.h"

int
journal_init(struct journal *journal, struct sluice_err *reterr)
{
	journal->count = 0;
	journal->lines = reserve(JOURNAL_LINES * sizeof(*journal->lines));
	return journal->lines ? 0 : sluice_fail(reterr, -ENOMEM, "no memory for the journal");
}

void
journal_destroy(struct journal *journal)
{
	release(journal->lines, JOURNAL_LINES * sizeof(*journal->lines));
	journal->lines = NULL;
}

void
journal_add(struct journal *journal, const struct sluice_plan *plan, uint64_t now_ns)
{
	/* Of a longer plan its beginning, which is what is carried out first. */
	size_t count = plan->count < JOURNAL_LINES / 4 ? plan->count : JOURNAL_LINES / 4;

	for (size_t i = 0; i < count; i++) {
		const struct plan_move *move = &plan->moves[i];
		const struct sluice_region *entry = sluice_view_region(plan->view, move->region);

		journal->lines[journal->count++ % JOURNAL_LINES] = (struct journal_line){
			.time_ns = now_ns,
			.addr = entry->addr,
			.span_bytes = entry->span_bytes,
			.pid = entry->pid,
			.from = (uint8_t)entry->tier,
			.to = (uint8_t)move->tier,
			.refused = move->refused,
			.heat = entry->heat,
			.gain = move->gain,
			.asked_bytes = entry->bytes,
			.admitted_bytes = move->bytes,
		};
	}
}

size_t
journal_find(const struct journal *journal, int32_t pid, uint64_t addr, struct journal_line *lines,
	     size_t capacity)
{
	uint64_t kept = journal->count < JOURNAL_LINES ? journal->count : JOURNAL_LINES;
	size_t found = 0;

	for (uint64_t back = 1; back <= kept && found < capacity; back++) {
		const struct journal_line *line =
			&journal->lines[(journal->count - back) % JOURNAL_LINES];

		if (line->pid == pid && addr >= line->addr && addr - line->addr < line->span_bytes)
			lines[found++] = *line;
	}
	return found;
}
