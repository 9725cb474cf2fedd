/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_model.h - the machine that all views of `sluice topology` draw, read from the service's
 * JSON.
 *
 * A view never asks the JSON twice: what the picture, the SVG and the XML have in common (where a
 * node belongs, who is near to whom) is decided here once. 0 and NULL are unknown, as in JSON null
 * is. Text is borrowed from the JSON, which the model holds.
 */
#ifndef CLI_TOPO_MODEL_H
#define CLI_TOPO_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topo_set.h"

#define TOPO_SHARED                                                                                \
	SIZE_MAX /* the home of what is equally near to all CPUs, or to nobody knows whom */

struct topo_figures {
	uint32_t distance;
	uint32_t read_latency_ns, write_latency_ns;
	uint32_t read_bw_mbps, write_bw_mbps, mixed_bw_mbps;
};

struct topo_node {
	uint32_t id, tier;
	bool has_cpu;
	uint64_t total_bytes, free_bytes;
	struct topo_figures figures;
	uint32_t weight;
	const char *kind, *cpus, *device, *reason;
	size_t home;        /* whom it is nearest to: an index of homes, or TOPO_SHARED */
	const json_t *json; /* all the rest */
};

struct topo_tier {
	uint32_t index;
	uint64_t total_bytes, free_bytes;
	const char *kind, *reason;
	const json_t *nodes; /* ids */
};

struct topo_place {
	const struct topo_node *node;
	uint32_t rank;
	bool in_other_slot; /* no farther by distance than others, but its device hangs elsewhere */
	struct topo_figures figures;
	const char *reason;
};

struct topo_initiator {
	uint32_t node;
	bool has_memory;
	const char *cpus;
	size_t place_count;
	struct topo_place *places; /* near to far */
};

/* Initiators that have a node nearest to all of them alike: the CPUs of a socket that shares a
 * memory expander, say. The first homes are one initiator each, in the same order. */
struct topo_home {
	struct topo_set initiators;
	size_t count;
};

struct topo_swap_device {
	const char *kind, *name, *detail;
	int priority;
	uint64_t total_bytes, used_bytes;
};

struct topo_model {
	json_t *json;
	size_t tier_count, node_count, initiator_count, home_count, swap_device_count;
	struct topo_tier *tiers;           /* fastest first */
	struct topo_node *nodes;           /* by tier, then id */
	struct topo_initiator *initiators; /* by node */
	struct topo_home *homes;           /* those of one initiator, then those of several */
	struct topo_swap_device *swap_devices;
	uint64_t total_bytes, free_bytes; /* of all nodes */
	bool has_swap;
	uint32_t swap_tier;
	const json_t *zswap; /* NULL when off */
	const char *swap_reason;
};

/* Holds a reference of its own to answer. NULL when there is no memory, or when the answer is not
 * of the schema (a node twice, a place without its node). */
struct topo_model *topo_model_new(json_t *answer);
void topo_model_free(struct topo_model *model); /* NULL is fine */

const struct topo_node *topo_model_node(const struct topo_model *model, uint32_t id);

/* "CPUs 0-3", as the initiator is called in every view. buffer >= 40 bytes; returned. */
const char *topo_initiator_name(const struct topo_initiator *initiator, char *buffer, size_t size);

/* "80 ns", "4.0 GB/s", or "unknown". buffer >= 16 bytes; returned. */
const char *topo_latency_text(uint32_t ns, char *buffer, size_t size);
const char *topo_bandwidth_text(uint32_t mbps, char *buffer, size_t size);

/* A swap device's name without /dev/. */
const char *topo_swap_name(const struct topo_swap_device *device);

#endif
