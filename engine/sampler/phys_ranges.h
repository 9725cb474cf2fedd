/* SPDX-License-Identifier: Apache-2.0 */
/* phys_ranges.h - which physical memory the nodes of our tiers have. */
#ifndef SAMPLER_PHYS_RANGES_H
#define SAMPLER_PHYS_RANGES_H

#include <stddef.h>

#include "damon_sysfs.h"
#include "ops.h"

#define PHYS_RANGES_MAX 512

/* The online memory of the topology's nodes, sorted, ranges that touch put together; at most
 * PHYS_RANGES_MAX of them, the longest gaps kept where there are more. -ENOTSUP: the kernel does
 * not tell (CONFIG_MEMORY_HOTPLUG), with the sentence. */
int phys_ranges_read(const struct ops_env *env, struct damon_range *ret, size_t *ret_count,
		     struct sluice_err *reterr);

#endif
