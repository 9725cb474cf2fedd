/* SPDX-License-Identifier: Apache-2.0 */
/* destination.c - see destination.h. */
#include "destination.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

#define NODES 64                   /* nodes with memory that we move to */
#define ALLOWED_FOR_NS 5000000000u /* how long a process's Mems_allowed is believed */
#define RESERVE_SHIFT 8            /* 1/256 of a node stays free whatever the plan says (rule 2) */
#define PROCESSES 16

struct node {
	uint32_t id, tier;
	uint64_t room_bytes;
	uint32_t distance[NODES]; /* to the node of that index */
};

struct allowed {
	int32_t pid;
	uint64_t read_ns;
	uint64_t nodes; /* a bit for each index */
};

struct destination {
	char sysroot[256];
	struct tier_map *tiers;
	struct node nodes[NODES];
	size_t count;
	struct allowed allowed[PROCESSES];
	size_t next_allowed;
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

/* "0-1,4": calls back for each number, at most to SLUICE_NODES_MAX. */
static void
list_walk(const char *text, void (*each)(void *context, uint32_t id), void *context)
{
	while (isdigit((unsigned char)*text)) {
		char *stop;
		unsigned long first = strtoul(text, &stop, 10), last = first;

		if (*stop == '-' && isdigit((unsigned char)stop[1]))
			last = strtoul(stop + 1, &stop, 10);
		for (unsigned long id = first; id <= last && id < SLUICE_NODES_MAX; id++)
			each(context, (uint32_t)id);
		if (*stop != ',')
			break;
		text = stop + 1;
	}
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

int
destination_new(const char *sysroot, struct tier_map *tiers, struct destination **ret,
		struct sluice_err *reterr)
{
	struct destination *destination = calloc(1, sizeof(*destination));
	struct online *online = calloc(1, sizeof(*online));
	const struct sluice_node *info;
	char *line;
	int r;

	if (!destination || !online) {
		free(destination);
		free(online);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	snprintf(destination->sysroot, sizeof(destination->sysroot), "%s", sysroot);
	destination->tiers = tiers;
	for (size_t i = 0; i < NODES && (info = sluice_topology_node(tiers->topology, i)); i++)
		destination->nodes[destination->count++] =
			(struct node){.id = info->id, .tier = info->tier};
	if (procfs_lines_open(&destination->lines, sysroot, 0, "sys/devices/system/node/online") ==
	    0) {
		line = procfs_lines_next(&destination->lines, &r);
		if (line)
			list_walk(line, online_add, online);
		procfs_lines_close(&destination->lines);
	}
	for (size_t i = 0; i < destination->count; i++)
		distances_read(destination, &destination->nodes[i], online->ids, online->count);
	free(online);
	destination_refresh(destination);
	*ret = destination;
	return 0;
}

void
destination_free(struct destination *destination)
{
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
allowed_nodes(struct destination *destination, int32_t pid, uint64_t now_ns)
{
	static const char key[] = "Mems_allowed_list:";
	struct allowing allowing = {destination, 0};
	struct allowed *entry = NULL;
	char *line;
	int r;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (destination->allowed[i].pid == pid)
			entry = &destination->allowed[i];
	}
	if (entry && now_ns - entry->read_ns < ALLOWED_FOR_NS)
		return entry->nodes;
	if (!entry)
		entry = &destination->allowed[destination->next_allowed++ % PROCESSES];
	/* Without the line there are no cpusets; a process that ended is told by move_pages. */
	allowing.nodes = UINT64_MAX;
	if (procfs_lines_open(&destination->lines, destination->sysroot, pid, "status") == 0) {
		while ((line = procfs_lines_next(&destination->lines, &r))) {
			if (strncmp(line, key, sizeof(key) - 1) != 0)
				continue;
			line += sizeof(key) - 1;
			while (*line == ' ' || *line == '\t')
				line++;
			allowing.nodes = 0;
			list_walk(line, allowed_add, &allowing);
			break;
		}
		procfs_lines_close(&destination->lines);
	}
	*entry = (struct allowed){pid, now_ns, allowing.nodes};
	return allowing.nodes;
}

int
destination_pick(struct destination *destination, int32_t pid, uint32_t tier, int from_node,
		 uint64_t bytes, uint64_t now_ns)
{
	uint64_t allowed = allowed_nodes(destination, pid, now_ns);
	size_t from = index_of(destination, (uint64_t)from_node);
	struct node *best = NULL;
	uint32_t best_distance = 0;
	int any = 0;

	for (size_t i = 0; i < destination->count; i++) {
		struct node *node = &destination->nodes[i];
		/* A page's row of the table is its node's; the way there and back are alike. */
		uint32_t distance = from < destination->count ? node->distance[from] : 0;

		if (node->tier != tier || !(allowed & (1ull << i)))
			continue;
		any = 1;
		if (node->room_bytes < bytes)
			continue;
		if (!best || distance < best_distance ||
		    (distance == best_distance && node->room_bytes > best->room_bytes)) {
			best = node;
			best_distance = distance;
		}
	}
	if (!best)
		return any ? -ENOSPC : -EPERM;
	best->room_bytes -= bytes;
	return (int)best->id;
}
