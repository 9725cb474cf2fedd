/* SPDX-License-Identifier: Apache-2.0 */
/* engine_policy.c - see engine_policy.h. */
#include "engine_policy.h"

int
engine_policy_start(const struct engine_options *options, struct isolate **ret_isolate,
		    struct plugin **ret_plugin, struct sluice_err *reterr)
{
	struct policy_process_options process = {
		.entry_max = round_entry_max(&options->round),
		.view_bytes = round_view_bytes(&options->round),
		.decide_ms = options->policy_timeout_ms,
	};

	if (options->policy_in_process)
		return plugin_load(options->policy, options->folders, options->settings,
				   options->setting_count, round_host(), ret_plugin, reterr);
	return isolate_new(&process, options->policy, options->folders, options->settings,
			   options->setting_count, ret_isolate, reterr);
}
