/* SPDX-License-Identifier: Apache-2.0 */
/* policies_json.c - see policies_json.h. */
#include "policies_json.h"

#include <errno.h>
#include <string.h>

#include "engine.h"
#include "json_text.h"
#include "plugin.h"

static json_t *
params_to_json(const struct sluice_param *params)
{
	json_t *array = json_array();

	for (; params && params->key; params++)
		json_array_append_new(
			array,
			json_pack("{s:o, s:o, s:o}", "key", json_text(params->key), "default",
				  params->fallback ? json_text(params->fallback) : json_null(),
				  "help", json_text(params->help ? params->help : "")));
	return array;
}

static void
each_policy(void *ctx, const char *path, const struct sluice_policy *policy, const char *problem)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	json_t *name;

	if (policy)
		name = json_text(policy->name);
	else
		name = json_stringn(base, strcspn(base, "."));
	json_array_append_new(
		ctx,
		json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", name ? name : json_text(base),
			  "summary", json_text(policy ? policy->summary : ""), "path",
			  json_text(path), "params", params_to_json(policy ? policy->params : NULL),
			  "problem", problem ? json_text(problem) : json_null()));
}

int
policies_to_json(const struct options *options, json_t **ret, struct sluice_err *reterr)
{
	const char *folders[ENGINE_FOLDERS_MAX + 1] = {NULL};
	json_t *names = json_array(), *policies = json_array();
	int r;

	for (size_t i = 0; i < ENGINE_FOLDERS_MAX; i++) {
		folders[i] = options_text(options, OPTION_POLICY_DIR, i);
		if (folders[i])
			json_array_append_new(names, json_text(folders[i]));
	}
	r = plugin_list(folders, each_policy, policies, reterr);
	if (r < 0) {
		json_decref(names);
		json_decref(policies);
		return r;
	}
	*ret = json_pack("{s:o, s:o}", "folders", names, "policies", policies);
	return *ret ? 0 : sluice_fail(reterr, -ENOMEM, "out of memory");
}
