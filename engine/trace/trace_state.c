/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_state.c - a tree of what was told last, see trace_state.h.
 *
 * It is in the order of kind, process and address, so that what ends with a process or a mapping
 * lies together and is cut out at once. Each entry has a random weight, more than those below it,
 * which keeps the tree about balanced (a treap); no file can foresee them.
 */
#include "trace_state.h"

#include <errno.h>
#include <sys/random.h>

#include "trace_format.h"

struct entry {
	struct entry *left, *right;
	uint64_t group; /* kind and process, see group_of() */
	uint64_t addr;
	uint32_t weight;
	uint32_t bytes; /* of the body */
	uint8_t body[];
};

struct trace_state {
	struct entry *root;
	size_t used, body_bytes, bytes_max;
	uint64_t dice;
	struct item_room room;
};

/* In this order they are told again: a process before its mappings, those before their pages. */
static const uint32_t order[] = {SLUICE_TRACE_META, SLUICE_TRACE_TIERS, SLUICE_TRACE_PROCESS,
				 SLUICE_TRACE_SPANS, SLUICE_TRACE_RESIDENCY};
#define ORDERS (sizeof(order) / sizeof(order[0]))

struct trace_state *
trace_state_new(size_t bytes_max)
{
	struct trace_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->bytes_max = bytes_max;
	if (getrandom(&state->dice, sizeof(state->dice), GRND_NONBLOCK) < 0)
		state->dice = (uint64_t)(uintptr_t)state;
	return state;
}

/* Frees a tree; what is on the left of an entry is hung below it on the way. */
static void
drop_tree(struct trace_state *state, struct entry *tree)
{
	while (tree) {
		struct entry *next = tree->left;

		if (next) {
			tree->left = next->right;
			next->right = tree;
		} else {
			next = tree->right;
			state->body_bytes -= tree->bytes;
			state->used--;
			free(tree);
		}
		tree = next;
	}
}

void
trace_state_clear(struct trace_state *state)
{
	drop_tree(state, state->root);
	state->root = NULL;
}

void
trace_state_free(struct trace_state *state)
{
	if (!state)
		return;
	trace_state_clear(state);
	item_room_free(&state->room);
	free(state);
}

static uint64_t
group_of(uint32_t kind, int32_t pid)
{
	uint64_t at = 0;

	while (order[at] != kind)
		at++;
	return at << 32 | (uint32_t)pid;
}

static int
is_before(const struct entry *entry, uint64_t group, uint64_t addr)
{
	return entry->group != group ? entry->group < group : entry->addr < addr;
}

/* Parts a tree into what is before a place and the rest. */
static void
split(struct entry *tree, uint64_t group, uint64_t addr, struct entry **before, struct entry **rest)
{
	while (tree) {
		if (is_before(tree, group, addr)) {
			*before = tree;
			before = &tree->right;
			tree = tree->right;
		} else {
			*rest = tree;
			rest = &tree->left;
			tree = tree->left;
		}
	}
	*before = *rest = NULL;
}

/* One tree of two, of which all of the first is before the second. */
static struct entry *
join(struct entry *first, struct entry *second)
{
	struct entry *joined = NULL, **link = &joined;

	while (first && second) {
		if (first->weight > second->weight) {
			*link = first;
			link = &first->right;
			first = first->right;
		} else {
			*link = second;
			link = &second->left;
			second = second->left;
		}
	}
	*link = first ? first : second;
	return joined;
}

/* Forgets all from one place to before another. */
static void
forget(struct trace_state *state, uint64_t from_group, uint64_t from_addr, uint64_t to_group,
       uint64_t to_addr)
{
	struct entry *before, *gone, *behind;

	split(state->root, from_group, from_addr, &before, &behind);
	split(behind, to_group, to_addr, &gone, &behind);
	drop_tree(state, gone);
	state->root = join(before, behind);
}

/* The first that is not before a place, or NULL. */
static const struct entry *
first_from(const struct trace_state *state, uint64_t group, uint64_t addr)
{
	const struct entry *at = state->root, *first = NULL;

	while (at) {
		if (is_before(at, group, addr)) {
			at = at->right;
		} else {
			first = at;
			at = at->left;
		}
	}
	return first;
}

