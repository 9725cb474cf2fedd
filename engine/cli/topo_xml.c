/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_xml.c - the machine in hwloc's XML, version 2, which all hwloc from 2.0 on reads.
 *
 * Written here and not by libhwloc: that library exports only what it discovered itself, a
 * symmetric machine of its own description, or what it read from just this XML. tests/integration
 * has the tools of hwloc read what comes out.
 *
 * A node of memory hangs on the CPUs that it is nearest to, or on the whole machine where there are
 * no such, or where they overlap with others': hwloc knows nested groups only. Latencies (ns) and
 * bandwidths (MB/s) go in as memory attributes for each CPUs; what has no place in hwloc goes in as
 * info: Sluice's kind and tier, and the reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "text.h"
#include "topo_views.h"
#include "topo_xml_groups.h"

void
topo_xml_text(FILE *stream, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '&':
			fputs("&amp;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			fputc((unsigned char)*text < 0x20 ? ' ' : *text, stream);
		}
	}
}

/* hwloc's form: words of 32 bits, the highest first. */
static void
put_set(const struct xml *xml, const char *name, const uint32_t *words, size_t count)
{
	while (count > 1 && words[count - 1] == 0)
		count--;
	fprintf(xml->stream, " %s=\"", name);
	while (count-- > 0)
		fprintf(xml->stream, "0x%08x%s", words[count], count > 0 ? "," : "");
	fputc('"', xml->stream);
}

static void
put_indent(const struct xml *xml, int depth)
{
	fprintf(xml->stream, "%*s", 2 * depth, "");
}

/* <object type=... with its sets; the tag is left open. Returns its gp_index. */
static unsigned
open_object(struct xml *xml, int depth, const char *type, int64_t os_index, const uint32_t *cpus,
	    const uint32_t *nodes)
{
	put_indent(xml, depth);
	fprintf(xml->stream, "<object type=\"%s\"", type);
	if (os_index >= 0)
		fprintf(xml->stream, " os_index=\"%lld\"", (long long)os_index);
	put_set(xml, "cpuset", cpus, CPU_WORDS);
	put_set(xml, "complete_cpuset", cpus, CPU_WORDS);
	put_set(xml, "nodeset", nodes, NODE_WORDS);
	put_set(xml, "complete_nodeset", nodes, NODE_WORDS);
	fprintf(xml->stream, " gp_index=\"%u\"", ++xml->next_index);
	return xml->next_index;
}

static void
close_object(const struct xml *xml, int depth)
{
	put_indent(xml, depth);
	fputs("</object>\n", xml->stream);
}

static void
put_info(const struct xml *xml, int depth, const char *name, const char *value)
{
	if (!value[0])
		return;
	put_indent(xml, depth);
	fprintf(xml->stream, "<info name=\"%s\" value=\"", name);
	topo_xml_text(xml->stream, value);
	fputs("\"/>\n", xml->stream);
}

/* hwloc's word for a kind, where it has one. */
static const char *
subtype_of(const char *kind)
{
	static const char *const words[][2] = {
		{"hbm", "HBM"}, {"dram", "DRAM"}, {"cxl", "CXL-DRAM"}, {"pmem", "NVM"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i][0], kind) == 0)
			return words[i][1];
	}
	return NULL;
}

/* Caches in front of a node stand around it, the nearest to the CPUs outermost. Returns how many
 * are open. */
static int
open_caches(struct xml *xml, int depth, const struct topo_node *node, const uint32_t *cpus,
	    const uint32_t *nodes)
{
	const json_t *array = json_object_get(xml->model->json, "caches"), *cache;
	int count = 0;
	size_t i;

	for (i = json_array_size(array); i-- > 0;) {
		cache = json_array_get(array, i);
		if (json_integer_value(json_object_get(cache, "node")) != (json_int_t)node->id)
			continue;
		open_object(xml, depth + count, "MemCache", -1, cpus, nodes);
		fprintf(xml->stream,
			" cache_size=\"%.0f\" depth=\"%.0f\" cache_linesize=\"%.0f\" "
			"cache_associativity=\"%d\" cache_type=\"0\">\n",
			number_of(cache, "total_bytes"), number_of(cache, "level"),
			number_of(cache, "line_bytes"),
			json_is_true(json_object_get(cache, "direct_mapped")) ? 1 : 0);
		count++;
	}
	return count;
}

