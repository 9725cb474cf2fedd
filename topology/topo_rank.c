/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_rank.c - order nodes by speed and group them into tiers.
 *
 * All nodes start as one group. Each source of enum topo_source in turn, the strongest first, cuts
 * every group that it can tell apart; so a weaker source only decides what stronger ones leave
 * open. A source speaks on a group only if it knows all nodes of it, and if it does not put memory
 * that is proven to be CXL or persistent before DRAM with CPUs: such firmware is wrong, and a
 * reason says so.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "topo.h"

struct ranking {
	struct sluice_topology *topo;
	bool set_aside[TOPO_SOURCE_COUNT]; /* sources found wrong for some group */
	bool merged;                       /* there were more groups than tiers */
};

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

/* Smaller is faster. False when the source does not know. */
static bool
get_key(const struct topo_node *node, enum topo_source source, uint64_t *ret)
{
	switch (source) {
	case TOPO_SOURCE_KERNEL:
		*ret = (uint64_t)node->node.kernel_tier;
		return node->node.kernel_tier >= 0;
	case TOPO_SOURCE_BANDWIDTH:
		*ret = node->node.kind != SLUICE_TIER_HBM;
		return true;
	case TOPO_SOURCE_LATENCY:
		*ret = topo_latency_ns(node);
		return *ret > 0;
	case TOPO_SOURCE_KIND:
		*ret = node->node.kind;
		return true;
	case TOPO_SOURCE_SLIT:
		*ret = node->node.distance;
		return *ret > 0;
	case TOPO_SOURCE_NONE:
	case TOPO_SOURCE_COUNT:
		break;
	}
	return false;
}

static bool
knows_all(const struct topo_node *nodes, size_t count, enum topo_source source)
{
	uint64_t key;

	for (size_t i = 0; i < count; i++)
		if (!get_key(&nodes[i], source, &key))
			return false;
	return true;
}

static uint64_t
smallest_key(const struct topo_node *nodes, size_t count, enum topo_source source)
{
	uint64_t smallest = UINT64_MAX, key;

	for (size_t i = 0; i < count; i++)
		if (get_key(&nodes[i], source, &key) && key < smallest)
			smallest = key;
	return smallest;
}

static bool
is_proven_slow(const struct topo_node *node)
{
	return node->node.kind == SLUICE_TIER_CXL || node->node.kind == SLUICE_TIER_PMEM;
}

static bool
is_wrong(const struct topo_node *nodes, size_t count, enum topo_source source)
{
	uint64_t best_slow = UINT64_MAX, worst_dram = 0, key;

	for (size_t i = 0; i < count; i++) {
		if (!get_key(&nodes[i], source, &key))
			continue;
		if (is_proven_slow(&nodes[i]) && key < best_slow)
			best_slow = key;
		if (nodes[i].node.has_cpu && key > worst_dram)
			worst_dram = key;
	}
	return best_slow < worst_dram;
}

static bool
is_slower(enum topo_source source, uint64_t first, uint64_t key)
{
	if (source == TOPO_SOURCE_LATENCY || source == TOPO_SOURCE_SLIT)
		return key * 100 > first * (100 + TOPO_NEAR_PERCENT);
	return key > first;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct topo_node *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->node.id > y->node.id) - (x->node.id < y->node.id);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct topo_node *x = a, *y = b;

	return (x->node.id > y->node.id) - (x->node.id < y->node.id);
}

static size_t
group_end(const struct sluice_topology *topo, size_t begin)
{
	size_t end = begin + 1;

	while (end < topo->node_count && topo->nodes[end].split == TOPO_SOURCE_NONE)
		end++;
	return end;
}

