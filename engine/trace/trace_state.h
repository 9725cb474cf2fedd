/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_state.h - what holds at one moment of a trace: meta data, tiers, processes, their mappings
 * and where their pages are. The writer tells only what differs from it, and all of it now and
 * then; a reader that seeks builds it up to where it goes.
 */
#ifndef TRACE_STATE_H
#define TRACE_STATE_H

#include "trace_item.h"

struct trace_state;

struct trace_state *trace_state_new(void);        /* NULL: no memory */
void trace_state_free(struct trace_state *state); /* NULL is fine */
void trace_state_clear(struct trace_state *state);

/* Takes an item in. 1: it changes something; 0: it holds already (of kinds that are no state:
 * never, and an exit forgets its process); -ENOMEM. */
int trace_state_take(struct trace_state *state, const struct packed_item *item);

/* All that holds, kind by kind in an order that can be told again: the next after *cursor, which
 * begins as 0. 1, or 0 at the end. ret->body is the state's until it changes. */
int trace_state_next(const struct trace_state *state, uint64_t *cursor, struct packed_item *ret);
size_t trace_state_bytes(const struct trace_state *state); /* of all bodies, roughly */

#endif
