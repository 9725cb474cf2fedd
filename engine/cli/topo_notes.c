/* SPDX-License-Identifier: Apache-2.0 */
/* topo_notes.c - what is known of a row beside its figures, in words. See topo_groups.h. */
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "text.h"
#include "topo_groups.h"

/* A note's text; false: there is nothing to say. i counts within the notes of this sort. */
typedef bool (*node_note)(const struct topo_model *model, const struct topo_node *node, size_t i,
			  char *buffer, size_t size);

static bool
device_note(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	    size_t size)
{
	(void)model;
	snprintf(buffer, size, "%s", node->device);
	return i == 0 && node->device[0];
}

/* Reading is in the row; writing is told where it differs. */
static bool
write_note(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	   size_t size)
{
	const struct topo_figures *figures = &node->figures;
	bool slower =
		figures->write_latency_ns && figures->write_latency_ns != figures->read_latency_ns;
	bool narrower = figures->write_bw_mbps && figures->write_bw_mbps != figures->read_bw_mbps;
	char latency[24], bandwidth[24];

	(void)model;
	snprintf(buffer, size, "writing: %s%s%s",
		 slower ? topo_latency_text(figures->write_latency_ns, latency, sizeof(latency))
			: "",
		 slower && narrower ? ", " : "",
		 narrower
			 ? topo_bandwidth_text(figures->write_bw_mbps, bandwidth, sizeof(bandwidth))
			 : "");
	return i == 0 && (slower || narrower);
}

/* The i-th object of an array that is of this node. */
static const json_t *
object_of_node(const struct topo_model *model, const char *array, uint32_t id, size_t i)
{
	const json_t *object;
	size_t k;

	json_array_foreach (json_object_get(model->json, array), k, object) {
		if (json_integer_value(json_object_get(object, "node")) == (json_int_t)id &&
		    i-- == 0)
			return object;
	}
	return NULL;
}

static bool
cache_note(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	   size_t size)
{
	const json_t *cache = object_of_node(model, "caches", node->id, i);
	char bytes[32];

	if (!cache)
		return false;
	snprintf(buffer, size, "behind a memory-side cache of %s%s%s",
		 text_bytes(json_object_get(cache, "total_bytes"), bytes, sizeof(bytes)),
		 json_is_true(json_object_get(cache, "direct_mapped")) ? ", direct-mapped" : "",
		 json_is_true(json_object_get(cache, "write_through")) ? ", write-through" : "");
	return true;
}

static bool
hugepages_note(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	       size_t size)
{
	const json_t *pool;
	char bytes[32];

	/* Empty pools are left out. */
	for (size_t k = 0; (pool = object_of_node(model, "hugepages", node->id, k)); k++) {
		if (number_of(pool, "total_pages") > 0 && i-- == 0)
			break;
	}
	if (!pool)
		return false;
	snprintf(buffer, size, "huge pages: %.0f of %s, %.0f free", number_of(pool, "total_pages"),
		 text_bytes(json_object_get(pool, "page_bytes"), bytes, sizeof(bytes)),
		 number_of(pool, "free_pages"));
	return true;
}

/* Weights that are all alike are the kernel's own, and say nothing. */
static bool
weight_note(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	    size_t size)
{
	bool is_set = false;

	for (size_t n = 0; n < model->node_count; n++)
		is_set = is_set || model->nodes[n].weight != node->weight;
	snprintf(buffer, size, "interleave weight %u", node->weight);
	return i == 0 && is_set && node->weight > 0;
}

static bool
note_of_node(const struct topo_model *model, const struct topo_node *node, size_t i, char *buffer,
	     size_t size)
{
	static const node_note notes[] = {device_note, write_note, cache_note, hugepages_note,
					  weight_note};

	for (size_t k = 0; k < sizeof(notes) / sizeof(notes[0]); k++) {
		for (size_t of_this = 0; notes[k](model, node, of_this, buffer, size); of_this++) {
			if (i-- == 0)
				return true;
		}
	}
	return false;
}

/* What works in front of all devices is told at the first. */
static bool
zswap_note(const struct topo_model *model, char *buffer, size_t size)
{
	const char *compressor = text_of(model->zswap, "compressor");
	char held[32], stored[32];

	snprintf(buffer, size, "zswap in front: %s, holds %s in %s",
		 compressor[0] ? compressor : "compressor unknown",
		 text_bytes(json_object_get(model->zswap, "stored_bytes"), stored, sizeof(stored)),
		 text_bytes(json_object_get(model->zswap, "held_bytes"), held, sizeof(held)));
	return true;
}

static bool
note_of_swap(const struct topo_model *model, const struct topo_swap_device *device, size_t i,
	     char *buffer, size_t size)
{
	if (model->zswap && device == model->swap_devices && i-- == 0)
		return zswap_note(model, buffer, size);
	snprintf(buffer, size, "%s, priority %d%s%s", device->kind, device->priority,
		 device->detail[0] ? ": " : "", device->detail);
	return i == 0;
}

bool
topo_row_note(const struct topo_model *model, const struct topo_group *group,
	      const struct topo_row *row, size_t i, char *buffer, size_t size)
{
	char each[32], share[64] = "";

	if (row->swap)
		return note_of_swap(model, row->swap, i, buffer, size);
	if (row->count == 1)
		return note_of_node(model, row->node, i, buffer, size);
	if (group->count > 1)
		snprintf(share, sizeof(share), ", %zu near the CPUs of each",
			 row->count / group->count);
	snprintf(buffer, size, "%zu of %s%s", row->count,
		 format_size(row->total_bytes / row->count, each, sizeof(each)), share);
	return i == 0;
}
