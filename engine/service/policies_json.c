/* SPDX-License-Identifier: Apache-2.0 */
/* policies_json.c - see policies_json.h. */
#include "policies_json.h"

#include <errno.h>
#include <string.h>

#include "engine.h"
#include "json_text.h"
#include "policy_process.h"

#define LOOK_MS 500u /* nothing is decided: a policy is only loaded */

json_t *
policy_params_to_json(const struct policy_card *card)
{
	json_t *array = json_array();

	for (uint32_t i = 0; card && i < card->param_count; i++) {
		const struct policy_card_param *param = &card->params[i];

		json_array_append_new(array,
				      json_pack("{s:o, s:o, s:o}", "key", json_text(param->key),
						"default", json_text(param->fallback), "help",
						json_text(param->help)));
	}
	return array;
}

static void
each_policy(void *ctx, const char *path, const struct policy_card *policy, const char *problem)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	json_t *name;

	if (policy)
		name = json_text(policy->name);
	else
		name = json_stringn(base, strcspn(base, "."));
	json_array_append_new(
		ctx, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", name ? name : json_text(base),
			       "summary", json_text(policy ? policy->summary : ""), "path",
			       json_text(path), "params", policy_params_to_json(policy), "problem",
			       problem ? json_text(problem) : json_null()));
}

int
policies_to_json(const struct options *options, json_t **ret, struct sluice_err *reterr)
{
	const char *folders[ENGINE_FOLDERS_MAX + 1] = {NULL};
	struct policy_process_options process = {.entry_max = 1, .decide_ms = LOOK_MS};
	json_t *names = json_array(), *policies = json_array();
	int r;

	for (size_t i = 0; i < ENGINE_FOLDERS_MAX; i++) {
		folders[i] = options_text(options, OPTION_POLICY_DIR, i);
		if (folders[i])
			json_array_append_new(names, json_text(folders[i]));
	}
	/* Each in a process of its own: even a look at a policy runs its constructors. */
	r = policy_process_list(&process, folders, each_policy, policies, reterr);
	if (r < 0) {
		json_decref(names);
		json_decref(policies);
		return r;
	}
	*ret = json_pack("{s:o, s:o}", "folders", names, "policies", policies);
	return *ret ? 0 : sluice_fail(reterr, -ENOMEM, "out of memory");
}
