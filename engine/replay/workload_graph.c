/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_graph.c - breadth-first search and PageRank on a Kronecker graph.
 *
 * A small graph is made (2^14 vertices, 16 edges each, the probabilities of Graph500, labels
 * permuted) and searched; what that touches is scaled up to the workload's memory, slice of
 * vertices by slice. Memory is laid out as graph codes do: a tenth is where each vertex's edges
 * begin, eight tenths are edges, a tenth is what is computed for each vertex (parent, rank).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workload_parts.h"

#define SCALE 14u
#define VERTICES (1u << SCALE)
#define EDGES (16u * VERTICES)
#define SLICES 256u
#define SLICE_VERTICES (VERTICES / SLICES)
#define SOURCES 8u
#define LEVELS_MAX 16u
#define SEARCH_S 12.0   /* one search over all memory */
#define RANKING_S 6.0   /* one iteration of PageRank */
#define EDGE_LINES 40e6 /* lines of edges a second */
#define VISITS 45e6     /* random accesses to what is computed, a second */
#define EDGE_MLP 8.0    /* short streams */
#define VISIT_MLP 4.0   /* many edges are in the window of a core */

struct level {
	float work;             /* edges looked at, as a share of the search's */
	float scanned[SLICES];  /* share of the level's edges that lie in the slice */
	float visited[SLICES];  /* share of the level's visits that go there */
	float frontier[SLICES]; /* share of the vertices whose edges are looked up */
};

struct graph {
	struct level level[SOURCES][LEVELS_MAX];
	unsigned int levels[SOURCES];
	float degree[SLICES]; /* share of all edges that lead there */
};

/* For making it only. */
struct edges {
	uint32_t first[VERTICES + 1];
	uint32_t to[2 * EDGES];
	uint32_t from_of[EDGES], to_of[EDGES], label[VERTICES];
	uint32_t queue[VERTICES];
	uint8_t seen[VERTICES];
};

static void
make_edges(struct edges *edges, uint64_t seed)
{
	uint32_t at = 0, degree;

	for (uint32_t v = 0; v < VERTICES; v++)
		edges->label[v] = v;
	for (uint32_t v = VERTICES; v-- > 1;) {
		uint32_t k = (uint32_t)(workload_random(seed ^ 1, v) % (v + 1));
		uint32_t label = edges->label[v];

		edges->label[v] = edges->label[k];
		edges->label[k] = label;
	}
	for (uint32_t e = 0; e < EDGES; e++) {
		uint32_t from = 0, to = 0;

		for (uint32_t bit = 0; bit < SCALE; bit++) {
			/* A = 0.57, B = C = 0.19 */
			uint64_t dice = workload_random(seed, (uint64_t)e * SCALE + bit) % 100;

			from = from << 1 | (dice >= 76);
			to = to << 1 | ((dice >= 57 && dice < 76) || dice >= 95);
		}
		edges->from_of[e] = edges->label[from];
		edges->to_of[e] = edges->label[to];
		edges->first[edges->from_of[e]]++;
		edges->first[edges->to_of[e]]++;
	}
	for (uint32_t v = 0; v <= VERTICES; v++) {
		degree = v < VERTICES ? edges->first[v] : 0;
		at += degree;
		edges->first[v] = at; /* its end; filling brings it down to its start */
	}
	for (uint32_t e = 0; e < EDGES; e++) {
		edges->to[--edges->first[edges->from_of[e]]] = edges->to_of[e];
		edges->to[--edges->first[edges->to_of[e]]] = edges->from_of[e];
	}
}

static void
scale(float *shares, float by)
{
	for (uint32_t s = 0; s < SLICES; s++)
		shares[s] = by > 0 ? shares[s] / by : 0;
}

/* Vertices queue[begin, end) are a level of the search; what they find is put behind end. */
static uint32_t
search_level(struct edges *edges, struct level *level, uint32_t begin, uint32_t end)
{
	uint32_t next = end;

	for (uint32_t i = begin; i < end; i++) {
		uint32_t v = edges->queue[i];

		level->frontier[v / SLICE_VERTICES] += 1;
		for (uint32_t e = edges->first[v]; e < edges->first[v + 1]; e++) {
			uint32_t to = edges->to[e];

			level->scanned[v / SLICE_VERTICES] += 1;
			level->visited[to / SLICE_VERTICES] += 1;
			level->work += 1;
			if (!edges->seen[to]) {
				edges->seen[to] = 1;
				edges->queue[next++] = to;
			}
		}
	}
	scale(level->scanned, level->work);
	scale(level->visited, level->work);
	scale(level->frontier, (float)(end - begin));
	return next;
}

