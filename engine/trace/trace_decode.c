/* SPDX-License-Identifier: Apache-2.0 */
/* trace_decode.c - the columns of a block to items. See trace_block.h. The bytes may be anybody's.
 */
#include "trace_block.h"

#include <errno.h>

int
decoder_begin(struct decoder *decoder, const struct format_header *header, const uint8_t *data,
	      size_t count)
{
	struct cursor head = {data, data + count, 0};
	uint64_t lengths[COLUMNS];
	const uint8_t *at;

	for (size_t i = 0; i < COLUMNS; i++)
		lengths[i] = cursor_number_to(&head, FORMAT_RAW_MAX);
	at = head.at;
	for (size_t i = 0; i < COLUMNS; i++) {
		if (head.bad || lengths[i] > (size_t)(head.end - at))
			return -EBADMSG;
		decoder->columns[i] = (struct cursor){at, at + lengths[i], 0};
		at += lengths[i];
	}
	decoder->time_shift = header->time_shift;
	decoder->last =
		(struct block_last){header->first_ns, header->first_ns >> header->time_shift, 0};
	decoder->stream_count = 0;
	return 0;
}

/* 0 when it is out of bounds: not a number, infinite, negative. */
static int
get_float(struct cursor *column, uint32_t *last)
{
	uint64_t code = cursor_number(column);

	if (code & 1) {
		float number = (float)(code >> 1);

		if (code >> 1 >= 16777216)
			return 0;
		memcpy(last, &number, sizeof(*last));
	} else if (code) {
		/* Of what is not negative, bits compare as numbers do. */
		if ((code >> 1) - 1 >= 0x7f800000u)
			return 0;
		*last = (uint32_t)((code >> 1) - 1);
	}
	return 1;
}

static inline __attribute__((always_inline)) int
get_run_of(struct decoder *decoder, struct block_stream *stream, const uint32_t mask,
	   struct sluice_trace_sample *samples, size_t count)
{
	struct cursor *columns = decoder->columns;
	struct cursor high = columns[COLUMN_HIGH], time = columns[COLUMN_TIME];
	const uint8_t *low = cursor_bytes(&columns[COLUMN_ADDR], count);
	unsigned int shift = mask & RUN_BYTES ? 0 : FORMAT_PAGE_SHIFT;
	unsigned int time_shift = decoder->time_shift;
	struct sluice_trace_sample one = {.pid = stream->pid, .kind = stream->kind};
	uint64_t end = stream->end, units = decoder->last.units;
	int good = 1;

	if (!low)
		return -EBADMSG;
	one.len_bytes = stream->len;
	one.tiers = stream->tiers;
	memcpy(&one.events, &stream->events, sizeof(one.events));
	memcpy(&one.exposure_s, &stream->exposure, sizeof(one.exposure_s));
	memcpy(&one.spread, &stream->spread, sizeof(one.spread));
	for (size_t i = 0; i < count; i++) {
		one.addr = end + ((uint64_t)unzigzag(cursor_number(&high) << 8 | low[i]) << shift);
		if (mask & RUN_TIME)
			units += (uint64_t)unzigzag(cursor_number(&time));
		one.time_ns = units << time_shift;
		if (mask & RUN_LEN)
			one.len_bytes = cursor_number(&columns[COLUMN_LEN]) << shift;
		if (mask & RUN_EVENTS) {
			good &= get_float(&columns[COLUMN_EVENTS], &stream->events);
			memcpy(&one.events, &stream->events, sizeof(one.events));
		}
		if (mask & RUN_EXPOSURE) {
			good &= get_float(&columns[COLUMN_EXPOSURE], &stream->exposure);
			memcpy(&one.exposure_s, &stream->exposure, sizeof(one.exposure_s));
		}
		if (mask & RUN_TIERS)
			one.tiers = (uint32_t)cursor_number_to(&columns[COLUMN_TIERS], UINT32_MAX);
		if (mask & RUN_SPREAD) {
			good &= get_float(&columns[COLUMN_SPREAD], &stream->spread);
			memcpy(&one.spread, &stream->spread, sizeof(one.spread));
		}
		end = one.addr + one.len_bytes;
		good &= end >= one.addr;
		samples[i] = one;
	}
	stream->len = one.len_bytes;
	stream->tiers = one.tiers;
	stream->end = end;
	decoder->last.units = units;
	columns[COLUMN_HIGH] = high;
	columns[COLUMN_TIME] = time;
	for (size_t i = COLUMN_ADDR; i < COLUMNS; i++)
		good &= !columns[i].bad;
	return good ? 0 : -EBADMSG;
}

