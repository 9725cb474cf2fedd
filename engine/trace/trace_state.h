/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_state.h - what holds at one moment of a trace: meta data, tiers, processes, their mappings
 * and where their pages are. The writer tells only what differs from it, and all of it now and
 * then; a reader that seeks builds it up to where it goes.
 *
 * Files may say anything, so it is bounded, and each item costs no more than a little for each of
 * its bytes, whatever holds already.
 */
#ifndef TRACE_STATE_H
#define TRACE_STATE_H

#include "trace_item.h"

/* Where the pages of 16 TiB are takes three quarters of it. */
#define TRACE_STATE_BYTES_MAX ((size_t)512 << 20)

struct trace_state;

/* From where trace_state_next() goes on; begins as {0}. */
struct trace_state_place {
	uint64_t group, addr;
};

/* bytes_max: of all that holds; TRACE_STATE_BYTES_MAX but in tests. NULL: no memory. */
struct trace_state *trace_state_new(size_t bytes_max);
void trace_state_free(struct trace_state *state); /* NULL is fine */
void trace_state_clear(struct trace_state *state);

/* Takes an item in. 1: it changes something; 0: it holds already (of kinds that are no state:
 * never, and an exit forgets its process); -ENOMEM; -EFBIG: there is too much that holds. */
int trace_state_take(struct trace_state *state, const struct packed_item *item);

/* All that holds, kind by kind in an order that can be told again: the next from *place on, which
 * moves behind it. 1, or 0 at the end. ret->body is the state's until it changes. */
int trace_state_next(const struct trace_state *state, struct trace_state_place *place,
		     struct packed_item *ret);
size_t trace_state_bytes(const struct trace_state *state); /* of all bodies, roughly */

#endif