static void
put_node(struct xml *xml, int depth, size_t n, const uint32_t *cpus)
{
	const struct topo_node *node = &xml->model->nodes[n];
	const char *subtype = subtype_of(node->kind);
	uint32_t nodes[NODE_WORDS] = {0};
	char text[32];
	int caches;

	xml_set_bit(nodes, NODE_WORDS, node->id);
	caches = open_caches(xml, depth, node, cpus, nodes);
	depth += caches;
	xml->node_index[n] = open_object(xml, depth, "NUMANode", node->id, cpus, nodes);
	if (subtype)
		fprintf(xml->stream, " subtype=\"%s\"", subtype);
	fprintf(xml->stream, " local_memory=\"%llu\">\n", (unsigned long long)node->total_bytes);
	put_info(xml, depth + 1, "SluiceKind", node->kind);
	snprintf(text, sizeof(text), "%u", node->tier);
	put_info(xml, depth + 1, "SluiceTier", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)node->free_bytes);
	put_info(xml, depth + 1, "SluiceFreeBytes", text);
	put_info(xml, depth + 1, "SluiceDevice", node->device);
	put_info(xml, depth + 1, "SluiceReason", node->reason);
	close_object(xml, depth);
	while (caches-- > 0)
		close_object(xml, --depth);
}

static void
put_nodes_at(struct xml *xml, int depth, size_t home, const uint32_t *cpus)
{
	for (size_t n = 0; n < xml->model->node_count; n++) {
		if (xml_place_of(xml, &xml->model->nodes[n]) == home)
			put_node(xml, depth, n, cpus);
	}
}

static void
put_cpus(struct xml *xml, int depth, size_t home, const uint32_t *nodes)
{
	const uint32_t *cpus = xml->cpus[home];

	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		uint32_t one[CPU_WORDS] = {0};

		if (!(cpus[cpu / 32] >> (cpu % 32) & 1))
			continue;
		xml_set_bit(one, CPU_WORDS, cpu);
		open_object(xml, depth, "PU", cpu, one, nodes);
		fputs("/>\n", xml->stream);
	}
}

static void put_groups(struct xml *xml, int depth, size_t outer);

static void
put_group(struct xml *xml, int depth, size_t home)
{
	uint32_t nodes[NODE_WORDS];
	char text[32];

	xml_nodes_of_home(xml, home, nodes);
	open_object(xml, depth, "Group", -1, xml->cpus[home], nodes);
	/* Kind 0 is a group made by the user; not merged even where it is all there is. */
	fputs(" kind=\"0\" subkind=\"0\" dont_merge=\"1\">\n", xml->stream);
	if (home < xml->model->initiator_count) {
		snprintf(text, sizeof(text), "%u", xml->model->initiators[home].node);
		put_info(xml, depth + 1, "SluiceCPUsOfNode", text);
	}
	put_nodes_at(xml, depth + 1, home, xml->cpus[home]);
	if (home < xml->model->initiator_count)
		put_cpus(xml, depth + 1, home, nodes);
	else
		put_groups(xml, depth + 1, home);
	close_object(xml, depth);
}

/* No deeper than there are homes, as each group is smaller than the one around it. */
static void
put_groups(struct xml *xml, int depth, size_t outer)
{
	for (size_t h = 0; h < xml->model->home_count; h++) {
		if (xml_is_child(xml, h, outer))
			put_group(xml, depth, h);
	}
}

