/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_wp.c - which pages were written, by write-protecting them asynchronously (userfaultfd)
 * and asking which are so no more (PAGEMAP_SCAN).
 *
 * As softdirty it sees single pages, and writes only. But it marks a slice at a time rather than a
 * whole process, one system call looks at 2 MiB and marks them anew, and whoever else uses
 * soft-dirty bits is not disturbed. The descriptor must be of the program itself, so it watches
 * only what `sluice run --sampler wp` starts (preload/preload_wp.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault_price.h"
#include "log.h"
#include "sampler_registry.h"
#include "scan_visits.h"
#include "wp_target.h"

#define SPREAD 1.0f /* octaves: what share of accesses are writes, nobody tells us */
#define LOOK_AGAIN_NS 300000000u

struct wp {
	struct scan_visits visits;
	struct wp_target targets[SCAN_TARGETS_MAX];
	struct heat_span *spans; /* to let go of a target */
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int r;

	if (env->sysroot[0]) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "works on a live machine only, not under '%s'", env->sysroot);
		return -ENOTSUP;
	}
	r = wp_kernel(sentence, OPS_SENTENCE_BYTES);
	if (r == 0)
		snprintf(
			sentence, OPS_SENTENCE_BYTES,
			"sees writes to single 4 KiB pages of all tiers, in programs that 'sluice "
			"run --sampler wp' starts; each write to a marked page costs a fault. Only "
			"when named");
	return r;
}

static struct wp_target *
find(struct wp *wp, int32_t pid)
{
	for (size_t i = 0; i < SCAN_TARGETS_MAX; i++) {
		if (wp->targets[i].pid == pid)
			return &wp->targets[i];
	}
	return NULL;
}

static void
let_go(struct wp *wp, struct wp_target *target)
{
	size_t count = 0;

	if (target->uffd >= 0 &&
	    scan_spans_read("", target->pid, wp->spans, SCAN_SPANS_MAX, &count) < 0)
		count = 0;
	wp_release(target, wp->spans, count);
}

/* Its memory is another since execve(2), with another descriptor. */
static void
lose(struct wp_target *target, uint64_t now_ns)
{
	int32_t pid = target->pid;

	wp_release(target, NULL, 0);
	target->pid = pid;
	target->looked_ns = now_ns;
}

static int
visit(void *ctx, const struct scan_slice *slice, int mark, uint64_t bits[SCAN_WORDS])
{
	struct wp *wp = ctx;
	struct wp_target *target = find(wp, slice->pid);
	uint64_t now_ns = clock_now_ns();
	int r;

	if (!target)
		return -ESRCH;
	if (target->uffd < 0) {
		if (target->looked_ns && now_ns - target->looked_ns < LOOK_AGAIN_NS)
			return -EAGAIN;
		target->looked_ns = now_ns;
		target->uffd = wp_find(slice->pid);
		if (target->uffd < 0)
			return -EAGAIN;
		log_debug("wp", "process %d has a userfaultfd", slice->pid);
	}
	r = wp_scan(target, slice, mark, bits);
	if (r == -EAGAIN)
		lose(target, now_ns);
	/* A mapping that cannot be protected says nothing; the others may. */
	return r < 0 && r != -EAGAIN ? 1 : r;
}

static void
forget(void *ctx, int32_t pid)
{
	struct wp *wp = ctx;
	struct wp_target *target = find(wp, pid);

	if (target)
		let_go(wp, target);
}

static const struct scan_backend backend = {.name = "wp", .visit = visit, .forget = forget};

static void
stop(void *self)
{
	struct wp *wp = self;

	if (!wp)
		return;
	for (size_t i = 0; i < SCAN_TARGETS_MAX; i++) {
		if (wp->targets[i].pid)
			let_go(wp, &wp->targets[i]);
	}
	scan_visits_destroy(&wp->visits);
	free(wp->spans);
	free(wp);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct wp *wp = calloc(1, sizeof(*wp));
	int r;

	if (!wp)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	for (size_t i = 0; i < SCAN_TARGETS_MAX; i++)
		wp->targets[i] = (struct wp_target){.uffd = -1, .pagemap_fd = -1};
	wp->spans = calloc(SCAN_SPANS_MAX, sizeof(*wp->spans));
	r = wp->spans ? scan_visits_init(&wp->visits, &backend, wp, env->sysroot, SPREAD, reterr)
		      : sluice_fail(reterr, -ENOMEM, "out of memory");
	if (r < 0) {
		free(wp->spans);
		free(wp);
		return r;
	}
	wp->visits.fault_ns = fault_price_ns(FAULT_PRICE_PAGES);
	*ret_self = wp;
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct wp *wp = self;
	struct wp_target *free_one = find(wp, 0);
	int r, fd;

	if (find(wp, pid))
		return 0;
	fd = wp_find(pid);
	if (fd == -ENOENT)
		return sluice_fail(
			reterr, -ENOTSUP,
			"process %d cannot be watched by wp: it has no userfaultfd of "
			"Sluice's, as it was not started by 'sluice run --sampler wp', or "
			"is statically linked",
			pid);
	if (fd < 0)
		return sluice_fail(reterr, fd, "process %d cannot be watched by wp: %s", pid,
				   strerror(-fd));
	/* It may be about to execve(2), and is asked anew when it is its turn. */
	close(fd);
	if (!free_one)
		return sluice_fail(reterr, -ENOSPC, "the wp sampler watches %d processes at most",
				   SCAN_TARGETS_MAX);
	r = scan_visits_add(&wp->visits, pid, reterr);
	if (r == 0)
		free_one->pid = pid;
	return r;
}

static void
remove_target(void *self, int32_t pid)
{
	scan_visits_remove(&((struct wp *)self)->visits, pid);
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	(void)reterr;
	scan_visits_read(&((struct wp *)self)->visits, now_ns, samples, capacity, ret_count);
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	scan_purse_effort(&((struct wp *)self)->visits.purse, cpu_share);
}

static uint64_t
due_ns(void *self, uint64_t now_ns)
{
	return scan_visits_due_ns(&((struct wp *)self)->visits, now_ns);
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	scan_visits_get_stats(&((struct wp *)self)->visits, ret);
}

const struct sampler_ops sampler_wp = {
	.name = "wp",
	.summary = "writes to single pages of programs that sluice run starts, by userfaultfd",
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
