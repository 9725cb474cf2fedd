/* SPDX-License-Identifier: Apache-2.0 */
/* effort.c - see effort.h. */
#include "effort.h"

#define NS_PER_S 1000000000ull
#define LEARN_AT_LEAST_NS (4 * NS_PER_S) /* so that every page had a chance to be seen twice */
#define LEARN_AT_MOST_NS (60 * NS_PER_S) /* heat that never settles must not cost for ever */
#define FULL_SHARE 0.4    /* a few seconds of nearly half a CPU, against minutes of bad placement */
#define REFRESH_SHARE 0.1 /* while estimates are from before a change of speed */
#define UNKNOWN_SHARE 0.05
#define DEAF_LEAST_NS (10 * NS_PER_S)
#define DEAF_MOST_NS (600 * NS_PER_S)
#define ALARM_WORTH 0.01    /* of fast memory, moved because of the alarm */
#define WORTH_WINNING 0.005 /* of all accesses, in one decision: less does not repay a hurry */

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
effort_wake(struct effort *effort, uint64_t now_ns)
{
	effort->now = effort->full;
	effort->woken_ns = now_ns;
	effort->moved_bytes = 0;
	effort->alarmed = 0;
}

void
effort_alarm(struct effort *effort, uint64_t now_ns)
{
	if (now_ns < effort->deaf_until_ns || effort->now >= effort->full)
		return;
	effort_wake(effort, now_ns);
	effort->alarmed = 1;
}

void
effort_update(struct effort *effort, uint64_t planned_bytes, uint64_t fast_bytes, double won_share,
	      uint64_t unknown_bytes, uint64_t stale_bytes, uint64_t resident_bytes,
	      uint64_t now_ns)
{
	uint64_t awake_ns = now_ns - effort->woken_ns;
	double least;

	effort->moved_bytes += planned_bytes;

	if (awake_ns < LEARN_AT_LEAST_NS)
		return;
	if (awake_ns < LEARN_AT_MOST_NS &&
	    (won_share > WORTH_WINNING ||
	     (double)unknown_bytes > UNKNOWN_SHARE * (double)resident_bytes)) {
		effort->now = effort->now * 2 < effort->full ? effort->now * 2 : effort->full;
		return;
	}
	if (effort->alarmed) {
		int was_true = (double)effort->moved_bytes > ALARM_WORTH * (double)fast_bytes;

		effort->alarmed = 0;
		effort->deaf_ns = was_true ? DEAF_LEAST_NS : effort->deaf_ns * 2;
		if (effort->deaf_ns > DEAF_MOST_NS)
			effort->deaf_ns = DEAF_MOST_NS;
		effort->deaf_until_ns = was_true ? 0 : now_ns + effort->deaf_ns;
	}
	effort->now /= 2;
	least = awake_ns < LEARN_AT_MOST_NS &&
				(double)stale_bytes > UNKNOWN_SHARE * (double)resident_bytes &&
				effort->steady < REFRESH_SHARE
			? REFRESH_SHARE
			: effort->steady;
	if (effort->now < least)
		effort->now = least;
}
