/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effort.h - how much tracking is worth just now.
 *
 * Learning where the heat is costs the targets time, knowing it costs little. So tracking runs at
 * full pace while decisions still change the placement, and falls back, by half a decision, to the
 * share that the user allowed when they do not.
 */
#ifndef CORE_EFFORT_H
#define CORE_EFFORT_H

#include <stdint.h>

struct effort {
	double steady;    /* share of one CPU in the steady state */
	double full;      /* while learning */
	double now;
	uint64_t woken_ns;
};

void effort_init(struct effort *effort, double steady_share);
/* Something new: a target, or heat where there was none. */
void effort_wake(struct effort *effort, uint64_t now_ns);
/* After a decision: what it wanted to move, of how much fast memory. */
void effort_update(struct effort *effort, uint64_t planned_bytes, uint64_t fast_bytes,
                   uint64_t now_ns);

#endif
