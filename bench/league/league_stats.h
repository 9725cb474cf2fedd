/* SPDX-License-Identifier: Apache-2.0 */
/* league_stats.h - what the runs of a league say, all seeds together. Pure. */
#ifndef LEAGUE_STATS_H
#define LEAGUE_STATS_H

#include "league.h"

/* A mean over the seeds, and half of its interval that holds with 95 %: NaN for a single seed. */
struct league_figure {
	double mean, half;
};

/* One row of a league. */
struct league_place {
	size_t workload, ratio, input, policy;
};

struct league_figure league_mean(const double *values, size_t count);

/* Of all seeds at one place. */
struct league_figure league_of(const struct league_options *options,
			       const struct league_outcome *outcome, struct league_place place,
			       double (*of)(const struct league_figures *figures));
/* (all slow - policy) / (all slow - oracle); NaN where the oracle gains nothing. */
struct league_figure league_of_oracle(const struct league_options *options,
				      const struct league_outcome *outcome,
				      struct league_place place);
/* How much longer it takes than the best of the other policies; NaN when there is none. *ret_best:
 * that policy; may be NULL. */
double league_behind(const struct league_options *options, const struct league_outcome *outcome,
		     struct league_place place, size_t *ret_best);

/* A policy with one input over all workloads and ratios. */
struct league_standing {
	double stationary, shifting; /* mean of_oracle there; NaN: there are none */
	double least;                /* of all */
	struct league_place least_at;
	double behind; /* at most */
	struct league_place behind_at;
	size_t rows, behind_rows; /* all; behind by more than 1 % */
};

void league_standing(const struct league_options *options, const struct league_outcome *outcome,
		     size_t input, size_t policy, struct league_standing *ret);

static inline double
league_wall(const struct league_figures *figures)
{
	return figures->wall_ns;
}

#endif
