/* SPDX-License-Identifier: Apache-2.0 */
/* damon_sysfs.c - see damon_sysfs.h. */
#include "damon_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damon_files.h"
#include "log.h"
#include "procfs.h"
#include "settings.h"

#define RANGES CONTEXT "targets/0/regions/"

struct damon_sysfs {
	char sysroot[256];
	struct settings *settings;
	int has_context;   /* made at the first run */
	int32_t kdamond;   /* thread of the run under way */
	int32_t first_pid; /* as written to the first target: how we know ours */
	int is_physical;   /* then it is known by the first range */
	uint64_t first_start, first_end, ranges; /* as read back: every new range starts at 0 */
	uint64_t cpu_ns;                         /* of earlier runs */
	uint64_t cpu_ns_now;                     /* of this run, when last looked at */
};

/* Who holds the kdamonds that are there, as far as sysfs tells. */
static void
describe(const char *sysroot, char *text, size_t capacity)
{
	char state[32] = "unknown", operations[32] = "unknown";
	int64_t pid = 0;

	procfs_line(sysroot, 0, STATE, state, sizeof(state));
	procfs_line(sysroot, 0, CONTEXT "operations", operations, sizeof(operations));
	procfs_number(sysroot, 0, CONTEXT "targets/0/pid_target", &pid);
	if (pid > 0)
		snprintf(text, capacity,
			 "kdamond 0 is %s, monitors by %s, its first target is process "
			 "%lld",
			 state, operations, (long long)pid);
	else
		snprintf(text, capacity, "kdamond 0 is %s, monitors by %s", state, operations);
}

int
damon_sysfs_probe(const char *sysroot, char *sentence, size_t capacity)
{
	char full[512], who[200];
	int64_t count;
	int r = procfs_number(sysroot, 0, COUNT, &count);

	if (r == -ENOENT) {
		snprintf(sentence, capacity,
			 "this kernel has no DAMON with sysfs (CONFIG_DAMON_VADDR, "
			 "CONFIG_DAMON_SYSFS); "
			 "Debian's kernels from 6.12 on have it");
		return -ENOTSUP;
	}
	if (r < 0) {
		snprintf(sentence, capacity, "could not read %s: %s; run Sluice as root", COUNT,
			 strerror(-r));
		return r == -EPERM ? -EACCES : r;
	}
	if (count != 0) {
		describe(sysroot, who, sizeof(who));
		snprintf(sentence, capacity,
			 "DAMON is in use by somebody else and is left alone: %lld kdamond(s) in "
			 "%s; "
			 "%s. It is free when %s reads 0",
			 (long long)count, KDAMONDS, who, COUNT);
		return -EBUSY;
	}
	snprintf(full, sizeof(full), "%s%s", sysroot, COUNT);
	if (access(full, W_OK) < 0) {
		snprintf(sentence, capacity, "may not write to %s: %s; run Sluice as root", COUNT,
			 strerror(errno));
		return -EACCES;
	}
	snprintf(sentence, capacity, "DAMON is there and nobody uses it");
	return 0;
}

int
damon_sysfs_open(const char *sysroot, const char *state_dir, struct damon_sysfs **ret,
		 struct sluice_err *reterr)
{
	struct damon_sysfs *damon = calloc(1, sizeof(*damon));
	char sentence[400];
	int r;

	if (!damon)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(damon->sysroot, sizeof(damon->sysroot), "%s", sysroot);
	/* First, as it takes away what a killed run of ours left. */
	r = settings_open(sysroot, state_dir, &damon->settings, reterr);
	if (r < 0) {
		free(damon);
		return r;
	}
	r = damon_sysfs_probe(sysroot, sentence, sizeof(sentence));
	if (r < 0)
		sluice_fail(reterr, r, "%s", sentence);
	else
		r = settings_set(damon->settings, COUNT, "1", reterr);
	if (r < 0) {
		settings_close(damon->settings);
		free(damon);
		return r;
	}
	*ret = damon;
	return 0;
}

static int
reads(const struct damon_sysfs *damon, const char *path, uint64_t wanted)
{
	int64_t number;

	return procfs_number(damon->sysroot, 0, path, &number) == 0 && (uint64_t)number == wanted;
}

/* Somebody may have taken our kdamond away while it stood still, and made one of their own. */
static int
is_ours(const struct damon_sysfs *damon)
{
	int64_t number;

	if (procfs_number(damon->sysroot, 0, COUNT, &number) < 0 || number != 1)
		return 0;
	if (damon->kdamond && procfs_number(damon->sysroot, 0, KDAMONDS "0/pid", &number) == 0 &&
	    number > 0 && number != damon->kdamond)
		return 0;
	if (damon->is_physical)
		return reads(damon, RANGES "nr_regions", damon->ranges) &&
		       reads(damon, RANGES "0/start", damon->first_start) &&
		       reads(damon, RANGES "0/end", damon->first_end);
	/* Before our first run there is no such file. */
	if (procfs_number(damon->sysroot, 0, CONTEXT "targets/0/pid_target", &number) < 0)
		number = 0;
	return number == damon->first_pid;
}

