/* SPDX-License-Identifier: Apache-2.0 */
/* verb_policy.c - sluice policy: list the policies, check one, explain a page's place or a policy.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "policy_explain.h"
#include "text.h"

enum { OPTION_QUICK };
static const struct verb_option policy_options[] = {
	[OPTION_QUICK] = {"quick", NULL, "check: no view of more than 1 TiB"},
	{NULL, NULL, NULL},
};

/* The service may have another folder than we are in. */
static const char *
absolute(const char *name, char buffer[PATH_MAX])
{
	return strchr(name, '/') && realpath(name, buffer) ? buffer : name;
}

static void
print_row(const json_t *row)
{
	const char *verdict = text_of(row, "verdict");
	enum text_style style = strcmp(verdict, "ok") == 0        ? TEXT_GREEN
				: strcmp(verdict, "warning") == 0 ? TEXT_YELLOW
								  : TEXT_RED;

	printf("%s%-8s%s %-13s ", text_style(stdout, style), verdict, text_reset(stdout),
	       text_of(row, "check"));
	text_wrap(stdout, 23, text_of(row, "detail"));
}

static void
print_times(const json_t *times)
{
	const json_t *time;
	size_t i;

	json_array_foreach (times, i, time) {
		char bytes[32];

		printf("         a decision over %s: ",
		       text_bytes(json_object_get(time, "bytes"), bytes, sizeof(bytes)));
		if (json_is_number(json_object_get(time, "best_ms")))
			printf("%.2f ms\n", number_of(time, "best_ms"));
		else
			printf("unknown\n");
	}
}

static void
print_report(const json_t *answer)
{
	const json_t *row;
	size_t i;

	printf("%s%s%s %s\n", text_style(stdout, TEXT_BOLD),
	       text_of(answer, "name")[0] ? text_of(answer, "name") : text_of(answer, "path"),
	       text_reset(stdout), text_of(answer, "summary"));
	json_array_foreach (json_object_get(answer, "checks"), i, row)
		print_row(row);
	print_times(json_object_get(answer, "decide_ms"));
	printf("%s: %.0f failed, %.0f warnings\n",
	       json_is_true(json_object_get(answer, "passed")) ? "passed" : "FAILED",
	       number_of(answer, "failed"), number_of(answer, "warnings"));
}

static int
check_main(struct cli *cli, const char *name, int quick)
{
	char path[PATH_MAX];
	struct client *client = NULL;
	json_t *answer = NULL;
	int status = cli_reach(cli, REACH_PRIVATE, &client);

	if (status == EXIT_OK)
		status = cli_call(cli, client,
				  json_pack("{s:s, s:s, s:b}", "verb", "policy_check", "path",
					    absolute(name, path), "quick", quick),
				  &answer);
	client_free(client);
	if (status != EXIT_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	else
		print_report(answer);
	if (!json_is_true(json_object_get(answer, "passed")))
		status = EXIT_POLICY;
	json_decref(answer);
	return status;
}

static int
policy_main(struct cli *cli, int argc, char **argv)
{
	const char *words[3] = {NULL};
	int count = 0, quick = 0;

	for (int i = 0; i < argc; i++) {
		const char *value;
		int option = cli_own_option(cli, &verb_policy, argc, argv, &i, &value);

		if (option == -EINVAL)
			return EXIT_USAGE;
		if (option == OPTION_QUICK)
			quick = 1;
		else if (argv[i][0] == '-' || count == 3)
			return cli_unexpected(cli, &verb_policy, argv[i]);
		else
			words[count++] = argv[i];
	}
	if (count == 1 && strcmp(words[0], "list") == 0 && !quick)
		return verb_policies.run(cli, 0, argv);
	if (count == 2 && strcmp(words[0], "check") == 0)
		return check_main(cli, words[1], quick);
	if (count >= 2 && strcmp(words[0], "explain") == 0 && !quick)
		return count == 3 ? policy_explain_page(cli, words[1], words[2])
				  : policy_explain_policy(cli, words[1]);
	return cli_usage(cli, &verb_policy);
}

const struct verb verb_policy = {
	.name = "policy",
	.arguments = "list | check NAME|FILE [--quick] | explain PID ADDRESS | explain NAME",
	.summary = "list the policies, check one, or explain why a page is where it is",
	.reach = REACH_EITHER,
	.options = policy_options,
	.minds = VERB_MINDS(OPTION_POLICY_DIR) | VERB_MINDS(OPTION_POLICY_SET) |
		 VERB_MINDS(OPTION_POLICY_TIMEOUT),
	.run = policy_main,
};
