/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_exact.c - the best placement of all, where sizes are equal and the instance is small.
 *
 * Slots of fast memory are units that flow through time. Before each epoch is a hub; a unit goes
 * from a hub into an item (which costs its move up), through the item's cell of that epoch (which
 * earns its stall), on to the same item's next cell or out to the next hub (which costs its move
 * down), or stays unused from hub to hub:
 *
 *   hub 0 ------------ hub 1 ------------ hub 2      a cell: in -> out, room for one unit
 *     \ up      down /  \ up      down /
 *      [item, epoch 0] -- [item, epoch 1]
 *
 * A flow is the cheapest when no cycle of changes to it is cheaper than nothing. So begin with a
 * good placement, find such cycles (Bellman and Ford, arcs in the order of time and back), and go
 * round them until there are none. The distances are then prices that prove it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "oracle_parts.h"

#define NONE UINT32_MAX

struct arc {
	uint32_t from, to;
	uint32_t used, room; /* units that flow, and that may */
	double cost;
};

struct network {
	const struct oracle_frame *frame;
	struct arc *arcs;
	uint32_t arc_count, node_count;
	double *distance;
	uint32_t *came; /* by node: twice the arc that it was reached by, 1 more when backwards */
	uint32_t *seen;
	double least; /* what a difference must be to count */
};

static uint32_t
hub(uint32_t epoch)
{
	return epoch;
}

static uint32_t
cell(const struct oracle_frame *frame, uint32_t item, uint32_t epoch)
{
	return frame->epoch_count + 1 + 2 * (epoch * frame->item_count + item);
}

static void
add(struct network *net, uint32_t from, uint32_t to, double cost, uint32_t used, uint32_t room)
{
	net->arcs[net->arc_count++] =
		(struct arc){.from = from, .to = to, .cost = cost, .used = used, .room = room};
	if (fabs(cost) * 1e-12 > net->least)
		net->least = fabs(cost) * 1e-12;
}

static void
add_cells(struct network *net, uint32_t epoch, const uint64_t *before, const uint64_t *row,
	  const uint64_t *after)
{
	const struct oracle_frame *frame = net->frame;

	for (uint32_t i = 0; i < frame->item_count; i++) {
		uint32_t in = cell(frame, i, epoch), out = in + 1;
		uint32_t was = before ? (uint32_t)oracle_bit(before, i) : 0;
		uint32_t is = (uint32_t)oracle_bit(row, i);
		double down = (double)frame->down[i];

		/* What was fast at the start comes in for nothing, or gives its unit to the hub.
		 * The unit is there, so that going in is the cheaper by the move down. */
		if (epoch == 0)
			add(net, hub(0), in, was ? -down : (double)frame->up[i], is, 1);
		else
			add(net, hub(epoch), in, (double)frame->up[i], is && !was, 1);
		add(net, in, out, -(double)frame->problem->saved[epoch][i], is, 1);
		if (after) {
			uint32_t stays = is && oracle_bit(after, i);

			add(net, out, hub(epoch + 1), down, is && !stays, 1);
			add(net, out, cell(frame, i, epoch + 1), 0, stays, 1);
		} else {
			add(net, out, hub(epoch + 1), 0, is, 1);
		}
	}
}

static void
build(struct network *net, const uint64_t *placement)
{
	const struct oracle_frame *frame = net->frame;
	const uint64_t *before = frame->problem->initial, *row = placement;

	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		uint32_t used = 0;

		for (uint32_t i = 0; i < frame->item_count; i++)
			used += (uint32_t)oracle_bit(row, i);
		add(net, hub(t), hub(t + 1), 0, (uint32_t)frame->slots - used, NONE);
		add_cells(net, t, before, row,
			  t + 1 < frame->epoch_count ? row + frame->words : NULL);
		before = row;
		row += frame->words;
	}
}

static int
relax(struct network *net, uint32_t a)
{
	const struct arc *arc = &net->arcs[a];
	double *from = &net->distance[arc->from], *to = &net->distance[arc->to];

	if (arc->used < arc->room && *from + arc->cost < *to - net->least) {
		*to = *from + arc->cost;
		net->came[arc->to] = 2 * a;
		return 1;
	}
	if (arc->used > 0 && *to - arc->cost < *from - net->least) {
		*from = *to - arc->cost;
		net->came[arc->from] = 2 * a + 1;
		return 1;
	}
	return 0;
}