static void
search(struct edges *edges, struct graph *graph, unsigned int source, uint64_t seed)
{
	uint32_t begin = 0, end = 1;
	float work = 0;

	memset(edges->seen, 0, sizeof(edges->seen));
	/* From a vertex that has neighbours. */
	for (uint64_t i = 0;; i++) {
		uint32_t v = (uint32_t)(workload_random(seed ^ 2, source * 1000 + i) % VERTICES);

		edges->queue[0] = v;
		if (edges->first[v + 1] > edges->first[v])
			break;
	}
	edges->seen[edges->queue[0]] = 1;
	while (begin < end && graph->levels[source] < LEVELS_MAX) {
		struct level *level = &graph->level[source][graph->levels[source]++];
		uint32_t next = search_level(edges, level, begin, end);

		work += level->work;
		begin = end;
		end = next;
	}
	for (unsigned int l = 0; l < graph->levels[source]; l++)
		graph->level[source][l].work /= work;
}

static int
prepare(struct workload *workload, struct sluice_err *reterr)
{
	struct edges *edges = calloc(1, sizeof(*edges));
	struct graph *graph = workload->own;

	if (!edges)
		return sluice_fail(reterr, -ENOMEM, "no memory to make a graph");
	make_edges(edges, workload->seed);
	for (unsigned int source = 0; source < SOURCES; source++)
		search(edges, graph, source, workload->seed);
	for (uint32_t v = 0; v < VERTICES; v++)
		graph->degree[v / SLICE_VERTICES] +=
			(float)(edges->first[v + 1] - edges->first[v]) / (2.0f * EDGES);
	free(edges);
	return 0;
}

struct layout {
	size_t offsets, edges, values; /* first units */
	size_t vertex_units, edge_units;
};

static struct layout
layout_of(const struct workload *workload)
{
	size_t count = workload->info.unit_count, tenth = count / 10;

	return (struct layout){0, tenth, count - tenth, tenth, count - 2 * tenth};
}

/* Accesses to an array of vertices or edges, by slices. */
static void
use_slices(const struct workload *workload, struct workload_use *uses, size_t first, size_t count,
	   const float *shares, double reads, double writes, double mlp)
{
	for (uint32_t s = 0; s < SLICES; s++) {
		size_t from = first + count * s / SLICES, to = first + count * (s + 1) / SLICES;

		/* Slices smaller than a unit: the unit gets them all. */
		if (to == from)
			to++;
		workload_spread(workload, uses, from, to - from, reads * (double)shares[s],
				writes * (double)shares[s], mlp);
	}
}

static uint64_t
every_epoch(const struct workload *workload, uint32_t epoch)
{
	(void)workload;
	return epoch;
}

static void
fill_bfs(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	const struct graph *graph = workload->own;
	struct layout at = layout_of(workload);
	double from_s = workload_time_s(workload, epoch), to_s = from_s + workload->epoch_s;

	for (uint64_t n = (uint64_t)(from_s / SEARCH_S); (double)n * SEARCH_S < to_s; n++) {
		unsigned int source = (unsigned int)(n % SOURCES);
		double begin_s = (double)n * SEARCH_S;

		for (unsigned int l = 0; l < graph->levels[source]; l++) {
			const struct level *level = &graph->level[source][l];
			double end_s = begin_s + (double)level->work * SEARCH_S;
			double part_s = (end_s < to_s ? end_s : to_s) -
					(begin_s > from_s ? begin_s : from_s);
			double part = part_s / workload->epoch_s;

			begin_s = end_s;
			if (part <= 0)
				continue;
			use_slices(workload, uses, at.offsets, at.vertex_units, level->frontier,
				   VISITS / 16 * part, 0, VISIT_MLP);
			use_slices(workload, uses, at.edges, at.edge_units, level->scanned,
				   EDGE_LINES * part, 0, EDGE_MLP);
			use_slices(workload, uses, at.values, at.vertex_units, level->visited,
				   VISITS * part, VISITS / 16 * part, VISIT_MLP);
		}
	}
}

static void
fill_pagerank(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	const struct graph *graph = workload->own;
	struct layout at = layout_of(workload);
	double edge_bytes = (double)at.edge_units * workload->units[0].pages * PAGE;
	double vertex_bytes = (double)at.vertex_units * workload->units[0].pages * PAGE;

	workload_walk(workload, uses, epoch, at.offsets, at.vertex_units, vertex_bytes / RANKING_S,
		      0, EDGE_MLP);
	workload_walk(workload, uses, epoch, at.edges, at.edge_units, edge_bytes / RANKING_S, 0,
		      EDGE_MLP);
	use_slices(workload, uses, at.values, at.vertex_units, graph->degree, VISITS, 0, VISIT_MLP);
}

const struct workload_row workload_graphs[] = {
	{.name = "bfs",
	 .summary = "breadth-first searches of a Kronecker graph, from one source after the other",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .private_bytes = sizeof(struct graph),
	 .prepare = prepare,
	 .phase = every_epoch,
	 .fill = fill_bfs},
	{.name = "pagerank",
	 .summary = "PageRank on a Kronecker graph",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .private_bytes = sizeof(struct graph),
	 .prepare = prepare,
	 .phase = every_epoch,
	 .fill = fill_pagerank},
	{.name = NULL},
};
