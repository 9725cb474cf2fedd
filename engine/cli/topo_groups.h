/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_groups.h - what of a machine is drawn together: CPUs with the memory that is nearest to
 * them, near to far; after CPUs that share something what they share; last what all share, swap
 * among it.
 *
 * On a large machine nodes that are alike become one row, and CPUs whose rows are alike one group:
 * 64 equal nodes are told in a few lines. Every node is in exactly one row.
 */
#ifndef CLI_TOPO_GROUPS_H
#define CLI_TOPO_GROUPS_H

#include "topo_model.h"

#define TOPO_NAME_BYTES 64

struct topo_row {
	const struct topo_node *node;        /* the first of its nodes, or NULL: swap */
	const struct topo_swap_device *swap; /* NULL: nodes, or zswap without a device */
	struct topo_set ids;                 /* of its nodes */
	size_t count;                        /* how many they are */
	char name[TOPO_NAME_BYTES];          /* "node 3", "nodes 8-15", "zram0" */
	uint32_t tier;
	const char *kind;
	uint64_t total_bytes, free_bytes; /* of all of them together */
	struct topo_figures figures;      /* of each */
};

struct topo_group {
	bool is_shared;                 /* by several CPUs, or all */
	struct topo_set ids;            /* of the nodes of its CPUs; none: all share it */
	size_t count;                   /* how many groups that are alike it stands for */
	char name[2 * TOPO_NAME_BYTES]; /* "CPUs 0-3, node 0" */
	size_t cluster;                 /* equal: what the others of it share comes last */
	size_t row_count;
	struct topo_row *rows;
};

struct topo_groups {
	size_t count, clusters;
	struct topo_group *groups;
};

/* Machines with more nodes than this are drawn with like nodes together. */
#define TOPO_ROWS_MAX 16

/* Borrows from the model. NULL when there is no memory. */
struct topo_groups *topo_groups_new(const struct topo_model *model);
void topo_groups_free(struct topo_groups *groups); /* NULL is fine */

/* What else is known of a row, one line each: what feeds a node, how it writes, caches in front of
 * it, huge pages, interleave weight; what many nodes add up; how a swap device works. In
 * topo_notes.c. False past the last. */
bool topo_row_note(const struct topo_model *model, const struct topo_group *group,
		   const struct topo_row *row, size_t i, char *buffer, size_t size);

#endif
