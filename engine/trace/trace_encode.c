/* SPDX-License-Identifier: Apache-2.0 */
/* trace_encode.c - items to the columns of a block. See trace_block.h. */
#include "trace_block.h"

#include <errno.h>

#define PAGE_MASK (SLUICE_TRACE_PAGE_BYTES - 1u)

void
encoder_begin(struct encoder *encoder, uint64_t first_ns, uint8_t time_shift)
{
	for (size_t i = 0; i < COLUMNS; i++)
		encoder->columns[i].count = 0;
	encoder->time_shift = time_shift;
	encoder->first_ns = first_ns;
	encoder->last = (struct block_last){first_ns, first_ns >> time_shift, 0};
	encoder->samples = encoder->items = 0;
	encoder->stream_count = 0;
	encoder->last_stream = 0;
	memset(encoder->slots, 0, sizeof(encoder->slots));
}

void
encoder_free(struct encoder *encoder)
{
	for (size_t i = 0; i < COLUMNS; i++)
		bytes_free(&encoder->columns[i]);
}

/* Of the data so far. */
static size_t
encoder_bytes(const struct encoder *encoder)
{
	size_t bytes = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		bytes += encoder->columns[i].count;
	return bytes;
}

int
encoder_is_full(const struct encoder *encoder)
{
	return encoder->stream_count > FORMAT_STREAMS_MAX - SLUICE_TRACE_BATCH_MAX ||
	       encoder_bytes(encoder) > FORMAT_RAW_GOAL;
}

int
encoder_finish(const struct encoder *encoder, struct bytes *raw)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		bytes_put_number(raw, encoder->columns[i].count);
		raw->failed |= encoder->columns[i].failed;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		bytes_put(raw, encoder->columns[i].at, encoder->columns[i].count);
	return raw->failed ? -ENOMEM : 0;
}