static uint32_t
node_before(const struct network *net, uint32_t node)
{
	const struct arc *arc = &net->arcs[net->came[node] / 2];

	return net->came[node] % 2 ? arc->to : arc->from;
}

/* Goes round the cycle that the node is on. */
static void
change_flow(struct network *net, uint32_t start)
{
	uint32_t node = start;

	do {
		uint32_t before = node_before(net, node);

		net->arcs[net->came[node] / 2].used += net->came[node] % 2 ? UINT32_MAX : 1;
		net->came[node] = NONE;
		node = before;
	} while (node != start);
}

/* Nodes that were reached from each other in a circle: each is cheaper than nothing. */
static int
change_cycles(struct network *net)
{
	int changed = 0;

	for (uint32_t n = 0; n < net->node_count; n++)
		net->seen[n] = NONE;
	for (uint32_t first = 0; first < net->node_count; first++) {
		uint32_t node = first;

		while (net->seen[node] == NONE && net->came[node] != NONE) {
			net->seen[node] = first;
			node = node_before(net, node);
		}
		if (net->came[node] != NONE && net->seen[node] == first) {
			change_flow(net, node);
			changed = 1;
		}
		net->seen[node] = net->seen[node] == NONE ? first : net->seen[node];
	}
	return changed;
}

static void
cancel(struct network *net)
{
	int relaxed = 1;

	while (relaxed) {
		relaxed = 0;
		for (uint32_t a = 0; a < net->arc_count; a++)
			relaxed |= relax(net, a);
		for (uint32_t a = net->arc_count; a-- > 0;)
			relaxed |= relax(net, a);
		if (change_cycles(net)) {
			/* Distances remain a good start; what led to them does not hold. */
			for (uint32_t n = 0; n < net->node_count; n++)
				net->came[n] = NONE;
		}
	}
}

static void
read_result(const struct network *net, uint64_t *placement, double *ret_price)
{
	const struct oracle_frame *frame = net->frame;

	for (size_t w = 0; w < frame->words * frame->epoch_count; w++)
		placement[w] = 0;
	for (uint32_t a = 0; a < net->arc_count; a++) {
		const struct arc *arc = &net->arcs[a];
		uint32_t at = arc->from - frame->epoch_count - 1;

		/* From the way in of a cell, the only arc is that through it. */
		if (arc->from <= frame->epoch_count || at % 2 != 0 || !arc->used)
			continue;
		uint32_t epoch = at / 2 / frame->item_count, item = at / 2 % frame->item_count;

		placement[epoch * frame->words + item / 64] |= UINT64_C(1) << (item % 64);
	}
	for (uint32_t t = 0; t < frame->epoch_count; t++) {
		double price = net->distance[hub(t)] - net->distance[hub(t + 1)];

		ret_price[t] = price > 0 ? price : 0;
	}
}

int
improve_exactly(const struct oracle_frame *frame, uint64_t *placement, double *ret_price,
		struct sluice_err *reterr)
{
	size_t cells = (size_t)frame->item_count * frame->epoch_count;
	struct network net = {.frame = frame};

	net.node_count = (uint32_t)(frame->epoch_count + 1 + 2 * cells);
	net.arcs = calloc(4 * cells + frame->epoch_count, sizeof(*net.arcs));
	net.distance = calloc(net.node_count, sizeof(*net.distance));
	net.came = calloc(net.node_count, sizeof(*net.came));
	net.seen = calloc(net.node_count, sizeof(*net.seen));
	if (net.arcs && net.distance && net.came && net.seen) {
		for (uint32_t n = 0; n < net.node_count; n++)
			net.came[n] = NONE;
		build(&net, placement);
		cancel(&net);
		read_result(&net, placement, ret_price);
	}
	int error =
		net.arcs && net.distance && net.came && net.seen
			? 0
			: sluice_fail(reterr, -ENOMEM, "not enough memory for %zu cells", cells);

	free(net.arcs);
	free(net.distance);
	free(net.came);
	free(net.seen);
	return error;
}