static void
split_group(struct ranking *ranking, struct topo_node *nodes, size_t count, enum topo_source source)
{
	enum topo_source split = nodes[0].split;
	uint64_t first;

	if (!knows_all(nodes, count, source))
		return;
	if (is_wrong(nodes, count, source)) {
		ranking->set_aside[source] = true;
		return;
	}
	/* Latency says the same, and better. */
	if (source == TOPO_SOURCE_SLIT && knows_all(nodes, count, TOPO_SOURCE_LATENCY))
		return;
	nodes[0].split = TOPO_SOURCE_NONE; /* it marks the place, not the node */
	for (size_t i = 0; i < count; i++)
		get_key(&nodes[i], source, &nodes[i].key);
	qsort(nodes, count, sizeof(*nodes), compare_keys);
	first = nodes[0].key;
	for (size_t i = 1; i < count; i++) {
		if (!is_slower(source, first, nodes[i].key))
			continue;
		nodes[i].split = source;
		first = nodes[i].key;
	}
	nodes[0].split = split;
}

static void
split_all(struct ranking *ranking)
{
	struct sluice_topology *topo = ranking->topo;

	for (enum topo_source source = TOPO_SOURCE_KERNEL; source < TOPO_SOURCE_COUNT; source++) {
		for (size_t begin = 0, end; begin < topo->node_count; begin = end) {
			end = group_end(topo, begin);
			split_group(ranking, &topo->nodes[begin], end - begin, source);
		}
	}
}

static void
merge_slowest(struct ranking *ranking)
{
	struct sluice_topology *topo = ranking->topo;
	size_t groups = 1;

	for (size_t i = 1; i < topo->node_count; i++) {
		if (topo->nodes[i].split == TOPO_SOURCE_NONE || ++groups <= TOPO_TIERS_MAX)
			continue;
		topo->nodes[i].split = TOPO_SOURCE_NONE;
		ranking->merged = true;
	}
}

