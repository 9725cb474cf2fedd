/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_softdirty.c - which pages were written, by the soft-dirty bits of the page table: clear
 * them (clear_refs), wait, and read which are set again (pagemap).
 *
 * Page by page, on any kernel that has CONFIG_MEM_SOFT_DIRTY, whoever started the program. Writes
 * only: what is read and never written looks cold, and each sample says that it may be off by a
 * factor of two (spread). Clearing is for a whole process at once, write-protects all of its pages,
 * and the first write to each faults: that is what the program pays.
 *
 * A round of a target: read what is dirty since the last round, clear, wait a moment, read again.
 * Of a page that is written all the time no more is known than that it was once in the time since
 * the clearing, so hot pages need the short wait; cold ones are told apart by the time between
 * rounds.
 *
 * A program that is checkpointed with soft-dirty bits (CRIU's pre-dump) must not be watched so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault_price.h"
#include "log.h"
#include "pagemap_runs.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_out.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define SPREAD 1.0f /* octaves: what share of accesses are writes, nobody tells us */
#define WAITS 2
#define ROUND_LEAST_NS 300000000u

static const uint64_t wait_ns[WAITS] = {20000000, 80000000};

enum phase { NONE, READ_BEFORE, WAIT, READ_AFTER };

struct softdirty {
	char sysroot[256];
	struct scan_walk walk; /* of the target that is read */
	struct scan_purse purse;
	struct scan_out out;
	enum phase phase;
	size_t armed_at;   /* the first of the walk's mappings that is not told as armed yet; they
			    * may be more than there is room for at once */
	uint64_t armed_ns; /* when they were */
	int32_t pid;       /* of the round under way */
	uint64_t due_ns;   /* the wait ends, or the next round may begin */
	size_t turn;       /* whose turn is next */
	uint32_t rounds;
	int32_t cleared[SCAN_TARGETS_MAX]; /* of these it is known what was written since; 0 free */
	int pagemap_fd;
	uint64_t fault_ns; /* price of one */
	struct sampler_stats stats;
};

/* Without CONFIG_MEM_SOFT_DIRTY the bit is never set: a page of our own that is written has it. */
static int
has_soft_dirty(const char *sysroot)
{
	static volatile char page[2 * HEAT_PAGE_BYTES];
	uint64_t addr =
		((uint64_t)(uintptr_t)page + HEAT_PAGE_BYTES - 1) & ~(HEAT_PAGE_BYTES - 1ull);
	uint64_t entry = 0;
	int fd = procfs_open(sysroot, getpid(), "pagemap", O_RDONLY);

	if (fd < 0)
		return fd;
	page[addr - (uint64_t)(uintptr_t)page] = 1;
	/* Of a made-up /proc only the first entries are there. */
	if (pread(fd, &entry, 8, sysroot[0] ? 0 : (off_t)(addr / HEAT_PAGE_BYTES * 8)) != 8)
		entry = 0;
	close(fd);
	return (entry & PAGEMAP_SOFT_DIRTY) != 0;
}

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int has = has_soft_dirty(env->sysroot), fd;

	if (has < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "/proc/PID/pagemap cannot be read (%s); run Sluice as root",
			 strerror(-has));
		return has == -ENOENT ? -ENOTSUP : has;
	}
	if (!has) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel has no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY, x86, powerpc, "
			 "s390 and riscv only; Debian's kernels for x86 have it)");
		return -ENOTSUP;
	}
	fd = procfs_open(env->sysroot, getpid(), "clear_refs", O_WRONLY);
	if (fd < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES, "/proc/PID/clear_refs cannot be used (%s)",
			 strerror(-fd));
		return fd == -ENOENT ? -ENOTSUP : fd;
	}
	close(fd);
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "sees single 4 KiB pages of all tiers, but only writes to them; each pass costs "
		 "the "
		 "program a fault for each page that it writes. Only when named");
	return 0;
}

static void
stop(void *vself)
{
	struct softdirty *self = vself;

	if (!self)
		return;
	if (self->pagemap_fd >= 0)
		close(self->pagemap_fd);
	scan_walk_destroy(&self->walk);
	scan_out_destroy(&self->out);
	free(self);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct softdirty *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(self->sysroot, sizeof(self->sysroot), "%s", env->sysroot);
	self->pagemap_fd = -1;
	self->fault_ns = fault_price_ns(FAULT_PRICE_PAGES);
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
	struct softdirty *self = vself;

	return scan_walk_add(&self->walk, "softdirty", pid, reterr);
}

static int32_t *
cleared_slot(struct softdirty *self, int32_t pid)
{
	for (size_t i = 0; i < SCAN_TARGETS_MAX; i++) {
		if (self->cleared[i] == pid)
			return &self->cleared[i];
	}
	return NULL;
}

static void
end_round(struct softdirty *self)
{
	if (self->pagemap_fd >= 0)
		close(self->pagemap_fd);
	self->pagemap_fd = -1;
	self->phase = NONE;
	self->pid = 0;
}

static void
remove_target(void *vself, int32_t pid)
{
	struct softdirty *self = vself;
	int32_t *slot = cleared_slot(self, pid);

	scan_walk_remove(&self->walk, pid);
	if (slot)
		*slot = 0;
	if (self->pid == pid)
		end_round(self);
}

static int
is_arming(const struct softdirty *self)
{
	return self->phase == WAIT && self->armed_at < self->walk.span_count;
}

/* Tell of mappings that were cleared, as far as there is room. */
static void
arm_on(struct softdirty *self)
{
	while (is_arming(self) && scan_out_has_room(&self->out)) {
		const struct heat_span *span = &self->walk.spans[self->armed_at++];

		scan_out_range(&self->out, SAMPLE_ARMED, self->pid, span->start,
			       span->end - span->start, self->armed_ns);
	}
}

