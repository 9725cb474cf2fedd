/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_synthetic.c - make up a machine from a description, such as
 * "2xdram:8G@80ns,100GB/s 2xcxl:32G@250ns,30GB/s swap:16G". The grammar stands in topology.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"
#include "topo_words.h"

#define WHAT "the description of a machine"
#define BLANKS " ;\t\n"
#define NODES_MAX 64
#define CPUS_DEFAULT 8
#define CPUS_MAX 1024
#define DISTANCE_LOCAL 10
#define DISTANCE_NEAR 20 /* other CPU nodes, and memory-only nodes of one's own */
#define DISTANCE_FAR 30  /* memory-only nodes of others */

struct item {
	uint32_t kind, cpus;
	uint64_t bytes;
	uint32_t latency_ns, bw_mbps, distance; /* 0: not said */
	uint32_t home;                          /* the node of CPUs that it belongs to */
	const char *text;
};

struct parse {
	struct sluice_topology *topo;
	const char *whole;
	struct sluice_err *reterr;
	struct item nodes[NODES_MAX];
	size_t count;
};

static int
fail(const struct parse *parse, const char *at, const char *reason)
{
	return topo_word_fail(parse->reterr, WHAT, parse->whole, at, reason);
}

static bool
take_count(struct topo_word *word, uint32_t *ret)
{
	const char *times = memchr(word->text, 'x', word->length), *p = word->text;
	uint64_t count;

	*ret = 1;
	if (!times || times == p || strspn(p, "0123456789") != (size_t)(times - p))
		return true; /* "hbm" and others hold no x after digits */
	/* Up to the x: "0xd..." is no hexadecimal number. */
	if (!sysroot_number(&p, NODES_MAX, &count) || count == 0 || p != times)
		return false;
	word->length -= (size_t)(times + 1 - word->text);
	word->text = times + 1;
	*ret = (uint32_t)count;
	return true;
}

static int
parse_head(const struct parse *parse, struct topo_word head, struct item *ret, uint32_t *ret_count)
{
	struct topo_word kind = head, size;
	const char *colon;

	if (!take_count(&kind, ret_count))
		return fail(parse, head.text, "a count is from 1 to 64, as in 2xdram:8G");
	colon = memchr(kind.text, ':', kind.length);
	if (!colon)
		return fail(parse, head.text, "an item is a kind and a size, as in dram:8G");
	size = (struct topo_word){colon + 1, kind.length - (size_t)(colon + 1 - kind.text)};
	kind.length = (size_t)(colon - kind.text);
	if (!topo_word_kind(kind, &ret->kind))
		return fail(parse, kind.text,
			    "this is no kind; there are hbm, dram, remote, cxl, pmem, swap");
	if (!topo_word_bytes(size, &ret->bytes))
		return fail(parse, size.text, "this is no size, such as 512M, 8G, 1.5T");
	ret->cpus = ret->kind == SLUICE_TIER_DRAM ? CPUS_DEFAULT : 0;
	return 0;
}

static bool
take_setting(struct topo_word word, const char *name, uint64_t max, uint32_t *ret)
{
	size_t length = strlen(name);
	const char *p = word.text + length;
	uint64_t number;

	if (word.length <= length || strncmp(word.text, name, length) != 0 ||
	    !sysroot_number(&p, max, &number) || p != word.text + word.length)
		return false;
	*ret = (uint32_t)number;
	return true;
}

static int
parse_word(const struct parse *parse, struct topo_word word, struct item *item)
{
	if (item->kind == SLUICE_TIER_SWAP)
		return fail(parse, word.text, "swap has a size only, as in swap:16G");
	if (topo_word_latency(word, &item->latency_ns) || topo_word_bw(word, &item->bw_mbps) ||
	    take_setting(word, "cpus=", CPUS_MAX, &item->cpus))
		return 0;
	if (take_setting(word, "dist=", 254, &item->distance) && item->distance >= DISTANCE_LOCAL)
		return 0;
	return fail(parse, word.text,
		    "this is no latency (80ns), no bandwidth (100GB/s), no cpus=N (up to 1024) and "
		    "no dist=N (10 to 254)");
}

static int
parse_item(struct parse *parse, struct topo_word whole)
{
	struct item item = {.text = topo_say(parse->topo, "%.*s", (int)whole.length, whole.text)};
	const char *p = whole.text, *end = whole.text + whole.length;
	uint32_t count = 1;
	bool first = true;
	int r = 0;

	while (r == 0 && p < end) {
		struct topo_word word = {p, strcspn(p, "@," BLANKS)};

		if (word.length == 0)
			return fail(parse, p, "a word is missing here");
		r = first ? parse_head(parse, word, &item, &count) : parse_word(parse, word, &item);
		first = false;
		p += word.length;
		if (p < end && ++p == end)
			return fail(parse, p - 1, "a word is missing here");
	}
	if (r < 0)
		return r;
	if (item.kind == SLUICE_TIER_SWAP) {
		for (uint32_t i = 0; i < count; i++)
			topo_add_swap(parse->topo, SLUICE_SWAP_PARTITION,
				      topo_say(parse->topo, "made-up%zu",
					       parse->topo->swap_devices.count),
				      item.bytes, 0, -2 - (int32_t)i);
		return 0;
	}
	if (parse->count + count > NODES_MAX)
		return fail(parse, whole.text, "with this there are more than 64 nodes");
	while (count-- > 0)
		parse->nodes[parse->count++] = item;
	return 0;
}

