/* SPDX-License-Identifier: Apache-2.0 */
/* passes.h - several passes of one thing, and what they come to. Internal to measuring. */
#ifndef MEASURE_PASSES_H
#define MEASURE_PASSES_H

#include <errno.h>

#include "arena.h"
#include "crew.h"
#include "figure.h"
#include "stats.h"

#define PASSES_MAX 25 /* more make the median no better */

struct passes {
	double values[PASSES_MAX];
	size_t count;
};

/* -ETIMEDOUT with fewer than STATS_PASSES_MIN. Sorts the passes. */
static inline int
passes_figure(struct passes *passes, size_t threads, struct measure_figure *ret)
{
	if (passes->count < STATS_PASSES_MIN)
		return -ETIMEDOUT;
	stats_sort(passes->values, passes->count);
	ret->value = stats_quantile(passes->values, passes->count, 0.5);
	ret->spread_percent = stats_spread_percent(passes->values, passes->count);
	ret->passes = (uint32_t)passes->count;
	ret->threads = (uint32_t)threads;
	return 0;
}

/* Each overwrites the arena and ends by until_ns (of now.h). 0, -ETIMEDOUT: too few passes,
 * -ECANCELED: tick, -ENOMEM. *ret is set on 0 only. */
int latency_measure(struct crew *crew, const struct arena *arena, uint64_t until_ns,
		    int (*tick)(void *ctx), void *ctx, struct measure_figure *ret);
int bandwidth_measure(struct crew *crew, const struct arena *arena, enum measure_what what,
		      uint64_t until_ns, int (*tick)(void *ctx), void *ctx,
		      struct measure_figure *ret);

#endif
