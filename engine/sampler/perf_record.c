/* SPDX-License-Identifier: Apache-2.0 */
/* perf_record.c - see perf_record.h. */
#include "perf_record.h"

#include <linux/perf_event.h>
#include <string.h>

/* NULL: what lies there is no record. */
static const struct perf_event_header *
record_at(const char *ring, size_t ring_bytes, uint64_t at, uint64_t head, char *wrapped)
{
	size_t offset = (size_t)(at % ring_bytes), till_end = ring_bytes - offset;
	/* Records are multiples of 8 bytes, so the header itself never wraps. */
	const struct perf_event_header *header = (const void *)(ring + offset);

	if (header->size < sizeof(*header) || header->size % 8 || header->size > head - at ||
	    header->size > ring_bytes)
		return NULL;
	if (header->size <= till_end)
		return header;
	memcpy(wrapped, ring + offset, till_end);
	memcpy(wrapped + till_end, ring, header->size - till_end);
	return (const void *)wrapped;
}

uint64_t
perf_records_walk(const char *ring, size_t ring_bytes, uint64_t tail, uint64_t head,
		  const uint64_t *ids, unsigned int id_count, char *wrapped,
		  void (*each)(void *ctx, unsigned int event, const void *payload, size_t bytes),
		  void *ctx)
{
	const struct perf_event_header *header;
	uint64_t lost = 0;

	while (tail < head && (header = record_at(ring, ring_bytes, tail, head, wrapped)) != NULL) {
		const uint64_t *body = (const void *)(header + 1);

		if (header->type == PERF_RECORD_LOST && header->size >= sizeof(*header) + 16) {
			lost += body[1];
		} else if (header->type == PERF_RECORD_SAMPLE &&
			   header->size >= sizeof(*header) + 8) {
			for (unsigned int e = 0; e < id_count; e++) {
				if (ids[e] && ids[e] == body[0]) {
					each(ctx, e, body + 1, header->size - sizeof(*header) - 8);
					break;
				}
			}
		}
		tail += header->size;
	}
	return lost;
}
