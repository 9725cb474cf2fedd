/* SPDX-License-Identifier: Apache-2.0 */
/* destination.c - see destination.h. */
#include "destination.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "home.h"
#include "id_list.h"
#include "procfs.h"

#define NODES 64                    /* nodes with memory that we move to */
#define BELIEVED_FOR_NS 5000000000u /* what is known of a process: its cpuset, where it runs */
#define RESERVE_SHIFT 8             /* 1/256 of a node stays free whatever the plan says (rule 2) */
#define PROCESSES 16

struct node {
	uint32_t id;
	uint64_t room_bytes;
	uint32_t distance[NODES];  /* to the node of that index */
	uint32_t rank[HOME_NODES]; /* in the order of that initiator, 0 is the nearest */
};

struct process {
	int32_t pid;
	uint64_t read_ns;
	uint64_t allowed;     /* a bit for each index */
	uint32_t cost[NODES]; /* average rank of the node as its threads see it, in 1/1000 */
};

struct destination {
	char sysroot[256];
	struct tier_map *tiers;
	struct node nodes[NODES];
	size_t count;
	struct process processes[PROCESSES];
	size_t next_process;
	struct home *home;
	struct procfs_lines lines;
};

static size_t
index_of(const struct destination *destination, uint64_t id)
{
	size_t i = 0;

	while (i < destination->count && destination->nodes[i].id != id)
		i++;
	return i;
}

/* nodeN/distance: the distances to all online nodes in order of their numbers, those without memory
 * too, so the list of online nodes gives the columns. */
static void
distances_read(struct destination *destination, struct node *node, const uint32_t *online,
	       size_t online_count)
{
	char name[96], *text, *stop;
	struct procfs_lines *lines = &destination->lines;
	int r;

	for (size_t i = 0; i < NODES; i++)
		node->distance[i] = 20;
	snprintf(name, sizeof(name), "sys/devices/system/node/node%u/distance", node->id);
	if (procfs_lines_open(lines, destination->sysroot, 0, name) < 0)
		return;
	text = procfs_lines_next(lines, &r);
	for (size_t i = 0; text && i < online_count; i++) {
		unsigned long distance = strtoul(text, &stop, 10);
		size_t column = index_of(destination, online[i]);

		if (stop == text)
			break;
		if (column < destination->count)
			node->distance[column] = distance > 255 ? 255 : (uint32_t)distance;
		text = stop;
	}
	procfs_lines_close(lines);
}

struct online {
	uint32_t ids[SLUICE_NODES_MAX];
	size_t count;
};

static void
online_add(void *context, uint32_t id)
{
	struct online *online = context;

	if (online->count < SLUICE_NODES_MAX)
		online->ids[online->count++] = id;
}

/* Each initiator has an order of its own: near and far differ from socket to socket. */
static void
ranks_read(struct destination *destination)
{
	const struct sluice_topology *topology = destination->tiers->topology;
	const struct sluice_initiator *initiator;

	for (size_t i = 0; i < HOME_NODES && (initiator = sluice_topology_initiator(topology, i));
	     i++) {
		const struct sluice_place *place;

		for (size_t k = 0; (place = sluice_topology_place(topology, initiator->node, k));
		     k++) {
			size_t column = index_of(destination, place->node);

			if (column < destination->count)
				destination->nodes[column].rank[i] = place->rank;
		}
	}
}

int
destination_new(const char *sysroot, struct tier_map *tiers, struct destination **ret,
		struct sluice_err *reterr)
{
	struct destination *destination = calloc(1, sizeof(*destination));
	struct online *online = calloc(1, sizeof(*online));
	const struct sluice_node *info;
	char *line;
	int r = destination && online
			? home_new(sysroot, tiers->topology, &destination->home, reterr)
			: sluice_fail(reterr, -ENOMEM, "out of memory");

	if (r < 0) {
		free(destination);
		free(online);
		return r;
	}
	snprintf(destination->sysroot, sizeof(destination->sysroot), "%s", sysroot);
	destination->tiers = tiers;
	for (size_t i = 0; i < NODES && (info = sluice_topology_node(tiers->topology, i)); i++)
		destination->nodes[destination->count++] = (struct node){.id = info->id};
	if (procfs_lines_open(&destination->lines, sysroot, 0, "sys/devices/system/node/online") ==
	    0) {
		line = procfs_lines_next(&destination->lines, &r);
		if (line)
			id_list_walk(line, SLUICE_NODES_MAX, online_add, online);
		procfs_lines_close(&destination->lines);
	}
	for (size_t i = 0; i < destination->count; i++)
		distances_read(destination, &destination->nodes[i], online->ids, online->count);
	free(online);
	ranks_read(destination);
	destination_refresh(destination);
	*ret = destination;
	return 0;
}

