/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortlist.h - the first of very many entries in the order of a number, as many as some bytes are.
 *
 * A round moves a few hundred MiB of what may be tebibytes, so most of what could move need not be
 * sorted. Candidates are told twice, in the order of the view: first each is counted, at the level
 * of its number; then it is known at which level there are enough of them, and only what is before
 * that is kept, and sorted. Levels are those of order.h, so that the first are the same as if all
 * had been sorted.
 *
 *     shortlist_begin(&list);
 *     for all: shortlist_count(&list, key, bytes);
 *     shortlist_cut(&list, enough_bytes);
 *     for all: if (shortlist_reaches(&list, key)) shortlist_offer(&list, key, bytes, entry);
 *     order_sort(&list.order);
 */
#ifndef POLICIES_SHORTLIST_H
#define POLICIES_SHORTLIST_H

#include "order.h"

struct shortlist {
	struct order order;
	uint64_t *level_bytes;
	int from_highest;      /* the first are those with the highest numbers, not the lowest */
	uint32_t cut;          /* the last level that is of use, ... */
	uint64_t at_cut_bytes; /* ... and how much of it still is */
};

static inline int
shortlist_init(struct shortlist *list, int from_highest, double max, struct sluice_err *reterr)
{
	list->from_highest = from_highest;
	list->level_bytes = malloc(ORDER_BUCKETS * sizeof(*list->level_bytes));
	if (!list->level_bytes)
		return sluice_fail(reterr, -ENOMEM, "no memory to choose entries");
	return order_init(&list->order, max, reterr);
}

static inline void
shortlist_fini(struct shortlist *list)
{
	free(list->level_bytes);
	order_fini(&list->order);
}

static inline void
shortlist_begin(struct shortlist *list)
{
	memset(list->level_bytes, 0, ORDER_BUCKETS * sizeof(*list->level_bytes));
	list->order.count = 0;
}

/* key: not negative. */
static inline void
shortlist_count(struct shortlist *list, float key, uint32_t bytes)
{
	list->level_bytes[order_bucket(key)] += bytes;
}

static inline void
shortlist_cut(struct shortlist *list, uint64_t enough_bytes)
{
	uint32_t last = list->from_highest ? 0 : ORDER_BUCKETS - 1;

	list->at_cut_bytes = enough_bytes;
	list->cut = list->from_highest ? ORDER_BUCKETS - 1 : 0;
	while (list->cut != last && list->level_bytes[list->cut] < list->at_cut_bytes) {
		list->at_cut_bytes -= list->level_bytes[list->cut];
		list->cut += list->from_highest ? UINT32_MAX : 1;
	}
}

/* Whether an entry with this number may be one of the first. Negative ones never are. */
static inline int
shortlist_reaches(const struct shortlist *list, float key)
{
	uint32_t level = order_bucket(key);

	return list->from_highest ? level >= list->cut && level < ORDER_BUCKETS
				  : level <= list->cut;
}

/* bytes: as counted; 0 for what was not counted. */
static inline void
shortlist_offer(struct shortlist *list, float key, uint32_t bytes, uint64_t entry)
{
	if (order_bucket(key) == list->cut) {
		if (!list->at_cut_bytes)
			return;
		list->at_cut_bytes -= bytes < list->at_cut_bytes ? bytes : list->at_cut_bytes;
	}
	order_add(&list->order, (double)key, entry);
}

/* The entry of that rank, 0 for the first, below list->order.count. */
static inline uint64_t
shortlist_at(const struct shortlist *list, uint64_t rank)
{
	return list->order.sorted[list->from_highest ? list->order.count - 1 - rank : rank].entry;
}

#endif
