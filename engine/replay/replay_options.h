/* SPDX-License-Identifier: Apache-2.0 */
/* replay_options.h - the command line of a replay. */
#ifndef REPLAY_OPTIONS_H
#define REPLAY_OPTIONS_H

#include "options.h"
#include "plugin.h"
#include "tracker.h"
#include "workload.h"

#define REPLAY_POLICIES_MAX 32u
#define REPLAY_SETTINGS_MAX 8u
#define REPLAY_RUNS_MAX 100u

/* "auto:band=2": a policy, and settings of its own. */
struct replay_policy {
	char *label, *name; /* as given; without the settings, which point into the same text */
	struct plugin_setting settings[REPLAY_SETTINGS_MAX];
	size_t setting_count;
};

struct replay_options {
	struct options *options; /* --rate, --watermark, ... */
	const char *workload;    /* its name, or the file of a trace */
	const char *tiers, *report;
	struct replay_policy policies[REPLAY_POLICIES_MAX];
	size_t policy_count;
	const struct tracker_ops *tracker;
	struct workload_options of_workload;
	uint64_t seconds_ms;
	uint32_t runs, jobs;
	int huge, list, help;
	char ratio_tiers[64];
};

/* ret is to be destroyed also on failure. -EINVAL and others, with a sentence. */
int replay_options_read(int argc, char **argv, struct replay_options *ret,
			struct sluice_err *reterr);
void replay_options_destroy(struct replay_options *options);

#endif
