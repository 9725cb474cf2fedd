/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_sysfs.h - one kdamond of ours, steered through /sys/kernel/mm/damon/admin/kdamonds.
 *
 * That folder is one for the whole machine. We make a kdamond only where there is none, check
 * before each step that it is still ours, and what we made is written down (settings.h), so that
 * it is taken away even when we are killed (safety rules 6 and 7). One thread.
 */
#ifndef SAMPLER_DAMON_SYSFS_H
#define SAMPLER_DAMON_SYSFS_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

struct damon_sysfs;

struct damon_plan {
	uint64_t sample_us, aggregate_us, update_us;
	uint32_t regions_min, regions_max;
};

/* What is watched: ranges of whole pages, sorted, that do not overlap, of processes or, with pid 0
 * and alone, of physical memory. All borrowed. */
struct damon_range {
	uint64_t start, end;
};
struct damon_target {
	int32_t pid;
	const struct damon_range *ranges;
	size_t range_count;
};
struct damon_targets {
	const struct damon_target *target;
	size_t count;
};

/* 0 free to use; -EBUSY somebody uses it, -ENOTSUP the kernel has no such thing, -EACCES. The
 * sentence says who, and what to do. Changes nothing. */
int damon_sysfs_probe(const char *sysroot, char *sentence, size_t capacity);

int damon_sysfs_open(const char *sysroot, const char *state_dir, struct damon_sysfs **ret,
		     struct sluice_err *reterr);
/* Stops it and takes it away; NULL is fine. */
void damon_sysfs_close(struct damon_sysfs *damon);

/* (Re)start over the targets, always of the same kind; waits for a sampling interval of the old
 * one. They begin as about plan->regions_min regions of one size. A kernel before 5.19 watches
 * processes by ranges of its own. -EBUSY: the kdamond is no longer ours. -ENOTSUP: this kernel's
 * DAMON knows no such memory. */
int damon_sysfs_run(struct damon_sysfs *damon, const struct damon_plan *plan,
		    const struct damon_targets *targets, struct sluice_err *reterr);
void damon_sysfs_pause(struct damon_sysfs *damon);

/* 1 it runs; 0 not, as it ends with its last process. */
int damon_sysfs_runs(struct damon_sysfs *damon);
/* Its thread; 0 when it does not run. */
int32_t damon_sysfs_kdamond(const struct damon_sysfs *damon);
/* CPU time that our kdamonds have taken so far. */
uint64_t damon_sysfs_cpu_ns(struct damon_sysfs *damon);

#endif