static uint32_t
bits_of(float number)
{
	uint32_t bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

/* Mostly the same as before, or a small whole number. 0: the same; odd: a whole number; even: bits.
 */
static void
put_float(struct bytes *column, float number, uint32_t *last)
{
	uint32_t bits = bits_of(number);
	uint64_t code;

	if (bits == *last)
		code = 0;
	else if (number >= 0 && number < 16777216 && bits_of((float)(uint32_t)number) == bits)
		code = (uint64_t)(uint32_t)number << 1 | 1;
	else
		code = ((uint64_t)bits + 1) << 1;
	bytes_put_number(column, code);
	*last = bits;
}

/* The stream of a sample, perhaps a new one. */
static uint32_t
find_stream(struct encoder *encoder, const struct sluice_trace_sample *sample, int *ret_new)
{
	const struct block_stream *last = &encoder->streams[encoder->last_stream];
	uint32_t slot = ((uint32_t)sample->pid * 8 + sample->kind) * 2654435761u >> 18;

	_Static_assert(2 * FORMAT_STREAMS_MAX == 1 << 14, "a slot is 14 bits");
	*ret_new = 0;
	if (encoder->stream_count && last->pid == sample->pid && last->kind == sample->kind)
		return encoder->last_stream;
	for (;; slot = (slot + 1) % (2 * FORMAT_STREAMS_MAX)) {
		uint32_t i = encoder->slots[slot];

		if (i == 0)
			break;
		if (encoder->streams[i - 1].pid == sample->pid &&
		    encoder->streams[i - 1].kind == sample->kind)
			return encoder->last_stream = i - 1;
	}
	*ret_new = 1;
	encoder->streams[encoder->stream_count] =
		(struct block_stream){.pid = sample->pid, .kind = sample->kind};
	encoder->slots[slot] = (uint16_t)(encoder->stream_count + 1);
	return encoder->last_stream = encoder->stream_count++;
}

/* Which columns a run needs. */
static uint32_t
run_mask(const struct encoder *encoder, const struct block_stream *stream,
	 const struct sluice_trace_sample *samples, size_t count)
{
	uint32_t mask = 0, events = stream->events, exposure = stream->exposure;
	uint32_t spread = stream->spread;

	for (size_t i = 0; i < count; i++) {
		const struct sluice_trace_sample *s = &samples[i];

		mask |= (s->len_bytes != stream->len ? RUN_LEN : 0u) |
			(bits_of(s->events) != events ? RUN_EVENTS : 0u) |
			(bits_of(s->exposure_s) != exposure ? RUN_EXPOSURE : 0u) |
			(s->tiers != stream->tiers ? RUN_TIERS : 0u) |
			(bits_of(s->spread) != spread ? RUN_SPREAD : 0u) |
			(s->time_ns >> encoder->time_shift != encoder->last.units ? RUN_TIME : 0u) |
			(((s->addr | s->len_bytes) & PAGE_MASK) ? RUN_BYTES : 0u);
	}
	return mask | (stream->end & PAGE_MASK ? RUN_BYTES : 0u);
}

static void
put_run(struct encoder *encoder, struct block_stream *stream, uint32_t mask,
	const struct sluice_trace_sample *samples, size_t count)
{
	struct bytes *columns = encoder->columns;
	unsigned int shift = mask & RUN_BYTES ? 0 : FORMAT_PAGE_SHIFT;

	for (size_t i = 0; i < count; i++) {
		const struct sluice_trace_sample *s = &samples[i];
		/* What is told range by range mostly goes on where it ended. */
		int64_t step = (int64_t)(s->addr - stream->end) >> shift;
		uint8_t low;

		low = (uint8_t)zigzag(step);
		bytes_put(&columns[COLUMN_ADDR], &low, 1);
		bytes_put_number(&columns[COLUMN_HIGH], zigzag(step) >> 8);
		if (mask & RUN_TIME) {
			uint64_t units = s->time_ns >> encoder->time_shift;

			bytes_put_number(&columns[COLUMN_TIME],
					 zigzag((int64_t)(units - encoder->last.units)));
			encoder->last.units = units;
		}
		if (mask & RUN_LEN)
			bytes_put_number(&columns[COLUMN_LEN], s->len_bytes >> shift);
		if (mask & RUN_EVENTS)
			put_float(&columns[COLUMN_EVENTS], s->events, &stream->events);
		if (mask & RUN_EXPOSURE)
			put_float(&columns[COLUMN_EXPOSURE], s->exposure_s, &stream->exposure);
		if (mask & RUN_TIERS)
			bytes_put_number(&columns[COLUMN_TIERS], s->tiers);
		if (mask & RUN_SPREAD)
			put_float(&columns[COLUMN_SPREAD], s->spread, &stream->spread);
		stream->len = s->len_bytes;
		stream->tiers = s->tiers;
		stream->end = s->addr + s->len_bytes;
	}
}

static void
put_head(struct encoder *encoder, uint32_t kind, int repeated, uint64_t time_ns)
{
	struct bytes *script = &encoder->columns[COLUMN_SCRIPT];
	uint8_t op = (uint8_t)(kind | (repeated ? FORMAT_ITEM_REPEATED : 0));

	bytes_put(script, &op, 1);
	bytes_put_number(script, time_ns - encoder->last.time_ns);
	encoder->last.time_ns = time_ns;
	encoder->items++;
}

void
encoder_samples(struct encoder *encoder, uint64_t time_ns,
		const struct sluice_trace_sample *samples, size_t count)
{
	struct bytes *script = &encoder->columns[COLUMN_SCRIPT];

	put_head(encoder, SLUICE_TRACE_SAMPLES, 0, time_ns);
	bytes_put_number(script, count);
	for (size_t i = 0; i < count;) {
		int is_new;
		uint32_t stream = find_stream(encoder, &samples[i], &is_new), mask;
		size_t run = 1;

		while (i + run < count && samples[i + run].pid == samples[i].pid &&
		       samples[i + run].kind == samples[i].kind)
			run++;
		bytes_put_number(script, stream);
		if (is_new) {
			bytes_put_number(script, zigzag(samples[i].pid));
			bytes_put_number(script, samples[i].kind);
		}
		mask = run_mask(encoder, &encoder->streams[stream], samples + i, run);
		bytes_put_number(script, mask);
		bytes_put_number(script, run);
		put_run(encoder, &encoder->streams[stream], mask, samples + i, run);
		i += run;
	}
	encoder->samples += (uint32_t)count;
}

void
encoder_item(struct encoder *encoder, const struct packed_item *item)
{
	struct bytes *script = &encoder->columns[COLUMN_SCRIPT];

	put_head(encoder, item->kind, item->repeated, item->time_ns);
	bytes_put_number(script, zigzag(item->pid));
	if (item->kind == SLUICE_TRACE_RESIDENCY) {
		uint64_t page = item->addr >> FORMAT_PAGE_SHIFT;

		bytes_put_number(script, zigzag((int64_t)(page - encoder->last.resident_page)));
		encoder->last.resident_page = page;
	}
	bytes_put_number(script, item->body_bytes);
	bytes_put(script, item->body, item->body_bytes);
}