/* What is mapped now is watched from now on; mappings that come later are dirty from the start. */
static void
clear(struct softdirty *self, uint64_t now_ns)
{
	int32_t pid = self->pid, *slot = cleared_slot(self, pid);
	int r = procfs_write(self->sysroot, pid, "clear_refs", "4");
	uint64_t time_ns = self->sysroot[0] ? now_ns : clock_now_ns();

	if (r < 0 || !scan_walk_begin_one(&self->walk, pid)) {
		/* Of a process that has ended the round hears from elsewhere. */
		if (r < 0)
			log_debug("softdirty", "clear_refs of process %d: %s", pid, strerror(-r));
		end_round(self);
		return;
	}
	if (!slot)
		slot = cleared_slot(self, 0);
	if (slot)
		*slot = pid;
	self->armed_at = 0;
	self->armed_ns = time_ns;
	self->phase = WAIT;
	arm_on(self);
	self->due_ns = time_ns + wait_ns[self->rounds++ / self->walk.count % WAITS];
}

static void
begin_round(struct softdirty *self, uint64_t now_ns)
{
	self->pid = self->walk.pids[self->turn++ % self->walk.count];
	self->due_ns = now_ns;
	self->phase = READ_BEFORE;
	if (!cleared_slot(self, self->pid) || !scan_walk_begin_one(&self->walk, self->pid))
		clear(self, now_ns);
}

static void
pay_faults(struct softdirty *self, uint32_t pages)
{
	self->stats.target_cost_ns += pages * self->fault_ns;
	scan_purse_pay(&self->purse, (double)(pages * self->fault_ns));
}

/* As much of the target as the purse allows. The last is read later than the first, and each sample
 * has the time of its own look. 1: all was read. */
static int
read_on(struct softdirty *self, uint64_t now_ns)
{
	uint64_t entries[HEAT_REGION_PAGES], bits[SCAN_WORDS], began_ns = clock_thread_cpu_ns();
	struct scan_slice slice;

	while (scan_out_has_room(&self->out) && self->purse.ns > 0) {
		uint64_t cpu_ns, time_ns = self->sysroot[0] ? now_ns : clock_now_ns();
		uint32_t written;

		if (!scan_walk_next(&self->walk, &slice) ||
		    pagemap_read(self->sysroot, &slice, &self->pagemap_fd, entries) < 0)
			return 1;
		pagemap_bits(entries, slice.pages, PAGEMAP_SOFT_DIRTY | PAGEMAP_PRESENT, bits);
		written = scan_out_seen(&self->out, &slice, bits, time_ns);
		cpu_ns = clock_thread_cpu_ns();
		scan_purse_pay(&self->purse, (double)(cpu_ns - began_ns));
		began_ns = cpu_ns;
		/* What was written at the first look is so at the second too, and paid for once. */
		if (self->phase == READ_BEFORE)
			pay_faults(self, written);
	}
	return 0;
}

/* The round as far as there is something to spend. */
static void
go_on(struct softdirty *self, uint64_t now_ns)
{
	uint64_t began_ns = clock_thread_cpu_ns();

	if (self->phase == NONE && self->walk.count && self->purse.effort > 0 &&
	    self->purse.ns > 0 && now_ns >= self->due_ns)
		begin_round(self, now_ns);
	else if (is_arming(self))
		arm_on(self);
	else if (self->phase == WAIT && now_ns >= self->due_ns)
		self->phase = READ_AFTER;
	scan_purse_pay(&self->purse, (double)(clock_thread_cpu_ns() - began_ns));
	if ((self->phase != READ_BEFORE && self->phase != READ_AFTER) || !read_on(self, now_ns))
		return;
	log_debug("softdirty", "process %d: %llu samples so far", self->pid,
		  (unsigned long long)self->out.samples);
	if (self->phase == READ_AFTER) {
		end_round(self);
		self->due_ns = now_ns + ROUND_LEAST_NS / self->walk.count;
		return;
	}
	began_ns = clock_thread_cpu_ns();
	clear(self, now_ns);
	scan_purse_pay(&self->purse, (double)(clock_thread_cpu_ns() - began_ns));
}

static int
read_samples(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct softdirty *self = vself;

	(void)reterr;
	*ret_count = 0;
	do {
		if (self->out.count == 0) {
			scan_purse_fill(&self->purse, now_ns);
			go_on(self, now_ns);
		}
		*ret_count +=
			scan_out_take(&self->out, samples + *ret_count, capacity - *ret_count);
		/* All that was armed is told before anything of what it has seen. */
	} while (is_arming(self) && *ret_count < capacity);
	return 0;
}

static uint64_t
due_ns(void *vself, uint64_t now_ns)
{
	const struct softdirty *self = vself;

	if (is_arming(self))
		return 0;
	if (self->phase != WAIT)
		return UINT64_MAX;
	return self->due_ns > now_ns ? self->due_ns - now_ns : 0;
}

static void
set_effort(void *vself, double cpu_share)
{
	scan_purse_effort(&((struct softdirty *)vself)->purse, cpu_share);
}

static void
get_stats(void *vself, struct sampler_stats *ret)
{
	struct softdirty *self = vself;

	self->stats.samples = self->out.samples;
	*ret = self->stats;
}

const struct sampler_ops sampler_softdirty = {
	.name = "softdirty",
	.summary = "writes to single pages, by soft-dirty bits; any kernel of x86",
	.page_granular = 1,
	.named_only = 1,
	.uses = SAMPLER_PAGE_MARKS,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.due_ns = due_ns,
	.get_stats = get_stats,
	.stop = stop,
};
