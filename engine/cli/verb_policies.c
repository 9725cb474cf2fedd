/* SPDX-License-Identifier: Apache-2.0 */
/* verb_policies.c - sluice policies: which there are, their parameters, and which do not load. */
#include <stdio.h>

#include "cli.h"
#include "text.h"

static void
print_param(const json_t *param)
{
	printf("%16s%s=%s\n%20s%s", "", text_of(param, "key"), text_of(param, "default"), "",
	       text_style(stdout, TEXT_DIM));
	text_wrap(stdout, 20, text_of(param, "help"));
	fputs(text_reset(stdout), stdout);
}

static void
print_policy(const json_t *policy)
{
	const char *problem = text_of(policy, "problem");
	const json_t *param;
	size_t i;

	printf("%s%-15s%s %s\n", text_style(stdout, TEXT_BOLD), text_of(policy, "name"),
	       text_reset(stdout), text_of(policy, "summary"));
	if (problem[0]) {
		printf("%16s%sdoes not load: %s%s\n%16s%s\n", "", text_style(stdout, TEXT_RED),
		       problem, text_reset(stdout), "", text_of(policy, "path"));
		return;
	}
	json_array_foreach (json_object_get(policy, "params"), i, param)
		print_param(param);
}

static int
policies_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	const json_t *policies, *folders, *item;
	size_t i;
	int status;

	if (argc > 0)
		return cli_unexpected(cli, &verb_policies, argv[0]);
	status = cli_ask(cli, REACH_EITHER, "policies", &answer);
	if (status == EXIT_OK && !cli->json) {
		policies = json_object_get(answer, "policies");
		folders = json_object_get(answer, "folders");
		json_array_foreach (policies, i, item)
			print_policy(item);
		if (json_array_size(policies) == 0) {
			printf("no policies in");
			json_array_foreach (folders, i, item)
				printf(" %s", json_is_string(item) ? json_string_value(item) : "");
			printf("; --policy-dir names another folder\n");
		}
	}
	json_decref(answer);
	return status;
}

const struct verb verb_policies = {
	.name = "policies",
	.arguments = "",
	.summary = "list the policies, their parameters, and files that do not load",
	.reach = REACH_EITHER,
	.minds = VERB_MINDS(OPTION_POLICY_DIR),
	.run = policies_main,
};
