/* SPDX-License-Identifier: Apache-2.0 */
/* effort.c - see effort.h. */
#include "effort.h"

#define NS_PER_S 1000000000ull
#define LEARN_AT_LEAST_NS (4 * NS_PER_S) /* so that every page had a chance to be seen twice */
#define LEARN_AT_MOST_NS (90 * NS_PER_S) /* heat that never settles must not cost for ever */
#define FULL_SHARE 0.4 /* a few seconds of nearly half a CPU, against minutes of bad placement */
#define FULL_DOUBT                                                                                 \
	0.04 /* of all accesses: worth the full pace; half of it a quarter, and so on              \
	      */
#define SEEN_LEAST                                                                                 \
	1.0 /* samples of a page, on average, before looking is judged or a check ends, */
#define JUDGE_AT_MOST_NS (20 * NS_PER_S) /* or so long */
#define CROWDED_DIVISOR 4.0              /* of effort, while more is known than can be moved, */
#define CROWDED_DOUBT 0.15               /* unless so much is not known */
#define PROGRESS_LEAST 0.04              /* of the doubt that there was; less is chance */
#define LASTS_S 300.0                    /* what was learned, as the moves that come of it */
#define CALM_DIVISOR 2.0                 /* of the steady share, while decisions change nothing */
#define CALM_AFTER 3u                    /* of round->calm */
#define DEAF_LEAST_NS (5 * NS_PER_S)
#define DEAF_MOST_NS (600 * NS_PER_S)
/* Of all accesses, won by what was moved because of the alarm. Seconds at the full pace cost as
 * much as that wins in LASTS_S. */
#define ALARM_WORTH 0.005
/* Of all accesses, won by plans: what moved so much was mostly learned in a hurry, and what was
 * wrongly taken for cold then would wait for minutes of steady effort. */
#define CHECK_WORTH 0.05
#define CHECK_WITHIN_NS (10 * NS_PER_S) /* about: small plans do not add up to it */
#define KEEP_LEAST 0.25                 /* from one decision to the next, however late that is */
#define CHECK_PART 3.0 /* of that is planned now at most: most of it is carried out */
/* Heat that never settles must not cost for ever. */
#define CHECK_WAIT_NS (10 * NS_PER_S) /* from one check to the next, at least; it doubles */
#define CHECK_MOST_NS (35 * NS_PER_S) /* that a check lasts, whatever was seen */
#define CHECK_DIVISOR 3.0             /* of the full effort, after a check's first seconds */

void
effort_init(struct effort *effort, double steady_share)
{
	*effort = (struct effort){
		.steady = steady_share,
		.full = steady_share > FULL_SHARE ? steady_share : FULL_SHARE,
		.now = steady_share,
		.deaf_ns = DEAF_LEAST_NS,
	};
}

void
effort_fix(struct effort *effort, double share)
{
	effort->fixed = 1;
	effort->steady = effort->full = effort->now = share;
}

void
effort_wake(struct effort *effort, uint64_t now_ns)
{
	effort->now = effort->paused ? 0 : effort->full;
	effort->woken_ns = now_ns;
	effort->won = effort->won_lately = 0;
	effort->alarmed = effort->crowded = effort->checking = 0;
	effort->first = !effort->fixed && !effort->paused;
	effort->hope = 1;
	effort->doubt_then = 1;
	effort->doubt_sum = effort->spent_s = 0;
	effort->looks = 0;
	effort->looked_ns = effort->learning_ns = 0;
	effort->seen_then = effort->seen;
	effort->updated_ns = now_ns;
}

void
effort_pause(struct effort *effort, int paused)
{
	effort->paused = paused;
	effort->now = paused ? 0 : effort->steady;
	effort->first = effort->checking = 0;
	effort->alarmed = 0; /* what came of the alarm can no longer be told */
}

void
effort_alarm(struct effort *effort, uint64_t now_ns)
{
	/* One that is not judged yet is the same. */
	if (effort->paused || effort->alarmed || now_ns < effort->deaf_until_ns ||
	    effort->now >= effort->full)
		return;
	effort_wake(effort, now_ns);
	effort->alarmed = 1;
	effort->first = 0;
}

static uint64_t
twice(uint64_t wait_ns)
{
	return wait_ns < DEAF_MOST_NS / 2 ? wait_ns * 2 : DEAF_MOST_NS;
}

static void
judge_alarm(struct effort *effort, uint64_t now_ns)
{
	/* Not by how much was moved: when a program's pace changes, some of its cold memory is
	 * swapped for as cold memory, and alarms that began it would seem true. */
	int was_true = effort->won > ALARM_WORTH;

	effort->alarmed = 0;
	effort->deaf_ns = was_true ? DEAF_LEAST_NS : twice(effort->deaf_ns);
	effort->deaf_until_ns = was_true ? 0 : now_ns + effort->deaf_ns;
}

/* Large memory takes many times as long to be seen at all, and between two bursts of looking what
 * the first one cost is paid off: while it goes on there is hope. */
#define UNKNOWN_MUCH 0.1
#define UNKNOWN_STEP 0.01
#define UNKNOWN_WAIT_NS (12 * NS_PER_S)

void
effort_unknown(struct effort *effort, double share, uint64_t now_ns)
{
	if (share > effort->unknown_then) {
		effort->unknown_then = share; /* new memory; nothing was learned by that */
	} else if (share < effort->unknown_then - UNKNOWN_STEP) {
		effort->unknown_then = share;
		effort->learned_ns = now_ns;
	}
}

