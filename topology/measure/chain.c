/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - see chain.h. */
#include "chain.h"

#include "streams.h"

static uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void
chain_order(uint32_t *order, uint32_t cells, uint64_t seed)
{
	for (uint32_t i = 0; i < cells; i++)
		order[i] = i;
	for (uint32_t i = cells; i-- > 1;) {
		uint32_t j = (uint32_t)((random_next(&seed) >> 32) * i >> 32); /* below i */
		uint32_t kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
}

size_t
chain_offset(uint32_t i, size_t stride)
{
	uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return i * stride +
	       (size_t)((mixed >> 32) * (stride / STREAMS_LINE_BYTES) >> 32) * STREAMS_LINE_BYTES;
}

void
chain_link(void *arena, size_t stride, const uint32_t *order, uint32_t cells)
{
	char *base = arena;

	for (uint32_t i = 0; i < cells; i++)
		*(void **)(base + chain_offset(i, stride)) = base + chain_offset(order[i], stride);
}

void
chain_flush(void *arena, size_t stride, uint32_t cells)
{
	for (uint32_t i = 0; i < cells; i++)
		streams_flush((char *)arena + chain_offset(i, stride), STREAMS_LINE_BYTES);
	streams_fence();
}

void *
chain_walk(void *cell, uint64_t loads)
{
	void *volatile *at = cell;

	for (uint64_t i = 0; i < loads; i += 8) {
		at = *at;
		at = *at;
		at = *at;
		at = *at;
		at = *at;
		at = *at;
		at = *at;
		at = *at;
	}
	return (void *)at;
}
