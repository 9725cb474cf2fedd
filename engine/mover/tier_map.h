/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tier_map.h - from memory nodes to tiers, with a topology of our own, as free memory is read anew
 * again and again while others look at theirs. One thread.
 */
#ifndef MOVER_TIER_MAP_H
#define MOVER_TIER_MAP_H

#include <stdint.h>

#include "ops.h"
#include "sluice/topology.h"

struct tier_map {
	struct sluice_topology *topology;       /* owned */
	uint8_t tier_of_node[SLUICE_NODES_MAX]; /* HEAT_TIER_ABSENT: no node of a tier */
	const uint64_t *leaving;                /* as in struct ops_env; borrowed, may be NULL */
};

/* Reads the same machine, with the same corrections, as env->topology. */
int tier_map_load(struct tier_map *map, const struct ops_env *env, struct sluice_err *reterr);
void tier_map_unload(struct tier_map *map);

/* Also of nodes that are leaving. */
static inline uint8_t
tier_map_own(const struct tier_map *map, int node)
{
	return node >= 0 && node < SLUICE_NODES_MAX ? map->tier_of_node[node] : HEAT_TIER_ABSENT;
}

static inline uint8_t
tier_map_find(const struct tier_map *map, int node)
{
	return ops_is_leaving(map->leaving, node) ? HEAT_TIER_ABSENT : tier_map_own(map, node);
}

#endif
