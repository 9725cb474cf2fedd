/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_plan.h - how finely DAMON shall look, given how much memory there is and what looking may
 * cost. Pure.
 */
#ifndef SAMPLER_DAMON_PLAN_H
#define SAMPLER_DAMON_PLAN_H

#include "damon_sysfs.h"

#define DAMON_CHECKS                                                                               \
	8 /* looks at a region to an aggregation; more of them tell it later, not better */

/* resident_bytes of all targets; cpu_share of one CPU, above 0; check_ns: what one look at one
 * region costs; flush_ns: time between two flushes of the targets' TLBs, 0 where none are needed.
 */
void damon_plan_make(uint64_t resident_bytes, double cpu_share, double check_ns, double flush_ns,
		     struct damon_plan *ret);
/* Whether the gain of another plan is worth a restart, in which DAMON forgets its regions. */
int damon_plan_differs(const struct damon_plan *now, const struct damon_plan *wanted);

#endif
