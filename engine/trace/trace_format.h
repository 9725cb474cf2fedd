/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_format.h - the bytes of a trace that files of this room share; sluice-trace(5) tells them
 * all.
 *
 * A file is a sequence of blocks. A block is two zstd frames: a skippable one with its header, then
 * its data, compressed, with zstd's checksum of them. So zstd's own tools take a trace for what it
 * is, and no second library is needed for checksums. Headers are checked by a CRC-32 of their own.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <stdint.h>

#include "sluice/trace.h"

#define FORMAT_HEADER_BYTES 64u
#define FORMAT_SKIPPABLE 0x184d2a55u
#define FORMAT_MAGIC "SLUICETR"
#define FORMAT_END_MAGIC "SLUICEND"
#define FORMAT_RAW_MAX (16u << 20)   /* of one block, before compression */
#define FORMAT_RAW_GOAL (512u << 10) /* blocks of this size compress well and are read fast */
#define FORMAT_STORED_MAX (FORMAT_RAW_MAX + (FORMAT_RAW_MAX >> 8) + 4096u)

enum format_type {
	FORMAT_DATA = 1,
	FORMAT_INDEX = 2, /* of all blocks before it; the last block of a whole file */
};
#define FORMAT_KEY 1u /* flag: begins with all that holds, so reading may begin here */

struct format_header {
	uint8_t type, flags;
	uint8_t time_shift;
	uint32_t stored_bytes; /* of the data's frame */
	uint32_t raw_bytes;
	uint32_t samples;
	uint64_t first_ns, last_ns; /* times of its items */
	uint64_t number;            /* of the block, from 0 */
};

void format_header_put(const struct format_header *header, uint8_t to[FORMAT_HEADER_BYTES]);
/* 0; -EBADMSG: it is none; -EPROTO: it is one of another version, *ret_version. */
int format_header_get(const uint8_t from[FORMAT_HEADER_BYTES], struct format_header *ret,
		      uint32_t *ret_version);

/* The end of a whole file: a skippable frame that tells where the index is. */
#define FORMAT_END_BYTES 32u
void format_end_put(uint64_t index_offset, uint8_t to[FORMAT_END_BYTES]);
/* 0, or -EBADMSG: it is none. */
int format_end_get(const uint8_t from[FORMAT_END_BYTES], uint64_t *ret_index_offset);

/* Seeking begins at blocks that are told apart at least by this much, as they repeat what holds. */
#define FORMAT_KEY_NS 60000000000u
#define FORMAT_KEY_RAW_BYTES (64u << 20)

/* ---- The data of a block, before compression: columns, each with its length before it. ---- */

enum format_column {
	COLUMN_SCRIPT, /* items in order; of samples only how many, and whose */
	COLUMN_ADDR,   /* the lowest byte of the step from the end of the sample before, */
	COLUMN_HIGH,   /* and the rest of it: apart, as they compress differently */
	COLUMN_TIME,
	COLUMN_LEN,
	COLUMN_EVENTS,
	COLUMN_EXPOSURE,
	COLUMN_TIERS,
	COLUMN_SPREAD,
	COLUMNS
};

/* Samples come in runs of one stream (process and kind). A run has only those columns in which
 * something differs from the sample before it in its stream. */
enum format_run {
	RUN_LEN = 1,
	RUN_EVENTS = 2,
	RUN_EXPOSURE = 4,
	RUN_TIERS = 8,
	RUN_SPREAD = 16,
	RUN_TIME = 32,
	RUN_BYTES = 64, /* addresses and lengths are in bytes, not pages */
	RUN_MASK = 127
};
#define FORMAT_STREAMS_MAX 8192u /* in one block; twice as many as samples in a batch */
#define FORMAT_ITEM_REPEATED 0x80u
#define FORMAT_PAGE_SHIFT 12

#endif
