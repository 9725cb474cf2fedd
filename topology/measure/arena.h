/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that lies on one node, and is proven to. Pages are asked for there, not bound:
 * when the node runs short the kernel then takes others, instead of killing somebody. What did not
 * land on the node is not used. One thread.
 */
#ifndef MEASURE_ARENA_H
#define MEASURE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#define ARENA_BYTES_MIN (2u << 20)

struct arena {
	char *base; /* on a huge page's boundary */
	size_t bytes;
	uint32_t node;
	double huge_share; /* of its bytes on huge pages, 0 to 1 */
	void *map;
	size_t map_bytes;
};

/* At most this many bytes, and only what is filled and found on the node by until_ns (of
 * now.h) and while tick(ctx) gives 0: at least ARENA_BYTES_MIN. -ENOMEM: pages came from other
 * nodes. -ETIMEDOUT: not even the least was filled in time. -ECANCELED: tick. Others of mmap and
 * mbind. */
int arena_new(uint32_t node, size_t bytes, uint64_t until_ns, int (*tick)(void *ctx), void *ctx,
	      struct arena *ret, struct sluice_err *reterr);
void arena_clear(struct arena *arena); /* twice is fine */

/* Is every page of it on the node still? 0, or -ESTALE with where the first other one is. */
int arena_check(const struct arena *arena, struct sluice_err *reterr);

#endif
