/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_rank_words.c - why nodes form a tier, and why it ranks where it does, in sentences.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "topo_rank.h"

struct text {
	char *buffer;
	size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void
text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->buffer + text->length, text->size - text->length, format, args);
	va_end(args);
	if (n > 0)
		text->length += (size_t)n;
	if (text->length >= text->size)
		text->length = text->size - 1;
}

const char *
topo_source_words(enum sluice_source source)
{
	switch (source) {
	case SLUICE_SOURCE_OVERRIDE:
		return "your word";
	case SLUICE_SOURCE_SYNTHETIC:
		return "the description";
	case SLUICE_SOURCE_MEASURED:
		return "the measurement";
	case SLUICE_SOURCE_HMAT_CPU:
	case SLUICE_SOURCE_HMAT_ANY:
		return "HMAT";
	case SLUICE_SOURCE_SLIT:
		return "SLIT";
	default:
		return sluice_source_name(source);
	}
}

/* "HMAT latency", "measured latency": what figures of the base are called. */
static const char *
latency_words(const struct sluice_topology *topo)
{
	switch (topo->latency_base) {
	case SLUICE_SOURCE_MEASURED:
		return "measured latency";
	case SLUICE_SOURCE_HMAT_CPU:
	case SLUICE_SOURCE_HMAT_ANY:
		return "HMAT latency";
	default:
		return "latency";
	}
}

static uint64_t
smallest_key(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count,
	     enum topo_evidence by)
{
	uint64_t smallest = UINT64_MAX, key;

	for (size_t i = 0; i < count; i++)
		if (topo_key(topo, &nodes[i], by, &key) && key < smallest)
			smallest = key;
	return smallest;
}

/* What separates the group at `begin` from those before it, in words. */
static void
say_after(const struct sluice_topology *topo, size_t begin, size_t ranked, struct text *text)
{
	const struct topo_node *nodes = topo->nodes;
	enum topo_evidence by = nodes[begin].split;
	size_t count = topo_group_end(topo, begin, ranked) - begin;
	size_t before = begin - 1; /* the start of all that this evidence put before this group */
	uint64_t key = smallest_key(topo, &nodes[begin], count, by), other;

	while (before > 0 && (nodes[before].split == TOPO_BY_NONE || nodes[before].split > by))
		before--;
	other = smallest_key(topo, &nodes[before], begin - before, by);
	switch (by) {
	case TOPO_BY_KERNEL:
		text_add(text, "ranked memory_tier%llu by the kernel, after memory_tier%llu",
			 (unsigned long long)key, (unsigned long long)other);
		break;
	case TOPO_BY_LATENCY:
		text_add(text, "%s %llu ns against %llu ns", latency_words(topo),
			 (unsigned long long)key, (unsigned long long)other);
		break;
	case TOPO_BY_SLIT:
		text_add(text, "SLIT distance %llu against %llu", (unsigned long long)key,
			 (unsigned long long)other);
		break;
	default:
		text_add(text, "%s goes after %s", sluice_tier_kind_name(nodes[begin].node.kind),
			 sluice_tier_kind_name(nodes[begin - 1].node.kind));
		if (nodes[begin].node.kernel_tier >= 0 &&
		    nodes[begin].node.kernel_tier == nodes[begin - 1].node.kernel_tier)
			text_add(text, ", though both are in the kernel's memory_tier%d",
				 nodes[begin].node.kernel_tier);
		break;
	}
}

static void
say_first(const struct sluice_topology *topo, size_t ranked, struct text *text)
{
	const struct topo_node *nodes = topo->nodes;
	size_t next = topo_group_end(topo, 0, ranked);
	uint64_t key;

	if (next == topo->node_count) {
		text_add(text, "the only memory tier");
		return;
	}
	if (next == ranked) {
		text_add(text, "first, as you placed no other before it");
		return;
	}
	key = smallest_key(topo, nodes, next, nodes[next].split);
	switch (nodes[next].split) {
	case TOPO_BY_KERNEL:
		text_add(text, "first in the kernel's order (memory_tier%llu)",
			 (unsigned long long)key);
		break;
	case TOPO_BY_LATENCY:
		text_add(text, "lowest %s, %llu ns", latency_words(topo), (unsigned long long)key);
		break;
	case TOPO_BY_SLIT:
		text_add(text, "nearest to CPUs, SLIT distance %llu", (unsigned long long)key);
		break;
	default:
		text_add(text, "%s goes before %s", sluice_tier_kind_name(nodes[0].node.kind),
			 sluice_tier_kind_name(nodes[next].node.kind));
		break;
	}
}

static void
say_range(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count,
	  enum topo_evidence by, const char *what, const char *unit, struct text *text)
{
	uint64_t low = smallest_key(topo, nodes, count, by), high = 0, key;

	for (size_t i = 0; i < count; i++)
		if (topo_key(topo, &nodes[i], by, &key) && key > high)
			high = key;
	if (low == high)
		text_add(text, ", %s%llu%s", what, (unsigned long long)low, unit);
	else
		text_add(text, ", %s%llu to %llu%s", what, (unsigned long long)low,
			 (unsigned long long)high, unit);
}

