/* SPDX-License-Identifier: Apache-2.0 */
/* trace_format.c - headers of blocks, and the names of things. See trace_format.h. */
#include "trace_format.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* As they lie in the file; all numbers are little-endian. */
struct stored_header {
	uint32_t skippable, skippable_bytes;
	char magic[8];
	uint16_t version;
	uint8_t type, flags;
	uint32_t stored_bytes, raw_bytes, samples;
	uint64_t first_ns, last_ns, number;
	uint8_t time_shift, reserved[3];
	uint32_t crc; /* of all from magic up to here */
};
_Static_assert(sizeof(struct stored_header) == FORMAT_HEADER_BYTES, "no padding");
_Static_assert(offsetof(struct stored_header, crc) == FORMAT_HEADER_BYTES - 4, "last");

/* CRC-32 as in zlib, bit by bit: it is of 52 bytes a block. */
static uint32_t
crc32_of(const uint8_t *data, size_t count)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < count; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

static uint32_t
header_crc(const uint8_t bytes[FORMAT_HEADER_BYTES])
{
	return crc32_of(bytes + offsetof(struct stored_header, magic),
			offsetof(struct stored_header, crc) -
				offsetof(struct stored_header, magic));
}

void
format_header_put(const struct format_header *header, uint8_t to[FORMAT_HEADER_BYTES])
{
	struct stored_header stored = {
		.skippable = htole32(FORMAT_SKIPPABLE),
		.skippable_bytes = htole32(FORMAT_HEADER_BYTES - 8),
		.version = htole16(SLUICE_TRACE_VERSION),
		.type = header->type,
		.flags = header->flags,
		.stored_bytes = htole32(header->stored_bytes),
		.raw_bytes = htole32(header->raw_bytes),
		.samples = htole32(header->samples),
		.first_ns = htole64(header->first_ns),
		.last_ns = htole64(header->last_ns),
		.number = htole64(header->number),
		.time_shift = header->time_shift,
	};

	memcpy(stored.magic, FORMAT_MAGIC, sizeof(stored.magic));
	memcpy(to, &stored, sizeof(stored));
	stored.crc = htole32(header_crc(to));
	memcpy(to, &stored, sizeof(stored));
}

int
format_header_get(const uint8_t from[FORMAT_HEADER_BYTES], struct format_header *ret,
		  uint32_t *ret_version)
{
	struct stored_header stored;

	memcpy(&stored, from, sizeof(stored));
	if (stored.skippable != htole32(FORMAT_SKIPPABLE) ||
	    stored.skippable_bytes != htole32(FORMAT_HEADER_BYTES - 8) ||
	    memcmp(stored.magic, FORMAT_MAGIC, sizeof(stored.magic)) != 0 ||
	    le32toh(stored.crc) != header_crc(from))
		return -EBADMSG;
	*ret_version = le16toh(stored.version);
	if (*ret_version != SLUICE_TRACE_VERSION)
		return -EPROTO;
	*ret = (struct format_header){
		.type = stored.type,
		.flags = stored.flags,
		.time_shift = stored.time_shift,
		.stored_bytes = le32toh(stored.stored_bytes),
		.raw_bytes = le32toh(stored.raw_bytes),
		.samples = le32toh(stored.samples),
		.first_ns = le64toh(stored.first_ns),
		.last_ns = le64toh(stored.last_ns),
		.number = le64toh(stored.number),
	};
	if (ret->stored_bytes > FORMAT_STORED_MAX || ret->raw_bytes > FORMAT_RAW_MAX ||
	    ret->time_shift > 30 || ret->first_ns > ret->last_ns)
		return -EBADMSG;
	return 0;
}

struct stored_end {
	uint32_t skippable, skippable_bytes;
	char magic[8];
	uint64_t index_offset;
	uint32_t reserved;
	uint32_t crc; /* of all from magic up to here */
};
_Static_assert(sizeof(struct stored_end) == FORMAT_END_BYTES, "no padding");

static uint32_t
end_crc(const struct stored_end *stored)
{
	uint8_t bytes[FORMAT_END_BYTES];

	memcpy(bytes, stored, sizeof(bytes));
	return crc32_of(bytes + offsetof(struct stored_end, magic),
			offsetof(struct stored_end, crc) - offsetof(struct stored_end, magic));
}

void
format_end_put(uint64_t index_offset, uint8_t to[FORMAT_END_BYTES])
{
	struct stored_end stored = {
		.skippable = htole32(FORMAT_SKIPPABLE),
		.skippable_bytes = htole32(FORMAT_END_BYTES - 8),
		.index_offset = htole64(index_offset),
	};

	memcpy(stored.magic, FORMAT_END_MAGIC, sizeof(stored.magic));
	stored.crc = htole32(end_crc(&stored));
	memcpy(to, &stored, sizeof(stored));
}

int
format_end_get(const uint8_t from[FORMAT_END_BYTES], uint64_t *ret_index_offset)
{
	struct stored_end stored;

	memcpy(&stored, from, sizeof(stored));
	if (stored.skippable != htole32(FORMAT_SKIPPABLE) ||
	    memcmp(stored.magic, FORMAT_END_MAGIC, sizeof(stored.magic)) != 0 ||
	    le32toh(stored.crc) != end_crc(&stored))
		return -EBADMSG;
	*ret_index_offset = le64toh(stored.index_offset);
	return 0;
}

const char *
sluice_trace_sample_kind_name(uint32_t kind)
{
	static const char *const names[SLUICE_TRACE_SAMPLE_KINDS] = {
		[SLUICE_TRACE_ARMED] = "armed",       [SLUICE_TRACE_TOUCH] = "touch",
		[SLUICE_TRACE_RATE] = "rate",         [SLUICE_TRACE_SEEN] = "seen",
		[SLUICE_TRACE_COUNTING] = "counting", [SLUICE_TRACE_COUNT] = "count",
		[SLUICE_TRACE_EXACT] = "exact",
	};

	return kind < SLUICE_TRACE_SAMPLE_KINDS ? names[kind] : "unknown";
}

const char *
sluice_trace_item_kind_name(uint32_t kind)
{
	static const char *const names[SLUICE_TRACE_ITEM_KINDS] = {
		[SLUICE_TRACE_SAMPLES] = "samples", [SLUICE_TRACE_META] = "meta",
		[SLUICE_TRACE_TIERS] = "tiers",     [SLUICE_TRACE_PROCESS] = "process",
		[SLUICE_TRACE_SPANS] = "spans",     [SLUICE_TRACE_RESIDENCY] = "residency",
		[SLUICE_TRACE_MOVES] = "moves",     [SLUICE_TRACE_EXIT] = "exit",
		[SLUICE_TRACE_LOST] = "lost",       [SLUICE_TRACE_DAMAGE] = "damage",
	};

	return kind < SLUICE_TRACE_ITEM_KINDS ? names[kind] : "unknown";
}
