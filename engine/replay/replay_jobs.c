/* SPDX-License-Identifier: Apache-2.0 */
/* replay_jobs.c - see replay_jobs.h. */
#include "replay_jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_status.h"
#include "workload_trace.h"

/* One run of one policy, or of one bound. */
struct job {
	struct replay_setup setup;
	struct plugin *plugin; /* NULL: a bound */
	enum replay_bound bound;
	struct replay_result *result;
};

struct crew {
	pthread_mutex_t lock;
	struct job *jobs;
	size_t count, next, done;
	int progress; /* to a terminal */
	int failed;
	struct sluice_err err;
};

static void
tell_progress(struct crew *crew)
{
	if (crew->progress)
		fprintf(stderr, "\r%zu of %zu runs%s", crew->done, crew->count,
			crew->done == crew->count ? "\r\033[K" : "");
}

static void *
work(void *arg)
{
	struct crew *crew = arg;

	pthread_mutex_lock(&crew->lock);
	while (crew->next < crew->count && !crew->failed) {
		struct job *job = &crew->jobs[crew->next++];
		struct sluice_err err = {0, ""};
		int r;

		pthread_mutex_unlock(&crew->lock);
		if (job->plugin)
			r = replay_run(&job->setup, plugin_policy(job->plugin),
				       plugin_self(job->plugin), job->result, &err);
		else
			r = replay_bound(&job->setup, job->bound, job->result, &err);
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
run_jobs(struct job *jobs, size_t count, uint32_t threads, struct sluice_err *reterr)
{
	struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER,
			    .jobs = jobs,
			    .count = count,
			    .progress = isatty(STDERR_FILENO)};
	pthread_t *others = calloc(threads, sizeof(*others));
	uint32_t started = 0;

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

void
replay_folders(const struct options *options, const char *folders[REPLAY_FOLDERS_MAX + 1])
{
	size_t count = options_count(options, OPTION_POLICY_DIR);

	if (count > REPLAY_FOLDERS_MAX)
		count = REPLAY_FOLDERS_MAX;
	for (size_t i = 0; i < count; i++)
		folders[i] = options_text(options, OPTION_POLICY_DIR, i);
	folders[count] = NULL;
}

void
replay_fill_round(const struct options *options, const struct workload *workload,
		  struct round_options *ret)
{
	replay_round_options(workload, ret);
	ret->interval_ms = (uint32_t)options_number(options, OPTION_INTERVAL);
	ret->rate_bps = (uint64_t)options_number(options, OPTION_RATE);
	ret->watermark_percent = options_number(options, OPTION_WATERMARK);
	ret->payback_horizon_ms = (uint64_t)options_number(options, OPTION_PAYBACK_HORIZON);
	ret->tracking_percent = options_number(options, OPTION_TRACKING);
	ret->dry_run = options_number(options, OPTION_DRY_RUN) > 0;
}

int
replay_workload(const char *name, const struct workload_options *options, struct workload **ret,
		struct sluice_err *reterr)
{
	for (size_t i = 0; workload_name(i); i++) {
		if (strcmp(workload_name(i), name) == 0)
			return workload_new(name, options, ret, reterr);
	}
	if (strchr(name, '/') || access(name, F_OK) == 0)
		return workload_new_trace(name, options, ret, reterr);
	return workload_new(name, options, ret, reterr);
}

/* The jobs of one seed. */
static int
make_jobs(const struct replay_options *options, struct replay_outcome *outcome, size_t seed,
	  struct job *jobs, int *ret_stage, struct sluice_err *reterr)
{
	struct replay_seed *ret = &outcome->seeds[seed];
	struct workload_options of_workload = options->of_workload;
	const char *folders[REPLAY_FOLDERS_MAX + 1];
	struct replay_setup setup = {.tracker = options->tracker, .huge = options->huge};
	int r;

	of_workload.seed += seed;
	*ret_stage = STAGE_ARGUMENTS;
	r = replay_workload(options->workload, &of_workload, &ret->workload, reterr);
	if (r == 0 && seed == 0)
		r = model_parse_tiers(options->tiers, workload_info(ret->workload)->bytes,
				      &outcome->model, reterr);
	if (r < 0)
		return r;
	setup.model = &outcome->model;
	setup.workload = ret->workload;
	setup.seed = of_workload.seed;
	replay_fill_round(options->options, ret->workload, &setup.round);
	*ret_stage = STAGE_POLICY;
	replay_folders(options->options, folders);
	for (size_t p = 0; p < options->policy_count; p++) {
		const struct replay_policy *policy = &options->policies[p];

		*jobs = (struct job){.setup = setup, .result = &ret->policies[p]};
		r = plugin_load(policy->name, folders, policy->settings, policy->setting_count,
				round_host(), &jobs->plugin, reterr);
		if (r < 0)
			return r;
		jobs++;
	}
	for (size_t b = 0; b < REPLAY_BOUNDS; b++)
		*jobs++ = (struct job){
			.setup = setup, .bound = (enum replay_bound)b, .result = &ret->bounds[b]};
	return 0;
}

int
replay_all(const struct replay_options *options, struct replay_outcome *ret, int *ret_stage,
	   struct sluice_err *reterr)
{
	size_t each = options->policy_count + REPLAY_BOUNDS, count = each * options->runs;
	struct job *jobs = calloc(count, sizeof(*jobs));
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	*ret_stage = STAGE_OTHER;
	ret->seeds = calloc(options->runs, sizeof(*ret->seeds));
	if (!jobs || !ret->seeds) {
		free(jobs);
		return sluice_fail(reterr, -ENOMEM, "no memory for %u runs", options->runs);
	}
	ret->seed_count = options->runs;
	for (size_t s = 0; r == 0 && s < options->runs; s++)
		r = make_jobs(options, ret, s, jobs + s * each, ret_stage, reterr);
	if (r == 0) {
		*ret_stage = STAGE_OTHER;
		r = run_jobs(jobs, count, options->jobs, reterr);
	}
	for (size_t i = 0; i < count; i++)
		plugin_unload(jobs[i].plugin);
	free(jobs);
	return r;
}

void
replay_outcome_destroy(struct replay_outcome *outcome)
{
	for (size_t s = 0; s < outcome->seed_count; s++)
		workload_free(outcome->seeds[s].workload);
	free(outcome->seeds);
}
