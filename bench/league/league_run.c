/* SPDX-License-Identifier: Apache-2.0 */
/* league_run.c - the runs of a league: workload by workload, several runs at a time. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "league.h"
#include "league_problem.h"
#include "replay_jobs.h"

#define REGION_MASK (((uint64_t)WORKLOAD_REGION_PAGES * WORKLOAD_PAGE_BYTES) - 1)
#define LEAST_BYTES (256ull << 20)

/* The ends of a case and its oracle, or one policy. */
struct job {
	const struct replay_setup *setup;
	const struct tracker_ops *tracker;
	const struct replay_policy *policy; /* NULL: the ends */
	struct league_case *of_case;
	struct league_figures *figures;
};

struct crew {
	pthread_mutex_t lock; /* of all that follows, and of loading */
	const char *workload;
	const char *const *folders;
	struct job *jobs;
	size_t count, next, done;
	int progress;
	int failed;
	struct sluice_err err;
};

static struct league_figures
figures_of(const struct replay_result *result)
{
	double moved = (double)(result->promoted_bytes + result->demoted_bytes);

	return (struct league_figures){
		.wall_ns = result->wall_ns,
		.stall_ns = result->stall_ns,
		.moving_ns = result->moving_ns,
		.tracking_ns = result->tracking_ns,
		.fast_share = result->accesses > 0 ? result->fast_accesses / result->accesses : 0,
		.moved_bytes = moved,
		.pingpong_share = moved > 0 ? (double)result->pingpong_bytes / moved : 0,
		.decide_ns = result->decide_ns,
	};
}

static int
run_ends(const struct job *job, struct sluice_err *reterr)
{
	struct league_case *c = job->of_case;
	struct league_figures *const ends[] = {[REPLAY_ALL_FAST] = &c->all_fast,
					       [REPLAY_ALL_SLOW] = &c->all_slow,
					       [REPLAY_FIRST_TOUCH] = &c->first_touch};
	struct replay_result result = {.wall_ns = 0};
	struct league_placed placed = {.loaded = 0};
	int r = 0;

	for (size_t b = 0; r == 0 && b < sizeof(ends) / sizeof(ends[0]); b++) {
		r = replay_bound(job->setup, (enum replay_bound)b, &result, reterr);
		if (r == 0)
			*ends[b] = figures_of(&result);
	}
	if (r == 0)
		r = league_oracle(job->setup, &placed, reterr);
	if (r < 0)
		return r;
	c->oracle = figures_of(&placed.result);
	c->oracle_bound_gap = placed.gap;
	c->oracle_loaded = placed.loaded;
	c->fast_bytes = job->setup->model->tiers[0].bytes;
	c->bytes = workload_info(job->setup->workload)->bytes;
	c->shifting = placed.segments > 1;
	return 0;
}

static int
load(const struct replay_policy *policy, const char *const *folders, struct plugin **ret,
     struct sluice_err *reterr)
{
	return plugin_load(policy->name, folders, policy->settings, policy->setting_count,
			   round_host(), ret, reterr);
}

/* A policy is loaded for its run only: there are thousands of runs. */
static int
run_policy(struct crew *crew, const struct job *job, struct sluice_err *reterr)
{
	struct replay_setup setup = *job->setup;
	struct replay_result *result = malloc(sizeof(*result));
	struct plugin *plugin = NULL;
	int r = 0;

	if (!result)
		return sluice_fail(reterr, -ENOMEM, "no memory for a result");
	setup.tracker = job->tracker;
	pthread_mutex_lock(&crew->lock);
	r = load(job->policy, crew->folders, &plugin, reterr);
	pthread_mutex_unlock(&crew->lock);
	if (r == 0)
		r = replay_run(&setup, plugin_policy(plugin), plugin_self(plugin), result, reterr);
	if (r == 0)
		*job->figures = figures_of(result);
	pthread_mutex_lock(&crew->lock);
	plugin_unload(plugin);
	pthread_mutex_unlock(&crew->lock);
	free(result);
	return r;
}

