/* SPDX-License-Identifier: Apache-2.0 */
/* effort.c - see effort.h. */
#include "effort.h"

#define NS_PER_S 1000000000ull
#define LEARN_AT_LEAST_NS (4 * NS_PER_S)  /* so that every page had a chance to be seen twice */
#define LEARN_AT_MOST_NS (60 * NS_PER_S)  /* heat that never settles must not cost for ever */
#define FULL_SHARE 0.15
#define WORTH_MOVING 0.002 /* of fast memory, in one decision */

void
effort_init(struct effort *effort, double steady_share)
{
	*effort = (struct effort){
		.steady = steady_share,
		.full = steady_share > FULL_SHARE ? steady_share : FULL_SHARE,
		.now = steady_share,
	};
}

void
effort_wake(struct effort *effort, uint64_t now_ns)
{
	effort->now = effort->full;
	effort->woken_ns = now_ns;
}

void
effort_update(struct effort *effort, uint64_t planned_bytes, uint64_t fast_bytes, uint64_t now_ns)
{
	uint64_t awake_ns = now_ns - effort->woken_ns;

	if (awake_ns < LEARN_AT_LEAST_NS)
		return;
	if ((double)planned_bytes > WORTH_MOVING * (double)fast_bytes && awake_ns < LEARN_AT_MOST_NS)
		return;
	effort->now /= 2;
	if (effort->now < effort->steady)
		effort->now = effort->steady;
}
