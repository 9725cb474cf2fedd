/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_override.c - the user's corrections: "2=cxl@250ns,30GB/s 3=tier1 0:2=400ns". The grammar
 * stands in topology.h.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"
#include "topo_words.h"

#define WHAT "the correction of the topology"
#define SEPARATORS ",;@ \t\n"
#define TIER_MAX 63 /* any number beyond the last tier makes a new one: this is plenty */

struct entry {
	uint32_t first, last;
	uint32_t initiator;
	const char *text; /* as the user wrote it */
	bool begun, has_word;
};

struct parse {
	struct sluice_topology *topo;
	const char *whole;
	struct sluice_err *reterr;
	struct nodeset with_kind, with_tier;
};

static int
fail(const struct parse *parse, const char *at, const char *reason)
{
	return topo_word_fail(parse->reterr, WHAT, parse->whole, at, reason);
}

static int
parse_head(const struct parse *parse, struct topo_word head, struct entry *ret)
{
	const char *colon = memchr(head.text, ':', head.length);
	struct topo_word nodes = head;

	ret->initiator = SLUICE_NO_NODE;
	if (colon) {
		struct topo_word first = {head.text, (size_t)(colon - head.text)};
		uint32_t same;

		if (!topo_word_nodes(first, &ret->initiator, &same) || same != ret->initiator)
			return fail(parse, head.text,
				    "before ':' stands one node of CPUs, as in 0:2=400ns");
		nodes.text = colon + 1;
		nodes.length -= first.length + 1;
	}
	if (!topo_word_nodes(nodes, &ret->first, &ret->last))
		return fail(parse, nodes.text,
			    "before '=' stands a node or a range of nodes, as in 2=cxl or "
			    "2-3=cxl");
	return 0;
}

static void
tell(const struct parse *parse, const struct entry *entry, enum topo_figure first, uint32_t value)
{
	for (uint32_t id = entry->first; id <= entry->last; id++) {
		topo_tell(parse->topo, SLUICE_SOURCE_OVERRIDE, entry->initiator, id, first, value,
			  entry->text);
		topo_tell(parse->topo, SLUICE_SOURCE_OVERRIDE, entry->initiator, id, first + 1,
			  value, entry->text);
	}
}

static bool
given_twice(struct nodeset *given, const struct entry *entry)
{
	bool twice = false;

	for (uint32_t id = entry->first; id <= entry->last; id++) {
		twice = twice || nodeset_has(given, id);
		nodeset_add(given, id);
	}
	return twice;
}

static void
set_kind(const struct parse *parse, const struct entry *entry, uint32_t kind)
{
	for (uint32_t id = entry->first; id <= entry->last; id++) {
		struct topo_node *node = topo_node_find(parse->topo, id);

		if (!node)
			continue;
		node->said_kind = (int32_t)kind;
		node->said_by = SLUICE_SOURCE_OVERRIDE;
		topo_fact(parse->topo, SLUICE_SOURCE_OVERRIDE, id, "kind",
			  sluice_tier_kind_name(kind), "%s", entry->text)
			->fact.verdict = SLUICE_FACT_USED;
	}
}

static void
set_tier(const struct parse *parse, const struct entry *entry, uint32_t tier)
{
	for (uint32_t id = entry->first; id <= entry->last; id++) {
		struct topo_node *node = topo_node_find(parse->topo, id);

		if (!node)
			continue;
		node->override_tier = (int32_t)tier;
		topo_fact_number(parse->topo, SLUICE_SOURCE_OVERRIDE, id, "tier", tier, "%s",
				 entry->text)
			->fact.verdict = SLUICE_FACT_USED;
	}
}

static int
parse_word(struct parse *parse, struct entry *entry, struct topo_word word)
{
	char text[16];
	uint32_t value;

	entry->has_word = true;
	if (topo_word_latency(word, &value)) {
		tell(parse, entry, TOPO_READ_LATENCY, value);
		return 0;
	}
	if (topo_word_bw(word, &value)) {
		tell(parse, entry, TOPO_READ_BW, value);
		return 0;
	}
	snprintf(text, sizeof(text), "%.*s", word.length < sizeof(text) ? (int)word.length : 15,
		 word.text);
	if (entry->initiator != SLUICE_NO_NODE)
		return fail(parse, word.text,
			    "a pair of nodes has a latency (250ns) and a bandwidth (30GB/s) only");
	if (word.length < sizeof(text) && sysroot_numbered(text, "tier", TIER_MAX, &value)) {
		if (given_twice(&parse->with_tier, entry))
			return fail(parse, word.text, "a node's tier is given twice");
		set_tier(parse, entry, value);
		return 0;
	}
	if (topo_word_kind(word, &value) && value != SLUICE_TIER_SWAP) {
		if (given_twice(&parse->with_kind, entry))
			return fail(parse, word.text, "a node's kind is given twice");
		set_kind(parse, entry, value);
		return 0;
	}
	return fail(parse, word.text,
		    "this is no kind (hbm, dram, remote, cxl, pmem), no tier (tier1), no latency "
		    "(250ns) and no bandwidth (30GB/s)");
}

bool
topo_override_names(const char *text, uint32_t id)
{
	for (const char *p = text ? text : ""; *(p += strspn(p, SEPARATORS));) {
		struct topo_word word = {p, strcspn(p, SEPARATORS)};
		const char *equals = memchr(word.text, '=', word.length);
		uint32_t first, last;

		p += word.length;
		if (!equals)
			continue;
		word.length = (size_t)(equals - word.text);
		if (topo_word_nodes(word, &first, &last) && id >= first && id <= last)
			return true;
	}
	return false;
}

/* As the user wrote it: up to the next entry, where blanks or semicolons part entries. */
static const char *
keep_entry(struct sluice_topology *topo, const char *text)
{
	char entry[128];
	size_t length = strcspn(text, " ;\t\n");

	if (length >= sizeof(entry))
		length = sizeof(entry) - 1;
	memcpy(entry, text, length);
	entry[length] = '\0';
	return topo_say(topo, "%s", entry);
}

int
topo_read_overrides(struct sluice_topology *topo, const char *text, struct sluice_err *reterr)
{
	struct parse parse = {.topo = topo, .whole = text ? text : "", .reterr = reterr};
	struct entry entry = {.text = ""};
	const char *p = parse.whole;
	int r = 0;

	for (p += strspn(p, SEPARATORS); r == 0 && *p; p += strspn(p, SEPARATORS)) {
		struct topo_word word = {p, strcspn(p, SEPARATORS)};
		const char *equals = memchr(word.text, '=', word.length);

		p += word.length;
		if (equals) {
			struct topo_word head = {word.text, (size_t)(equals - word.text)};

			if (entry.begun && !entry.has_word)
				return fail(&parse, word.text,
					    "the entry before this says nothing");
			entry = (struct entry){.begun = true, .text = keep_entry(topo, word.text)};
			r = parse_head(&parse, head, &entry);
			if (r == 0 && !topo_node_find(topo, entry.first))
				topo_remark(topo, entry.first,
					    "You correct node %u ('%s'), which is not there (yet).",
					    entry.first, entry.text);
			word.text = equals + 1;
			word.length -= head.length + 1;
		}
		if (r == 0 && !entry.begun)
			return fail(&parse, word.text,
				    "an entry begins with nodes and '=', as in 2=cxl");
		if (r == 0 && word.length > 0)
			r = parse_word(&parse, &entry, word);
	}
	if (r == 0 && entry.begun && !entry.has_word)
		return fail(&parse, p, "the last entry says nothing");
	return r;
}