static void
put_attribute(const struct xml *xml, const char *name, int flags, size_t figure)
{
	const struct topo_model *model = xml->model;
	bool any = false;

	for (size_t i = 0; i < model->initiator_count; i++) {
		const struct topo_initiator *initiator = &model->initiators[i];

		for (size_t k = 0; k < initiator->place_count; k++) {
			const struct topo_place *place = &initiator->places[k];
			uint32_t value;

			memcpy(&value, (const char *)&place->figures + figure, sizeof(value));
			if (value == 0)
				continue;
			if (!any)
				fprintf(xml->stream, "  <memattr name=\"%s\" flags=\"%d\">\n", name,
					flags);
			any = true;
			fprintf(xml->stream,
				"    <memattr_value target_obj_type=\"NUMANode\" "
				"target_obj_gp_index=\"%u\" value=\"%u\"",
				xml->node_index[place->node - model->nodes], value);
			put_set(xml, "initiator_cpuset", xml->cpus[i], CPU_WORDS);
			fputs("/>\n", xml->stream);
		}
	}
	if (any)
		fputs("  </memattr>\n", xml->stream);
}

static void
put_attributes(const struct xml *xml)
{
	enum { HIGHER_FIRST = 1, LOWER_FIRST = 2, NEED_INITIATOR = 4 };
	static const struct {
		const char *name;
		int flags;
		size_t figure;
	} attributes[] = {
		{"Bandwidth", HIGHER_FIRST, offsetof(struct topo_figures, read_bw_mbps)},
		{"ReadBandwidth", HIGHER_FIRST, offsetof(struct topo_figures, read_bw_mbps)},
		{"WriteBandwidth", HIGHER_FIRST, offsetof(struct topo_figures, write_bw_mbps)},
		{"Latency", LOWER_FIRST, offsetof(struct topo_figures, read_latency_ns)},
		{"ReadLatency", LOWER_FIRST, offsetof(struct topo_figures, read_latency_ns)},
		{"WriteLatency", LOWER_FIRST, offsetof(struct topo_figures, write_latency_ns)},
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		put_attribute(xml, attributes[i].name, attributes[i].flags | NEED_INITIATOR,
			      attributes[i].figure);
}

static void
put_swap(const struct xml *xml)
{
	const struct topo_model *model = xml->model;
	char text[320], size[32];

	for (size_t i = 0; i < model->swap_device_count; i++) {
		const struct topo_swap_device *device = &model->swap_devices[i];

		snprintf(text, sizeof(text), "%s, %s, priority %d", device->name,
			 format_size(device->total_bytes, size, sizeof(size)), device->priority);
		put_info(xml, 2, "SluiceSwap", text);
	}
}

static void
put_document(struct xml *xml)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n",
	      xml->stream);
	open_object(xml, 1, "Machine", 0, xml->all_cpus, xml->all_nodes);
	put_set(xml, "allowed_cpuset", xml->all_cpus, CPU_WORDS);
	put_set(xml, "allowed_nodeset", xml->all_nodes, NODE_WORDS);
	fputs(">\n", xml->stream);
	put_info(xml, 2, "Backend", "Sluice");
	put_info(xml, 2, "SluiceVersion", SLUICE_VERSION);
	put_swap(xml);
	put_nodes_at(xml, 2, TOPO_SHARED, xml->all_cpus);
	put_groups(xml, 2, TOPO_SHARED);
	close_object(xml, 1);
	put_attributes(xml);
	fputs("</topology>\n", xml->stream);
}

int
topo_xml_print(const struct topo_model *model, FILE *stream)
{
	struct xml xml = {.model = model, .stream = stream};
	int r = -ENOMEM;

	xml.node_index = calloc(model->node_count + 1, sizeof(*xml.node_index));
	xml.cpus = calloc(model->home_count + 1, sizeof(*xml.cpus));
	xml.nested = calloc(model->home_count + 1, sizeof(*xml.nested));
	if (xml.node_index && xml.cpus && xml.nested) {
		xml_collect_sets(&xml);
		r = xml_has_cpus(&xml) ? 0 : -ENODATA;
		if (r == 0)
			put_document(&xml);
	}
	free(xml.node_index);
	free(xml.cpus);
	free(xml.nested);
	return r;
}
