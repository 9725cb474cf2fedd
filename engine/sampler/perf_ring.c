/* SPDX-License-Identifier: Apache-2.0 */
/* perf_ring.c - rings, their buffers, and reading them; see perf_ring.h. */
#include "perf_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "perf_ring_parts.h"

int
perf_rings_new(size_t ring_bytes, struct perf_rings **ret, struct sluice_err *reterr)
{
	struct perf_rings *rings = calloc(1, sizeof(*rings));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (rings) {
		rings->ring_bytes = ring_bytes;
		rings->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
		rings->cpus = cpus > 0 ? (size_t)cpus : 1;
		rings->ring = calloc(rings->cpus, sizeof(*rings->ring));
		rings->wrapped = malloc(PERF_RECORD_BYTES_MAX);
	}
	if (!rings || !rings->ring || !rings->wrapped) {
		perf_rings_free(rings);
		return sluice_fail(reterr, -ENOMEM, "no memory for perf rings");
	}
	for (size_t c = 0; c < rings->cpus; c++)
		rings->ring[c].owner = -1;
	*ret = rings;
	return 0;
}

void
perf_rings_free(struct perf_rings *rings)
{
	if (!rings)
		return;
	for (size_t c = 0; rings->ring && c < rings->cpus; c++) {
		struct ring *ring = &rings->ring[c];

		if (ring->aux)
			munmap(ring->aux, rings->aux_bytes);
		if (ring->page)
			munmap(ring->page, rings->page_bytes + rings->ring_bytes);
		for (size_t i = ring->count; i-- > 0;)
			close(ring->opened[i].fd);
		free(ring->opened);
		free(ring->ids);
	}
	free(rings->ring);
	free(rings->wrapped);
	free(rings->aux_wrapped);
	free(rings);
}

int
perf_rings_enable(struct perf_rings *rings, int on)
{
	int r = 0;

	for (size_t c = 0; c < rings->cpus; c++) {
		for (size_t i = 0; i < rings->ring[c].count; i++) {
			const struct opened *opened = &rings->ring[c].opened[i];

			if (opened->event != EVENT_NONE &&
			    ioctl(opened->fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE,
				  0) < 0)
				r = -errno;
		}
	}
	return r;
}

int
perf_rings_period(struct perf_rings *rings, unsigned int event, uint64_t period)
{
	int r = 0;

	for (size_t c = 0; c < rings->cpus; c++) {
		for (size_t i = 0; i < rings->ring[c].count; i++) {
			const struct opened *opened = &rings->ring[c].opened[i];

			if (opened->event == event &&
			    ioctl(opened->fd, PERF_EVENT_IOC_PERIOD, &period) < 0)
				r = -errno;
		}
	}
	return r;
}

size_t
perf_rings_cpus(const struct perf_rings *rings)
{
	return rings->cpus;
}

const struct perf_event_mmap_page *
perf_rings_page(const struct perf_rings *rings, size_t cpu)
{
	return rings->ring[cpu].page;
}

void
perf_rings_drain_cpu(struct perf_rings *rings, size_t cpu, const struct perf_handlers *handlers,
		     struct perf_tally *tally)
{
	struct ring *ring = &rings->ring[cpu];
	const char *data;
	uint64_t head;

	if (!ring->page)
		return;
	data = (const char *)ring->page + rings->page_bytes;
	head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	perf_records_walk(data, rings->ring_bytes, ring->page->data_tail, head, ring->ids,
			  ring->id_count, rings->wrapped, handlers, tally);
	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
}

uint64_t
perf_rings_drain(struct perf_rings *rings,
		 void (*each)(void *ctx, unsigned int event, const void *payload, size_t bytes),
		 void *ctx)
{
	const struct perf_handlers handlers = {.sample = each, .ctx = ctx};
	struct perf_tally tally = {0};

	for (size_t c = 0; c < rings->cpus; c++)
		perf_rings_drain_cpu(rings, c, &handlers, &tally);
	return tally.lost;
}

int
perf_rings_add_aux(struct perf_rings *rings, size_t aux_bytes, struct sluice_err *reterr)
{
	rings->aux_bytes = aux_bytes;
	rings->aux_wrapped = malloc(aux_bytes);
	if (!rings->aux_wrapped)
		return sluice_fail(reterr, -ENOMEM, "no memory for perf buffers");
	for (size_t c = 0; c < rings->cpus; c++) {
		struct ring *ring = &rings->ring[c];
		void *aux;

		if (!ring->page)
			continue;
		ring->page->aux_offset = rings->page_bytes + rings->ring_bytes;
		ring->page->aux_size = aux_bytes;
		aux = mmap(NULL, aux_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->owner,
			   (off_t)ring->page->aux_offset);
		if (aux == MAP_FAILED)
			return sluice_fail(reterr, -errno,
					   "cannot map a perf event's own buffer: %s",
					   strerror(errno));
		ring->aux = aux;
	}
	return 0;
}

const unsigned char *
perf_rings_aux(struct perf_rings *rings, size_t cpu, uint64_t offset, uint64_t size)
{
	const unsigned char *aux = rings->ring[cpu].aux;
	size_t at, till_end;

	if (!aux || size > rings->aux_bytes)
		return NULL;
	at = (size_t)(offset % rings->aux_bytes);
	till_end = rings->aux_bytes - at;
	if (size <= till_end)
		return aux + at;
	memcpy(rings->aux_wrapped, aux + at, till_end);
	memcpy(rings->aux_wrapped + till_end, aux, (size_t)size - till_end);
	return rings->aux_wrapped;
}

void
perf_rings_aux_done(struct perf_rings *rings, size_t cpu, uint64_t offset)
{
	if (rings->ring[cpu].page)
		__atomic_store_n(&rings->ring[cpu].page->aux_tail, offset, __ATOMIC_RELEASE);
}
