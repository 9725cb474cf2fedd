/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_rank.h - what ranking (topo_rank.c) and its sentences (topo_rank_words.c) share.
 */
#ifndef TOPO_RANK_H
#define TOPO_RANK_H

#include "topo.h"

/* The node's place by one evidence, smaller is faster. False when it does not tell. */
bool topo_key(const struct sluice_topology *topo, const struct topo_node *node,
	      enum topo_evidence evidence, uint64_t *ret);
bool topo_keys_known(const struct sluice_topology *topo, const struct topo_node *nodes,
		     size_t count, enum topo_evidence evidence);

/* Nodes that the user did not place come first, by speed, `ranked` of them; a group ends before a
 * node whose split is not NONE. */
size_t topo_group_end(const struct sluice_topology *topo, size_t begin, size_t ranked);

/* Fill tiers[tier] and its nodes' reasons: the group [begin, end), by speed, and the nodes that the
 * user placed there. begin == end: only those. */
void topo_describe_tier(struct sluice_topology *topo, size_t begin, size_t end, size_t ranked,
			size_t tier);

#endif
