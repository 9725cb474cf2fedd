/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_item.h - items but for samples: what each has as its body, to bytes and back.
 *
 * A body stands for itself, whatever came before it, so that the writer can compare it with what
 * was told last, and whoever begins in the middle can be told again.
 */
#ifndef TRACE_ITEM_H
#define TRACE_ITEM_H

#include "sluice/trace.h"
#include "trace_bytes.h"

/* An item whose body is still, or again, in bytes. */
struct packed_item {
	uint32_t kind;
	int32_t pid;
	uint64_t time_ns;
	uint64_t addr; /* RESIDENCY */
	int repeated;
	const uint8_t *body;
	size_t body_bytes;
};

/* Each: 0, or -EINVAL when it is out of the bounds of trace.h. A bytes that failed is the caller's
 * to see. */
int item_put_meta(struct bytes *body, const char *key, const char *text);
int item_put_tiers(struct bytes *body, const struct sluice_trace_tier *tiers, size_t count);
int item_put_process(struct bytes *body, const char *name);
int item_put_spans(struct bytes *body, const struct sluice_trace_span *spans, size_t count);
int item_put_residency(struct bytes *body, uint64_t addr, uint32_t len_bytes, const uint8_t *tiers,
		       int is_huge);
int item_put_moves(struct bytes *body, uint32_t tier, uint64_t took_ns,
		   const struct sluice_trace_move *moves, size_t count);

/* What decoded items point at. */
struct item_room {
	struct sluice_trace_span *spans;
	size_t span_capacity;
	struct sluice_trace_move moves[SLUICE_TRACE_MOVES_MAX];
	struct sluice_trace_tier tiers[SLUICE_TRACE_TIERS_MAX];
	uint8_t pages[SLUICE_TRACE_REGION_PAGES];
	char key[SLUICE_TRACE_KEY_MAX + 1];
	char text[SLUICE_TRACE_TEXT_MAX + 1];
};

void item_room_free(struct item_room *room);

/* 0; -EBADMSG: the body is not what its kind has, *ret is undefined; -ENOMEM; -ENOENT: a kind that
 * is not known. */
int item_get(const struct packed_item *packed, struct item_room *room,
	     struct sluice_trace_item *ret);

/* Kinds of which the last is true until the next is told. */
static inline int
item_is_state(uint32_t kind)
{
	return kind == SLUICE_TRACE_META || kind == SLUICE_TRACE_TIERS ||
	       kind == SLUICE_TRACE_PROCESS || kind == SLUICE_TRACE_SPANS ||
	       kind == SLUICE_TRACE_RESIDENCY;
}

#endif
