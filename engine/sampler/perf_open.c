/* SPDX-License-Identifier: Apache-2.0 */
/* perf_open.c - opening events, of all processes or of one, so that they write into the rings; see
 * perf_ring.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "perf_ring_parts.h"

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
		if (r < 0) {
			/* An anchor would stay for good, one more at each try. */
			close(fd);
			ring->count--;
			return sluice_fail(
				reterr, r, "cannot map the ring of perf event '%s': %s%s", what,
				strerror(-r),
				r == -EPERM ? "; kernel.perf_event_mlock_kb is the limit" : "");
		}
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
