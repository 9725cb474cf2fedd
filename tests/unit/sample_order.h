/* SPDX-License-Identifier: Apache-2.0 */
/* sample_order.h - samples that were made up page by page, in the order of time, as trackers tell.
 */
#ifndef TESTS_SAMPLE_ORDER_H
#define TESTS_SAMPLE_ORDER_H

#include <stdlib.h>

#include "heat.h"

static inline int
sample_by_time(const void *va, const void *vb)
{
	const struct sample *a = va, *b = vb;

	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static inline void
samples_order(struct sample *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), sample_by_time);
}

#endif
