/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.h - from option values to an engine that can start: translation, and the checks that give
 * each kind of bad input its own sentence and exit status before anything is changed.
 */
#ifndef SERVICE_SETUP_H
#define SERVICE_SETUP_H

#include "engine.h"
#include "options.h"
#include "paths.h"

struct setup {
	struct engine_options engine;
	char keys[PLUGIN_SETTINGS_MAX][64]; /* engine.settings point here */
	char measured_dir[PATHS_MAX];       /* likewise engine.measured_dir */
};

/* How the topology is to be loaded. The result borrows from options and from folder. */
struct sluice_topology_options setup_topology(const struct options *options,
					      char folder[PATHS_MAX]);

/* The result borrows from options and from itself: do not copy it. -EINVAL: a setting's key is
 * too long. */
int setup_from_options(const struct options *options, struct setup *ret, struct sluice_err *reterr);

/* Names of backends, tiers, policy. *ret_exit is the exit status on failure. Changes nothing. */
int setup_check(const struct setup *setup, int *ret_exit, struct sluice_err *reterr);

#endif
