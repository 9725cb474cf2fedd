/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - bring candidates into the fastest tier, as room allows and victims give way.
 *
 * Demotions and the promotions that they make room for alternate in pieces: few enough that a plan
 * cut off anywhere has done something useful, and large enough to be moved in batches.
 */
#ifndef POLICIES_EXCHANGE_H
#define POLICIES_EXCHANGE_H

#include "order.h"
#include "planner.h"

#define EXCHANGE_PIECE_BYTES (8u << 20)

struct exchange {
	struct planner *planner;
	const struct order *in, *out; /* sorted: in from its highest key, out from its lowest */
	/* Whether a candidate may have a victim's place. Optional: always. */
	int (*may_replace)(const void *policy, uint64_t in, uint64_t out);
	const void *policy;
	uint64_t in_done, out_done;
	uint64_t in_bytes_max; /* 0: no limit but the engine's */
	uint64_t keep_bytes;   /* room that is not for candidates */
	uint64_t in_bytes;     /* asked for so far */
};

/* Keep a share of the fastest tier free, for allocations to come. */
static inline void
exchange_keep(struct exchange *x, double headroom_percent)
{
	double total = (double)sluice_view_tier(x->planner->view, 0)->total_bytes;

	x->keep_bytes = (uint64_t)(headroom_percent / 100 * total);
}

/* Demote victims until so many bytes have left. */
static inline void
exchange_evict(struct exchange *x, uint64_t bytes)
{
	while (bytes > 0 && x->out_done < x->out->count && !x->planner->is_over) {
		uint32_t victim = x->out->sorted[x->out_done++].entry;
		uint32_t victim_bytes = sluice_view_region(x->planner->view, victim)->bytes;

		if (planner_demote(x->planner, victim))
			bytes -= victim_bytes < bytes ? victim_bytes : bytes;
	}
}

/* Have room for `bytes` of this candidate beside what is promised. Returns whether there is. */
static inline int
exchange_make_room(struct exchange *x, uint64_t promised_bytes, uint32_t in)
{
	uint64_t bytes =
		x->keep_bytes + promised_bytes + sluice_view_region(x->planner->view, in)->bytes;

	while (x->planner->room_bytes[0] < bytes) {
		uint32_t victim;

		if (x->out_done == x->out->count || x->planner->is_over)
			return 0;
		victim = x->out->sorted[x->out_done].entry;
		if (x->may_replace && !x->may_replace(x->policy, in, victim))
			return 0;
		x->out_done++;
		(void)planner_demote(x->planner, victim);
	}
	return 1;
}

/* Promote to tier 0 until candidates, victims or the round are used up. What a candidate wins is
 * its heat: these policies take their victims for cold. */
static inline void
exchange_all(struct exchange *x)
{
	const struct sluice_view *view = x->planner->view;
	uint64_t first, piece_bytes;

	do {
		/* Both ways have to fit into what is left of the budget. */
		uint64_t most = x->planner->budget_bytes / 2;

		if (most > EXCHANGE_PIECE_BYTES)
			most = EXCHANGE_PIECE_BYTES;
		piece_bytes = 0;
		for (first = x->in_done; x->in_done < x->in->count; x->in_done++) {
			uint32_t in = x->in->sorted[x->in->count - 1 - x->in_done].entry;
			uint32_t bytes = sluice_view_region(view, in)->bytes;

			if (piece_bytes > 0 && piece_bytes + bytes > most)
				break;
			if (x->in_bytes_max && x->in_bytes + piece_bytes + bytes > x->in_bytes_max)
				break;
			if (!exchange_make_room(x, piece_bytes, in))
				break;
			piece_bytes += bytes;
		}
		x->in_bytes += piece_bytes;
		for (uint64_t k = first; k < x->in_done; k++) {
			uint32_t in = x->in->sorted[x->in->count - 1 - k].entry;

			(void)planner_move(x->planner, in, 0,
					   planner_heat(sluice_view_region(view, in)));
		}
	} while (x->in_done > first && !x->planner->is_over);
}

#endif
