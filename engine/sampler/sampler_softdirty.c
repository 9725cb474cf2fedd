/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_softdirty.c - which pages were written, by the soft-dirty bits of the page table: clear
 * them (clear_refs), wait, and read which are set again (pagemap).
 *
 * Page by page, on any kernel that has CONFIG_MEM_SOFT_DIRTY, whoever started the program. Writes
 * only: what is read and never written looks cold. So each sample says that it may be off by a
 * factor of four (spread). Clearing is for a whole process at once, write-protects all of its
 * pages, and the first write to each faults: that is what the program pays. How long is waited goes
 * through four lengths, as one tells hot pages from hotter ones, and another cold from colder.
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

#define SPREAD 2.0f /* octaves: what share of accesses are writes, nobody tells us */
#define WAITS 4

static const uint64_t wait_ns[WAITS] = {30000000, 150000000, 700000000, 3000000000};

struct round_of {    /* the target under way */
	int32_t pid; /* 0: none */
	int reading; /* else waiting */
	uint64_t cleared_ns;
	uint64_t due_ns;
};

struct softdirty {
	char sysroot[256];
	struct scan_walk walk; /* of the target that is read */
	struct scan_purse purse;
	struct scan_out out;
	struct round_of now;
	size_t turn;      /* whose turn is next */
	uint32_t wait_at; /* how long it is waited next */
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
	self->fault_ns = fault_price_ns();
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

static void
end_round(struct softdirty *self)
{
	if (self->pagemap_fd >= 0)
		close(self->pagemap_fd);
	self->pagemap_fd = -1;
	self->now = (struct round_of){.pid = 0};
}

static void
remove_target(void *vself, int32_t pid)
{
	struct softdirty *self = vself;

	scan_walk_remove(&self->walk, pid);
	if (self->now.pid == pid)
		end_round(self);
}

/* Clears the bits of the next target. What is mapped at that time is watched; mappings that come
 * later are dirty from the start, and not read. */
static void
begin_round(struct softdirty *self, uint64_t now_ns)
{
	int32_t pid = self->walk.pids[self->turn++ % self->walk.count];
	int r;

	if (!scan_walk_begin_one(&self->walk, pid))
		return;
	r = procfs_write(self->sysroot, pid, "clear_refs", "4");
	if (r < 0) {
		log_debug("softdirty", "clear_refs of process %d: %s", pid, strerror(-r));
		return;
	}
	self->now = (struct round_of){.pid = pid, .cleared_ns = clock_now_ns()};
	/* A made-up clock, in tests, has another time. */
	if (self->now.cleared_ns < now_ns || self->sysroot[0])
		self->now.cleared_ns = now_ns;
	self->now.due_ns = self->now.cleared_ns + wait_ns[self->wait_at];
	if (self->turn % self->walk.count == 0)
		self->wait_at = (self->wait_at + 1) % WAITS;
	for (size_t i = 0; i < self->walk.span_count; i++)
		scan_out_range(&self->out, SAMPLE_ARMED, pid, self->walk.spans[i].start,
			       self->walk.spans[i].end - self->walk.spans[i].start,
			       self->now.cleared_ns);
}

/* As much of the target as the purse allows. The last is read later than the first, and each sample
 * has the time of its own look. */
static void
read_on(struct softdirty *self, uint64_t now_ns)
{
	uint64_t entries[HEAT_REGION_PAGES], bits[SCAN_WORDS], began_ns = clock_thread_cpu_ns();
	struct scan_slice slice;
	uint32_t written;

	while (self->now.pid && scan_out_has_room(&self->out) && self->purse.ns > 0) {
		uint64_t cpu_ns, time_ns = self->sysroot[0] ? now_ns : clock_now_ns();

		if (!scan_walk_next(&self->walk, &slice) ||
		    pagemap_read(self->sysroot, &slice, &self->pagemap_fd, entries) < 0) {
			end_round(self);
			break;
		}
		pagemap_bits(entries, slice.pages, PAGEMAP_SOFT_DIRTY | PAGEMAP_PRESENT, bits);
		written = scan_out_seen(&self->out, &slice, bits, time_ns);
		self->stats.target_cost_ns += written * self->fault_ns;
		cpu_ns = clock_thread_cpu_ns();
		scan_purse_pay(&self->purse,
			       (double)(cpu_ns - began_ns) + (double)(written * self->fault_ns));
		began_ns = cpu_ns;
	}
}

static int
read_samples(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct softdirty *self = vself;

	(void)reterr;
	if (self->out.count == 0) {
		scan_purse_fill(&self->purse, now_ns);
		/* Bits that were cleared stay so, and go on collecting, till there is time. */
		if (!self->now.pid && self->walk.count && self->purse.effort > 0 &&
		    self->purse.ns > 0) {
			uint64_t began_ns = clock_thread_cpu_ns();

			begin_round(self, now_ns);
			scan_purse_pay(&self->purse, (double)(clock_thread_cpu_ns() - began_ns));
		} else if (self->now.pid && now_ns >= self->now.due_ns) {
			read_on(self, now_ns);
		}
	}
	*ret_count = scan_out_take(&self->out, samples, capacity);
	return 0;
}

static uint64_t
due_ns(void *vself, uint64_t now_ns)
{
	const struct softdirty *self = vself;

	if (!self->now.pid || self->purse.ns <= 0)
		return UINT64_MAX;
	return self->now.due_ns > now_ns ? self->now.due_ns - now_ns : 0;
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
