/* SPDX-License-Identifier: Apache-2.0 */
/* league_oracle.c - the oracle's placement as a replay: see league_oracle() in league_problem.h. */
#include <errno.h>
#include <stdlib.h>

#include "league_problem.h"

/* Of two seconds' worth; ample for a league, where policies differ by parts in a hundred. */
#define GAP 0.001

/* Solve, and carry out. ret_times may be NULL. */
static int
solve(const struct replay_setup *setup, const double (*times)[MODEL_TIERS_MAX],
      double (*ret_times)[MODEL_TIERS_MAX], struct league_placed *ret, struct sluice_err *reterr)
{
	uint32_t epochs = workload_info(setup->workload)->epoch_count;
	const uint64_t **fast = calloc(epochs, sizeof(*fast));
	struct league_problem problem;
	struct oracle_answer answer = {0};
	struct oracle_options options;
	int r;

	if (!fast)
		return sluice_fail(reterr, -ENOMEM, "no memory for the oracle's schedule");
	r = league_problem_make(setup, times, &problem, reterr);
	oracle_default_options(&options);
	options.gap = GAP;
	if (r == 0)
		r = oracle_moving(&problem.problem, &options, &answer, reterr);
	if (r == 0) {
		size_t words = oracle_words(problem.problem.item_count);
		struct replay_schedule schedule = {fast, ret_times};

		for (uint32_t s = 0; s < problem.problem.epoch_count; s++) {
			for (uint32_t n = problem.first_epoch[s]; n < problem.first_epoch[s + 1];
			     n++)
				fast[n] = answer.placement + s * words;
		}
		ret->segments = problem.problem.epoch_count;
		ret->gap = answer.bound > 0 ? (answer.bound - answer.value) / answer.bound : 0;
		r = replay_scheduled(setup, &schedule, &ret->result, reterr);
	}
	oracle_answer_clear(&answer);
	league_problem_clear(&problem);
	free(fast);
	return r;
}

int
league_oracle(const struct replay_setup *setup, struct league_placed *ret,
	      struct sluice_err *reterr)
{
	uint32_t epochs = workload_info(setup->workload)->epoch_count;
	double(*times)[MODEL_TIERS_MAX] = calloc(epochs, sizeof(*times));
	struct league_placed idle = {.loaded = 0}, loaded = {.loaded = 1};
	int r;

	if (!times)
		return sluice_fail(reterr, -ENOMEM, "no memory for the oracle's latencies");
	r = solve(setup, NULL, times, &idle, reterr);
	if (r == 0)
		r = solve(setup, (const double(*)[MODEL_TIERS_MAX])times, NULL, &loaded, reterr);
	if (r == 0)
		*ret = loaded.result.wall_ns < idle.result.wall_ns ? loaded : idle;
	free(times);
	return r;
}
