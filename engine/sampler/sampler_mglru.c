/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_mglru.c - how much memory is in use, by the kernel's multi-generational LRU: the sizes
 * and ages of generations, for each memory cgroup that targets are in, and each node.
 *
 * It tells no heat of single pages or regions, only working sets (`sluice status`), so it watches
 * beside another tracker. A generation is as young as the last time that its pages were found
 * accessed; by itself the kernel looks only when memory is short, so this asks for a look now and
 * then (lru_look.h). A look walks the page tables of all processes of the cgroup, and clears their
 * accessed bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "lru_look.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define ENABLED "/sys/kernel/mm/lru_gen/enabled"
#define LOOK_NS 10000000000u

struct mglru {
	char sysroot[256];
	struct scan_walk walk; /* for its targets */
	struct scan_purse purse;
	uint64_t looked_ns;    /* 0: not yet */
	struct lru_look *look; /* NULL: none is under way */
	struct lru_found found;
	struct sampler_stats stats;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	char text[32];
	int r = procfs_line(env->sysroot, 0, ENABLED, text, sizeof(text)), fd;

	if (r < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel has no multi-generational LRU (CONFIG_LRU_GEN, from 6.1 on)");
		return -ENOTSUP;
	}
	if (!(strtoul(text, NULL, 0) & 1)) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "the multi-generational LRU is off; switch it on: echo y > " ENABLED);
		return -ENOTSUP;
	}
	fd = procfs_open(env->sysroot, 0, LRU_GENERATIONS, O_RDWR);
	if (fd < 0) {
		if (fd == -ENOENT)
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 "no " LRU_GENERATIONS
				 "; mount debugfs: mount -t debugfs none /sys/kernel/debug");
		else
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 LRU_GENERATIONS " cannot be used (%s); run Sluice as root",
				 strerror(-fd));
		return fd == -ENOENT ? -ENOTSUP : fd == -EPERM ? -EACCES : fd;
	}
	close(fd);
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "tells how much memory of a cgroup is in use, but no heat; name it beside "
		 "another, as "
		 "in hintfault+mglru");
	return 0;
}

static void
stop(void *vself)
{
	struct mglru *self = vself;

	if (!self)
		return;
	lru_look_leave(self->look);
	scan_walk_destroy(&self->walk);
	free(self);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct mglru *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(self->sysroot, sizeof(self->sysroot), "%s", env->sysroot);
	self->purse.effort = 0.01;
	r = scan_walk_init(&self->walk, env->sysroot, reterr);
	if (r < 0) {
		free(self);
		return r;
	}
	*ret_self = self;
	return 0;
}

static int
add(void *vself, int32_t pid, struct sluice_err *reterr)
{
	struct mglru *self = vself;

	self->looked_ns = 0;
	return scan_walk_add(&self->walk, "mglru", pid, reterr);
}

static void
remove_target(void *vself, int32_t pid)
{
	struct mglru *self = vself;

	scan_walk_remove(&self->walk, pid);
	self->looked_ns = 0;
}

static int
read_samples(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct mglru *self = vself;
	int r;

	(void)samples, (void)capacity, (void)reterr;
	*ret_count = 0;
	scan_purse_fill(&self->purse, now_ns);
	if (self->look && lru_look_end(self->look, &self->found)) {
		self->look = NULL;
		self->stats.kernel_cpu_ns += self->found.cpu_ns;
		scan_purse_pay(&self->purse, (double)self->found.cpu_ns);
	}
	if (!self->walk.count)
		self->found.count = 0;
	if (self->look || !self->walk.count || self->purse.ns <= 0 || self->purse.effort <= 0 ||
	    (self->looked_ns && now_ns - self->looked_ns < LOOK_NS))
		return 0;
	self->looked_ns = now_ns;
	r = lru_look_begin(self->sysroot, self->walk.pids, self->walk.count, &self->look);
	if (r < 0)
		log_debug("mglru", "no look: %s", strerror(-r));
	return 0;
}

static void
set_effort(void *vself, double cpu_share)
{
	scan_purse_effort(&((struct mglru *)vself)->purse, cpu_share);
}

static size_t
working_sets(void *vself, struct sampler_working_set *sets, size_t capacity)
{
	const struct mglru *self = vself;
	size_t count = self->found.count < capacity ? self->found.count : capacity;

	memcpy(sets, self->found.sets, count * sizeof(*sets));
	return count;
}

static void
get_stats(void *vself, struct sampler_stats *ret)
{
	*ret = ((struct mglru *)vself)->stats;
}

const struct sampler_ops sampler_mglru = {
	.name = "mglru",
	.summary = "working sets of cgroups, by the multi-generational LRU; no heat",
	.named_only = 1,
	.no_samples = 1,
	.sentinel = 1,
	.uses = SAMPLER_ACCESSED_BITS,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.working_sets = working_sets,
	.get_stats = get_stats,
	.stop = stop,
};
