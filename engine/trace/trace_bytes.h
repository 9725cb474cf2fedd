/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_bytes.h - numbers in bytes: a buffer that grows, and variable-length numbers of it.
 *
 * Reading is checked by the cursor: past its end it stays, gives 0, and is bad for good, so callers
 * check once, after a whole record.
 */
#ifndef TRACE_BYTES_H
#define TRACE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_VARINT_MAX 10

struct bytes {
	uint8_t *at;
	size_t count, capacity;
	int failed; /* no memory: what was put since is not there */
};

/* Room for so many bytes more; NULL: none. */
static inline uint8_t *
bytes_room(struct bytes *bytes, size_t more)
{
	if (bytes->capacity - bytes->count < more) {
		size_t capacity = bytes->capacity + bytes->capacity / 2 + more + 64;
		uint8_t *at = bytes->failed ? NULL : realloc(bytes->at, capacity);

		if (!at) {
			bytes->failed = 1;
			return NULL;
		}
		bytes->at = at;
		bytes->capacity = capacity;
	}
	return bytes->at + bytes->count;
}

static inline void
bytes_free(struct bytes *bytes)
{
	free(bytes->at);
	memset(bytes, 0, sizeof(*bytes));
}

static inline void
bytes_put(struct bytes *bytes, const void *data, size_t count)
{
	uint8_t *to = bytes_room(bytes, count);

	if (to && count) {
		memcpy(to, data, count);
		bytes->count += count;
	}
}

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static inline void
bytes_put_number(struct bytes *bytes, uint64_t number)
{
	uint8_t *to = bytes_room(bytes, BYTES_VARINT_MAX);

	if (!to)
		return;
	for (; number >= 0x80; number >>= 7)
		*to++ = (uint8_t)(number | 0x80);
	*to++ = (uint8_t)number;
	bytes->count = (size_t)(to - bytes->at);
}

/* Small numbers of either sign become small ones without: 0, -1, 1, -2 ... are 0, 1, 2, 3 ... */
static inline uint64_t
zigzag(int64_t number)
{
	return ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
}

static inline int64_t
unzigzag(uint64_t number)
{
	return (int64_t)((number >> 1) ^ (~(number & 1) + 1));
}

struct cursor {
	const uint8_t *at, *end;
	int bad;
};

static inline uint64_t
cursor_long_number(struct cursor *cursor)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
		uint8_t byte = *cursor->at++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
	cursor->bad = 1;
	cursor->at = cursor->end;
	return 0;
}

static inline uint64_t
cursor_number(struct cursor *cursor)
{
	if (cursor->at < cursor->end && *cursor->at < 0x80)
		return *cursor->at++;
	return cursor_long_number(cursor);
}

/* A number of at most max, or the cursor is bad. */
static inline uint64_t
cursor_number_to(struct cursor *cursor, uint64_t max)
{
	uint64_t number = cursor_number(cursor);

	if (number <= max)
		return number;
	cursor->bad = 1;
	cursor->at = cursor->end;
	return 0;
}

static inline size_t
cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next count bytes; NULL: there are fewer. */
static inline const uint8_t *
cursor_bytes(struct cursor *cursor, size_t count)
{
	const uint8_t *at = cursor->at;

	if (cursor_left(cursor) < count) {
		cursor->bad = 1;
		cursor->at = cursor->end;
		return NULL;
	}
	cursor->at += count;
	return at;
}

#endif
