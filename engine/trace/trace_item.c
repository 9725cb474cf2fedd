/* SPDX-License-Identifier: Apache-2.0 */
/* trace_item.c - see trace_item.h. */
#include "trace_item.h"

#include <errno.h>

#include "trace_format.h"

#define PAGE_MASK (SLUICE_TRACE_PAGE_BYTES - 1u)

static void
put_text(struct bytes *body, const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	bytes_put_number(body, len);
	bytes_put(body, text, len);
}

/* A text without NUL in it, as it could not be handed out. */
static void
get_text(struct cursor *cursor, char *ret, size_t max)
{
	size_t len = cursor_number_to(cursor, max);
	const uint8_t *from = cursor_bytes(cursor, len);

	ret[0] = '\0';
	if (!from)
		return;
	if (memchr(from, '\0', len)) {
		cursor->bad = 1;
		return;
	}
	memcpy(ret, from, len);
	ret[len] = '\0';
}

int
item_put_meta(struct bytes *body, const char *key, const char *text)
{
	if (!key[0] || strlen(key) > SLUICE_TRACE_KEY_MAX)
		return -EINVAL;
	put_text(body, key, SLUICE_TRACE_KEY_MAX);
	put_text(body, text, SLUICE_TRACE_TEXT_MAX);
	return 0;
}

int
item_put_process(struct bytes *body, const char *name)
{
	put_text(body, name, SLUICE_TRACE_NAME_MAX);
	return 0;
}

int
item_put_tiers(struct bytes *body, const struct sluice_trace_tier *tiers, size_t count)
{
	if (count > SLUICE_TRACE_TIERS_MAX)
		return -EINVAL;
	bytes_put_number(body, count);
	for (size_t i = 0; i < count; i++) {
		bytes_put_number(body, tiers[i].total_bytes);
		bytes_put_number(body, tiers[i].free_bytes);
		bytes_put_number(body, tiers[i].latency_ns);
		bytes_put_number(body, tiers[i].bw_mbps);
		bytes_put_number(body, tiers[i].kind);
	}
	return 0;
}

int
item_put_spans(struct bytes *body, const struct sluice_trace_span *spans, size_t count)
{
	uint64_t at = 0;

	if (count > SLUICE_TRACE_SPANS_MAX)
		return -EINVAL;
	bytes_put_number(body, count);
	for (size_t i = 0; i < count; i++) {
		if (spans[i].start < at || spans[i].end <= spans[i].start ||
		    ((spans[i].start | spans[i].end) & PAGE_MASK))
			return -EINVAL;
		bytes_put_number(body, (spans[i].start - at) >> FORMAT_PAGE_SHIFT);
		bytes_put_number(body, (spans[i].end - spans[i].start) >> FORMAT_PAGE_SHIFT);
		at = spans[i].end;
	}
	return 0;
}

/* How many pages from here on are in the tier of the first. */
static uint32_t
run_of(const uint8_t *tiers, uint32_t pages)
{
	uint64_t all = 0x0101010101010101u * tiers[0], eight;
	uint32_t i = 0;

	for (; i + 8 <= pages; i += 8) {
		memcpy(&eight, tiers + i, 8);
		if (eight != all)
			break;
	}
	while (i < pages && tiers[i] == tiers[0])
		i++;
	return i;
}

int
item_put_residency(struct bytes *body, uint64_t addr, uint32_t len_bytes, const uint8_t *tiers,
		   int is_huge)
{
	uint32_t pages = len_bytes / SLUICE_TRACE_PAGE_BYTES;

	if (!pages || pages > SLUICE_TRACE_REGION_PAGES || ((addr | len_bytes) & PAGE_MASK) ||
	    addr > UINT64_MAX - len_bytes)
		return -EINVAL;
	bytes_put_number(body, (uint64_t)pages << 1 | (is_huge != 0));
	for (uint32_t i = 0; i < pages;) {
		uint32_t run = run_of(tiers + i, pages - i);

		bytes_put(body, &tiers[i], 1);
		bytes_put_number(body, run);
		i += run;
	}
	return 0;
}

int
item_put_moves(struct bytes *body, uint32_t tier, uint64_t took_ns,
	       const struct sluice_trace_move *moves, size_t count)
{
	uint64_t page = 0, how = UINT64_MAX;

	if (count > SLUICE_TRACE_MOVES_MAX)
		return -EINVAL;
	bytes_put_number(body, tier);
	bytes_put_number(body, took_ns);
	bytes_put_number(body, count);
	for (size_t i = 0; i < count; i++) {
		const struct sluice_trace_move *move = &moves[i];
		uint64_t its_how = (uint64_t)move->bytes << 16 | move->outcome << 8 | move->landed;
		int64_t step = (int64_t)((move->addr >> FORMAT_PAGE_SHIFT) - page);

		if ((move->addr & PAGE_MASK) || move->outcome >= SLUICE_TRACE_OUTCOMES)
			return -EINVAL;
		bytes_put_number(body, zigzag(step) << 1 | (its_how != how));
		if (its_how != how)
			bytes_put_number(body, its_how);
		page = move->addr >> FORMAT_PAGE_SHIFT;
		how = its_how;
	}
	return 0;
}

static void
get_tiers(struct cursor *cursor, struct item_room *room, struct sluice_trace_item *item)
{
	item->count = cursor_number_to(cursor, SLUICE_TRACE_TIERS_MAX);
	item->tier_list = room->tiers;
	for (size_t i = 0; i < item->count; i++) {
		room->tiers[i] = (struct sluice_trace_tier){
			.total_bytes = cursor_number(cursor),
			.free_bytes = cursor_number(cursor),
		};
		room->tiers[i].latency_ns = (uint32_t)cursor_number_to(cursor, UINT32_MAX);
		room->tiers[i].bw_mbps = (uint32_t)cursor_number_to(cursor, UINT32_MAX);
		room->tiers[i].kind = (uint32_t)cursor_number_to(cursor, UINT32_MAX);
	}
}

