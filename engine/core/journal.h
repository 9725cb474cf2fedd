/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what was lately asked for and decided, region by region, so that somebody can be told
 * why a page is where it is. A ring of bounded size; pure; the round's thread.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "plan.h"
#include "round.h"
#include "sluice/err.h"

struct journal {
	struct journal_line *lines;
	uint64_t count; /* written so far; the last JOURNAL_LINES of them are kept */
};

#define JOURNAL_LINES 65536u

int journal_init(struct journal *journal, struct sluice_err *reterr);
void journal_destroy(struct journal *journal);
/* A plan that the governor has been over. */
void journal_add(struct journal *journal, const struct sluice_plan *plan, uint64_t now_ns);
/* The last lines about memory at an address, newest first. Returns how many. */
size_t journal_find(const struct journal *journal, int32_t pid, uint64_t addr,
		    struct journal_line *lines, size_t capacity);

#endif
