/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - see stats.h. */
#include "stats.h"

#include <stdlib.h>

static int
compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

void
stats_sort(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
}

double
stats_quantile(const double *sorted, size_t count, double q)
{
	double at = q * (double)(count - 1);
	size_t i = (size_t)at;

	if (i + 1 >= count)
		return sorted[count - 1];
	return sorted[i] + (sorted[i + 1] - sorted[i]) * (at - (double)i);
}

double
stats_spread_percent(const double *sorted, size_t count)
{
	double median = stats_quantile(sorted, count, 0.5);
	double range = stats_quantile(sorted, count, 0.95) - stats_quantile(sorted, count, 0.05);

	return median > 0 ? range / 2 / median * 100 : 0;
}
