/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_etmem.c - which pages were accessed, by /proc/PID/idle_pages of openEuler's kernels
 * (module etmem_scan): reading it walks the page table, tells which pages were accessed, and clears
 * their accessed bits, all at once. Of a virtual machine it walks the guest's memory.
 *
 * So each read is a look and a marking. Whoever else reads it, or clears accessed bits (etmemd,
 * DAMON), must not watch the same process. Clearing flushes no TLBs there: a page whose translation
 * stays cached looks idle, hence the spread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "idle_pages.h"
#include "log.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_out.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define SPREAD 0.5f
#define READ_BYTES 1024 /* becomes as many samples at most */
#define PASSES 3

/* From one pass over all targets to the next, at the least: short ones tell hot pages from hotter
 * ones, long ones cold from colder. */
static const uint64_t pass_ns[PASSES] = {100000000, 500000000, 2500000000};

struct etmem {
	char sysroot[256];
	struct scan_walk walk;
	struct scan_purse purse;
	struct scan_out out;
	int fd;             /* of the target under way, -1 */
	uint64_t addr, end; /* of the mapping under way */
	size_t span_at, target_at;
	int passing;
	uint64_t passes, next_pass_ns;
	struct sampler_stats stats;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int fd = procfs_open(env->sysroot, getpid(), "idle_pages", O_RDONLY);

	if (fd == -ENOENT) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "no /proc/PID/idle_pages: only openEuler's kernels have it, with the "
			 "module "
			 "etmem_scan loaded (modprobe etmem_scan)");
		return -ENOTSUP;
	}
	if (fd < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "/proc/PID/idle_pages cannot be opened (%s); run Sluice as root",
			 strerror(-fd));
		return fd == -EPERM ? -EACCES : fd;
	}
	close(fd);
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "sees single 4 KiB pages of all tiers, reads and writes, by idle_pages of etmem; "
		 "etmemd must not watch the same processes. Only when named");
	return 0;
}

static void
stop(void *vself)
{
	struct etmem *self = vself;

	if (!self)
		return;
	if (self->fd >= 0)
		close(self->fd);
	scan_walk_destroy(&self->walk);
	scan_out_destroy(&self->out);
	free(self);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct etmem *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(self->sysroot, sizeof(self->sysroot), "%s", env->sysroot);
	self->fd = -1;
	self->purse.effort = 0.01;
	r = scan_walk_init(&self->walk, env->sysroot, reterr);
	if (r == 0)
		r = scan_out_init(&self->out, SPREAD, reterr);
	if (r < 0) {
		stop(self);
		return r;
	}
	*ret_self = self;
	return 0;
}

static int
add(void *vself, int32_t pid, struct sluice_err *reterr)
{
	return scan_walk_add(&((struct etmem *)vself)->walk, "etmem", pid, reterr);
}

static void
close_target(struct etmem *self)
{
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
}

static void
remove_target(void *vself, int32_t pid)
{
	struct etmem *self = vself;

	if (self->walk.pid == pid)
		close_target(self);
	for (size_t i = 0; i < self->target_at && i < self->walk.count; i++) {
		if (self->walk.pids[i] == pid) {
			self->target_at--;
			break;
		}
	}
	scan_walk_remove(&self->walk, pid);
}

/* The next mapping, of this target or the next. 0: the pass is over. */
static int
next_mapping(struct etmem *self)
{
	while (self->fd < 0 || self->span_at == self->walk.span_count) {
		int32_t pid;

		close_target(self);
		if (self->target_at >= self->walk.count)
			return 0;
		pid = self->walk.pids[self->target_at++];
		self->span_at = 0;
		self->addr = 0;
		if (scan_walk_begin_one(&self->walk, pid))
			self->fd = procfs_open(self->sysroot, pid, "idle_pages", O_RDONLY);
	}
	if (self->addr < self->walk.spans[self->span_at].start)
		self->addr = self->walk.spans[self->span_at].start;
	self->end = self->walk.spans[self->span_at++].end;
	return 1;
}

/* One read: what was accessed, and that all of it is watched from now on. A read goes on past the
 * end of the mapping, and what it tells of the next ones is taken too, as it has cleared their
 * bits. */
static void
read_once(struct etmem *self, uint64_t time_ns)
{
	uint8_t bytes[READ_BYTES];
	struct idle_pages_run run;
	struct idle_pages pages;
	uint64_t until = self->addr;
	int32_t pid = self->walk.pid;
	ssize_t length = -1;
	int bad = 0;

	if (lseek(self->fd, (off_t)self->addr, SEEK_SET) >= 0)
		length = read(self->fd, bytes, sizeof(bytes));
	if (length <= 0) {
		/* Nothing more is there; or it has ended, or runs something else now. */
		self->addr = self->end;
		if (length < 0)
			close_target(self);
		return;
	}
	pages = idle_pages_begin(bytes, (size_t)length);
	while (idle_pages_next(&pages, &run, &bad)) {
		until = run.end;
		if (run.state == IDLE_PAGES_ACCESSED)
			scan_out_range(&self->out, SAMPLE_SEEN, pid, run.start, run.end - run.start,
				       time_ns);
	}
	if (bad)
		log_debug("etmem", "process %d: idle_pages at %#llx makes no sense", pid,
			  (unsigned long long)self->addr);
	if (until > self->addr)
		scan_out_range(&self->out, SAMPLE_ARMED, pid, self->addr, until - self->addr,
			       time_ns);
	self->addr = until > self->addr && !bad ? until : self->end;
	/* Mappings that were read along are done. */
	while (self->span_at < self->walk.span_count &&
	       self->addr >= self->walk.spans[self->span_at].end)
		self->end = self->walk.spans[self->span_at++].end;
}

static void
pass_on(struct etmem *self, uint64_t now_ns)
{
	while (self->purse.ns > 0 && self->out.count + READ_BYTES + 1 <= SCAN_OUT_MAX) {
		uint64_t began_ns = clock_thread_cpu_ns();

		if (self->fd < 0 || self->addr >= self->end) {
			if (!next_mapping(self)) {
				self->passing = 0;
				return;
			}
		}
		read_once(self, self->sysroot[0] ? now_ns : clock_now_ns());
		scan_purse_pay(&self->purse, (double)(clock_thread_cpu_ns() - began_ns));
	}
}

static int
read_samples(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct etmem *self = vself;

	(void)reterr;
	if (self->out.count == 0) {
		scan_purse_fill(&self->purse, now_ns);
		if (!self->passing && self->walk.count && self->purse.ns > 0 &&
		    now_ns >= self->next_pass_ns) {
			close_target(self);
			self->target_at = 0;
			self->passing = 1;
			self->next_pass_ns = now_ns + pass_ns[self->passes++ % PASSES];
		}
		if (self->passing)
			pass_on(self, now_ns);
	}
	*ret_count = scan_out_take(&self->out, samples, capacity);
	return 0;
}

static void
set_effort(void *vself, double cpu_share)
{
	scan_purse_effort(&((struct etmem *)vself)->purse, cpu_share);
}

static void
get_stats(void *vself, struct sampler_stats *ret)
{
	struct etmem *self = vself;

	self->stats.samples = self->out.samples;
	*ret = self->stats;
}

const struct sampler_ops sampler_etmem = {
	.name = "etmem",
	.summary = "accesses to single pages, by idle_pages of openEuler's kernels",
	.page_granular = 1,
	.named_only = 1,
	.uses = SAMPLER_ACCESSED_BITS | SAMPLER_PAGE_MARKS,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};
