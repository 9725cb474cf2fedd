/* SPDX-License-Identifier: Apache-2.0 */
/* perf_ring.c - opening events and mapping their rings; see perf_ring.h. */
#include "perf_ring.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static int
ring_grow(struct ring *ring)
{
	size_t capacity = ring->capacity ? ring->capacity * 2 : 8;
	struct opened *opened;
	struct perf_id *ids;

	if (ring->count < ring->capacity)
		return 0;
	opened = realloc(ring->opened, capacity * sizeof(*opened));
	if (opened)
		ring->opened = opened;
	ids = realloc(ring->ids, capacity * sizeof(*ids));
	if (ids)
		ring->ids = ids;
	if (!opened || !ids)
		return -ENOMEM;
	ring->capacity = capacity;
	return 0;
}

static void
id_insert(struct ring *ring, uint64_t id, unsigned int event)
{
	size_t i = ring->id_count++;

	for (; i > 0 && ring->ids[i - 1].id > id; i--)
		ring->ids[i] = ring->ids[i - 1];
	ring->ids[i] = (struct perf_id){id, event};
}

static int
ring_map(struct perf_rings *rings, struct ring *ring, int fd)
{
	void *page = mmap(NULL, rings->page_bytes + rings->ring_bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	ring->page = page;
	ring->owner = fd;
	return 0;
}

/* Open one event on one CPU. *ret_fd, may be NULL. */
static int
open_one(struct perf_rings *rings, size_t cpu, unsigned int event, struct perf_event_attr *attr,
	 int32_t pid, int32_t tid, int leader, int *ret_fd, const char *what,
	 struct sluice_err *reterr)
{
	struct ring *ring = &rings->ring[cpu];
	uint64_t id = 0;
	int fd, r;

	if (ring_grow(ring) < 0)
		return sluice_fail(reterr, -ENOMEM, "no memory for perf events");
	fd = (int)syscall(SYS_perf_event_open, attr, pid ? tid : -1, (int)cpu, leader,
			  PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot open the perf event '%s': %s%s", what,
				   strerror(errno),
				   errno == EACCES || errno == EPERM
					   ? "; run as root or with CAP_PERFMON"
				   : errno == EMFILE ? "; raise the limit of open files (ulimit -n)"
						     : "");
	ring->opened[ring->count++] = (struct opened){fd, event, pid};
	if (ret_fd)
		*ret_fd = fd;
	if (event == EVENT_NONE && ring->page)
		return 0;
	if (!ring->page) {
		r = ring_map(rings, ring, fd);
		if (r < 0)
			return sluice_fail(
				reterr, r, "cannot map the ring of perf event '%s': %s%s", what,
				strerror(-r),
				r == -EPERM ? "; kernel.perf_event_mlock_kb is the limit" : "");
	} else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->owner) < 0) {
		return sluice_fail(reterr, -errno, "perf event '%s' cannot share a ring: %s", what,
				   strerror(errno));
	}
	if (event == EVENT_NONE)
		return 0;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &id) < 0)
		return sluice_fail(reterr, -errno, "perf event '%s' has no id: %s", what,
				   strerror(errno));
	id_insert(ring, id, event);
	return 0;
}

/* The CPU is offline, or of a sort that has no such event. */
static int
cpu_lacks(int r)
{
	return r == -ENODEV || r == -ENOENT;
}

int
perf_rings_add_led(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
		   struct perf_event_attr *leader, const char *what, struct sluice_err *reterr)
{
	struct sluice_err err = {0, ""};
	size_t opened = 0;
	int r = 0;

	attr->size = sizeof(*attr);
	for (size_t c = 0; c < rings->cpus; c++) {
		int group = -1;

		r = 0;
		if (leader) {
			leader->size = sizeof(*leader);
			r = rings->ring[c].page
				    ? open_one(rings, c, EVENT_NONE, leader, 0, 0, -1, &group, what,
					       &err)
				    : sluice_fail(&err, -EINVAL,
						  "perf event '%s' needs a ring that is there",
						  what);
		}
		if (r == 0)
			r = open_one(rings, c, event, attr, 0, 0, group, NULL, what, &err);
		if (r < 0 && !cpu_lacks(r))
			break;
		opened += r == 0;
	}
	if (opened && (r == 0 || cpu_lacks(r)))
		return 0;
	return sluice_fail(reterr, r < 0 ? r : -ENODEV, "%s",
			   err.msg[0] ? err.msg : "a perf event opens on no CPU");
}

int
perf_rings_add(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
	       const char *what, struct sluice_err *reterr)
{
	return perf_rings_add_led(rings, event, attr, NULL, what, reterr);
}

/* What rings hang on when the events in them come and go with processes: an event of our own that
 * never happens. */
static int
anchor(struct perf_rings *rings, size_t cpu, const struct perf_event_attr *like,
       struct sluice_err *reterr)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_IDENTIFIER,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.use_clockid = like->use_clockid,
		.clockid = like->clockid,
	};

	return open_one(rings, cpu, EVENT_NONE, &attr, getpid(), 0, -1, NULL, "dummy", reterr);
}

static int
add_thread(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr, int32_t pid,
	   int32_t tid, const char *what, struct sluice_err *reterr)
{
	size_t opened = 0;
	int r = 0;

	for (size_t c = 0; c < rings->cpus; c++) {
		r = rings->ring[c].page ? 0 : anchor(rings, c, attr, reterr);
		if (r == 0)
			r = open_one(rings, c, event, attr, pid, tid, -1, NULL, what, reterr);
		if (r < 0 && !cpu_lacks(r))
			return r;
		opened += r == 0;
	}
	return opened ? 0 : r;
}

int
perf_rings_add_process(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
		       int32_t pid, const char *what, struct sluice_err *reterr)
{
	char path[64];
	struct dirent *entry;
	size_t opened = 0;
	DIR *tasks;
	int r = 0;

	attr->size = sizeof(*attr);
	attr->inherit = 1;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return sluice_fail(reterr, -ESRCH, "process %d has ended", pid);
	while (r == 0 && (entry = readdir(tasks)) != NULL) {
		int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		r = add_thread(rings, event, attr, pid, tid, what, reterr);
		if (r == 0)
			opened++;
		else if (r == -ESRCH) /* this thread has ended */
			r = 0;
	}
	closedir(tasks);
	if (r == 0 && !opened)
		r = sluice_fail(reterr, -ESRCH, "process %d has ended", pid);
	if (r < 0)
		perf_rings_remove_process(rings, pid);
	return r;
}

void
perf_rings_remove_process(struct perf_rings *rings, int32_t pid)
{
	for (size_t c = 0; c < rings->cpus; c++) {
		struct ring *ring = &rings->ring[c];
		size_t kept = 0;

		ring->id_count = 0;
		for (size_t i = 0; i < ring->count; i++) {
			struct opened *opened = &ring->opened[i];
			uint64_t id;

			if (opened->event != EVENT_NONE && opened->pid == pid) {
				close(opened->fd);
				continue;
			}
			if (opened->event != EVENT_NONE &&
			    ioctl(opened->fd, PERF_EVENT_IOC_ID, &id) == 0)
				id_insert(ring, id, opened->event);
			ring->opened[kept++] = *opened;
		}
		ring->count = kept;
	}
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
	const char *data = (const char *)ring->page + rings->page_bytes;
	uint64_t head;

	if (!ring->page)
		return;
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
