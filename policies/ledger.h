/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - what a policy remembers of each region from round to round.
 *
 * Views are sorted by pid and address. So are the two books here: one written in the last round,
 * one being written in this, and walking a view is a merge of the two. No hashing, nothing to
 * evict: what is no longer in the view is forgotten.
 *
 * A region that the engine sees in 4 KiB detail is several entries of the view, and which pages are
 * in which entry changes with their heat. It has one item here. Its entries share its history in
 * proportion to the heat that they have now: see ledger_share().
 */
#ifndef POLICIES_LEDGER_H
#define POLICIES_LEDGER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "planner.h"
#include "sluice/policy.h"

struct ledger_key {
	uint64_t addr;
	int32_t pid;
	uint32_t entries; /* in the view that it was written for */
	float heat;       /* mean of all of its pages */
};

struct ledger {
	size_t item_bytes;
	uint64_t max;
	struct ledger_key *keys[2];
	char *items[2];
	uint64_t count[2], at; /* next of the old book */
	unsigned now;          /* the book being written */
	uint32_t *item_of;     /* by entry: which item of that book */

	const struct sluice_view *view;
	uint64_t next; /* entry */
};

/* One region of the view: entries [first, end). */
struct ledger_region {
	uint64_t first, end, bytes;
	double heat; /* mean of all of its pages */
	int is_new;  /* not in the last view, so the item is all 0 */
};

/* The kernel backs the books as they are touched, so a high limit costs nothing. */
static inline int
ledger_init(struct ledger *ledger, size_t item_bytes, double max, struct sluice_err *reterr)
{
	ledger->item_bytes = item_bytes;
	ledger->max = (uint64_t)max;
	ledger->item_of = malloc(ledger->max * sizeof(*ledger->item_of));
	for (int b = 0; b < 2; b++) {
		ledger->keys[b] = malloc(ledger->max * sizeof(*ledger->keys[b]));
		ledger->items[b] = malloc(ledger->max * item_bytes);
		if (!ledger->keys[b] || !ledger->items[b] || !ledger->item_of)
			return sluice_fail(reterr, -ENOMEM,
					   "no memory to remember %llu regions; lower regions_max",
					   (unsigned long long)ledger->max);
	}
	return 0;
}

static inline void
ledger_fini(struct ledger *ledger)
{
	for (int b = 0; b < 2; b++) {
		free(ledger->keys[b]);
		free(ledger->items[b]);
	}
	free(ledger->item_of);
}

/* Begin to write the next book. The view has at most `max` entries: planner_begin() checks that. */
static inline void
ledger_begin(struct ledger *ledger, const struct sluice_view *view)
{
	ledger->now ^= 1;
	ledger->count[ledger->now] = 0;
	ledger->at = 0;
	ledger->view = view;
	ledger->next = 0;
}

/* Positive when a comes after b. */
static inline int
ledger_compare(struct ledger_key a, struct ledger_key b)
{
	return a.pid != b.pid ? (a.pid > b.pid) - (a.pid < b.pid)
			      : (a.addr > b.addr) - (a.addr < b.addr);
}

/* The next region of the view and its item, to be brought up to date; NULL behind the last.
 * item_bytes: as given to ledger_init(); a constant is copied faster. */
static inline void *
ledger_next_of(struct ledger *ledger, size_t item_bytes, struct ledger_region *ret)
{
	unsigned old = ledger->now ^ 1;
	const struct sluice_region *r;
	struct ledger_key key;
	double heat = 0;
	char *item;

	if (ledger->next >= ledger->view->region_count)
		return NULL;
	r = sluice_view_region(ledger->view, ledger->next);
	key = (struct ledger_key){.addr = r->addr, .pid = r->pid};
	*ret = (struct ledger_region){.first = ledger->next};
	do {
		ledger->item_of[ledger->next] = (uint32_t)ledger->count[ledger->now];
		ret->bytes += r->bytes;
		heat += planner_heat(r) * r->bytes;
		if (++ledger->next == ledger->view->region_count)
			break;
		r = sluice_view_region(ledger->view, ledger->next);
	} while (r->addr == key.addr && r->pid == key.pid);
	ret->end = ledger->next;
	ret->heat = heat / (double)ret->bytes;
	key.entries = (uint32_t)(ret->end - ret->first);
	key.heat = (float)ret->heat;

	while (ledger->at < ledger->count[old] &&
	       ledger_compare(key, ledger->keys[old][ledger->at]) > 0)
		ledger->at++;
	ret->is_new = ledger->at == ledger->count[old] ||
		      ledger_compare(key, ledger->keys[old][ledger->at]) != 0;
	item = ledger->items[ledger->now] + ledger->count[ledger->now] * item_bytes;
	if (ret->is_new)
		memset(item, 0, item_bytes);
	else
		memcpy(item, ledger->items[old] + ledger->at * item_bytes, item_bytes);
	ledger->keys[ledger->now][ledger->count[ledger->now]++] = key;
	return item;
}

static inline void *
ledger_next(struct ledger *ledger, struct ledger_region *ret)
{
	return ledger_next_of(ledger, ledger->item_bytes, ret);
}

/* The item of the region that entry i belongs to, once the walk is over. */
static inline void *
ledger_item(const struct ledger *ledger, uint64_t i)
{
	return ledger->items[ledger->now] + ledger->item_of[i] * ledger->item_bytes;
}

/* What part of a region's history (per page) is that of entry i, relative to the mean page. */
static inline double
ledger_share(const struct ledger *ledger, uint64_t i)
{
	const struct ledger_key *key = &ledger->keys[ledger->now][ledger->item_of[i]];

	return key->entries == 1 || !(key->heat > 0)
		       ? 1
		       : planner_heat(sluice_view_region(ledger->view, i)) / (double)key->heat;
}

#endif
