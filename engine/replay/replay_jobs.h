/* SPDX-License-Identifier: Apache-2.0 */
/* replay_jobs.h - all policies and runs of a replay, several at a time. */
#ifndef REPLAY_JOBS_H
#define REPLAY_JOBS_H

#include "replay.h"
#include "replay_options.h"

#define REPLAY_BOUNDS 3

/* What one seed gave. */
struct replay_seed {
	struct workload *workload;
	struct replay_result bounds[REPLAY_BOUNDS];         /* by enum replay_bound */
	struct replay_result policies[REPLAY_POLICIES_MAX]; /* as in the options */
};

struct replay_outcome {
	struct model model;
	struct replay_seed *seeds; /* one for each run */
	size_t seed_count;
};

/* Everything is loaded and made before the first run starts, so what is wrong is said at once.
 * *ret_stage (enum fail_stage) tells what failed. ret is to be destroyed also on failure. */
int replay_all(const struct replay_options *options, struct replay_outcome *ret, int *ret_stage,
	       struct sluice_err *reterr);
void replay_outcome_destroy(struct replay_outcome *outcome);

/* ---- Parts of it, for whoever replays otherwise ---- */

#define REPLAY_FOLDERS_MAX 16u

/* Where policies are looked for; ends with NULL. The options'. */
void replay_folders(const struct options *options, const char *folders[REPLAY_FOLDERS_MAX + 1]);
/* A workload's round with the user's options. */
void replay_fill_round(const struct options *options, const struct workload *workload,
		       struct round_options *ret);
/* A name of the standard set, or else the file of a trace. Errors as of either. */
int replay_workload(const char *name, const struct workload_options *options, struct workload **ret,
		    struct sluice_err *reterr);

#endif
