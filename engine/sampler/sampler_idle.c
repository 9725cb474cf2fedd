/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_idle.c - which pages were accessed, by the kernel's idle-page tracking: pages are marked
 * idle in a bitmap of physical memory, and an access takes the mark away.
 *
 * Reads and writes, page by page, at no cost to the program but some TLB misses, as the kernel
 * clears accessed bits to see accesses. What is not free is finding pages: for each slice its page
 * table is read (pagemap), and then the bits of those physical pages. Few distributions build the
 * kernel so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "idle_bits.h"
#include "pagemap_runs.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_visits.h"

struct idle {
	char sysroot[256];
	struct scan_visits visits;
	struct idle_bits bits;
	int32_t pagemap_pid; /* whose is open */
	int pagemap_fd;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int fd = procfs_open(env->sysroot, 0, IDLE_BITMAP, O_RDWR), r;

	if (fd < 0) {
		if (fd == -ENOENT)
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 "this kernel has no idle-page tracking (no " IDLE_BITMAP
				 "; CONFIG_IDLE_PAGE_TRACKING, which Debian's kernels lack)");
		else
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 IDLE_BITMAP " cannot be used (%s); run Sluice as root",
				 strerror(-fd));
		return fd == -ENOENT ? -ENOTSUP : fd == -EPERM ? -EACCES : fd;
	}
	close(fd);
	r = pagemap_tells_pfn(env->sysroot);
	if (r <= 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "/proc/PID/pagemap does not tell physical addresses, which needs "
			 "CAP_SYS_ADMIN; run Sluice as root");
		return -EACCES;
	}
	snprintf(
		sentence, OPS_SENTENCE_BYTES,
		"sees single 4 KiB pages of all tiers, reads and writes, by the kernel's idle-page "
		"tracking. Only when named");
	return 0;
}

static int
visit(void *ctx, const struct scan_slice *slice, int mark, uint64_t bits[SCAN_WORDS])
{
	struct idle *idle = ctx;
	uint64_t entries[HEAT_REGION_PAGES];
	int r;

	if (idle->pagemap_fd >= 0 && idle->pagemap_pid != slice->pid) {
		close(idle->pagemap_fd);
		idle->pagemap_fd = -1;
	}
	idle->pagemap_pid = slice->pid;
	r = pagemap_read(idle->sysroot, slice, &idle->pagemap_fd, entries);
	if (r == 0)
		r = idle_bits_look(&idle->bits, entries, slice->pages, bits);
	if (r == 0 && mark)
		r = idle_bits_mark(&idle->bits, entries, slice->pages);
	return r;
}

static const struct scan_backend backend = {.name = "idle", .visit = visit};

static void
stop(void *self)
{
	struct idle *idle = self;

	if (!idle)
		return;
	if (idle->pagemap_fd >= 0)
		close(idle->pagemap_fd);
	idle_bits_close(&idle->bits);
	scan_visits_destroy(&idle->visits);
	free(idle);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct idle *idle = calloc(1, sizeof(*idle));
	int r;

	if (!idle)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(idle->sysroot, sizeof(idle->sysroot), "%s", env->sysroot);
	idle->pagemap_fd = -1;
	r = idle_bits_open(&idle->bits, env->sysroot);
	if (r < 0) {
		free(idle);
		return sluice_fail(reterr, r, "cannot open " IDLE_BITMAP ": %s", strerror(-r));
	}
	r = scan_visits_init(&idle->visits, &backend, idle, env->sysroot, 0, reterr);
	if (r < 0) {
		idle_bits_close(&idle->bits);
		free(idle);
		return r;
	}
	*ret_self = idle;
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	return scan_visits_add(&((struct idle *)self)->visits, pid, reterr);
}

static void
remove_target(void *self, int32_t pid)
{
	scan_visits_remove(&((struct idle *)self)->visits, pid);
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	(void)reterr;
	scan_visits_read(&((struct idle *)self)->visits, now_ns, samples, capacity, ret_count);
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	scan_purse_effort(&((struct idle *)self)->visits.purse, cpu_share);
}

static uint64_t
due_ns(void *self, uint64_t now_ns)
{
	return scan_visits_due_ns(&((struct idle *)self)->visits, now_ns);
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	scan_visits_get_stats(&((struct idle *)self)->visits, ret);
}

const struct sampler_ops sampler_idle = {
	.name = "idle",
	.summary = "accesses to single pages, by the kernel's idle-page tracking",
	.page_granular = 1,
	.named_only = 1,
	.uses = SAMPLER_ACCESSED_BITS | SAMPLER_PAGE_MARKS,
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
