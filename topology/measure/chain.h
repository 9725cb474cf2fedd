/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - latency: a chain of pointers through memory, in random order, so that each load waits
 * for the one before it and no prefetcher knows the next.
 *
 * The arena is cut into equal strides, and each holds one cell, in a cache line of its own at a
 * random place. With 256 bytes a stride or more the line that hardware fetches along with a cell's
 * never is another cell's.
 */
#ifndef MEASURE_CHAIN_H
#define MEASURE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#define CHAIN_STRIDE_MIN 256u
#define CHAIN_CELLS_MAX (1u << 21)

/* order[i] becomes the cell after i: one cycle through all cells (Sattolo), each such cycle being
 * as likely. The same seed (not 0) gives the same order. */
void chain_order(uint32_t *order, uint32_t cells, uint64_t seed);
/* Where cell i lies. stride is a multiple of 64. */
size_t chain_offset(uint32_t i, size_t stride);
/* Writes the pointers. */
void chain_link(void *arena, size_t stride, const uint32_t *order, uint32_t cells);
/* Drops all cells from the caches (see streams_can_flush), and nothing else. */
void chain_flush(void *arena, size_t stride, uint32_t cells);
/* Follows so many pointers, a multiple of 8; returns the cell it came to. */
void *chain_walk(void *cell, uint64_t loads);

#endif