/* What separates the group at `begin` from those before it, in words. */
static void
say_after(const struct sluice_topology *topo, size_t begin, struct text *text)
{
	const struct topo_node *nodes = topo->nodes;
	enum topo_source source = nodes[begin].split;
	size_t count = group_end(topo, begin) - begin;
	size_t before = begin - 1; /* the start of all that this source put before this group */
	uint64_t key = smallest_key(&nodes[begin], count, source), other;

	while (before > 0 &&
	       (nodes[before].split == TOPO_SOURCE_NONE || nodes[before].split > source))
		before--;
	other = smallest_key(&nodes[before], begin - before, source);
	switch (source) {
	case TOPO_SOURCE_KERNEL:
		text_add(text, "ranked memory_tier%llu by the kernel, after memory_tier%llu",
			 (unsigned long long)key, (unsigned long long)other);
		break;
	case TOPO_SOURCE_LATENCY:
		text_add(text, "HMAT latency %llu ns against %llu ns", (unsigned long long)key,
			 (unsigned long long)other);
		break;
	case TOPO_SOURCE_SLIT:
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
say_first(const struct sluice_topology *topo, struct text *text)
{
	const struct topo_node *nodes = topo->nodes;
	size_t next = group_end(topo, 0);
	enum topo_source source;
	uint64_t key;

	if (next == topo->node_count) {
		text_add(text, "the only memory tier");
		return;
	}
	source = nodes[next].split;
	key = smallest_key(nodes, next, source);
	switch (source) {
	case TOPO_SOURCE_KERNEL:
		text_add(text, "first in the kernel's order (memory_tier%llu)",
			 (unsigned long long)key);
		break;
	case TOPO_SOURCE_LATENCY:
		text_add(text, "lowest HMAT latency, %llu ns", (unsigned long long)key);
		break;
	case TOPO_SOURCE_SLIT:
		text_add(text, "nearest to CPUs, SLIT distance %llu", (unsigned long long)key);
		break;
	default:
		text_add(text, "%s goes before %s", sluice_tier_kind_name(nodes[0].node.kind),
			 sluice_tier_kind_name(nodes[next].node.kind));
		break;
	}
}

static void
say_range(const struct topo_node *nodes, size_t count, enum topo_source source, const char *what,
	  const char *unit, struct text *text)
{
	uint64_t low = smallest_key(nodes, count, source), high = 0, key;

	for (size_t i = 0; i < count; i++)
		if (get_key(&nodes[i], source, &key) && key > high)
			high = key;
	if (low == high)
		text_add(text, ", %s%llu%s", what, (unsigned long long)low, unit);
	else
		text_add(text, ", %s%llu to %llu%s", what, (unsigned long long)low,
			 (unsigned long long)high, unit);
}

static void
say_together(const struct ranking *ranking, const struct topo_node *nodes, size_t count,
	     struct text *text)
{
	text_add(text, " One tier: %s", sluice_tier_kind_name(nodes[0].node.kind));
	if (knows_all(nodes, count, TOPO_SOURCE_KERNEL) && !ranking->set_aside[TOPO_SOURCE_KERNEL])
		say_range(nodes, count, TOPO_SOURCE_KERNEL, "the kernel's memory_tier", "", text);
	if (knows_all(nodes, count, TOPO_SOURCE_LATENCY))
		say_range(nodes, count, TOPO_SOURCE_LATENCY, "HMAT latency ", " ns", text);
	else if (knows_all(nodes, count, TOPO_SOURCE_SLIT))
		say_range(nodes, count, TOPO_SOURCE_SLIT, "SLIT distance ", "", text);
	text_add(text, ".");
}

static void
describe_tier(const struct ranking *ranking, size_t begin, size_t count, size_t tier)
{
	struct sluice_topology *topo = ranking->topo;
	struct topo_node *nodes = &topo->nodes[begin];
	struct sluice_tier_info *info = &topo->tiers[tier];
	struct text text = {.buffer = info->reason, .size = sizeof(info->reason)};
	char place[128] = "", names[64];
	struct text place_text = {.buffer = place, .size = sizeof(place)};
	struct nodeset ids = {0};
	bool kernel_wrong = ranking->set_aside[TOPO_SOURCE_KERNEL];
	bool latency_wrong = ranking->set_aside[TOPO_SOURCE_LATENCY];

	for (size_t i = 0; i < count; i++)
		nodeset_add(&ids, nodes[i].node.id);
	nodeset_format(&ids, names, sizeof(names));
	if (tier == 0)
		say_first(topo, &place_text);
	else
		say_after(topo, begin, &place_text);

	text_add(&text, "Node%s %s: %s.", count > 1 ? "s" : "", names, place);
	if (ranking->merged && begin + count == topo->node_count)
		text_add(&text,
			 " Slower groups are merged into this tier: at most %d are kept apart.",
			 TOPO_TIERS_MAX);
	else if (count > 1)
		say_together(ranking, nodes, count, &text);
	if (kernel_wrong || latency_wrong)
		text_add(&text,
			 " Set aside, as CXL or persistent memory would come before DRAM: %s%s%s.",
			 kernel_wrong ? "the kernel's order" : "",
			 kernel_wrong && latency_wrong ? ", " : "",
			 latency_wrong ? "HMAT's latencies" : "");

	info->kind = nodes[0].node.kind;
	info->node_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		struct sluice_node *node = &nodes[i].node;
		struct text reason = {.buffer = node->reason, .size = sizeof(node->reason)};

		node->tier = (uint32_t)tier;
		info->total_bytes += node->total_bytes;
		info->free_bytes += node->free_bytes;
		if (node->read_latency_ns &&
		    (!info->read_latency_ns || node->read_latency_ns < info->read_latency_ns))
			info->read_latency_ns = node->read_latency_ns;
		text_add(&reason, "%s Tier %zu: %s.", nodes[i].kind_reason, tier, place);
	}
}

void
topo_rank(struct sluice_topology *topo)
{
	struct ranking ranking = {.topo = topo};
	size_t begins[TOPO_TIERS_MAX], ends[TOPO_TIERS_MAX];

	split_all(&ranking);
	merge_slowest(&ranking);
	topo->tier_count = 0;
	for (size_t begin = 0; begin < topo->node_count; begin = ends[topo->tier_count - 1]) {
		begins[topo->tier_count] = begin;
		ends[topo->tier_count++] = group_end(topo, begin);
	}
	/* The words look at neighbours by speed, so they come before the last sort. */
	for (size_t i = 0; i < topo->tier_count; i++)
		describe_tier(&ranking, begins[i], ends[i] - begins[i], i);
	for (size_t i = 0; i < topo->tier_count; i++)
		qsort(&topo->nodes[begins[i]], ends[i] - begins[i], sizeof(*topo->nodes),
		      compare_ids);
}