static int
get_spans(struct cursor *cursor, struct item_room *room, struct sluice_trace_item *item)
{
	static const uint64_t pages_max = UINT64_MAX >> FORMAT_PAGE_SHIFT;
	size_t count = cursor_number_to(cursor, SLUICE_TRACE_SPANS_MAX);
	uint64_t page = 0;

	/* Each takes two bytes at least, so what is allocated is bounded by what is there. */
	if (count > cursor_left(cursor) / 2)
		return -EBADMSG;
	if (count > room->span_capacity) {
		struct sluice_trace_span *spans = realloc(room->spans, count * sizeof(*spans));

		if (!spans)
			return -ENOMEM;
		room->spans = spans;
		room->span_capacity = count;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t start = page + cursor_number_to(cursor, pages_max - page);
		uint64_t end = start + cursor_number_to(cursor, pages_max - start);

		if (cursor->bad || end <= start)
			return -EBADMSG;
		room->spans[i].start = start << FORMAT_PAGE_SHIFT;
		room->spans[i].end = end << FORMAT_PAGE_SHIFT;
		page = end;
	}
	item->spans = room->spans;
	item->count = count;
	return 0;
}

static int
get_residency(struct cursor *cursor, struct item_room *room, struct sluice_trace_item *item)
{
	uint64_t head = cursor_number_to(cursor, SLUICE_TRACE_REGION_PAGES << 1 | 1);
	size_t pages = head >> 1, done = 0;

	item->is_huge = head & 1;
	item->len_bytes = (uint32_t)(pages * SLUICE_TRACE_PAGE_BYTES);
	item->count = pages;
	item->tiers = room->pages;
	if (!pages || item->addr > UINT64_MAX - item->len_bytes)
		return -EBADMSG;
	while (done < pages) {
		const uint8_t *tier = cursor_bytes(cursor, 1);
		size_t run = cursor_number_to(cursor, pages - done);

		if (cursor->bad || !run ||
		    (*tier >= SLUICE_TRACE_TIERS_MAX && *tier != SLUICE_TRACE_ABSENT))
			return -EBADMSG;
		memset(room->pages + done, *tier, run);
		done += run;
	}
	return 0;
}

static int
get_moves(struct cursor *cursor, struct item_room *room, struct sluice_trace_item *item)
{
	uint64_t page = 0, how = 0;

	item->tier = (uint32_t)cursor_number_to(cursor, SLUICE_TRACE_TIERS_MAX - 1);
	item->took_ns = cursor_number(cursor);
	item->count = cursor_number_to(cursor, SLUICE_TRACE_MOVES_MAX);
	item->moves = room->moves;
	for (size_t i = 0; i < item->count; i++) {
		uint64_t step = cursor_number(cursor);

		page += (uint64_t)unzigzag(step >> 1);
		if (step & 1)
			how = cursor_number_to(cursor, (uint64_t)UINT32_MAX << 16 | UINT16_MAX);
		else if (i == 0)
			return -EBADMSG;
		room->moves[i] = (struct sluice_trace_move){
			.addr = page << FORMAT_PAGE_SHIFT,
			.bytes = (uint32_t)(how >> 16),
			.outcome = (uint8_t)(how >> 8),
			.landed = (uint8_t)how,
		};
		if (room->moves[i].outcome >= SLUICE_TRACE_OUTCOMES ||
		    (room->moves[i].landed >= SLUICE_TRACE_TIERS_MAX &&
		     room->moves[i].landed != SLUICE_TRACE_ABSENT))
			return -EBADMSG;
	}
	return 0;
}

int
item_get(const struct packed_item *packed, struct item_room *room, struct sluice_trace_item *ret)
{
	struct cursor cursor = {packed->body, packed->body + packed->body_bytes, 0};
	int r = 0;

	*ret = (struct sluice_trace_item){
		.kind = packed->kind,
		.pid = packed->pid,
		.time_ns = packed->time_ns,
		.addr = packed->addr,
		.repeated = packed->repeated,
	};
	switch (packed->kind) {
	case SLUICE_TRACE_META:
		get_text(&cursor, room->key, SLUICE_TRACE_KEY_MAX);
		ret->key = room->key;
		get_text(&cursor, room->text, SLUICE_TRACE_TEXT_MAX);
		ret->text = room->text;
		break;
	case SLUICE_TRACE_PROCESS:
		get_text(&cursor, room->text, SLUICE_TRACE_NAME_MAX);
		ret->text = room->text;
		break;
	case SLUICE_TRACE_TIERS:
		get_tiers(&cursor, room, ret);
		break;
	case SLUICE_TRACE_SPANS:
		r = get_spans(&cursor, room, ret);
		break;
	case SLUICE_TRACE_RESIDENCY:
		r = get_residency(&cursor, room, ret);
		break;
	case SLUICE_TRACE_MOVES:
		r = get_moves(&cursor, room, ret);
		break;
	case SLUICE_TRACE_EXIT:
		break;
	case SLUICE_TRACE_LOST:
		ret->lost = cursor_number(&cursor);
		break;
	default:
		return -ENOENT;
	}
	if (r < 0)
		return r;
	/* Bytes behind what is known are a newer writer's. */
	return cursor.bad ? -EBADMSG : 0;
}

void
item_room_free(struct item_room *room)
{
	free(room->spans);
	room->spans = NULL;
	room->span_capacity = 0;
}