/* Nodes without CPUs belong to those with, in turn, each kind for itself. */
static void
find_homes(struct parse *parse)
{
	uint32_t with_cpus[NODES_MAX], cpu_nodes = 0, next[SLUICE_TIER_SWAP] = {0};

	for (uint32_t i = 0; i < parse->count; i++)
		if (parse->nodes[i].cpus)
			with_cpus[cpu_nodes++] = i;
	for (uint32_t i = 0; i < parse->count; i++) {
		struct item *item = &parse->nodes[i];

		item->home = item->cpus ? i : with_cpus[next[item->kind]++ % cpu_nodes];
	}
}

static void
make_node(struct parse *parse, uint32_t id, uint32_t *first_cpu)
{
	const struct item *item = &parse->nodes[id];
	struct sluice_topology *topo = parse->topo;
	char cpus[32] = "";
	struct topo_node *node;

	if (item->cpus == 1)
		snprintf(cpus, sizeof(cpus), "%u", *first_cpu);
	else if (item->cpus > 1)
		snprintf(cpus, sizeof(cpus), "%u-%u", *first_cpu, *first_cpu + item->cpus - 1);
	*first_cpu += item->cpus;
	nodeset_add(&topo->online, id);
	nodeset_add(&topo->with_memory, id);
	if (item->cpus)
		topo_add_initiator(topo, id, true, cpus);
	node = topo_add_node(topo, id, item->bytes, item->bytes, item->cpus > 0, cpus);
	node->said_kind = (int32_t)item->kind;
	node->said_by = SLUICE_SOURCE_SYNTHETIC;
	topo_fact(topo, SLUICE_SOURCE_SYNTHETIC, id, "kind", sluice_tier_kind_name(item->kind),
		  "%s", item->text)
		->fact.verdict = SLUICE_FACT_USED;
}

static void
tell(struct sluice_topology *topo, const struct item *item, uint32_t id, enum topo_figure figure,
     uint32_t value)
{
	if (value)
		topo_tell(topo, SLUICE_SOURCE_SYNTHETIC, SLUICE_NO_NODE, id, figure, value,
			  item->text);
}

static void
make_figures(struct parse *parse, uint32_t id)
{
	const struct item *item = &parse->nodes[id];
	struct sluice_topology *topo = parse->topo;

	for (size_t i = 0; i < topo->initiators.count; i++) {
		const struct sluice_initiator *initiator = topo->initiators.items[i];
		struct topo_pair *pair = topo_pair_find(topo, initiator->node, id);
		bool home = initiator->node == item->home;

		if (!pair)
			continue;
		if (home && item->distance)
			pair->pair.distance = item->distance;
		else if (item->cpus)
			pair->pair.distance = home ? DISTANCE_LOCAL : DISTANCE_NEAR;
		else
			pair->pair.distance = home ? DISTANCE_NEAR : DISTANCE_FAR;
	}
	tell(topo, item, id, TOPO_READ_LATENCY, item->latency_ns);
	tell(topo, item, id, TOPO_WRITE_LATENCY, item->latency_ns);
	tell(topo, item, id, TOPO_READ_BW, item->bw_mbps);
	tell(topo, item, id, TOPO_WRITE_BW, item->bw_mbps);
}

static int
make_machine(struct parse *parse)
{
	struct sluice_topology *topo = parse->topo;
	uint32_t first_cpu = 0, with_cpus = 0;
	int r;

	for (size_t i = 0; i < parse->count; i++)
		with_cpus += parse->nodes[i].cpus > 0;
	if (parse->count == 0)
		return sluice_fail(parse->reterr, -EINVAL,
				   WHAT " has no memory; \"dram:8G cxl:32G@250ns\" has");
	if (with_cpus == 0)
		return sluice_fail(parse->reterr, -EINVAL,
				   WHAT " has no CPUs; dram has some unless it says cpus=0");
	topo->nodes = calloc(parse->count, sizeof(*topo->nodes));
	if (!topo->nodes)
		return sluice_fail(parse->reterr, -ENOMEM, "no memory for %zu nodes", parse->count);
	find_homes(parse);
	for (uint32_t i = 0; i < parse->count; i++)
		make_node(parse, i, &first_cpu);
	r = topo_pairs_new(topo, parse->reterr);
	for (uint32_t i = 0; r == 0 && i < parse->count; i++)
		make_figures(parse, i);
	return r;
}

int
topo_make_synthetic(struct sluice_topology *topo, const char *text, struct sluice_err *reterr)
{
	struct parse *parse = calloc(1, sizeof(*parse));
	const char *p = text;
	int r = 0;

	if (!parse)
		return sluice_fail(reterr, -ENOMEM, "no memory for the description of a machine");
	parse->topo = topo;
	parse->whole = text;
	parse->reterr = reterr;
	for (p += strspn(p, BLANKS); r == 0 && *p; p += strspn(p, BLANKS)) {
		struct topo_word item = {p, strcspn(p, BLANKS)};

		r = parse_item(parse, item);
		p += item.length;
	}
	if (r == 0)
		r = make_machine(parse);
	free(parse);
	return r;
}
