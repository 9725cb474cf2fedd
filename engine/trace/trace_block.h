/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_block.h - the data of one block, before compression: items to columns and back.
 *
 * Nothing in a block depends on another, so each can be read by itself.
 */
#ifndef TRACE_BLOCK_H
#define TRACE_BLOCK_H

#include "trace_bytes.h"
#include "trace_format.h"
#include "trace_item.h"

/* The last sample of a stream, which the next one is told against. */
struct block_stream {
	int32_t pid;
	uint32_t kind;
	uint64_t end; /* addr + len_bytes */
	uint64_t len;
	uint32_t events, exposure, tiers, spread; /* bits of the floats */
};

/* What both ends keep while they go through a block. */
struct block_last {
	uint64_t time_ns;       /* of the last item */
	uint64_t units;         /* time of the last sample, in its units */
	uint64_t resident_page; /* of the last residency */
};

/* ---- Encoding ---- */

struct encoder {
	struct bytes columns[COLUMNS];
	struct block_last last;
	uint8_t time_shift;
	uint64_t first_ns;
	uint32_t samples, items;
	uint32_t stream_count;
	uint32_t last_stream;
	struct block_stream streams[FORMAT_STREAMS_MAX];
	uint16_t slots[2 * FORMAT_STREAMS_MAX]; /* index of a stream plus 1, by hash */
};

/* Begins a block whose items are not before that time; keeps what was allocated. */
void encoder_begin(struct encoder *encoder, uint64_t first_ns, uint8_t time_shift);
void encoder_free(struct encoder *encoder); /* its columns */
/* When it is full, begin another before the next samples. */
int encoder_is_full(const struct encoder *encoder);
/* count at most SLUICE_TRACE_BATCH_MAX, of valid samples. */
void encoder_samples(struct encoder *encoder, uint64_t time_ns,
		     const struct sluice_trace_sample *samples, size_t count);
void encoder_item(struct encoder *encoder, const struct packed_item *item);
/* Appends the data to raw. -ENOMEM: also when anything before failed for that. */
int encoder_finish(const struct encoder *encoder, struct bytes *raw);

/* ---- Decoding ---- */

struct decoder {
	struct cursor columns[COLUMNS];
	struct block_last last;
	uint8_t time_shift;
	uint32_t stream_count;
	struct block_stream streams[FORMAT_STREAMS_MAX];
};

/* data is borrowed until the end. 0, or -EBADMSG. */
int decoder_begin(struct decoder *decoder, const struct format_header *header, const uint8_t *data,
		  size_t count);
/* The next item: 1, 0 at the end, -EBADMSG. Of samples, only *ret's kind, time and pid are set, and
 * *ret_samples of them, at most SLUICE_TRACE_BATCH_MAX, are in samples. */
int decoder_next(struct decoder *decoder, struct packed_item *ret,
		 struct sluice_trace_sample *samples, size_t *ret_samples);

#endif
