/* SPDX-License-Identifier: Apache-2.0 */
/* topo_model.c - see topo_model.h. */
#include "topo_model.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define CPU_LIST_BYTES 24 /* of an initiator's name */

static uint64_t
count_of(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static uint32_t
small_of(const json_t *object, const char *key)
{
	uint64_t value = count_of(object, key);

	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static struct topo_figures
figures_of(const json_t *object)
{
	return (struct topo_figures){
		.distance = small_of(object, "distance"),
		.read_latency_ns = small_of(object, "read_latency_ns"),
		.write_latency_ns = small_of(object, "write_latency_ns"),
		.read_bw_mbps = small_of(object, "read_bw_mbps"),
		.write_bw_mbps = small_of(object, "write_bw_mbps"),
		.mixed_bw_mbps = small_of(object, "mixed_bw_mbps"),
	};
}

/* An array member's room; *ret_count is 0 when there is none. */
static void *
room_for(const json_t *array, size_t size, size_t *ret_count)
{
	*ret_count = json_array_size(array);
	return calloc(*ret_count + 1, size);
}

const struct topo_node *
topo_model_node(const struct topo_model *model, uint32_t id)
{
	for (size_t i = 0; i < model->node_count; i++) {
		if (model->nodes[i].id == id)
			return &model->nodes[i];
	}
	return NULL;
}

static bool
read_nodes(struct topo_model *model)
{
	const json_t *array = json_object_get(model->json, "nodes"), *json;
	size_t i;

	model->nodes = room_for(array, sizeof(*model->nodes), &model->node_count);
	if (!model->nodes)
		return false;
	json_array_foreach (array, i, json) {
		struct topo_node *node = &model->nodes[i];

		*node = (struct topo_node){
			.id = small_of(json, "id"),
			.tier = small_of(json, "tier"),
			.has_cpu = json_is_true(json_object_get(json, "has_cpu")),
			.total_bytes = count_of(json, "total_bytes"),
			.free_bytes = count_of(json, "free_bytes"),
			.figures = figures_of(json),
			.weight = small_of(json, "interleave_weight"),
			.kind = text_of(json, "kind"),
			.cpus = text_of(json, "cpus"),
			.device = text_of(json, "device"),
			.reason = text_of(json, "reason"),
			.home = TOPO_SHARED,
			.json = json,
		};
		model->total_bytes += node->total_bytes;
		model->free_bytes += node->free_bytes;
	}
	return true;
}

static bool
read_tiers(struct topo_model *model)
{
	const json_t *array = json_object_get(model->json, "tiers"), *json;
	size_t i;

	model->tiers = room_for(array, sizeof(*model->tiers), &model->tier_count);
	if (!model->tiers)
		return false;
	json_array_foreach (array, i, json)
		model->tiers[i] = (struct topo_tier){
			.index = small_of(json, "index"),
			.total_bytes = count_of(json, "total_bytes"),
			.free_bytes = count_of(json, "free_bytes"),
			.kind = text_of(json, "kind"),
			.reason = text_of(json, "reason"),
			.nodes = json_object_get(json, "nodes"),
		};
	return true;
}

static bool
read_initiators(struct topo_model *model)
{
	const json_t *array = json_object_get(model->json, "initiators"), *json, *place;
	size_t i, k;

	model->initiators = room_for(array, sizeof(*model->initiators), &model->initiator_count);
	if (!model->initiators)
		return false;
	json_array_foreach (array, i, json) {
		const json_t *places = json_object_get(json, "near_to_far");
		struct topo_initiator *initiator = &model->initiators[i];

		initiator->node = small_of(json, "node");
		initiator->has_memory = json_is_true(json_object_get(json, "has_memory"));
		initiator->cpus = text_of(json, "cpus");
		initiator->places =
			room_for(places, sizeof(*initiator->places), &initiator->place_count);
		if (!initiator->places)
			return false;
		json_array_foreach (places, k, place) {
			initiator->places[k] = (struct topo_place){
				.node = topo_model_node(model, small_of(place, "node")),
				.rank = small_of(place, "rank"),
				.figures = figures_of(place),
				.reason = text_of(place, "reason"),
				.in_other_slot = strcmp(text_of(place, "slot"), "other") == 0,
			};
			if (!initiator->places[k].node)
				return false;
		}
	}
	return true;
}

static bool
read_swap(struct topo_model *model)
{
	const json_t *swap = json_object_get(model->json, "swap"), *json;
	const json_t *array = json_object_get(swap, "devices");
	size_t i;

	model->swap_devices =
		room_for(array, sizeof(*model->swap_devices), &model->swap_device_count);
	if (!model->swap_devices)
		return false;
	model->has_swap = json_is_object(swap);
	model->swap_tier = small_of(swap, "tier");
	model->swap_reason = text_of(swap, "reason");
	model->zswap = json_object_get(swap, "zswap");
	if (!json_is_object(model->zswap))
		model->zswap = NULL;
	json_array_foreach (array, i, json)
		model->swap_devices[i] = (struct topo_swap_device){
			.kind = text_of(json, "kind"),
			.name = text_of(json, "name"),
			.detail = text_of(json, "detail"),
			.priority = (int)json_integer_value(json_object_get(json, "priority")),
			.total_bytes = count_of(json, "total_bytes"),
			.used_bytes = count_of(json, "used_bytes"),
		};
	return true;
}

/* How far a node is from an initiator, by latency or by distance and slot; 0 unknown. */
static uint32_t
far_by(const struct topo_initiator *initiator, const struct topo_node *node, bool by_latency)
{
	for (size_t k = 0; k < initiator->place_count; k++) {
		const struct topo_figures *figures = &initiator->places[k].figures;

		if (initiator->places[k].node == node)
			return by_latency ? figures->read_latency_ns
			       : figures->distance
				       ? 2 * figures->distance + initiator->places[k].in_other_slot
				       : 0;
	}
	return 0;
}

/* Those that are nearest by a figure; false when it is unknown to one of them. */
static bool
nearest_by(const struct topo_model *model, const struct topo_node *node, bool by_latency,
	   struct topo_home *ret)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < model->initiator_count; i++) {
		uint32_t far = far_by(&model->initiators[i], node, by_latency);

		if (far == 0)
			return false;
		if (far < least)
			*ret = (struct topo_home){0};
		if (far <= least) {
			topo_set_add(&ret->initiators, i);
			ret->count++;
			least = far;
		}
	}
	return true;
}

