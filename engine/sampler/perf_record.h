/* SPDX-License-Identifier: Apache-2.0 */
/* perf_record.h - the records in a ring that perf_event_open(2) describes. Pure. */
#ifndef SAMPLER_PERF_RECORD_H
#define SAMPLER_PERF_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define PERF_RECORD_BYTES_MAX 65536u

/* Call `each` for every sample between tail and head of a ring of ring_bytes (a power of two):
 * `event` is the index of the sample's identifier among ids (0: no such event), payload what
 * follows it, valid for the call and aligned to 8 bytes. What is no record ends the walk. wrapped:
 * PERF_RECORD_BYTES_MAX, for a record that runs over the ring's end. Returns how many records the
 * kernel says that it dropped. */
uint64_t perf_records_walk(const char *ring, size_t ring_bytes, uint64_t tail, uint64_t head,
			   const uint64_t *ids, unsigned int id_count, char *wrapped,
			   void (*each)(void *ctx, unsigned int event, const void *payload,
					size_t bytes),
			   void *ctx);

#endif