/* The first that ends behind the address, or count. */
static size_t
find_span(const struct sluice_trace_span *spans, size_t count, uint64_t addr)
{
	size_t low = 0;

	while (count > 0) {
		size_t half = count / 2;

		if (spans[low + half].end > addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}

/* Forgets where pages of the process are that lie outside of its mappings: from entry to entry, so
 * that mappings without any cost nothing. */
static void
forget_unmapped(struct trace_state *state, int32_t pid, const struct sluice_trace_item *item)
{
	uint64_t group = group_of(SLUICE_TRACE_RESIDENCY, pid), from = 0;
	const struct entry *entry = first_from(state, group, from);

	while (entry && entry->group == group) {
		size_t i = find_span(item->spans, item->count, entry->addr);

		if (i == item->count) {
			forget(state, group, from, group + 1, 0);
			return;
		}
		if (entry->addr < item->spans[i].start)
			forget(state, group, from, group, item->spans[i].start);
		from = item->spans[i].end;
		entry = first_from(state, group, from);
	}
}

/* Of meta data, the key is what tells entries apart: the hash of it, as an address. */
static uint64_t
addr_of(const struct packed_item *item)
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

static uint32_t
next_weight(struct trace_state *state)
{
	state->dice = state->dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state->dice >> 32);
}

static size_t
all_bytes(const struct trace_state *state)
{
	return state->body_bytes + state->used * sizeof(struct entry);
}

/* A new entry goes where it outweighs what is there, and that is parted below it. */
static void
insert(struct trace_state *state, struct entry *entry)
{
	struct entry **link = &state->root;

	while (*link && (*link)->weight >= entry->weight)
		link = is_before(*link, entry->group, entry->addr) ? &(*link)->right
								   : &(*link)->left;
	split(*link, entry->group, entry->addr, &entry->left, &entry->right);
	*link = entry;
	state->used++;
}

static int
put(struct trace_state *state, const struct packed_item *item)
{
	uint64_t group = group_of(item->kind, item->pid), addr = addr_of(item);
	struct entry **link = &state->root, *entry;
	size_t before = 0;

	while (*link && ((*link)->group != group || (*link)->addr != addr))
		link = is_before(*link, group, addr) ? &(*link)->right : &(*link)->left;
	entry = *link;
	if (entry) {
		if (entry->bytes == item->body_bytes &&
		    (!entry->bytes || memcmp(entry->body, item->body, entry->bytes) == 0))
			return 0;
		before = sizeof(*entry) + entry->bytes;
	}
	if (all_bytes(state) - before + sizeof(*entry) + item->body_bytes > state->bytes_max)
		return -EFBIG;
	entry = realloc(entry, sizeof(*entry) + item->body_bytes);
	if (!entry)
		return -ENOMEM;
	if (before) {
		*link = entry;
		state->body_bytes -= entry->bytes;
	} else {
		entry->group = group;
		entry->addr = addr;
		entry->weight = next_weight(state);
		insert(state, entry);
	}
	entry->bytes = (uint32_t)item->body_bytes;
	state->body_bytes += entry->bytes;
	if (entry->bytes)
		memcpy(entry->body, item->body, entry->bytes);
	return 1;
}

int
trace_state_take(struct trace_state *state, const struct packed_item *item)
{
	struct sluice_trace_item spans;
	int r;

	if (item->kind == SLUICE_TRACE_EXIT) {
		for (size_t i = 0; i < ORDERS; i++) {
			uint64_t group = group_of(order[i], item->pid);

			if (order[i] >= SLUICE_TRACE_PROCESS)
				forget(state, group, 0, group + 1, 0);
		}
		return 1;
	}
	if (!item_is_state(item->kind))
		return 1;
	r = put(state, item);
	if (r == 1 && item->kind == SLUICE_TRACE_SPANS) {
		int got = item_get(item, &state->room, &spans);

		if (got == 0)
			forget_unmapped(state, item->pid, &spans);
		else if (got == -ENOMEM)
			return got;
	}
	return r;
}

int
trace_state_next(const struct trace_state *state, struct trace_state_place *place,
		 struct packed_item *ret)
{
	const struct entry *next = first_from(state, place->group, place->addr);

	if (!next)
		return 0;
	*place = next->addr == UINT64_MAX ? (struct trace_state_place){next->group + 1, 0}
					  : (struct trace_state_place){next->group, next->addr + 1};
	*ret = (struct packed_item){
		.kind = order[next->group >> 32],
		.pid = (int32_t)(uint32_t)next->group,
		.addr = order[next->group >> 32] == SLUICE_TRACE_RESIDENCY ? next->addr : 0,
		.repeated = 1,
		.body = next->body,
		.body_bytes = next->bytes,
	};
	return 1;
}

size_t
trace_state_bytes(const struct trace_state *state)
{
	return state->body_bytes + state->used * 8;
}