static void
say_together(const struct sluice_topology *topo, const struct topo_node *nodes, size_t count,
	     struct text *text)
{
	char latency[32];

	text_add(text, " One tier: %s", sluice_tier_kind_name(nodes[0].node.kind));
	if (topo_keys_known(topo, nodes, count, TOPO_BY_KERNEL) && !topo->set_aside[TOPO_BY_KERNEL])
		say_range(topo, nodes, count, TOPO_BY_KERNEL, "the kernel's memory_tier", "", text);
	snprintf(latency, sizeof(latency), "%s ", latency_words(topo));
	if (topo_keys_known(topo, nodes, count, TOPO_BY_LATENCY))
		say_range(topo, nodes, count, TOPO_BY_LATENCY, latency, " ns", text);
	else if (topo_keys_known(topo, nodes, count, TOPO_BY_SLIT))
		say_range(topo, nodes, count, TOPO_BY_SLIT, "SLIT distance ", "", text);
	text_add(text, ".");
}

static void
say_set_aside(const struct sluice_topology *topo, struct text *text)
{
	bool kernel = topo->set_aside[TOPO_BY_KERNEL];
	bool latency = topo->wrong_latency[SLUICE_SOURCE_HMAT_CPU] != NULL;

	if (kernel || latency)
		text_add(text, " Set aside as plainly wrong: %s%s%s.",
			 kernel ? "the kernel's order" : "", kernel && latency ? ", " : "",
			 latency ? "HMAT's latencies" : "");
}

static void
list_ids(const struct topo_node *nodes, size_t count, char *names, size_t size)
{
	struct nodeset ids = {0};

	for (size_t i = 0; i < count; i++)
		nodeset_add(&ids, nodes[i].node.id);
	nodeset_format(&ids, names, size);
}

static void
add_node(struct sluice_tier_info *info, struct topo_node *of, size_t tier, const char *place)
{
	struct sluice_node *node = &of->node;
	struct text reason = {.buffer = node->reason, .size = sizeof(node->reason)};

	node->tier = (uint32_t)tier;
	info->node_count++;
	info->total_bytes += node->total_bytes;
	info->free_bytes += node->free_bytes;
	if (node->read_latency_ns &&
	    (!info->read_latency_ns || node->read_latency_ns < info->read_latency_ns))
		info->read_latency_ns = node->read_latency_ns;
	text_add(&reason, "%s Tier %zu: %s.", of->kind_reason, tier, place);
}

static enum sluice_source
source_of(const struct sluice_topology *topo, enum topo_evidence by)
{
	switch (by) {
	case TOPO_BY_KERNEL:
		return SLUICE_SOURCE_KERNEL_TIER;
	case TOPO_BY_LATENCY:
		return topo->latency_base;
	case TOPO_BY_SLIT:
		return SLUICE_SOURCE_SLIT;
	default:
		return SLUICE_SOURCE_NONE;
	}
}

static void
add_placed(struct sluice_topology *topo, size_t ranked, size_t tier, struct text *text)
{
	struct sluice_tier_info *info = &topo->tiers[tier];
	struct nodeset ids = {0};
	char names[64];
	bool any = false;

	for (size_t i = ranked; i < topo->node_count; i++) {
		struct topo_node *node = &topo->nodes[i];

		if (node->node.tier != tier)
			continue;
		if (info->node_count == 0) {
			info->kind = node->node.kind;
			info->source = SLUICE_SOURCE_OVERRIDE;
		}
		nodeset_add(&ids, node->node.id);
		add_node(info, node, tier, "as you say");
		any = true;
	}
	if (!any)
		return;
	nodeset_format(&ids, names, sizeof(names));
	text_add(text, "%sNode %s: as you say.", text->length ? " " : "", names);
}

void
topo_describe_tier(struct sluice_topology *topo, size_t begin, size_t end, size_t ranked,
		   size_t tier)
{
	struct topo_node *nodes = &topo->nodes[begin];
	struct sluice_tier_info *info = &topo->tiers[tier];
	struct text text = {.buffer = info->reason, .size = sizeof(info->reason)};
	char place[128] = "", names[64];
	struct text place_text = {.buffer = place, .size = sizeof(place)};
	size_t count = end - begin;

	*info = (struct sluice_tier_info){0};
	if (count > 0) {
		list_ids(nodes, count, names, sizeof(names));
		if (begin == 0)
			say_first(topo, ranked, &place_text);
		else
			say_after(topo, begin, ranked, &place_text);
		text_add(&text, "Node%s %s: %s.", count > 1 ? "s" : "", names, place);
		if (topo->merged && end == ranked)
			text_add(&text,
				 " Slower groups are merged into this tier: at most %d are kept "
				 "apart.",
				 TOPO_TIERS_MAX);
		else if (count > 1)
			say_together(topo, nodes, count, &text);
		info->kind = nodes[0].node.kind;
		info->source = begin > 0 ? source_of(topo, nodes[0].split) : SLUICE_SOURCE_NONE;
		for (size_t i = 0; i < count; i++)
			add_node(info, &nodes[i], tier, place);
	}
	add_placed(topo, ranked, tier, &text);
	say_set_aside(topo, &text);
}
