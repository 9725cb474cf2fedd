/* SPDX-License-Identifier: Apache-2.0 */
/* league_stats.c - see league_stats.h. */
#include "league_stats.h"

#include <math.h>

#define BEHIND_MOST 0.01 /* "no more than 1 % behind" */

struct league_figure
league_mean(const double *values, size_t count)
{
	/* Student's t at 97.5 %, by degrees of freedom. */
	static const double t[] = {0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26};
	double sum = 0, squares = 0, n = (double)count;
	struct league_figure figure;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	figure.mean = sum / n;
	for (size_t i = 0; i < count; i++)
		squares += (values[i] - figure.mean) * (values[i] - figure.mean);
	figure.half = count < 2 ? (double)NAN
				: (count <= 10 ? t[count - 1] : 1.96) * sqrt(squares / (n - 1) / n);
	return figure;
}

static const struct league_figures *
figures_at(const struct league_options *options, const struct league_outcome *outcome,
	   struct league_place place, size_t seed)
{
	size_t at = league_case_at(options, place.workload, place.ratio, seed);

	return &outcome->figures[league_figures_at(options, at, place.input, place.policy)];
}

struct league_figure
league_of(const struct league_options *options, const struct league_outcome *outcome,
	  struct league_place place, double (*of)(const struct league_figures *figures))
{
	double values[REPLAY_RUNS_MAX];

	for (size_t s = 0; s < options->replay->runs; s++)
		values[s] = of(figures_at(options, outcome, place, s));
	return league_mean(values, options->replay->runs);
}

struct league_figure
league_of_oracle(const struct league_options *options, const struct league_outcome *outcome,
		 struct league_place place)
{
	double values[REPLAY_RUNS_MAX];

	for (size_t s = 0; s < options->replay->runs; s++) {
		const struct league_case *c =
			&outcome->cases[league_case_at(options, place.workload, place.ratio, s)];
		double gain_ns = c->all_slow.wall_ns - c->oracle.wall_ns;
		double wall_ns = figures_at(options, outcome, place, s)->wall_ns;

		values[s] = gain_ns > 0 ? (c->all_slow.wall_ns - wall_ns) / gain_ns : (double)NAN;
	}
	return league_mean(values, options->replay->runs);
}

double
league_behind(const struct league_options *options, const struct league_outcome *outcome,
	      struct league_place place, size_t *ret_best)
{
	double own_ns = league_of(options, outcome, place, league_wall).mean, best_ns = INFINITY;
	struct league_place other = place;

	for (other.policy = 0; other.policy < options->replay->policy_count; other.policy++) {
		double wall_ns;

		if (other.policy == place.policy)
			continue;
		wall_ns = league_of(options, outcome, other, league_wall).mean;
		if (wall_ns >= best_ns)
			continue;
		best_ns = wall_ns;
		if (ret_best)
			*ret_best = other.policy;
	}
	return isfinite(best_ns) ? own_ns / best_ns - 1 : (double)NAN;
}

void
league_standing(const struct league_options *options, const struct league_outcome *outcome,
		size_t input, size_t policy, struct league_standing *ret)
{
	double sums[2] = {0, 0};
	size_t counts[2] = {0, 0};

	*ret = (struct league_standing){.least = INFINITY, .behind = -INFINITY};
	for (size_t w = 0; w < options->workload_count; w++) {
		for (size_t i = 0; i < options->ratio_count; i++) {
			struct league_place place = {w, i, input, policy};
			int shifting = outcome->cases[league_case_at(options, w, i, 0)].shifting;
			double of_oracle = league_of_oracle(options, outcome, place).mean;
			double behind = league_behind(options, outcome, place, NULL);

			ret->rows++;
			if (behind > BEHIND_MOST)
				ret->behind_rows++;
			if (behind > ret->behind) {
				ret->behind = behind;
				ret->behind_at = place;
			}
			if (!isfinite(of_oracle))
				continue;
			sums[shifting] += of_oracle;
			counts[shifting]++;
			if (of_oracle < ret->least) {
				ret->least = of_oracle;
				ret->least_at = place;
			}
		}
	}
	ret->stationary = counts[0] ? sums[0] / (double)counts[0] : (double)NAN;
	ret->shifting = counts[1] ? sums[1] / (double)counts[1] : (double)NAN;
}
