/* SPDX-License-Identifier: Apache-2.0 */
/*
 * destination.h - which node of a tier a page should go to: one that the process's cpuset allows,
 * that has room, and that is nearest to the CPUs that the process runs on, in the order of those
 * CPUs; where that leaves a choice, nearest to where the page comes from. One thread.
 */
#ifndef MOVER_DESTINATION_H
#define MOVER_DESTINATION_H

#include <stdint.h>

#include "tier_map.h"

struct destination;

/* tiers: borrowed until destination_free(). */
int destination_new(const char *sysroot, struct tier_map *tiers, struct destination **ret,
		    struct sluice_err *reterr);
void destination_free(struct destination *destination);

/* Read free memory anew; what destination_pick() gave since is no longer counted. */
void destination_refresh(struct destination *destination);

/* The node, and its room is smaller by bytes from then on. -ENOSPC: no node has room for it.
 * -EPERM: the cpuset of the process allows none. */
int destination_pick(struct destination *destination, int32_t pid, uint32_t tier, int from_node,
		     uint64_t bytes, uint64_t now_ns);

#endif
