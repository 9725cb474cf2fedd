/* SPDX-License-Identifier: Apache-2.0 */
/* perf_ring.c - see perf_ring.h. */
#include "perf_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "perf_record.h"

#define EVENTS_MAX 8

struct ring {
	struct perf_event_mmap_page *page;
	int fd[EVENTS_MAX];      /* -1: not open */
	uint64_t id[EVENTS_MAX]; /* 0: not open */
};

struct perf_rings {
	size_t ring_bytes, page_bytes;
	size_t cpus;
	struct ring *ring;
	char *wrapped; /* a record that runs over the ring's end, put together */
};

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
	for (size_t c = 0; c < rings->cpus; c++) {
		for (int e = 0; e < EVENTS_MAX; e++)
			rings->ring[c].fd[e] = -1;
	}
	*ret = rings;
	return 0;
}

void
perf_rings_free(struct perf_rings *rings)
{
	if (!rings)
		return;
	for (size_t c = 0; rings->ring && c < rings->cpus; c++) {
		if (rings->ring[c].page)
			munmap(rings->ring[c].page, rings->page_bytes + rings->ring_bytes);
		for (int e = EVENTS_MAX - 1; e >= 0; e--) {
			if (rings->ring[c].fd[e] >= 0)
				close(rings->ring[c].fd[e]);
		}
	}
	free(rings->ring);
	free(rings->wrapped);
	free(rings);
}

static int
ring_first_fd(const struct ring *ring)
{
	for (int e = 0; e < EVENTS_MAX; e++) {
		if (ring->fd[e] >= 0)
			return ring->fd[e];
	}
	return -1;
}

int
perf_rings_add(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
	       const char *what, struct sluice_err *reterr)
{
	size_t opened = 0;

	attr->size = sizeof(*attr);
	for (size_t c = 0; c < rings->cpus; c++) {
		struct ring *ring = &rings->ring[c];
		int owner = ring_first_fd(ring);
		int fd = (int)syscall(SYS_perf_event_open, attr, -1, (int)c, -1,
				      PERF_FLAG_FD_CLOEXEC);

		if (fd < 0) {
			if (errno == ENODEV) /* the CPU is offline */
				continue;
			return sluice_fail(reterr, -errno, "cannot open the perf event '%s': %s%s",
					   what, strerror(errno),
					   errno == EACCES || errno == EPERM
						   ? "; run as root or with CAP_PERFMON"
						   : "");
		}
		ring->fd[event] = fd;
		opened++;
		if (ioctl(fd, PERF_EVENT_IOC_ID, &ring->id[event]) < 0)
			return sluice_fail(reterr, -errno, "perf event '%s' has no id: %s", what,
					   strerror(errno));
		if (owner >= 0) {
			if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, owner) < 0)
				return sluice_fail(reterr, -errno,
						   "perf event '%s' cannot share a ring: %s", what,
						   strerror(errno));
			continue;
		}
		ring->page = mmap(NULL, rings->page_bytes + rings->ring_bytes,
				  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (ring->page == MAP_FAILED) {
			ring->page = NULL;
			return sluice_fail(reterr, -errno,
					   "cannot map the ring of perf event '%s': %s", what,
					   strerror(errno));
		}
	}
	return opened ? 0 : sluice_fail(reterr, -ENODEV, "perf event '%s' opens on no CPU", what);
}

int
perf_rings_enable(struct perf_rings *rings, int on)
{
	int r = 0;

	for (size_t c = 0; c < rings->cpus; c++) {
		for (int e = 0; e < EVENTS_MAX; e++) {
			if (rings->ring[c].fd[e] >= 0 &&
			    ioctl(rings->ring[c].fd[e],
				  on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) < 0)
				r = -errno;
		}
	}
	return r;
}

static uint64_t
ring_drain(struct perf_rings *rings, struct ring *ring,
	   void (*each)(void *ctx, unsigned int event, const void *payload, size_t bytes),
	   void *ctx)
{
	const char *data = (const char *)ring->page + rings->page_bytes;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t lost = perf_records_walk(data, rings->ring_bytes, ring->page->data_tail, head,
					  ring->id, EVENTS_MAX, rings->wrapped, each, ctx);

	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
	return lost;
}

uint64_t
perf_rings_drain(struct perf_rings *rings,
		 void (*each)(void *ctx, unsigned int event, const void *payload, size_t bytes),
		 void *ctx)
{
	uint64_t lost = 0;

	for (size_t c = 0; c < rings->cpus; c++) {
		if (rings->ring[c].page)
			lost += ring_drain(rings, &rings->ring[c], each, ctx);
	}
	return lost;
}
