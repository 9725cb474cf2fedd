/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - one figure out of several passes. Pure. */
#ifndef MEASURE_STATS_H
#define MEASURE_STATS_H

#include <stddef.h>

#define STATS_PASSES_MIN 3 /* fewer tell nothing about their spread, so nothing is claimed */

/* Sorts the values; count >= 1. */
void stats_sort(double *values, size_t count);
/* Between the two nearest values, for q of 0 (smallest) to 1 (largest). */
double stats_quantile(const double *sorted, size_t count, double q);
/* Half the distance that the middle 90 % of the values span, in percent of the median: "so much
 * more or less", robust against the odd pass that something else disturbed. 0 for a median of 0. */
double stats_spread_percent(const double *sorted, size_t count);

#endif
