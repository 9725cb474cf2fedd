/* SPDX-License-Identifier: Apache-2.0 */
/* perf_record.h - the records in a ring that perf_event_open(2) describes. Pure. */
#ifndef SAMPLER_PERF_RECORD_H
#define SAMPLER_PERF_RECORD_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_RECORD_BYTES_MAX 65536u

/* Which event a PERF_SAMPLE_IDENTIFIER means; id 0: none. Sorted by id. */
struct perf_id {
	uint64_t id;
	unsigned int event;
};

struct perf_handlers {
	/* A sample of `event`: payload is what follows its identifier. */
	void (*sample)(void *ctx, unsigned int event, const void *payload, size_t bytes);
	/* Any other record but those that the tally counts; body is what follows the header.
	 * Optional. */
	void (*other)(void *ctx, const struct perf_event_header *header, const void *body,
		      size_t bytes);
	void *ctx;
};

/* What the kernel says of records that it could not give, added up. */
struct perf_tally {
	uint64_t lost;      /* LOST: no room in the ring; LOST_SAMPLES: none in the hardware's */
	uint64_t throttled; /* an event was stopped for a while, as its samples came too fast */
	uint64_t torn;      /* rings whose walk ended at what is no record */
};

/* Hand out the records between tail and head of a ring of ring_bytes (a power of two), valid for
 * the call and aligned to 8 bytes. What is no record ends the walk. wrapped:
 * PERF_RECORD_BYTES_MAX, for a record that runs over the ring's end. */
void perf_records_walk(const char *ring, size_t ring_bytes, uint64_t tail, uint64_t head,
		       const struct perf_id *ids, size_t id_count, char *wrapped,
		       const struct perf_handlers *handlers, struct perf_tally *tally);

#endif
