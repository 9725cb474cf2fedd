/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_explain.c - who said what of a node: every fact with its source, its file and what became of
 * it, what does not fit together, and why the node is in its tier.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "text.h"
#include "topo_draw.h"
#include "topo_views.h"

#define NO_NODE (-1)
#define INDENT "  "

static json_int_t
id_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : NO_NODE;
}

static void
heading(FILE *stream, const char *text)
{
	fprintf(stream, "%s%s%s", text_style(stream, TEXT_BOLD), text, text_reset(stream));
}

static void
paragraph(FILE *stream, const char *label, const char *text)
{
	char indent[40];

	if (!text[0])
		return;
	snprintf(indent, sizeof(indent), INDENT "%-8s", "");
	fprintf(stream, INDENT "%-8s", label);
	draw_wrapped(stream, text, strlen(indent), indent);
}

/* "read_latency_ns from node 0": a fact's name with the CPUs that it holds for. */
static void
fact_name(const json_t *fact, char *buffer, size_t size)
{
	json_int_t initiator = id_of(fact, "initiator");

	if (initiator == NO_NODE)
		snprintf(buffer, size, "%s", text_of(fact, "key"));
	else
		snprintf(buffer, size, "%s from %lld", text_of(fact, "key"), (long long)initiator);
}

static enum text_style
verdict_style(const char *verdict)
{
	if (strcmp(verdict, "used") == 0)
		return TEXT_GREEN;
	return strcmp(verdict, "refused") == 0 ? TEXT_RED : TEXT_DIM;
}

struct named_fact {
	const json_t *fact;
	char name[96];
	bool is_told;
};

struct widths {
	int name, value, source, verdict;
};

static void
widen(int *width, const char *text, int most)
{
	int columns = (int)draw_width(text);

	if (columns > most)
		columns = most;
	if (columns > *width)
		*width = columns;
}

static void
print_fact(FILE *stream, const struct named_fact *named, const struct widths *widths,
	   bool is_repeated)
{
	const json_t *fact = named->fact;
	const char *verdict = text_of(fact, "verdict"), *note = text_of(fact, "note"),
		   *value = text_of(fact, "value"), *origin = text_of(fact, "origin");
	char indent[64];

	fprintf(stream, INDENT "%-*s  %-*s  %-*s  %s%-*s%s  %s\n", widths->name,
		is_repeated ? "" : named->name, widths->value, value, widths->source,
		text_of(fact, "source"), text_style(stream, verdict_style(verdict)),
		widths->verdict, verdict, text_reset(stream), origin);
	if (!note[0])
		return;
	snprintf(indent, sizeof(indent), INDENT "%*s  ", widths->name, "");
	fprintf(stream, "%s%s", indent, text_style(stream, TEXT_DIM));
	draw_wrapped(stream, note, strlen(indent), indent);
	fputs(text_reset(stream), stream);
}

/* The facts of a node, the caller's to free; NULL when there are none, or no memory. */
static struct named_fact *
facts_of(const struct topo_model *model, json_int_t node, size_t *ret_count)
{
	const json_t *facts = json_object_get(model->json, "facts"), *fact;
	struct named_fact *found = calloc(json_array_size(facts) + 1, sizeof(*found));
	size_t i;

	*ret_count = 0;
	if (!found)
		return NULL;
	json_array_foreach (facts, i, fact) {
		struct named_fact *here = &found[*ret_count];

		if (id_of(fact, "node") != node)
			continue;
		here->fact = fact;
		fact_name(fact, here->name, sizeof(here->name));
		++*ret_count;
	}
	return found;
}

/* Facts stand together by name, in the order in which the names first come. */
static void
print_facts(const struct topo_model *model, json_int_t node, FILE *stream)
{
	struct widths widths = {4, 5, 6, 7};
	size_t count;
	struct named_fact *facts = facts_of(model, node, &count);

	for (size_t i = 0; i < count; i++) {
		widen(&widths.name, facts[i].name, 34);
		widen(&widths.value, text_of(facts[i].fact, "value"), 34);
		widen(&widths.source, text_of(facts[i].fact, "source"), 20);
		widen(&widths.verdict, text_of(facts[i].fact, "verdict"), 12);
	}
	if (count > 0)
		fprintf(stream, INDENT "%s%-*s  %-*s  %-*s  %-*s  %s%s\n",
			text_style(stream, TEXT_DIM), widths.name, "FACT", widths.value, "VALUE",
			widths.source, "SOURCE", widths.verdict, "VERDICT", "FILE",
			text_reset(stream));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = i; !facts[i].is_told && k < count; k++) {
			if (k > i &&
			    (facts[k].is_told || strcmp(facts[i].name, facts[k].name) != 0))
				continue;
			print_fact(stream, &facts[k], &widths, k > i);
			facts[k].is_told = k > i;
		}
	}
	free(facts);
}

