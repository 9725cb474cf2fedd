/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodeset.h - a set of node ids, and the kernel's list format for it ("0-3,8").
 */
#ifndef NODESET_H
#define NODESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/topology.h"

struct nodeset {
	uint64_t bits[SLUICE_NODES_MAX / 64];
};

static inline void
nodeset_add(struct nodeset *set, uint32_t id)
{
	set->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline bool
nodeset_has(const struct nodeset *set, uint32_t id)
{
	return id < SLUICE_NODES_MAX && (set->bits[id / 64] >> (id % 64) & 1);
}

static inline void
nodeset_intersect(struct nodeset *set, const struct nodeset *other)
{
	for (size_t i = 0; i < SLUICE_NODES_MAX / 64; i++)
		set->bits[i] &= other->bits[i];
}

/* Parse a list. Ids out of range are left out. False, and *ret untouched, for anything that is not
 * a list; an empty text is the empty set. */
bool nodeset_parse(const char *text, struct nodeset *ret);

/* Read a list from a file under the root. 0 or -errno, *ret untouched on failure. */
int nodeset_read(int root, const char *path, struct nodeset *ret);

/* Write the set as a list, cut at a comma and ended with "..." when it does not fit. */
void nodeset_format(const struct nodeset *set, char *buffer, size_t size);

/* Copy a list text, cut in the same way. */
void nodeset_cut(const char *text, char *buffer, size_t size);

#endif
