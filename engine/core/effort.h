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
	double steady; /* share of one CPU in the steady state */
	double full;   /* while learning */
	double now;
	uint64_t woken_ns;
	int alarmed;            /* by an alarm */
	uint64_t moved_bytes;   /* planned since it woke */
	uint64_t deaf_until_ns; /* alarms are not heard before */
	uint64_t deaf_ns;       /* for how long, after the next false alarm */
};

void effort_init(struct effort *effort, double steady_share);
/* A new target. */
void effort_wake(struct effort *effort, uint64_t now_ns);
/* Heat where there was none, says a tracker. One that cries wolf is heard less and less. */
void effort_alarm(struct effort *effort, uint64_t now_ns);
/* After a decision: what it wanted to move, of how much fast memory, and which share of all
 * accesses that was expected to win; and of the resident memory, how much nothing is known of, and
 * how much was not looked at since the targets' speed changed. */
void effort_update(struct effort *effort, uint64_t planned_bytes, uint64_t fast_bytes,
		   double won_share, uint64_t unknown_bytes, uint64_t stale_bytes,
		   uint64_t resident_bytes, uint64_t now_ns);

#endif