static int
still_learning(const struct effort *effort, uint64_t now_ns)
{
	return effort->unknown_then > UNKNOWN_MUCH && effort->learned_ns &&
	       now_ns - effort->learned_ns < UNKNOWN_WAIT_NS;
}

/* Some doubt no looking removes: pages that cannot be marked, heat that changes all the time.
 * Looking pays while the accesses that it brings within reach, for as long as that may last, take
 * more CPU time than it does. */
static void
judge_progress(struct effort *effort, uint64_t now_ns)
{
	double doubt = effort->doubt_sum / effort->looks, won = effort->doubt_then - doubt;

	if (effort->looked_ns < LEARN_AT_LEAST_NS)
		return;
	/* Where trackers are slow, or memory is much, a few seconds show too little to judge by. */
	if (doubt >= FULL_DOUBT && effort->seen > 0 &&
	    effort->seen - effort->seen_then < SEEN_LEAST && effort->looked_ns < JUDGE_AT_MOST_NS)
		return;
	if ((won * LASTS_S < effort->spent_s || won < PROGRESS_LEAST * effort->doubt_then) &&
	    !still_learning(effort, now_ns))
		effort->hope /= 2;
	effort->doubt_then = doubt;
	effort->doubt_sum = effort->spent_s = 0;
	effort->looks = 0;
	effort->looked_ns = 0;
	effort->seen_then = effort->seen;
}

void
effort_seen(struct effort *effort, double samples)
{
	effort->seen = samples;
}

void
effort_crowd(struct effort *effort, int crowded, double doubt)
{
	effort->crowded = crowded && doubt < CROWDED_DOUBT && !effort->fixed;
}

double
effort_share(const struct effort *effort)
{
	double less = effort->now / CROWDED_DIVISOR;

	if (!effort->crowded || effort->now <= effort->steady)
		return effort->now;
	return less > effort->steady ? less : effort->steady;
}

int
effort_is_unhurried(const struct effort *effort)
{
	return effort->checking && effort->now <= effort->full / CHECK_DIVISOR;
}

static int
wants_check(const struct effort *effort, double won, uint64_t now_ns)
{
	return effort->won_lately > CHECK_WORTH && won < effort->won_lately / CHECK_PART &&
	       !effort->fixed && !effort->paused && !effort->first &&
	       now_ns - effort->checked_ns >= effort->check_wait_ns;
}

/* Sooner after the last time than a few waits, and the next wait is twice as long. */
static void
check(struct effort *effort, uint64_t now_ns)
{
	int is_soon = effort->checked_ns && now_ns - effort->checked_ns < 4 * effort->check_wait_ns;

	effort->check_wait_ns = is_soon ? twice(effort->check_wait_ns) : CHECK_WAIT_NS;
	effort->checked_ns = now_ns;
	if (effort->alarmed)
		judge_alarm(effort, now_ns);
	effort_wake(effort, now_ns);
	effort->first = 0;
	effort->checking = 1;
	effort->checked_seen = effort->seen;
}

/* A look goes on until there was a sample for each page, on average, or CHECK_MOST_NS are over:
 * what only a tracker of ranges knew is known to be hot, but not how hot. It is not urgent, so it
 * goes slowly: at the full pace the program waits for the tracker so much that gaps grow. */
static int
check_goes_on(struct effort *effort, uint64_t now_ns)
{
	effort->checking = effort->checking && effort->seen > 0 &&
			   effort->seen - effort->checked_seen < SEEN_LEAST &&
			   now_ns - effort->checked_ns < CHECK_MOST_NS;
	return effort->checking;
}

void
effort_update(struct effort *effort, double won, double doubt, unsigned int calm, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - effort->updated_ns;
	double worth = doubt / FULL_DOUBT, least = effort->steady, now, keep;

	effort->won += won;
	keep = 1 - (double)passed_ns / CHECK_WITHIN_NS;
	effort->won_lately = effort->won_lately * (keep > KEEP_LEAST ? keep : KEEP_LEAST) + won;
	effort->learning_ns += (uint64_t)((double)passed_ns * effort_share(effort) /
					  (effort->now > 0 ? effort->now : 1));
	if (!effort->crowded) {
		effort->doubt_sum += doubt;
		effort->looks++;
		effort->spent_s += effort->now * (double)passed_ns / 1e9;
		effort->looked_ns += passed_ns;
	}
	effort->updated_ns = now_ns;
	if (wants_check(effort, won, now_ns)) {
		check(effort, now_ns);
		return;
	}
	if (now_ns - effort->woken_ns >= LEARN_AT_LEAST_NS)
		effort->first = 0;
	if (effort->paused || effort->learning_ns < LEARN_AT_LEAST_NS)
		return;
	judge_progress(effort, now_ns);
	now = effort->hope * (worth < 1 ? effort->full * worth * worth : effort->full);
	if (effort->learning_ns > LEARN_AT_MOST_NS) {
		double late = (double)LEARN_AT_MOST_NS / (double)effort->learning_ns;

		now *= late * late;
	}
	if (check_goes_on(effort, now_ns)) {
		if (least < effort->full / CHECK_DIVISOR)
			least = effort->full / CHECK_DIVISOR;
	} else if (calm >= CALM_AFTER && !effort->fixed) {
		least /= CALM_DIVISOR;
	}
	if (now < effort->now / 4)
		now = effort->now / 4; /* one look may be a lucky one */
	effort->now = now > least ? now : least;
	if (effort->alarmed && (effort->now <= effort->full / 2 || effort->now <= least))
		judge_alarm(effort, now_ns);
}