void
damon_sysfs_close(struct damon_sysfs *damon)
{
	if (!damon)
		return;
	if (!is_ours(damon)) {
		log_debug("damon", "the kdamond is no longer ours; it is left alone");
		settings_forget(damon->settings);
	}
	settings_close(damon->settings);
	free(damon);
}

uint64_t
damon_sysfs_cpu_ns(struct damon_sysfs *damon)
{
	char path[64];
	char text[128];
	unsigned long long run_ns;

	if (damon->kdamond) {
		snprintf(path, sizeof(path), "/proc/%d/schedstat", damon->kdamond);
		if (procfs_line(damon->sysroot, 0, path, text, sizeof(text)) >= 0 &&
		    sscanf(text, "%20llu", &run_ns) == 1)
			damon->cpu_ns_now = run_ns;
	}
	return damon->cpu_ns + damon->cpu_ns_now;
}

static void
ended(struct damon_sysfs *damon)
{
	damon->cpu_ns += damon->cpu_ns_now;
	damon->cpu_ns_now = 0;
	damon->kdamond = 0;
}

static int
stop_running(struct damon_sysfs *damon, struct sluice_err *reterr)
{
	char state[32];
	int r = 0;

	if (!is_ours(damon))
		return sluice_fail(reterr, -EBUSY,
				   "somebody else has taken over DAMON (%s); it is left to them",
				   KDAMONDS);
	damon_sysfs_cpu_ns(damon);
	if (procfs_line(damon->sysroot, 0, STATE, state, sizeof(state)) >= 0 &&
	    strcmp(state, "on") == 0)
		r = settings_set(damon->settings, STATE, "off", reterr);
	/* It may have ended by itself between the look and the word. */
	if (r < 0 && procfs_line(damon->sysroot, 0, STATE, state, sizeof(state)) >= 0 &&
	    strcmp(state, "off") == 0)
		r = 0;
	if (r == 0)
		ended(damon);
	return r;
}

void
damon_sysfs_pause(struct damon_sysfs *damon)
{
	struct sluice_err err;

	if (damon->kdamond && stop_running(damon, &err) < 0)
		log_debug("damon", "%s", err.msg);
}

/* The files of the targets are made anew, and until they are filled they say what new ones say. */
static int
write_targets(struct damon_sysfs *damon, const struct damon_plan *plan,
	      const struct damon_targets *targets, struct sluice_err *reterr)
{
	int64_t number = 0;
	int r;

	damon->is_physical = 0;
	damon->first_pid = 0;
	r = damon_files_targets(damon->sysroot, targets, plan->regions_min, reterr);
	if (!targets->target[0].pid) {
		damon->first_start = targets->target[0].ranges[0].start;
		if (procfs_number(damon->sysroot, 0, RANGES "nr_regions", &number) < 0)
			number = 0;
		damon->ranges = (uint64_t)number;
		if (procfs_number(damon->sysroot, 0, RANGES "0/end", &number) < 0)
			number = 0;
		damon->first_end = (uint64_t)number;
		damon->is_physical = r == 0;
		return r;
	}
	/* Also when a later one was refused. */
	if (procfs_number(damon->sysroot, 0, CONTEXT "targets/0/pid_target", &number) == 0)
		damon->first_pid = (int32_t)number;
	return r;
}

int
damon_sysfs_run(struct damon_sysfs *damon, const struct damon_plan *plan,
		const struct damon_targets *targets, struct sluice_err *reterr)
{
	int64_t kdamond;
	int r = stop_running(damon, reterr);

	if (r == 0 && !damon->has_context) {
		int is_physical = !targets->target[0].pid;

		r = damon_files_context(damon->sysroot, is_physical ? "paddr" : "fvaddr", reterr);
		if (r == -ENOTSUP && !is_physical)
			r = damon_files_context(damon->sysroot, "vaddr", reterr);
		damon->has_context = r == 0;
	}
	if (r == 0)
		r = damon_files_plan(damon->sysroot, plan, reterr);
	if (r == 0)
		r = write_targets(damon, plan, targets, reterr);
	if (r == 0)
		r = settings_set(damon->settings, STATE, "on", reterr);
	if (r < 0)
		return r;
	damon->kdamond =
		procfs_number(damon->sysroot, 0, KDAMONDS "0/pid", &kdamond) == 0 && kdamond > 0
			? (int32_t)kdamond
			: 0;
	return 0;
}

int
damon_sysfs_runs(struct damon_sysfs *damon)
{
	char state[32];

	if (!damon->kdamond)
		return 0;
	if (procfs_line(damon->sysroot, 0, STATE, state, sizeof(state)) >= 0 &&
	    strcmp(state, "on") == 0) {
		damon_sysfs_cpu_ns(damon);
		return 1;
	}
	ended(damon);
	return 0;
}

int32_t
damon_sysfs_kdamond(const struct damon_sysfs *damon)
{
	return damon->kdamond;
}
