/* SPDX-License-Identifier: Apache-2.0 */
/*
 * league.h - all policies over all workloads, at several ratios and inputs, against an oracle that
 * knows the future. Figures are modelled.
 *
 *     league_run(&options, &outcome, &stage, &err);
 *     json_t *json = league_json(&options, &outcome);
 *     league_outcome_clear(&outcome);
 *
 * A policy's share of the oracle's gain is
 *
 *     of_oracle = (all slow - policy) / (all slow - oracle)
 *
 * of the time that the same work takes: stalls, moves and tracking are all in it. The oracle's
 * placement is replayed by the same model, at the same price of moves, from the same beginning
 * (first-touch) and in as much of fast memory as the watermark leaves to policies. Nothing is cut
 * off: a policy may be worth less than nothing, or, where latency grows with load in a way that the
 * oracle's prices do not tell, more than one.
 */
#ifndef LEAGUE_H
#define LEAGUE_H

#include <jansson.h>
#include <stdio.h>

#include "replay_options.h"

#define LEAGUE_WORKLOADS_MAX 64u
#define LEAGUE_RATIOS_MAX 16u
#define LEAGUE_INPUTS_MAX 4u

struct league_options {
	const struct replay_options *replay; /* policies, runs, seeds, jobs, ...; its workload,
					      * tiers and tracker are not looked at */
	const char *workloads[LEAGUE_WORKLOADS_MAX]; /* names, or files of traces */
	size_t workload_count;
	double ratios[LEAGUE_RATIOS_MAX]; /* slow memory for each byte of fast memory */
	size_t ratio_count;
	const struct tracker_ops *inputs[LEAGUE_INPUTS_MAX];
	size_t input_count;
	const char *slow;  /* the slow tier: KIND[@FIGURES], as of model_parse_tiers() */
	uint32_t shrink;   /* memory is the workload's own by this, where none was given */
	const char *first; /* the policy that the others are compared with */
	int progress;      /* tell it on a terminal */
};

/* Of one run. */
struct league_figures {
	double wall_ns, stall_ns, moving_ns, tracking_ns, fast_share, moved_bytes, pingpong_share;
	double decide_ns;
};

/* One workload at one ratio with one seed. */
struct league_case {
	struct league_figures all_slow, all_fast, first_touch, oracle;
	double oracle_bound_gap; /* what is not proven of the oracle's own problem, as a share */
	int oracle_loaded;       /* the placement is that of the latencies under load */
	int shifting;            /* what is accessed changes */
	uint64_t fast_bytes, bytes;
};

struct league_outcome {
	struct league_case *cases;      /* by league_case_at() */
	struct league_figures *figures; /* by league_figures_at() */
};

static inline size_t
league_case_at(const struct league_options *options, size_t workload, size_t ratio, size_t seed)
{
	return (workload * options->ratio_count + ratio) * options->replay->runs + seed;
}

static inline size_t
league_figures_at(const struct league_options *options, size_t of_case, size_t input, size_t policy)
{
	return (of_case * options->input_count + input) * options->replay->policy_count + policy;
}

/* *ret_stage (enum fail_stage) tells what failed. ret is to be cleared also on failure. */
int league_run(const struct league_options *options, struct league_outcome *ret, int *ret_stage,
	       struct sluice_err *reterr);
void league_outcome_clear(struct league_outcome *outcome);

/* A result (sluice-result/1) with `league`: see bench/league/README.md. NULL: no memory. */
json_t *league_json(const struct league_options *options, const struct league_outcome *outcome);
/* The result's tables for people. */
void league_print(FILE *out, const json_t *json);

/* A trace's file by its last part; other names as they are. */
const char *league_label(const char *workload);

#endif
