/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effort.h - how much tracking is worth just now.
 *
 * Learning where the heat is costs the targets time, knowing it costs little. So tracking runs at
 * full pace when nothing is known, and slower the less better knowledge could still win, down to
 * the share that the user allowed in the steady state, and below that while nothing happens; and
 * slower while more is known than can be moved. Of a program that is still filling its memory
 * little can be learned, so that has to wait. A user who sets a price instead gets it, always but
 * for that wait.
 */
#ifndef CORE_EFFORT_H
#define CORE_EFFORT_H

#include <stdint.h>

struct effort {
	double steady; /* share of one CPU in the steady state */
	double full;   /* while learning */
	double now;
	int paused;
	int fixed;   /* the user set a price: neither more nor less */
	double hope; /* 1, and half of it each time that looking harder did not help */
	int crowded; /* more is known to be worth moving than can be moved */
	double doubt_then, doubt_sum, spent_s; /* mean doubt before, and of the looks since then; */
	unsigned int looks;                    /* what these cost, as CPU time */
	uint64_t looked_ns;                    /* and how long they took */
	double seen, seen_then; /* samples of a page on average: so far, and before */
	uint64_t updated_ns;
	double unknown_then; /* share of memory of which nothing is known, and when it fell last */
	uint64_t learned_ns;
	uint64_t woken_ns;
	uint64_t learning_ns; /* since then, and less by as much as less was done while crowded */
	int first;            /* just now, for what is new, and not for what changed its ways */
	int alarmed;          /* by an alarm */
	double won;           /* by what was planned since it woke */
	double won_lately;    /* the same, and it fades */
	uint64_t checked_ns,
		check_wait_ns;  /* the last look at what was moved; the next not before */
	int checking;           /* that look is under way, */
	double checked_seen;    /* and what was `seen` when it began */
	uint64_t deaf_until_ns; /* alarms are not heard before */
	uint64_t deaf_ns;       /* for how long, after the next false alarm */
};

void effort_init(struct effort *effort, double steady_share);
/* At this share from now on, whatever there is to learn. */
void effort_fix(struct effort *effort, double share);
/* There is much to learn: a new target, or one that has grown. */
void effort_wake(struct effort *effort, uint64_t now_ns);
/* The targets' resident memory is growing fast, or no more. */
void effort_pause(struct effort *effort, int paused);
/* Heat where there was none, says a tracker. One that cries wolf is heard less and less. */
void effort_alarm(struct effort *effort, uint64_t now_ns);
/* Of which share of resident memory nothing is known; before effort_update(). */
void effort_unknown(struct effort *effort, double share, uint64_t now_ns);
/* So many samples came so far, each counted by the pages that were resident then, where trackers
 * tell of single pages: it never falls. Before effort_update(). */
void effort_seen(struct effort *effort, double samples);
/* After a decision: which share of all accesses its moves are to win; which share better knowledge
 * could win (doubt.h); how calm decisions are (round_parts.h). */
void effort_update(struct effort *effort, double won, double doubt, unsigned int calm,
		   uint64_t now_ns);
/* More is known to be worth moving than can be moved until the next decision, or no more. Where
 * that leaves little doubt, to know still more can wait meanwhile, and would slow the moves down.
 */
void effort_crowd(struct effort *effort, int crowded, double doubt);
/* A look at what was moved goes on, and is past its urgent first seconds. */
int effort_is_unhurried(const struct effort *effort);
/* What tracking may cost, as a share of one CPU: `now`, and less while it is crowded. */
double effort_share(const struct effort *effort);

#endif