/* The usual masks have code of their own, in which the others' columns are not looked at. */
static int
get_run(struct decoder *decoder, struct block_stream *stream, uint32_t mask,
	struct sluice_trace_sample *samples, size_t count)
{
	switch (mask) {
	case 0:
		return get_run_of(decoder, stream, 0, samples, count);
	case RUN_TIME:
		return get_run_of(decoder, stream, RUN_TIME, samples, count);
	case RUN_EVENTS:
		return get_run_of(decoder, stream, RUN_EVENTS, samples, count);
	case RUN_LEN | RUN_EVENTS:
		return get_run_of(decoder, stream, RUN_LEN | RUN_EVENTS, samples, count);
	default:
		return get_run_of(decoder, stream, mask, samples, count);
	}
}

static int
get_samples(struct decoder *decoder, struct packed_item *item, struct sluice_trace_sample *samples,
	    size_t *ret_samples)
{
	struct cursor *script = &decoder->columns[COLUMN_SCRIPT];
	size_t count = cursor_number_to(script, SLUICE_TRACE_BATCH_MAX), done = 0;

	while (done < count) {
		uint64_t stream = cursor_number_to(script, decoder->stream_count);
		uint32_t mask;
		size_t run;

		if (!script->bad && stream == decoder->stream_count) {
			int64_t pid = unzigzag(cursor_number(script));
			uint64_t kind = cursor_number_to(script, SLUICE_TRACE_SAMPLE_KINDS - 1);

			if (stream == FORMAT_STREAMS_MAX || pid < INT32_MIN || pid > INT32_MAX)
				return -EBADMSG;
			decoder->streams[decoder->stream_count++] =
				(struct block_stream){.pid = (int32_t)pid, .kind = (uint32_t)kind};
		}
		mask = (uint32_t)cursor_number_to(script, RUN_MASK);
		run = cursor_number_to(script, count - done);
		if (script->bad || !run ||
		    get_run(decoder, &decoder->streams[stream], mask, samples + done, run) < 0)
			return -EBADMSG;
		item->pid = done == 0 || item->pid == decoder->streams[stream].pid
				    ? decoder->streams[stream].pid
				    : 0;
		done += run;
	}
	*ret_samples = count;
	return script->bad ? -EBADMSG : 1;
}

int
decoder_next(struct decoder *decoder, struct packed_item *ret, struct sluice_trace_sample *samples,
	     size_t *ret_samples)
{
	struct cursor *script = &decoder->columns[COLUMN_SCRIPT];
	const uint8_t *op;
	int64_t pid;

	if (script->at == script->end)
		return script->bad ? -EBADMSG : 0;
	op = cursor_bytes(script, 1);
	decoder->last.time_ns += cursor_number_to(script, UINT64_MAX - decoder->last.time_ns);
	*ret = (struct packed_item){
		.kind = *op & ~FORMAT_ITEM_REPEATED,
		.repeated = (*op & FORMAT_ITEM_REPEATED) != 0,
		.time_ns = decoder->last.time_ns,
	};
	if (ret->kind == SLUICE_TRACE_SAMPLES)
		return get_samples(decoder, ret, samples, ret_samples);
	pid = unzigzag(cursor_number(script));
	if (pid < INT32_MIN || pid > INT32_MAX)
		return -EBADMSG;
	ret->pid = (int32_t)pid;
	if (ret->kind == SLUICE_TRACE_RESIDENCY) {
		decoder->last.resident_page += (uint64_t)unzigzag(cursor_number(script));
		ret->addr = decoder->last.resident_page << FORMAT_PAGE_SHIFT;
	}
	ret->body_bytes = cursor_number_to(script, cursor_left(script));
	ret->body = cursor_bytes(script, ret->body_bytes);
	return script->bad ? -EBADMSG : 1;
}
