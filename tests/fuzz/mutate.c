/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.c - see mutate.h. */
#include "mutate.h"

#include <ctype.h>
#include <string.h>

static uint64_t state = 1;

/* splitmix64 */
static uint64_t
next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void
mutate_seed(uint64_t seed)
{
	state = seed;
}

/* A number below limit; 0 when that is 0. */
static size_t
pick(size_t limit)
{
	return limit ? (size_t)(next() % limit) : 0;
}

/* Replace out[at, at+gone) by `with`; as far as there is room. */
static size_t
replace(uint8_t *out, size_t size, size_t at, size_t gone, const void *with, size_t length)
{
	if (size - gone + length > MUTATE_BYTES_MAX)
		return size;
	memmove(out + at + length, out + at + gone, size - at - gone);
	memcpy(out + at, with, length);
	return size - gone + length;
}

static size_t
change_bytes(uint8_t *out, size_t size)
{
	static const uint8_t odd[] = {0, 1, 9, 10, 32, 34, 37, 46, 47, 61, 92, 127, 128, 0xc3, 255};
	size_t at = pick(size);

	if (size == 0)
		return size;
	switch (pick(3)) {
	case 0:
		out[at] = (uint8_t)(out[at] ^ (1u << pick(8)));
		break;
	case 1:
		out[at] = odd[pick(sizeof(odd))];
		break;
	default: /* a field of a binary record */
		for (size_t width = (size_t)1 << pick(4), i = 0; i < width && at + i < size; i++)
			out[at + i] = pick(2) ? 0xff : (uint8_t)next();
		break;
	}
	return size;
}

static size_t
change_number(uint8_t *out, size_t size)
{
	static const char *const numbers[] = {"0",
					      "-1",
					      "1",
					      "7fffffff",
					      "2147483648",
					      "4294967296",
					      "9223372036854775807",
					      "18446744073709551615",
					      "18446744073709551616",
					      "ffffffffffff0000",
					      "00000000000000000000000000000000000000000000001",
					      "99999999999999999999999999999999999999999999999",
					      "1e9",
					      "0.5",
					      "1.7976931348623157e308"};
	const char *number = numbers[pick(sizeof(numbers) / sizeof(*numbers))];
	size_t at = pick(size), end;

	while (at < size && !isdigit(out[at]))
		at++;
	for (end = at; end < size && isxdigit(out[end]);)
		end++;
	return replace(out, size, at, end - at, number, strlen(number));
}

static size_t
line_start(const uint8_t *out, size_t at)
{
	while (at > 0 && out[at - 1] != '\n')
		at--;
	return at;
}

static size_t
line_end(const uint8_t *out, size_t size, size_t at)
{
	while (at < size && out[at] != '\n')
		at++;
	return at < size ? at + 1 : at;
}

/* Drop, double or move a line. */
static size_t
change_lines(uint8_t *out, size_t size)
{
	uint8_t line[4096];
	size_t start = line_start(out, pick(size));
	size_t end = line_end(out, size, start), length = end - start, to;

	if (length == 0 || length > sizeof(line))
		return size;
	memcpy(line, out + start, length);
	if (pick(3) > 0)
		size = replace(out, size, start, length, "", 0);
	if (pick(3) == 0)
		return size;
	to = line_start(out, pick(size));
	for (size_t times = pick(8) ? 1 : 1 + pick(200); times > 0; times--)
		size = replace(out, size, to, 0, line, length);
	return size;
}

/* A piece of another seed, or of this one, over or between what is there. */
static size_t
splice(const struct bytes *seeds, size_t count, uint8_t *out, size_t size)
{
	const struct bytes *from = &seeds[pick(count)];
	size_t start = pick(from->size), at = pick(size + 1);
	size_t length = pick(from->size - start + 1), gone = 0;

	if (from->size == 0)
		return size;
	if (pick(2)) /* a word or a field, rather than half of the file */
		length = length < 24 ? length : 1 + pick(24);
	if (pick(2))
		gone = length < size - at ? length : size - at;
	return replace(out, size, at, gone, from->data + start, length);
}

static size_t
cut(uint8_t *out, size_t size)
{
	size_t at = pick(size);
	size_t length = pick(4) ? 1 + pick(16) : pick(size);

	if (size == 0)
		return 0;
	return replace(out, size, at, length < size - at ? length : size - at, "", 0);
}

/* Fields have ends, and buffers too. */
static size_t
lengthen(uint8_t *out, size_t size)
{
	uint8_t run[512];
	size_t at = pick(size + 1);

	memset(run, size ? out[pick(size)] : 'x', sizeof(run));
	for (size_t times = pick(4) ? 1 : pick(40); times > 0; times--)
		size = replace(out, size, at, 0, run, 1 + pick(sizeof(run)));
	return size;
}

size_t
mutate_make(const struct bytes *seeds, size_t count, uint8_t *out)
{
	const struct bytes *from = &seeds[pick(count)];
	size_t size = from->size;

	memcpy(out, from->data, size);
	for (size_t changes = 1 + pick(pick(2) ? 3 : 12); changes > 0; changes--) {
		switch (pick(8)) {
		case 0:
			size = cut(out, size);
			break;
		case 1:
			size = lengthen(out, size);
			break;
		case 2:
			size = change_lines(out, size);
			break;
		case 3:
			size = change_number(out, size);
			break;
		case 4:
		case 5:
			size = splice(seeds, count, out, size);
			break;
		default:
			size = change_bytes(out, size);
			break;
		}
	}
	return size;
}
