/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_xml_groups.h - which CPUs and nodes the groups of hwloc's XML hold: the homes of the model,
 * as far as they nest.
 */
#ifndef CLI_TOPO_XML_GROUPS_H
#define CLI_TOPO_XML_GROUPS_H

#include <stdio.h>

#include "topo_model.h"

#define CPUS_MAX 8192 /* the most that Linux can be built for */
#define CPU_WORDS (CPUS_MAX / 32)
#define NODE_WORDS (TOPO_IDS_MAX / 32)

struct xml {
	const struct topo_model *model;
	FILE *stream;
	unsigned next_index;         /* gp_index: hwloc's own number of each object */
	unsigned *node_index;        /* of the nodes of the model, for the attributes */
	uint32_t (*cpus)[CPU_WORDS]; /* of the homes, those of one initiator first */
	bool *nested;                /* of the homes: those that become a group */
	uint32_t all_cpus[CPU_WORDS], all_nodes[NODE_WORDS];
};

static inline void
xml_set_bit(uint32_t *words, size_t words_max, uint64_t bit)
{
	if (bit / 32 < words_max)
		words[bit / 32] |= UINT32_C(1) << (bit % 32);
}

/* Fills cpus, nested and the sets of all. */
void xml_collect_sets(struct xml *xml);

/* Does anybody know of a CPU? */
bool xml_has_cpus(const struct xml *xml);

/* Where a node hangs: a home that is a group, or TOPO_SHARED, the machine. */
size_t xml_place_of(const struct xml *xml, const struct topo_node *node);

/* hwloc counts as an object's what hangs on it, above it and below it. */
void xml_nodes_of_home(const struct xml *xml, size_t home, uint32_t nodes[NODE_WORDS]);

/* Is inner the next group inside of outer (TOPO_SHARED: the machine)? */
bool xml_is_child(const struct xml *xml, size_t inner, size_t outer);

#endif