/* The index of a home, which is added where it is new. */
static size_t
home_index(struct topo_model *model, const struct topo_home *home)
{
	if (home->count == 0 || (home->count == model->initiator_count && home->count > 1))
		return TOPO_SHARED;
	for (size_t h = 0; h < model->home_count; h++) {
		if (memcmp(&model->homes[h], home, sizeof(*home)) == 0)
			return h;
	}
	model->homes[model->home_count] = *home;
	return model->home_count++;
}

/* A node with CPUs is at home there. Others are with the CPUs that they are nearest to; on a
 * machine with one node of CPUs all are. */
static bool
find_homes(struct topo_model *model)
{
	model->homes =
		calloc(model->initiator_count + model->node_count + 1, sizeof(*model->homes));
	if (!model->homes)
		return false;
	for (size_t i = 0; i < model->initiator_count; i++) {
		topo_set_add(&model->homes[i].initiators, i);
		model->homes[i].count = 1;
	}
	model->home_count = model->initiator_count;
	for (size_t n = 0; n < model->node_count; n++) {
		struct topo_node *node = &model->nodes[n];
		struct topo_home home = {0};

		for (size_t i = 0; i < model->initiator_count; i++) {
			if (model->initiators[i].node == node->id || model->initiator_count == 1)
				node->home = i;
		}
		if (node->home == TOPO_SHARED &&
		    (nearest_by(model, node, true, &home) || nearest_by(model, node, false, &home)))
			node->home = home_index(model, &home);
	}
	return true;
}

struct topo_model *
topo_model_new(json_t *answer)
{
	struct topo_model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->json = json_incref(answer);
	if (!read_nodes(model) || !read_tiers(model) || !read_initiators(model) ||
	    !read_swap(model) || !find_homes(model)) {
		topo_model_free(model);
		return NULL;
	}
	return model;
}

void
topo_model_free(struct topo_model *model)
{
	if (!model)
		return;
	for (size_t i = 0; model->initiators && i < model->initiator_count; i++)
		free(model->initiators[i].places);
	free(model->initiators);
	free(model->homes);
	free(model->nodes);
	free(model->tiers);
	free(model->swap_devices);
	json_decref(model->json);
	free(model);
}

const char *
topo_initiator_name(const struct topo_initiator *initiator, char *buffer, size_t size)
{
	const char *cpus = initiator->cpus;
	size_t len = strlen(cpus);

	/* Where every second CPU is of another node the list is long, and its start is enough. */
	if (len > CPU_LIST_BYTES) {
		for (len = CPU_LIST_BYTES - strlen(",..."); len > 0 && cpus[len] != ','; len--)
			;
		snprintf(buffer, size, "CPUs %.*s,...", (int)len, cpus);
	} else if (len > 0) {
		snprintf(buffer, size, "CPU%s %s", strpbrk(cpus, ",-") ? "s" : "", cpus);
	} else {
		snprintf(buffer, size, "CPUs of node %u", initiator->node);
	}
	return buffer;
}

const char *
topo_latency_text(uint32_t ns, char *buffer, size_t size)
{
	if (ns == 0)
		snprintf(buffer, size, "unknown");
	else if (ns < 100000)
		snprintf(buffer, size, "%u ns", ns);
	else
		snprintf(buffer, size, "%.3g us", ns / 1e3);
	return buffer;
}

const char *
topo_bandwidth_text(uint32_t mbps, char *buffer, size_t size)
{
	if (mbps == 0)
		snprintf(buffer, size, "unknown");
	else if (mbps < 1000)
		snprintf(buffer, size, "%u MB/s", mbps);
	else if (mbps < 100000)
		snprintf(buffer, size, "%.1f GB/s", mbps / 1e3);
	else
		snprintf(buffer, size, "%.0f GB/s", mbps / 1e3);
	return buffer;
}

const char *
topo_swap_name(const struct topo_swap_device *device)
{
	return strncmp(device->name, "/dev/", 5) == 0 ? device->name + 5 : device->name;
}