static void
print_remarks(const struct topo_model *model, json_int_t node, FILE *stream)
{
	const json_t *remark;
	size_t i;

	json_array_foreach (json_object_get(model->json, "remarks"), i, remark) {
		if (id_of(remark, "node") == node)
			paragraph(stream, "note", text_of(remark, "text"));
	}
}

/* What was taken for each figure, and whose word that was. */
static void
print_chosen(const struct topo_node *node, FILE *stream)
{
	const char *latency_source = text_of(node->json, "latency_source"),
		   *bw_source = text_of(node->json, "bw_source");
	char latency[24], bandwidth[24], text[160];

	topo_latency_text(node->figures.read_latency_ns, latency, sizeof(latency));
	topo_bandwidth_text(node->figures.read_bw_mbps, bandwidth, sizeof(bandwidth));
	snprintf(text, sizeof(text), "latency %s%s%s%s, bandwidth %s%s%s%s", latency,
		 latency_source[0] ? " (" : "", latency_source, latency_source[0] ? ")" : "",
		 bandwidth, bw_source[0] ? " (" : "", bw_source, bw_source[0] ? ")" : "");
	paragraph(stream, "taken", text);
}

static void
print_node(const struct topo_model *model, const struct topo_node *node, FILE *stream)
{
	const char *kind_source = text_of(node->json, "kind_source");
	char size[32], title[64];

	snprintf(title, sizeof(title), "node %u", node->id);
	heading(stream, title);
	fprintf(stream, "  %s%s%s%s%s%s, tier %u, %s, %s%s\n",
		text_style(stream, draw_kind_style(node->kind)), node->kind, text_reset(stream),
		kind_source[0] ? " (" : "", kind_source, kind_source[0] ? ")" : "", node->tier,
		format_size(node->total_bytes, size, sizeof(size)),
		node->cpus[0] ? "CPUs " : "no CPUs", node->cpus);
	paragraph(stream, "why", node->reason);
	if (node->tier < model->tier_count) {
		snprintf(title, sizeof(title), "tier %u", node->tier);
		paragraph(stream, title, model->tiers[node->tier].reason);
	}
	print_chosen(node, stream);
	print_remarks(model, node->id, stream);
	print_facts(model, node->id, stream);
}

static const json_t *
bare_node(const struct topo_model *model, uint32_t id)
{
	const json_t *node;
	size_t i;

	json_array_foreach (json_object_get(model->json, "bare_nodes"), i, node) {
		if (id_of(node, "id") == (json_int_t)id)
			return node;
	}
	return NULL;
}

static void
print_bare(const struct topo_model *model, const json_t *node, FILE *stream)
{
	char title[64];

	snprintf(title, sizeof(title), "node %.0f", number_of(node, "id"));
	heading(stream, title);
	fputs("  without memory\n", stream);
	paragraph(stream, "why", text_of(node, "reason"));
	print_remarks(model, id_of(node, "id"), stream);
	print_facts(model, id_of(node, "id"), stream);
}

int
topo_explain_print(const struct topo_model *model, uint32_t id, FILE *stream)
{
	const struct topo_node *node = topo_model_node(model, id);
	const json_t *bare = bare_node(model, id);

	if (node)
		print_node(model, node, stream);
	else if (bare)
		print_bare(model, bare, stream);
	return node || bare ? 0 : -ENOENT;
}

int
topo_explain_all_print(const struct topo_model *model, FILE *stream)
{
	const json_t *bare;
	char title[96];
	size_t i;

	heading(stream, "the machine");
	snprintf(title, sizeof(title), "  %zu node%s of memory, %zu of CPUs\n", model->node_count,
		 model->node_count == 1 ? "" : "s", model->initiator_count);
	fputs(title, stream);
	if (model->has_swap)
		paragraph(stream, "swap", model->swap_reason);
	print_remarks(model, NO_NODE, stream);
	print_facts(model, NO_NODE, stream);
	for (i = 0; i < model->node_count; i++) {
		fputc('\n', stream);
		print_node(model, &model->nodes[i], stream);
	}
	json_array_foreach (json_object_get(model->json, "bare_nodes"), i, bare) {
		fputc('\n', stream);
		print_bare(model, bare, stream);
	}
	return 0;
}