static void
tell_progress(const struct crew *crew)
{
	if (crew->progress)
		fprintf(stderr, "\r\033[K%s: %zu of %zu runs%s", league_label(crew->workload),
			crew->done, crew->count, crew->done == crew->count ? "\r\033[K" : "");
}

static void *
work(void *arg)
{
	struct crew *crew = arg;

	pthread_mutex_lock(&crew->lock);
	while (crew->next < crew->count && !crew->failed) {
		const struct job *job = &crew->jobs[crew->next++];
		struct sluice_err err = {0, ""};
		int r;

		pthread_mutex_unlock(&crew->lock);
		r = job->policy ? run_policy(crew, job, &err) : run_ends(job, &err);
		pthread_mutex_lock(&crew->lock);
		if (r < 0 && !crew->failed) {
			crew->failed = r;
			crew->err = err;
		}
		crew->done++;
		tell_progress(crew);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static int
run_jobs(const struct league_options *options, const char *workload, struct job *jobs, size_t count,
	 struct sluice_err *reterr)
{
	const char *folders[REPLAY_FOLDERS_MAX + 1];
	uint32_t threads = options->replay->jobs, started = 0;
	struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER,
			    .workload = workload,
			    .folders = folders,
			    .jobs = jobs,
			    .count = count,
			    .progress = options->progress};
	pthread_t *others = calloc(threads, sizeof(*others));

	replay_folders(options->replay->options, folders);
	tell_progress(&crew);
	/* Where no more threads are to be had, fewer do it too. */
	while (others && started + 1 < threads && started + 1 < count &&
	       pthread_create(&others[started], NULL, work, &crew) == 0)
		started++;
	(void)work(&crew);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(others[i], NULL);
	free(others);
	if (crew.failed)
		*reterr = crew.err;
	return crew.failed;
}

/* ---- What is run ---- */

/* All of one workload: a workload for each seed, a machine and a setup for each case. */
struct stand {
	const struct league_options *options;
	const char *name;
	size_t first_case, case_count;
	struct workload **workloads;
	struct model *models;
	struct replay_setup *setups;
	struct job *jobs;
	size_t job_count;
};

/* Memory as given, or the workload's own, shrunk. Nothing of it matters to a trace. */
static int
choose_bytes(const struct stand *stand, struct workload_options *options, struct sluice_err *reterr)
{
	struct workload *own;
	uint64_t bytes;
	int r;

	if (options->bytes)
		return 0;
	r = replay_workload(stand->name, options, &own, reterr);
	if (r < 0)
		return r;
	bytes = workload_info(own)->bytes / stand->options->shrink & ~REGION_MASK;
	options->bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes;
	workload_free(own);
	return 0;
}

/* "cxl@300ns" and a ratio: "dram:20% cxl:80%@300ns" */
static int
make_model(const struct league_options *options, double ratio, uint64_t bytes, struct model *ret,
	   struct sluice_err *reterr)
{
	size_t kind = strcspn(options->slow, "@");
	char text[128];

	snprintf(text, sizeof(text), "dram:%.5f%% %.*s:%.5f%%%s", 100 / (1 + ratio), (int)kind,
		 options->slow, 100 * ratio / (1 + ratio), options->slow + kind);
	return model_parse_tiers(text, bytes, ret, reterr);
}

static int
make_setups(struct stand *stand, struct sluice_err *reterr)
{
	const struct league_options *options = stand->options;
	const struct replay_options *replay = options->replay;
	struct workload_options of_workload = replay->of_workload;
	int r = choose_bytes(stand, &of_workload, reterr);

	for (size_t s = 0; r == 0 && s < replay->runs; s++) {
		of_workload.seed = replay->of_workload.seed + s;
		r = replay_workload(stand->name, &of_workload, &stand->workloads[s], reterr);
		for (size_t i = 0; r == 0 && i < options->ratio_count; i++) {
			size_t at = i * replay->runs + s;

			r = make_model(options, options->ratios[i],
				       workload_info(stand->workloads[s])->bytes,
				       &stand->models[at], reterr);
			stand->setups[at] = (struct replay_setup){.model = &stand->models[at],
								  .workload = stand->workloads[s],
								  .tracker = trackers[0],
								  .huge = replay->huge,
								  .seed = of_workload.seed};
			replay_fill_round(replay->options, stand->workloads[s],
					  &stand->setups[at].round);
		}
	}
	return r;
}

static void
make_jobs(struct stand *stand, struct league_outcome *outcome)
{
	const struct league_options *options = stand->options;
	size_t policies = options->replay->policy_count;

	/* The oracles take longest: first, so that none of them is waited for at the end. */
	for (size_t at = 0; at < stand->case_count; at++)
		stand->jobs[stand->job_count++] =
			(struct job){.setup = &stand->setups[at],
				     .of_case = &outcome->cases[stand->first_case + at]};
	for (size_t k = 0; k < stand->case_count * options->input_count * policies; k++) {
		size_t policy = k % policies, input = k / policies % options->input_count;
		size_t at = k / policies / options->input_count;

		stand->jobs[stand->job_count++] = (struct job){
			.setup = &stand->setups[at],
			.tracker = options->inputs[input],
			.policy = &options->replay->policies[policy],
			.figures = &outcome->figures[league_figures_at(
				options, stand->first_case + at, input, policy)],
		};
	}
}

static int
run_workload(const struct league_options *options, size_t workload, struct league_outcome *outcome,
	     int *ret_stage, struct sluice_err *reterr)
{
	size_t runs = options->replay->runs, cases = options->ratio_count * runs;
	size_t each = 1 + options->input_count * options->replay->policy_count;
	struct stand stand = {
		.options = options,
		.name = options->workloads[workload],
		.first_case = league_case_at(options, workload, 0, 0),
		.case_count = cases,
		.workloads = calloc(runs, sizeof(struct workload *)),
		.models = calloc(cases, sizeof(struct model)),
		.setups = calloc(cases, sizeof(struct replay_setup)),
		.jobs = calloc(cases * each, sizeof(struct job)),
	};
	int r;

	*ret_stage = STAGE_ARGUMENTS;
	if (stand.workloads && stand.models && stand.setups && stand.jobs)
		r = make_setups(&stand, reterr);
	else
		r = sluice_fail(reterr, -ENOMEM, "no memory for the runs of %s", stand.name);
	if (r == 0) {
		*ret_stage = STAGE_OTHER;
		make_jobs(&stand, outcome);
		r = run_jobs(options, stand.name, stand.jobs, stand.job_count, reterr);
	}
	for (size_t s = 0; stand.workloads && s < runs; s++)
		workload_free(stand.workloads[s]);
	free(stand.workloads);
	free(stand.models);
	free(stand.setups);
	free(stand.jobs);
	return r;
}

/* Whether all policies load is known before the first run. */
static int
try_policies(const struct replay_options *replay, struct sluice_err *reterr)
{
	const char *folders[REPLAY_FOLDERS_MAX + 1];
	int r = 0;

	replay_folders(replay->options, folders);
	for (size_t p = 0; r == 0 && p < replay->policy_count; p++) {
		struct plugin *plugin = NULL;

		r = load(&replay->policies[p], folders, &plugin, reterr);
		plugin_unload(plugin);
	}
	return r;
}

int
league_run(const struct league_options *options, struct league_outcome *ret, int *ret_stage,
	   struct sluice_err *reterr)
{
	size_t cases = league_case_at(options, options->workload_count, 0, 0);
	int r = 0;

	*ret_stage = STAGE_OTHER;
	ret->cases = calloc(cases, sizeof(*ret->cases));
	ret->figures = calloc(league_figures_at(options, cases, 0, 0), sizeof(*ret->figures));
	if (!ret->cases || !ret->figures)
		return sluice_fail(reterr, -ENOMEM, "no memory for the league's figures");
	*ret_stage = STAGE_POLICY;
	r = try_policies(options->replay, reterr);
	for (size_t w = 0; r == 0 && w < options->workload_count; w++)
		r = run_workload(options, w, ret, ret_stage, reterr);
	return r;
}

void
league_outcome_clear(struct league_outcome *outcome)
{
	free(outcome->cases);
	free(outcome->figures);
	memset(outcome, 0, sizeof(*outcome));
}
