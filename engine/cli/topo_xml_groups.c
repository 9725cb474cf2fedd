/* SPDX-License-Identifier: Apache-2.0 */
/* topo_xml_groups.c - see topo_xml_groups.h. */
#include "topo_xml_groups.h"

#include <stdlib.h>
#include <string.h>

/* "0-3,8"; what follows a cut ("...") is left out. */
static void
parse_list(const char *text, uint32_t *words)
{
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < CPUS_MAX; first++)
			xml_set_bit(words, CPU_WORDS, first);
		text = *end == ',' ? end + 1 : end;
	}
}

size_t
xml_place_of(const struct xml *xml, const struct topo_node *node)
{
	return node->home != TOPO_SHARED && xml->nested[node->home] ? node->home : TOPO_SHARED;
}

void
xml_nodes_of_home(const struct xml *xml, size_t home, uint32_t nodes[NODE_WORDS])
{
	const struct topo_home *homes = xml->model->homes;

	memset(nodes, 0, NODE_WORDS * sizeof(*nodes));
	for (size_t n = 0; n < xml->model->node_count; n++) {
		size_t place = xml_place_of(xml, &xml->model->nodes[n]);

		if (place == TOPO_SHARED ||
		    topo_set_meets(&homes[place].initiators, &homes[home].initiators))
			xml_set_bit(nodes, NODE_WORDS, xml->model->nodes[n].id);
	}
}

bool
xml_is_child(const struct xml *xml, size_t inner, size_t outer)
{
	const struct topo_home *homes = xml->model->homes;

	if (inner == outer || !xml->nested[inner] ||
	    (outer != TOPO_SHARED &&
	     !topo_set_within(&homes[inner].initiators, &homes[outer].initiators)))
		return false;
	for (size_t h = 0; h < xml->model->home_count; h++) {
		if (h != inner && h != outer && xml->nested[h] &&
		    topo_set_within(&homes[inner].initiators, &homes[h].initiators) &&
		    (outer == TOPO_SHARED ||
		     topo_set_within(&homes[h].initiators, &homes[outer].initiators)))
			return false;
	}
	return true;
}

/* A home that would cut through one taken before is none. CPUs of one initiator always are one,
 * unless nobody knows which they are: an empty group is none for hwloc. */
static void
choose_groups(struct xml *xml)
{
	const struct topo_model *model = xml->model;

	for (size_t h = 0; h < model->home_count; h++) {
		const struct topo_set *set = &model->homes[h].initiators;
		bool fits = false;

		for (size_t w = 0; w < CPU_WORDS; w++)
			fits = fits || xml->cpus[h][w];
		for (size_t g = 0; g < h && fits; g++) {
			const struct topo_set *other = &model->homes[g].initiators;

			fits = !xml->nested[g] || !topo_set_meets(set, other) ||
			       topo_set_within(set, other) || topo_set_within(other, set);
		}
		xml->nested[h] = fits;
	}
}

void
xml_collect_sets(struct xml *xml)
{
	const struct topo_model *model = xml->model;

	for (size_t i = 0; i < model->initiator_count; i++)
		parse_list(model->initiators[i].cpus, xml->cpus[i]);
	for (size_t h = 0; h < model->home_count; h++) {
		for (size_t i = 0; i < model->initiator_count; i++) {
			for (size_t w = 0;
			     w < CPU_WORDS && topo_set_has(&model->homes[h].initiators, i); w++)
				xml->cpus[h][w] |= xml->cpus[i][w];
		}
		for (size_t w = 0; w < CPU_WORDS; w++)
			xml->all_cpus[w] |= xml->cpus[h][w];
	}
	for (size_t n = 0; n < model->node_count; n++)
		xml_set_bit(xml->all_nodes, NODE_WORDS, model->nodes[n].id);
	choose_groups(xml);
}

bool
xml_has_cpus(const struct xml *xml)
{
	for (size_t w = 0; w < CPU_WORDS; w++) {
		if (xml->all_cpus[w])
			return true;
	}
	return false;
}
