/* SPDX-License-Identifier: Apache-2.0 */
/* topology_json.c - see topology_json.h. One function an array of the document. */
#include "topology_json.h"

#include "json_text.h"

static json_t *
known(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *
node_id(uint32_t id)
{
	return id == SLUICE_NO_NODE ? json_null() : json_integer(id);
}

static json_t *
source(uint32_t id)
{
	return id == SLUICE_SOURCE_NONE ? json_null() : json_string(sluice_source_name(id));
}

/* An empty text is one that is not known. */
static json_t *
text(const char *string)
{
	return string[0] ? json_text(string) : json_null();
}

static json_t *
tiers_to_json(const struct sluice_topology *topology)
{
	json_t *array = json_array();
	const struct sluice_tier_info *tier;

	for (size_t i = 0; (tier = sluice_topology_tier(topology, i)); i++) {
		const struct sluice_node *node;
		json_t *ids = json_array();

		for (size_t k = 0; (node = sluice_topology_node(topology, k)); k++) {
			if (node->tier == i)
				json_array_append_new(ids, json_integer(node->id));
		}
		json_array_append_new(
			array,
			json_pack("{s:i, s:s, s:o, s:I, s:I, s:o, s:o, s:o}", "index", (int)i,
				  "kind", sluice_tier_kind_name(tier->kind), "nodes", ids,
				  "total_bytes", (json_int_t)tier->total_bytes, "free_bytes",
				  (json_int_t)tier->free_bytes, "read_latency_ns",
				  known(tier->read_latency_ns), "separated_by",
				  source(tier->source), "reason", json_text(tier->reason)));
	}
	return array;
}

static json_t *
node_to_json(const struct sluice_node *node)
{
	return json_pack(
		"{s:i, s:s, s:i, s:b, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (int)node->id, "kind", sluice_tier_kind_name(node->kind), "tier",
		(int)node->tier, "has_cpu", (int)node->has_cpu, "cpus", json_text(node->cpus),
		"total_bytes", (json_int_t)node->total_bytes, "free_bytes",
		(json_int_t)node->free_bytes, "distance", known(node->distance), "nearest",
		node_id(node->nearest), "read_latency_ns", known(node->read_latency_ns),
		"write_latency_ns", known(node->write_latency_ns), "read_bw_mbps",
		known(node->read_bw_mbps), "write_bw_mbps", known(node->write_bw_mbps),
		"mixed_bw_mbps", known(node->mixed_bw_mbps), "spread_percent",
		node->latency_source == SLUICE_SOURCE_MEASURED ? json_integer(node->spread_percent)
							       : json_null(),
		"kind_source", source(node->kind_source), "latency_source",
		source(node->latency_source), "bw_source", source(node->bw_source), "kernel_tier",
		node->kernel_tier >= 0 ? json_integer(node->kernel_tier) : json_null(),
		"interleave_weight", known(node->interleave_weight), "device", text(node->device),
		"reason", json_text(node->reason));
}

static json_t *
nodes_to_json(const struct sluice_topology *topology)
{
	json_t *array = json_array();
	const struct sluice_node *node;

	for (size_t i = 0; (node = sluice_topology_node(topology, i)); i++)
		json_array_append_new(array, node_to_json(node));
	return array;
}

static json_t *
slot(uint32_t value)
{
	return value == SLUICE_SLOT_NONE ? json_null()
					 : json_string(value == SLUICE_SLOT_OWN ? "own" : "other");
}

/* A place in an initiator's order, with the figures that hold from there. */
static json_t *
place_to_json(const struct sluice_topology *topology, uint32_t initiator,
	      const struct sluice_place *place)
{
	static const struct sluice_pair nothing;
	const struct sluice_pair *pair = sluice_topology_pair(topology, initiator, place->node);

	if (!pair)
		pair = &nothing;
	return json_pack(
		"{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"node", (int)place->node, "tier", (int)place->tier, "rank", (int)place->rank,
		"separated_by", source(place->source), "slot", slot(place->slot), "reason",
		text(place->reason), "distance", known(pair->distance), "read_latency_ns",
		known(pair->read_latency_ns), "write_latency_ns", known(pair->write_latency_ns),
		"read_bw_mbps", known(pair->read_bw_mbps), "write_bw_mbps",
		known(pair->write_bw_mbps), "mixed_bw_mbps", known(pair->mixed_bw_mbps),
		"spread_percent",
		pair->latency_source == SLUICE_SOURCE_MEASURED ? json_integer(pair->spread_percent)
							       : json_null(),
		"latency_source", source(pair->latency_source), "bw_source",
		source(pair->bw_source));
}

static json_t *
initiators_to_json(const struct sluice_topology *topology)
{
	const struct sluice_initiator *initiator;
	json_t *array = json_array();

	for (size_t i = 0; (initiator = sluice_topology_initiator(topology, i)); i++) {
		const struct sluice_place *place;
		json_t *places = json_array();

		for (size_t k = 0; (place = sluice_topology_place(topology, initiator->node, k));
		     k++)
			json_array_append_new(places,
					      place_to_json(topology, initiator->node, place));
		json_array_append_new(
			array, json_pack("{s:i, s:o, s:b, s:o}", "node", (int)initiator->node,
					 "cpus", json_text(initiator->cpus), "has_memory",
					 (int)initiator->has_memory, "near_to_far", places));
	}
	return array;
}

static json_t *
swap_to_json(const struct sluice_topology *topology)
{
	const struct sluice_swap *swap = sluice_topology_swap(topology);
	const struct sluice_swap_device *device;
	json_t *devices, *zswap;

	if (!swap)
		return json_null();
	devices = json_array();
	for (size_t i = 0; (device = sluice_topology_swap_device(topology, i)); i++)
		json_array_append_new(
			devices,
			json_pack("{s:s, s:o, s:i, s:I, s:I, s:o, s:o}", "kind",
				  sluice_swap_kind_name(device->kind), "name",
				  json_text(device->name), "priority", (int)device->priority,
				  "total_bytes", (json_int_t)device->total_bytes, "used_bytes",
				  (json_int_t)device->used_bytes, "held_bytes",
				  known(device->held_bytes), "detail", text(device->detail)));
	zswap = !swap->zswap ? json_null()
			     : json_pack("{s:o, s:o, s:o, s:o}", "compressor",
					 text(swap->zswap_compressor), "pool_bytes_max",
					 known(swap->zswap_pool_bytes_max), "held_bytes",
					 known(swap->zswap_held_bytes), "stored_bytes",
					 known(swap->zswap_stored_bytes));
	return json_pack("{s:i, s:I, s:I, s:o, s:o, s:o}", "tier",
			 (int)sluice_topology_tier_count(topology), "total_bytes",
			 (json_int_t)swap->total_bytes, "free_bytes", (json_int_t)swap->free_bytes,
			 "zswap", zswap, "devices", devices, "reason", json_text(swap->reason));
}

static json_t *
bare_nodes_to_json(const struct sluice_topology *topology)
{
	const struct sluice_bare_node *node;
	json_t *array = json_array();

	for (size_t i = 0; (node = sluice_topology_bare_node(topology, i)); i++)
		json_array_append_new(array, json_pack("{s:i, s:b, s:b, s:b, s:o}", "id",
						       (int)node->id, "online", (int)node->online,
						       "has_cpu", (int)node->has_cpu,
						       "device_offers", (int)node->device_offers,
						       "reason", json_text(node->reason)));
	return array;
}

static json_t *
devices_to_json(const struct sluice_topology *topology)
{
	const struct sluice_device *device;
	json_t *array = json_array();

	for (size_t i = 0; (device = sluice_topology_device(topology, i)); i++)
		json_array_append_new(
			array, json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "type",
					 sluice_device_type_name(device->type), "name",
					 json_text(device->name), "node", node_id(device->node),
					 "near", node_id(device->near), "feeds", (int)device->feeds,
					 "total_bytes", known(device->total_bytes), "parent",
					 text(device->parent), "detail", text(device->detail)));
	return array;
}

