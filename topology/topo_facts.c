/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_facts.c - texts, lists and facts of a topology: all live in its own blocks and go with it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo.h"

#define BLOCK_BYTES 65536
#define VALUE_BYTES 200

static bool
list_grow(struct topo_list *list)
{
	size_t capacity = list->capacity ? 2 * list->capacity : 32;
	void **items;

	if (list->count < list->capacity)
		return true;
	items = realloc(list->items, capacity * sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	list->capacity = capacity;
	return true;
}

void *
topo_alloc(struct sluice_topology *topo, size_t size)
{
	void *result;

	size = (size + 15) / 16 * 16;
	if (size > topo->block_left) {
		size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		char *block = list_grow(&topo->blocks) ? calloc(1, bytes) : NULL;

		if (!block) {
			topo->out_of_memory = true;
			memset(topo->scratch, 0, sizeof(topo->scratch));
			return size <= sizeof(topo->scratch) ? topo->scratch : NULL;
		}
		topo->blocks.items[topo->blocks.count++] = block;
		topo->block = block;
		topo->block_left = bytes;
	}
	result = topo->block;
	topo->block += size;
	topo->block_left -= size;
	return result;
}

void *
topo_list_add(struct sluice_topology *topo, struct topo_list *list, size_t size)
{
	void *item = topo_alloc(topo, size);

	if (!list_grow(list))
		topo->out_of_memory = true;
	else if (item != topo->scratch)
		list->items[list->count++] = item;
	return item;
}

void
topo_make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static const char *
keep_text(struct sluice_topology *topo, char *text)
{
	size_t size = strlen(text) + 1;
	char *kept = topo_alloc(topo, size);

	topo_make_plain(text);
	if (!kept || kept == topo->scratch)
		return "";
	memcpy(kept, text, size);
	return kept;
}

static const char *
say(struct sluice_topology *topo, const char *format, va_list args)
{
	char text[1024];

	if (vsnprintf(text, sizeof(text), format, args) <= 0)
		return "";
	return keep_text(topo, text);
}

const char *
topo_say(struct sluice_topology *topo, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = say(topo, format, args);
	va_end(args);
	return text;
}

static struct topo_fact *
add_fact(struct sluice_topology *topo, enum sluice_source source, uint32_t node, const char *key,
	 const char *value, const char *format, va_list args)
{
	struct topo_fact *fact = topo_list_add(topo, &topo->facts, sizeof(*fact));

	fact->figure = TOPO_FIGURES;
	fact->fact = (struct sluice_fact){
		.node = node,
		.initiator = SLUICE_NO_NODE,
		.source = source,
		.key = key,
		.note = "",
	};
	fact->fact.value = topo_say(topo, "%.*s", VALUE_BYTES, value);
	fact->fact.origin = say(topo, format, args);
	return fact;
}

struct topo_fact *
topo_fact(struct sluice_topology *topo, enum sluice_source source, uint32_t node, const char *key,
	  const char *value, const char *format, ...)
{
	struct topo_fact *fact;
	va_list args;

	va_start(args, format);
	fact = add_fact(topo, source, node, key, value, format, args);
	va_end(args);
	return fact;
}

struct topo_fact *
topo_fact_number(struct sluice_topology *topo, enum sluice_source source, uint32_t node,
		 const char *key, uint64_t value, const char *format, ...)
{
	struct topo_fact *fact;
	char text[24];
	va_list args;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	va_start(args, format);
	fact = add_fact(topo, source, node, key, text, format, args);
	va_end(args);
	fact->fact.number = value;
	return fact;
}

void
topo_refuse(struct sluice_topology *topo, enum sluice_source source, uint32_t node, const char *key,
	    const char *value, const char *note, const char *format, ...)
{
	struct topo_fact *fact;
	va_list args;

	va_start(args, format);
	fact = add_fact(topo, source, node, key, value, format, args);
	va_end(args);
	fact->fact.verdict = SLUICE_FACT_REFUSED;
	fact->fact.note = topo_say(topo, "%s", note);
}

const char *
topo_figure_key(enum topo_figure figure)
{
	static const char *const keys[] = {
		[TOPO_READ_LATENCY] = "read_latency_ns", [TOPO_WRITE_LATENCY] = "write_latency_ns",
		[TOPO_READ_BW] = "read_bw_mbps",         [TOPO_WRITE_BW] = "write_bw_mbps",
		[TOPO_MIXED_BW] = "mixed_bw_mbps",
	};

	return keys[figure];
}

void
topo_tell(struct sluice_topology *topo, enum sluice_source source, uint32_t initiator,
	  uint32_t node, enum topo_figure figure, uint32_t value, const char *origin)
{
	struct topo_node *of_node = topo_node_find(topo, node);
	struct topo_pair *of_pair = topo_pair_find(topo, initiator, node);
	struct topo_fact *fact =
		topo_fact_number(topo, source, node, topo_figure_key(figure), value, "%s", origin);

	fact->fact.initiator = initiator;
	if ((figure == TOPO_READ_LATENCY || figure == TOPO_WRITE_LATENCY) &&
	    value > TOPO_LATENCY_MAX_NS) {
		fact->fact.verdict = SLUICE_FACT_REFUSED;
		fact->fact.note = "too large to be true";
		return;
	}
	fact->figure = figure;
	if (of_pair)
		of_pair->told[source].figures[figure] = value;
	else if (of_node && initiator == SLUICE_NO_NODE)
		of_node->told[source].figures[figure] = value;
}

struct remark {
	uint32_t node;
	const char *text;
};

void
topo_remark(struct sluice_topology *topo, uint32_t node, const char *format, ...)
{
	struct remark *remark = topo_list_add(topo, &topo->remarks, sizeof(*remark));
	va_list args;

	va_start(args, format);
	remark->node = node;
	remark->text = say(topo, format, args);
	va_end(args);
}

const char *
sluice_topology_remark(const struct sluice_topology *topology, size_t i, uint32_t *ret_node)
{
	const struct remark *remark = topo_list_at(&topology->remarks, i);

	if (remark && ret_node)
		*ret_node = remark->node;
	return remark ? remark->text : NULL;
}
