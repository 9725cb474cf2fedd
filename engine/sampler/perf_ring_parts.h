/* SPDX-License-Identifier: Apache-2.0 */
/* perf_ring_parts.h - for perf_ring.c and perf_open.c only: what rings are made of. */
#ifndef SAMPLER_PERF_RING_PARTS_H
#define SAMPLER_PERF_RING_PARTS_H

#include "perf_ring.h"

#define EVENT_NONE UINT32_MAX /* is not sampled: a leader, or what a ring hangs on */

struct opened {
	int fd;
	unsigned int event;
	int32_t pid; /* 0: all processes */
};

struct ring {
	struct perf_event_mmap_page *page;
	unsigned char *aux;
	int owner; /* the file that the ring was mapped by */
	struct opened *opened;
	size_t count, capacity;
	struct perf_id *ids; /* as many as opened, sorted; id_count are used */
	size_t id_count;
};

struct perf_rings {
	size_t ring_bytes, page_bytes, aux_bytes;
	size_t cpus;
	struct ring *ring;
	char *wrapped;              /* a record that runs over the ring's end, put together */
	unsigned char *aux_wrapped; /* the same of the other buffer */
};

#endif
