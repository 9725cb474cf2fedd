/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where pages lie: move_pages(2) without target nodes moves nothing and tells each page's node.
 * Pages are asked about in chunks, so that the process's memory map is never held for long.
 */
#ifndef WL_RESIDENCY_H
#define WL_RESIDENCY_H

#include <stddef.h>
#include <stdint.h>

#include "wl_parse.h"

#define RESIDENCY_CHUNK 1024

enum residency { RESIDENCY_SLOW, RESIDENCY_FAST, RESIDENCY_MISSING };

/*
 * For @count (at most RESIDENCY_CHUNK) pages of the calling process, whether each lies in a node
 * of @fast. Missing: not touched yet, swapped out, or just being moved. A kernel without NUMA has
 * node 0 only. Returns 0 or -errno, then @ret_where is not filled.
 */
int residency_query(const struct nodeset *fast, void *const *addresses, size_t count,
		    enum residency *ret_where);

#endif