static json_t *
hugepages_to_json(const struct sluice_topology *topology)
{
	const struct sluice_hugepages *pool;
	json_t *array = json_array();

	for (size_t i = 0; (pool = sluice_topology_hugepages(topology, i)); i++)
		json_array_append_new(
			array, json_pack("{s:i, s:I, s:I, s:I, s:I}", "node", (int)pool->node,
					 "page_bytes", (json_int_t)pool->page_bytes, "total_pages",
					 (json_int_t)pool->total_pages, "free_pages",
					 (json_int_t)pool->free_pages, "surplus_pages",
					 (json_int_t)pool->surplus_pages));
	return array;
}

static json_t *
caches_to_json(const struct sluice_topology *topology)
{
	const struct sluice_memory_cache *cache;
	json_t *array = json_array();

	for (size_t i = 0; (cache = sluice_topology_cache(topology, i)); i++)
		json_array_append_new(array, json_pack("{s:i, s:i, s:o, s:o, s:b, s:b}", "node",
						       (int)cache->node, "level", (int)cache->level,
						       "total_bytes", known(cache->total_bytes),
						       "line_bytes", known(cache->line_bytes),
						       "direct_mapped", (int)cache->direct_mapped,
						       "write_through", (int)cache->write_through));
	return array;
}

static json_t *
remarks_to_json(const struct sluice_topology *topology)
{
	json_t *array = json_array();
	const char *sentence;
	uint32_t node;

	for (size_t i = 0; (sentence = sluice_topology_remark(topology, i, &node)); i++)
		json_array_append_new(array, json_pack("{s:o, s:o}", "node", node_id(node), "text",
						       json_text(sentence)));
	return array;
}

static json_t *
facts_to_json(const struct sluice_topology *topology)
{
	const struct sluice_fact *fact;
	json_t *array = json_array();

	for (size_t i = 0; (fact = sluice_topology_fact(topology, i)); i++)
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "node",
					 node_id(fact->node), "initiator", node_id(fact->initiator),
					 "key", json_text(fact->key), "value",
					 json_text(fact->value), "source", source(fact->source),
					 "verdict", sluice_verdict_name(fact->verdict), "origin",
					 text(fact->origin), "note", text(fact->note)));
	return array;
}

json_t *
topology_to_json(const struct sluice_topology *topology, bool with_facts)
{
	json_t *document = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tiers", tiers_to_json(topology),
		"nodes", nodes_to_json(topology), "initiators", initiators_to_json(topology),
		"swap", swap_to_json(topology), "bare_nodes", bare_nodes_to_json(topology),
		"devices", devices_to_json(topology), "hugepages", hugepages_to_json(topology),
		"caches", caches_to_json(topology), "remarks", remarks_to_json(topology));

	if (document && with_facts)
		json_object_set_new(document, "facts", facts_to_json(topology));
	return document;
}
