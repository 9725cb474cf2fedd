/* SPDX-License-Identifier: Apache-2.0 */
/* perf_record.c - see perf_record.h. */
#include "perf_record.h"

#include <string.h>

/* NULL: what lies there is no record. */
static const struct perf_event_header *
record_at(const char *ring, size_t ring_bytes, uint64_t at, uint64_t head, char *wrapped)
{
	size_t offset = (size_t)(at % ring_bytes), till_end = ring_bytes - offset;
	/* Records are multiples of 8 bytes, so the header itself never wraps. */
	const struct perf_event_header *header = (const void *)(ring + offset);

	if (head - at < sizeof(*header) || header->size < sizeof(*header) || header->size % 8 ||
	    header->size > head - at || header->size > ring_bytes)
		return NULL;
	if (header->size <= till_end)
		return header;
	memcpy(wrapped, ring + offset, till_end);
	memcpy(wrapped + till_end, ring, header->size - till_end);
	return (const void *)wrapped;
}

static const struct perf_id *
id_find(const struct perf_id *ids, size_t count, uint64_t id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ids[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return id && low < count && ids[low].id == id ? &ids[low] : NULL;
}

void
perf_records_walk(const char *ring, size_t ring_bytes, uint64_t tail, uint64_t head,
		  const struct perf_id *ids, size_t id_count, char *wrapped,
		  const struct perf_handlers *handlers, struct perf_tally *tally)
{
	const struct perf_event_header *header;

	while (tail < head && (header = record_at(ring, ring_bytes, tail, head, wrapped)) != NULL) {
		const uint64_t *body = (const void *)(header + 1);
		size_t bytes = header->size - sizeof(*header);
		const struct perf_id *id;

		switch (header->type) {
		case PERF_RECORD_LOST: /* of the event body[0] */
			tally->lost += bytes >= 16 ? body[1] : 0;
			break;
		case PERF_RECORD_LOST_SAMPLES:
			tally->lost += bytes >= 8 ? body[0] : 0;
			break;
		case PERF_RECORD_THROTTLE:
			tally->throttled++;
			break;
		case PERF_RECORD_UNTHROTTLE:
			break;
		case PERF_RECORD_SAMPLE:
			id = bytes >= 8 ? id_find(ids, id_count, body[0]) : NULL;
			if (id)
				handlers->sample(handlers->ctx, id->event, body + 1, bytes - 8);
			break;
		default:
			if (handlers->other)
				handlers->other(handlers->ctx, header, body, bytes);
		}
		tail += header->size;
	}
	tally->torn += tail < head;
}
