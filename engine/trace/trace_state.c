/* SPDX-License-Identifier: Apache-2.0 */
/* trace_state.c - a hash table of what was told last. See trace_state.h. */
#include "trace_state.h"

#include <errno.h>

#include "trace_format.h"

#define SLOTS_FIRST 256u

struct entry {
	uint8_t *body; /* NULL: the slot is free */
	uint32_t bytes;
	uint32_t kind;
	int32_t pid;
	uint64_t addr;
};

struct trace_state {
	struct entry *entries;
	size_t slots, used; /* slots: a power of two */
	size_t body_bytes;
	struct item_room room;
};

/* In this order they are told again: a process before its mappings, those before their pages. */
static const uint32_t order[] = {SLUICE_TRACE_META, SLUICE_TRACE_TIERS, SLUICE_TRACE_PROCESS,
				 SLUICE_TRACE_SPANS, SLUICE_TRACE_RESIDENCY};
#define ORDERS (sizeof(order) / sizeof(order[0]))

struct trace_state *
trace_state_new(void)
{
	struct trace_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->slots = SLOTS_FIRST;
	state->entries = calloc(state->slots, sizeof(*state->entries));
	if (state->entries)
		return state;
	free(state);
	return NULL;
}

void
trace_state_clear(struct trace_state *state)
{
	for (size_t i = 0; i < state->slots; i++)
		free(state->entries[i].body);
	memset(state->entries, 0, state->slots * sizeof(*state->entries));
	state->used = state->body_bytes = 0;
}

void
trace_state_free(struct trace_state *state)
{
	if (!state)
		return;
	trace_state_clear(state);
	item_room_free(&state->room);
	free(state->entries);
	free(state);
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

/* The slot that it is in, or the free one that it would be put in. */
static struct entry *
find(struct entry *entries, size_t slots, uint32_t kind, int32_t pid, uint64_t addr)
{
	size_t at = mix(mix(addr) ^ ((uint64_t)(uint32_t)pid << 8 | kind)) & (slots - 1);

	while (entries[at].body &&
	       (entries[at].kind != kind || entries[at].pid != pid || entries[at].addr != addr))
		at = (at + 1) & (slots - 1);
	return &entries[at];
}

/* Puts all entries that stay into a table of so many slots. */
static int
rebuild(struct trace_state *state, size_t slots)
{
	struct entry *entries = calloc(slots, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < state->slots; i++) {
		const struct entry *entry = &state->entries[i];

		if (entry->body)
			*find(entries, slots, entry->kind, entry->pid, entry->addr) = *entry;
	}
	free(state->entries);
	state->entries = entries;
	state->slots = slots;
	return 0;
}

static int
within(const struct sluice_trace_span *spans, size_t count, uint64_t addr)
{
	size_t low = 0;

	while (count > 0) { /* the first that ends after it */
		size_t half = count / 2;

		if (spans[low + half].end > addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return spans[low].start <= addr;
}

/* Forgets residency of the process outside of the mappings, or with NULL all of the process. */
static int
forget(struct trace_state *state, int32_t pid, const struct sluice_trace_item *spans)
{
	size_t gone = 0;

	for (size_t i = 0; i < state->slots; i++) {
		struct entry *entry = &state->entries[i];

		if (!entry->body || entry->pid != pid || entry->kind < SLUICE_TRACE_PROCESS)
			continue;
		if (spans && (entry->kind != SLUICE_TRACE_RESIDENCY ||
			      (spans->count && entry->addr < spans->spans[spans->count - 1].end &&
			       within(spans->spans, spans->count, entry->addr))))
			continue;
		state->body_bytes -= entry->bytes;
		state->used--;
		free(entry->body);
		entry->body = NULL;
		gone++;
	}
	/* Chains are broken where entries went. */
	return gone ? rebuild(state, state->slots) : 0;
}

/* Of meta data, the key is what tells entries apart: the hash of it, as an address. */
static uint64_t
key_of(const struct packed_item *item)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t bytes;

	if (item->kind != SLUICE_TRACE_META)
		return item->kind == SLUICE_TRACE_RESIDENCY ? item->addr : 0;
	bytes = item->body_bytes ? (size_t)item->body[0] + 1 : 0;
	for (size_t i = 0; i < bytes && i < item->body_bytes; i++)
		hash = (hash ^ item->body[i]) * 0x100000001b3u;
	return hash;
}

static int
put(struct trace_state *state, const struct packed_item *item)
{
	uint64_t addr = key_of(item);
	struct entry *entry;
	uint8_t *body;

	if (state->used * 4 >= state->slots * 3 && rebuild(state, state->slots * 2) < 0)
		return -ENOMEM;
	entry = find(state->entries, state->slots, item->kind, item->pid, addr);
	if (entry->body && entry->bytes == item->body_bytes &&
	    memcmp(entry->body, item->body, item->body_bytes) == 0)
		return 0;
	body = realloc(entry->body, item->body_bytes ? item->body_bytes : 1);
	if (!body)
		return -ENOMEM;
	if (!entry->body) {
		*entry = (struct entry){.kind = item->kind, .pid = item->pid, .addr = addr};
		state->used++;
	}
	if (item->body_bytes)
		memcpy(body, item->body, item->body_bytes);
	state->body_bytes += item->body_bytes;
	state->body_bytes -= entry->bytes;
	entry->body = body;
	entry->bytes = (uint32_t)item->body_bytes;
	return 1;
}

int
trace_state_take(struct trace_state *state, const struct packed_item *item)
{
	struct sluice_trace_item spans;
	int r;

	if (item->kind == SLUICE_TRACE_EXIT) {
		r = forget(state, item->pid, NULL);
		return r < 0 ? r : 1;
	}
	if (!item_is_state(item->kind))
		return 1;
	r = put(state, item);
	if (r == 1 && item->kind == SLUICE_TRACE_SPANS &&
	    item_get(item, &state->room, &spans) == 0 && forget(state, item->pid, &spans) < 0)
		return -ENOMEM;
	return r;
}

int
trace_state_next(const struct trace_state *state, uint64_t *cursor, struct packed_item *ret)
{
	for (; *cursor < ORDERS * state->slots; ++*cursor) {
		const struct entry *entry = &state->entries[*cursor % state->slots];

		if (!entry->body || entry->kind != order[*cursor / state->slots])
			continue;
		*ret = (struct packed_item){
			.kind = entry->kind,
			.pid = entry->pid,
			.addr = entry->kind == SLUICE_TRACE_RESIDENCY ? entry->addr : 0,
			.repeated = 1,
			.body = entry->body,
			.body_bytes = entry->bytes,
		};
		++*cursor;
		return 1;
	}
	return 0;
}

size_t
trace_state_bytes(const struct trace_state *state)
{
	return state->body_bytes + state->used * 8;
}
