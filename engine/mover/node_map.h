/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_map.h - which node a physical page belongs to, from the kernel's memory blocks: a handful of
 * ranges instead of a question to the kernel for each page. One thread.
 */
#ifndef MOVER_NODE_MAP_H
#define MOVER_NODE_MAP_H

#include <stdint.h>

#include "sluice/err.h"

struct node_map;

/* -ENOENT: this kernel shows no memory blocks (no memory hotplug). -ENOMEM. */
int node_map_new(const char *sysroot, struct node_map **ret, struct sluice_err *reterr);
void node_map_free(struct node_map *map);

/* The node, or -1: a block that two nodes share, or memory that appeared after the last reading;
 * the blocks are then read again, at most once a second. */
int node_map_find(struct node_map *map, uint64_t pfn);

#endif
