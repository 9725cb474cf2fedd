/* SPDX-License-Identifier: Apache-2.0 */
/* tier_map.c - see tier_map.h. */
#include "tier_map.h"

#include <string.h>

int
tier_map_load(struct tier_map *map, const struct ops_env *env, struct sluice_err *reterr)
{
	struct sluice_topology_options options = {.sysroot = env->sysroot};
	const struct sluice_node *node;
	int r;

	r = sluice_topology_load(env->topology_options ? env->topology_options : &options,
				 &map->topology, reterr);
	if (r < 0)
		return r;
	map->leaving = env->leaving;
	memset(map->tier_of_node, HEAT_TIER_ABSENT, sizeof(map->tier_of_node));
	for (size_t i = 0; (node = sluice_topology_node(map->topology, i)); i++) {
		if (node->id < SLUICE_NODES_MAX && node->tier < SLUICE_TIERS_MAX)
			map->tier_of_node[node->id] = (uint8_t)node->tier;
	}
	return 0;
}

void
tier_map_unload(struct tier_map *map)
{
	sluice_topology_free(map->topology);
	map->topology = NULL;
}
