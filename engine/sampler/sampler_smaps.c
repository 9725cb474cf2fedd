/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_smaps.c - the fallback that needs nothing of the kernel but /proc: clear the referenced
 * bits of a process (clear_refs), wait, and read how much of each mapping was referenced (smaps).
 *
 * It tells mappings apart, not parts of them, so one large heap stays one number. Each pass walks
 * all page tables of the target twice with its mmap lock held for reading, about 8 ms a GiB, and
 * the kernel's own reclaim loses what the cleared bits would have told it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "smaps_entry.h"

#define TARGETS_MAX 256
#define PASS_LEAST_NS 2000000000u
#define PASS_MOST_NS 60000000000u

struct target {
	int32_t pid;
	uint64_t cleared_ns; /* 0: not yet */
	uint64_t cost_ns;    /* of the last pass */
};

struct smaps {
	char sysroot[256];
	double effort;
	struct target targets[TARGETS_MAX];
	size_t count, next;
	/* The pass under way; it goes on at the next read when the caller's buffer is full. */
	int32_t reading; /* pid, 0 none */
	uint64_t read_ns, pass_cost_ns;
	double watched_s;
	struct procfs_lines lines;
	struct smaps_entry entry;
	struct sampler_stats stats;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct procfs_lines lines;
	int r = procfs_lines_open(&lines, env->sysroot, getpid(), "smaps"), found = 0;
	char *line;

	if (r == 0) {
		while (!found && (line = procfs_lines_next(&lines, &r)))
			found = strncmp(line, "Referenced:", 11) == 0;
		procfs_lines_close(&lines);
		r = found ? procfs_open(env->sysroot, getpid(), "clear_refs", O_WRONLY) : -ENOENT;
	}
	if (r < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "/proc/PID/smaps and clear_refs cannot be used (%s); the kernel needs "
			 "CONFIG_PROC_PAGE_MONITOR",
			 strerror(-r));
		return r == -ENOENT ? -ENOTSUP : r;
	}
	close(r);
	snprintf(
		sentence, OPS_SENTENCE_BYTES,
		"works everywhere, but tells whole mappings apart only, and each pass walks all of "
		"a target's page tables (about 8 ms a GiB)");
	return 0;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct smaps *smaps = calloc(1, sizeof(*smaps));

	if (!smaps)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(smaps->sysroot, sizeof(smaps->sysroot), "%s", env->sysroot);
	smaps->effort = 0.01;
	smaps->lines.fd = -1;
	*ret_self = smaps;
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct smaps *smaps = self;
	int r = procfs_state(smaps->sysroot, pid);

	if (r == -EINVAL)
		return sluice_fail(reterr, r, "process %d is a kernel thread", pid);
	if (r < 0)
		return sluice_fail(reterr, r, "process %d cannot be watched: %s", pid,
				   strerror(-r));
	for (size_t i = 0; i < smaps->count; i++) {
		if (smaps->targets[i].pid == pid)
			return 0;
	}
	if (smaps->count == TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC,
				   "the smaps sampler watches %d processes at most", TARGETS_MAX);
	smaps->targets[smaps->count++] = (struct target){.pid = pid};
	return 0;
}

static struct target *
target_find(struct smaps *smaps, int32_t pid)
{
	for (size_t i = 0; i < smaps->count; i++) {
		if (smaps->targets[i].pid == pid)
			return &smaps->targets[i];
	}
	return NULL;
}

static void
remove_target(void *self, int32_t pid)
{
	struct smaps *smaps = self;
	struct target *target = target_find(smaps, pid);

	if (target)
		*target = smaps->targets[--smaps->count];
	if (smaps->reading == pid) {
		smaps->reading = 0;
		procfs_lines_close(&smaps->lines);
	}
}

static void
clear(struct smaps *smaps, struct target *target)
{
	uint64_t begin = clock_now_ns();
	int r = procfs_write(smaps->sysroot, target->pid, "clear_refs", "1");

	/* Of a process that has ended the round hears from elsewhere. */
	if (r < 0)
		log_debug("smaps", "clear_refs of process %d: %s", target->pid, strerror(-r));
	target->cleared_ns = clock_now_ns();
	target->cost_ns = smaps->pass_cost_ns + target->cleared_ns - begin;
	smaps->pass_cost_ns = 0;
}

/* How long a target is watched between two passes, so that all of them cost what they may. */
static uint64_t
pass_ns(const struct smaps *smaps, const struct target *target)
{
	double ns = (double)target->cost_ns * (double)smaps->count / smaps->effort;

	return ns < PASS_LEAST_NS ? PASS_LEAST_NS : ns > PASS_MOST_NS ? PASS_MOST_NS : (uint64_t)ns;
}

/* Open the next target that is due. */
static int
begin_pass(struct smaps *smaps, uint64_t now_ns)
{
	for (size_t i = 0; i < smaps->count; i++) {
		struct target *target = &smaps->targets[(smaps->next + i) % smaps->count];

		if (target->cleared_ns == 0) {
			clear(smaps, target);
			continue;
		}
		if (now_ns < target->cleared_ns ||
		    now_ns - target->cleared_ns < pass_ns(smaps, target))
			continue;
		smaps->next = (size_t)(target - smaps->targets) + 1;
		if (procfs_lines_open(&smaps->lines, smaps->sysroot, target->pid, "smaps") < 0)
			continue;
		smaps->reading = target->pid;
		smaps->read_ns = clock_now_ns();
		smaps->watched_s = (double)(now_ns - target->cleared_ns) / 1e9;
		smaps->entry = (struct smaps_entry){0};
		return 1;
	}
	return 0;
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct smaps *smaps = self;
	struct target *target;
	uint64_t begin;
	size_t count = 0;
	char *line = NULL;
	int r;

	(void)reterr;
	if (!smaps->reading && (smaps->effort <= 0 || !begin_pass(smaps, now_ns))) {
		*ret_count = 0;
		return 0;
	}
	begin = clock_now_ns();
	while (count < capacity && (line = procfs_lines_next(&smaps->lines, &r))) {
		if (!smaps_entry_line(&smaps->entry, line, smaps->watched_s, &samples[count]))
			continue;
		samples[count].pid = smaps->reading;
		samples[count++].time_ns = now_ns;
	}
	smaps->pass_cost_ns += clock_now_ns() - begin;
	if (!line && count < capacity) {
		target = target_find(smaps, smaps->reading);
		smaps->reading = 0;
		if (target)
			clear(smaps, target);
	}
	smaps->stats.samples += count;
	*ret_count = count;
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	struct smaps *smaps = self;

	/* After a pause the bits are old. */
	if (smaps->effort <= 0) {
		for (size_t i = 0; i < smaps->count; i++)
			smaps->targets[i].cleared_ns = 0;
	}
	smaps->effort = cpu_share;
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	*ret = ((struct smaps *)self)->stats;
}

static void
stop(void *self)
{
	struct smaps *smaps = self;

	if (!smaps)
		return;
	procfs_lines_close(&smaps->lines);
	free(smaps);
}

const struct sampler_ops sampler_smaps = {
	.name = "smaps",
	.summary = "referenced share of whole mappings, from /proc; works everywhere",
	.page_granular = 0,
	.uses = SAMPLER_ACCESSED_BITS,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};
