/* SPDX-License-Identifier: Apache-2.0 */
/* latency.c - idle latency: one thread, one chain, passes of some ten milliseconds. */
#include <stdlib.h>

#include "chain.h"
#include "now.h"
#include "passes.h"
#include "streams.h"

#define PROBE_CELLS 512u
#define FEW_CELLS 16384u /* enough for a pass of some milliseconds */
#define PAGE_STRIDE 4096u
#define SEED UINT64_C(88172645463325252)

struct chain {
	char *arena;
	size_t stride;
	uint32_t cells;
	uint32_t *order; /* for as many as the arena takes */
	void *at;
	uint64_t loads;     /* of a pass */
	uint64_t unvisited; /* loads that meet lines that no cache holds */
	uint64_t ns;        /* that the last job took */
};

/* All of the arena's accesses are made by the thread on the node's CPU, as its caches matter. */
static void
build_job(void *ctx, struct crew *crew, size_t index)
{
	struct chain *chain = ctx;
	uint64_t start_ns = now_ns();

	(void)crew;
	(void)index;
	chain_link(chain->arena, chain->stride, chain->order, chain->cells);
	chain_flush(chain->arena, chain->stride, chain->cells);
	chain->at = chain->arena + chain_offset(0, chain->stride);
	chain->unvisited = chain->cells;
	chain->ns = now_ns() - start_ns;
}

static void
walk_job(void *ctx, struct crew *crew, size_t index)
{
	struct chain *chain = ctx;
	uint64_t start_ns;

	(void)crew;
	(void)index;
	if (chain->unvisited < chain->loads) {
		chain_flush(chain->arena, chain->stride, chain->cells);
		chain->unvisited = chain->cells;
	}
	start_ns = now_ns();
	chain->at = chain_walk(chain->at, chain->loads);
	chain->ns = now_ns() - start_ns;
	chain->unvisited -= chain->loads;
}

static void
build(struct chain *chain, struct crew *crew, const struct arena *arena, uint32_t cells)
{
	chain->cells = cells;
	chain->stride = arena->bytes / cells / STREAMS_LINE_BYTES * STREAMS_LINE_BYTES;
	chain_order(chain->order, cells, SEED);
	crew_run(crew, 1, build_job, chain);
}

/* A first small chain tells what building and walking cost here, so that memory that is a thousand
 * times slower than DRAM gets a chain that is as much smaller. */
static void
fit(struct chain *chain, struct crew *crew, const struct arena *arena, uint64_t until_ns)
{
	uint64_t start_ns = now_ns(), slice_ns, build_ns, load_ns, cells, loads;

	build(chain, crew, arena, PROBE_CELLS);
	build_ns = chain->ns / PROBE_CELLS + 20; /* the order's part */
	chain->loads = PROBE_CELLS;
	crew_run(crew, 1, walk_job, chain);
	load_ns = chain->ns / PROBE_CELLS + 1;
	slice_ns = until_ns > start_ns ? until_ns - start_ns : 0;
	/* Cells are dropped from the caches before they are met again, so one a page will do; where
	 * that is not possible as many as fit, to be more than the caches hold. */
	cells = arena->bytes / PAGE_STRIDE;
	if (cells < FEW_CELLS)
		cells = FEW_CELLS;
	if (cells > arena->bytes / CHAIN_STRIDE_MIN || !streams_can_flush())
		cells = arena->bytes / CHAIN_STRIDE_MIN;
	if (cells > CHAIN_CELLS_MAX)
		cells = CHAIN_CELLS_MAX;
	if (cells > slice_ns / 4 / build_ns)
		cells = slice_ns / 4 / build_ns;
	if (cells < PROBE_CELLS)
		cells = PROBE_CELLS;
	loads = slice_ns / (2 * PASSES_MAX) / load_ns;
	if (loads > cells)
		loads = cells;
	build(chain, crew, arena, (uint32_t)cells);
	chain->loads = loads < 64 ? 64 : loads / 8 * 8;
}

int
latency_measure(struct crew *crew, const struct arena *arena, uint64_t until_ns,
		int (*tick)(void *ctx), void *ctx, struct measure_figure *ret)
{
	struct chain chain = {.arena = arena->base};
	struct passes passes = {.count = 0};
	int r = 0;

	chain.order = malloc(sizeof(*chain.order) * CHAIN_CELLS_MAX); /* used pages count only */
	if (!chain.order)
		return -ENOMEM;
	fit(&chain, crew, arena, until_ns);
	while (r == 0 && passes.count < PASSES_MAX && now_ns() < until_ns) {
		if (tick(ctx)) {
			r = -ECANCELED;
			break;
		}
		crew_run(crew, 1, walk_job, &chain);
		passes.values[passes.count++] = (double)chain.ns / (double)chain.loads;
	}
	if (r == 0)
		r = passes_figure(&passes, 1, ret);
	free(chain.order);
	return r;
}
