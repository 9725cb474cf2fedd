/* SPDX-License-Identifier: Apache-2.0 */
/* engine_policy.h - the policy that the options name, in a process of its own unless they say
 * otherwise. */
#ifndef SERVICE_ENGINE_POLICY_H
#define SERVICE_ENGINE_POLICY_H

#include "engine.h"

/* One of the two is set. Errors as of isolate_new() and plugin_load(). */
int engine_policy_start(const struct engine_options *options, struct isolate **ret_isolate,
			struct plugin **ret_plugin, struct sluice_err *reterr);

#endif
