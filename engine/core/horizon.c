/* SPDX-License-Identifier: Apache-2.0 */
/* horizon.c - see horizon.h. */
#include "horizon.h"

#include <math.h>

#define HALF_LIFE_MS 600000.0
#define LEAST_MS 10000.0
#define MOST_TIMES 12
#define FIRST_SHARE 0.02 /* of fast memory, having left after the first expectation: its weight */

void
horizon_init(struct horizon *horizon, uint64_t first_ms)
{
	*horizon = (struct horizon){.first_ms = (double)first_ms};
}

void
horizon_left(struct horizon *horizon, uint64_t bytes)
{
	horizon->left += (double)bytes;
}

uint64_t
horizon_update(struct horizon *horizon, uint64_t promoted_bytes, uint64_t fast_bytes,
	       uint64_t now_ns)
{
	double ms = horizon->updated_ns ? (double)(now_ns - horizon->updated_ns) / 1e6 : 0;
	double keep = exp2(-ms / HALF_LIFE_MS), first = FIRST_SHARE * (double)fast_bytes + 1;
	double expected_ms;

	horizon->updated_ns = now_ns;
	horizon->byte_ms = horizon->byte_ms * keep + (double)promoted_bytes * ms;
	horizon->left *= keep;
	expected_ms = (first * horizon->first_ms + horizon->byte_ms) / (first + horizon->left);
	return (uint64_t)fmin(fmax(expected_ms, LEAST_MS), MOST_TIMES * horizon->first_ms);
}