void
destination_free(struct destination *destination)
{
	if (destination)
		home_free(destination->home);
	free(destination);
}

void
destination_refresh(struct destination *destination)
{
	/* A node that cannot be read counts as full, which is right here. */
	sluice_topology_refresh(destination->tiers->topology, NULL);
	for (size_t i = 0; i < destination->count; i++) {
		struct node *node = &destination->nodes[i];
		const struct sluice_node *info =
			sluice_topology_node_by_id(destination->tiers->topology, node->id);
		uint64_t reserve = info ? info->total_bytes >> RESERVE_SHIFT : 0;

		node->room_bytes =
			info && info->free_bytes > reserve ? info->free_bytes - reserve : 0;
	}
}

struct allowing {
	const struct destination *destination;
	uint64_t nodes;
};

static void
allowed_add(void *context, uint32_t id)
{
	struct allowing *allowing = context;
	size_t i = index_of(allowing->destination, id);

	if (i < allowing->destination->count)
		allowing->nodes |= 1ull << i;
}

static uint64_t
allowed_nodes(struct destination *destination, int32_t pid)
{
	static const char key[] = "Mems_allowed_list:";
	/* Without the line there are no cpusets; a process that ended is told by move_pages. */
	struct allowing allowing = {destination, UINT64_MAX};
	char *line;
	int r;

	if (procfs_lines_open(&destination->lines, destination->sysroot, pid, "status") < 0)
		return allowing.nodes;
	while ((line = procfs_lines_next(&destination->lines, &r))) {
		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		line += sizeof(key) - 1;
		while (*line == ' ' || *line == '\t')
			line++;
		allowing.nodes = 0;
		id_list_walk(line, SLUICE_NODES_MAX, allowed_add, &allowing);
		break;
	}
	procfs_lines_close(&destination->lines);
	return allowing.nodes;
}

static const struct process *
process_find(struct destination *destination, int32_t pid, uint64_t now_ns)
{
	struct process *process = NULL;
	uint32_t permille[HOME_NODES];

	for (size_t i = 0; i < PROCESSES; i++) {
		if (destination->processes[i].pid == pid)
			process = &destination->processes[i];
	}
	if (process && now_ns - process->read_ns < BELIEVED_FOR_NS)
		return process;
	if (!process)
		process = &destination->processes[destination->next_process++ % PROCESSES];
	*process = (struct process){.pid = pid, .read_ns = now_ns};
	process->allowed = allowed_nodes(destination, pid);
	home_shares(destination->home, pid, permille);
	for (size_t k = 0; k < destination->count; k++) {
		for (size_t i = 0; i < HOME_NODES; i++)
			process->cost[k] += permille[i] * destination->nodes[k].rank[i];
	}
	return process;
}

int
destination_pick(struct destination *destination, int32_t pid, uint32_t tier, int from_node,
		 uint64_t bytes, uint64_t now_ns)
{
	const struct process *process = process_find(destination, pid, now_ns);
	size_t from = index_of(destination, (uint64_t)from_node);
	struct node *best = NULL;
	uint32_t best_cost = 0, best_distance = 0;
	int any = 0;

	for (size_t i = 0; i < destination->count; i++) {
		struct node *node = &destination->nodes[i];
		/* A page's row of the table is its node's; the way there and back are alike. */
		uint32_t distance = from < destination->count ? node->distance[from] : 0;
		uint32_t cost = process->cost[i];

		if (tier_map_find(destination->tiers, (int)node->id) != tier ||
		    !(process->allowed & (1ull << i)))
			continue;
		any = 1;
		if (node->room_bytes < bytes)
			continue;
		if (!best || cost < best_cost ||
		    (cost == best_cost &&
		     (distance < best_distance ||
		      (distance == best_distance && node->room_bytes > best->room_bytes)))) {
			best = node;
			best_cost = cost;
			best_distance = distance;
		}
	}
	if (!best)
		return any ? -ENOSPC : -EPERM;
	best->room_bytes -= bytes;
	return (int)best->id;
}
