/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_mglru.c - how much memory is in use, by the kernel's multi-generational LRU: the sizes
 * and ages of generations, for each memory cgroup that targets are in, and each node.
 *
 * It tells no heat of single pages or regions, only working sets (`sluice status`), so it watches
 * beside another tracker. A generation is as young as the last time that its pages were found
 * accessed; by itself the kernel looks only when memory is short, so this asks for a look now and
 * then. A look walks the page tables of all processes of the cgroup in our own thread, and clears
 * their accessed bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "lru_gen.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define ENABLED "/sys/kernel/mm/lru_gen/enabled"
#define GENERATIONS "/sys/kernel/debug/lru_gen"
#define PATHS_MOST 32
#define LOOK_NS 10000000000u

/* What to write to have a generation made. */
struct wish {
	uint64_t memcg, newest;
	int node;
};

struct mglru {
	char sysroot[256];
	struct scan_walk walk; /* for its targets */
	struct scan_purse purse;
	uint64_t looked_ns; /* 0: not yet */
	struct sampler_working_set sets[SAMPLER_WORKING_SETS_MAX];
	struct wish wishes[SAMPLER_WORKING_SETS_MAX];
	size_t set_count;
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
	fd = procfs_open(env->sysroot, 0, GENERATIONS, O_RDWR);
	if (fd < 0) {
		if (fd == -ENOENT)
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 "no " GENERATIONS
				 "; mount debugfs: mount -t debugfs none /sys/kernel/debug");
		else
			snprintf(sentence, OPS_SENTENCE_BYTES,
				 GENERATIONS " cannot be used (%s); run Sluice as root",
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

/* The memory cgroup of a process: "0::/a/b", or "9:memory:/a/b" where there are hierarchies of the
 * first kind. */
static int
memcg_of(const char *sysroot, int32_t pid, char *path, size_t capacity)
{
	struct procfs_lines lines;
	const char *line;
	int found = 0, r = procfs_lines_open(&lines, sysroot, pid, "cgroup");

	if (r < 0)
		return r;
	while (found < 2 && (line = procfs_lines_next(&lines, &r))) {
		const char *name = strchr(line, ':'), *at = name ? strchr(name + 1, ':') : NULL;

		if (!at || (name[1] != ':' && strncmp(name, ":memory:", 8) != 0))
			continue;
		if (strlen(at + 1) >= capacity)
			continue;
		strcpy(path, at + 1);
		found = name[1] == ':' ? 1 : 2;
	}
	procfs_lines_close(&lines);
	return found ? 0 : -ENOENT;
}

static size_t
memcgs_of_targets(const struct mglru *self, char paths[PATHS_MOST][SAMPLER_MEMCG_BYTES])
{
	size_t count = 0;

	for (size_t i = 0; i < self->walk.count && count < PATHS_MOST; i++) {
		size_t k = 0;

		if (memcg_of(self->sysroot, self->walk.pids[i], paths[count], SAMPLER_MEMCG_BYTES) <
		    0)
			continue;
		while (strcmp(paths[k], paths[count]) != 0)
			k++;
		count += k == count;
	}
	return count;
}

static int
is_among(char paths[PATHS_MOST][SAMPLER_MEMCG_BYTES], size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(paths[i], path) == 0)
			return 1;
	}
	return 0;
}

/* One generation of the set under way; those that have no page are told too, for their age. */
static void
generation_add(struct mglru *self, const struct lru_gen_line *line)
{
	struct sampler_working_set *set = &self->sets[self->set_count - 1];
	struct wish *wish = &self->wishes[self->set_count - 1];

	if (line->number > wish->newest)
		wish->newest = line->number;
	if (set->count == SAMPLER_GENERATIONS_MAX)
		return;
	set->generation[set->count].age_ms = line->age_ms;
	set->generation[set->count].anon_bytes = line->anon_pages * HEAT_PAGE_BYTES;
	set->generation[set->count++].file_bytes = line->file_pages * HEAT_PAGE_BYTES;
}

static void
read_sets(struct mglru *self)
{
	static char paths[PATHS_MOST][SAMPLER_MEMCG_BYTES];
	char path[SAMPLER_MEMCG_BYTES] = "";
	size_t path_count = memcgs_of_targets(self, paths);
	struct procfs_lines lines;
	uint64_t memcg = 0;
	int wanted = 0, in_set = 0, error;
	char *text;

	self->set_count = 0;
	if (procfs_lines_open(&lines, self->sysroot, 0, GENERATIONS) < 0)
		return;
	while ((text = procfs_lines_next(&lines, &error))) {
		struct lru_gen_line line;

		lru_gen_parse(text, &line);
		if (line.kind == LRU_GEN_MEMCG) {
			/* The root's path is empty in some kernels. */
			snprintf(path, sizeof(path), "%s", line.path[0] ? line.path : "/");
			memcg = line.memcg;
			wanted = is_among(paths, path_count, path);
			in_set = 0;
		} else if (line.kind == LRU_GEN_NODE) {
			in_set = wanted && self->set_count < SAMPLER_WORKING_SETS_MAX;
			if (!in_set)
				continue;
			self->wishes[self->set_count] = (struct wish){memcg, 0, line.node};
			self->sets[self->set_count] =
				(struct sampler_working_set){.node = line.node};
			memcpy(self->sets[self->set_count++].memcg, path, sizeof(path));
		} else if (line.kind == LRU_GEN_GENERATION && in_set) {
			generation_add(self, &line);
		}
	}
	procfs_lines_close(&lines);
}

/* Pages that were accessed since the last one become the youngest generation. */
static void
ask_for_look(struct mglru *self)
{
	for (size_t i = 0; i < self->set_count; i++) {
		const struct wish *wish = &self->wishes[i];
		char text[96];
		int r;

		if (!self->sets[i].count)
			continue;
		/* Anonymous pages too, also where there is no swap; all page tables. */
		snprintf(text, sizeof(text), "+ %llu %d %llu 1 1\n",
			 (unsigned long long)wish->memcg, wish->node,
			 (unsigned long long)wish->newest);
		r = procfs_write(self->sysroot, 0, GENERATIONS, text);
		if (r < 0)
			log_debug("mglru", "%s: %s", text, strerror(-r));
	}
}

static int
read_samples(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct mglru *self = vself;
	uint64_t began_ns;

	(void)samples, (void)capacity, (void)reterr;
	*ret_count = 0;
	scan_purse_fill(&self->purse, now_ns);
	if (!self->walk.count)
		self->set_count = 0;
	if (!self->walk.count || self->purse.ns <= 0 || self->purse.effort <= 0 ||
	    (self->looked_ns && now_ns - self->looked_ns < LOOK_NS))
		return 0;
	self->looked_ns = now_ns;
	began_ns = clock_thread_cpu_ns();
	read_sets(self);
	ask_for_look(self);
	read_sets(self);
	scan_purse_pay(&self->purse, (double)(clock_thread_cpu_ns() - began_ns));
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
	size_t count = self->set_count < capacity ? self->set_count : capacity;

	memcpy(sets, self->sets, count * sizeof(*sets));
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
