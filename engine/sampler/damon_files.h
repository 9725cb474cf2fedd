/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_files.h - filling in the files of a kdamond that we made: how it looks, and at what. They
 * go away with it, so nothing is to be put back. Whether it is still ours is damon_sysfs.h's
 * matter.
 */
#ifndef SAMPLER_DAMON_FILES_H
#define SAMPLER_DAMON_FILES_H

#include "damon_sysfs.h"

#define KDAMONDS "/sys/kernel/mm/damon/admin/kdamonds/"
#define COUNT KDAMONDS "nr_kdamonds"
#define STATE KDAMONDS "0/state"
#define CONTEXT KDAMONDS "0/contexts/0/"

/* Each: -errno, and the sentence says which file refused what. */
/* operations: "fvaddr", "vaddr" or "paddr". -ENOTSUP: this kernel's DAMON does not have them. */
int damon_files_context(const char *sysroot, const char *operations, struct sluice_err *reterr);
int damon_files_plan(const char *sysroot, const struct damon_plan *plan, struct sluice_err *reterr);
/* Their ranges as about so many regions in all, those of one target of one size. A process may have
 * ended, as the kernel finds when it starts. */
int damon_files_targets(const char *sysroot, const struct damon_targets *targets, uint32_t regions,
			struct sluice_err *reterr);

#endif
