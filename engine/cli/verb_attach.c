/* SPDX-License-Identifier: Apache-2.0 */
/* verb_attach.c - sluice attach PID|NAME: tier a process that runs already. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "find_process.h"

enum { ATTACH_FOLLOW };
static const struct verb_option attach_options[] = {
	[ATTACH_FOLLOW] = {"follow", NULL, "attach its children too, as they appear"},
	{NULL, NULL, NULL},
};

/* Attaches each; with one pid its failure is ours, with many the last failure is. */
static int
attach_all(struct cli *cli, const struct found_processes *found, int follow)
{
	struct client *client;
	json_t *pids = json_array();
	int status = cli_reach(cli, REACH_SERVICE, &client);

	if (status != EXIT_OK) {
		json_decref(pids);
		return status;
	}
	for (size_t i = 0; i < found->count; i++) {
		json_t *request = json_pack("{s:s, s:i, s:b}", "verb", "attach", "pid",
					    (int)found->at[i].pid, "follow", follow);
		int one;

		if (found->at[i].start_ticks)
			json_object_set_new(request, "start_ticks",
					    json_integer((json_int_t)found->at[i].start_ticks));
		one = cli_call(cli, client, request, NULL);
		if (one != EXIT_OK) {
			status = one;
			continue;
		}
		json_array_append_new(pids, json_integer(found->at[i].pid));
		if (!cli->json)
			printf("attached %d\n", (int)found->at[i].pid);
	}
	client_free(client);
	if (cli->json && status == EXIT_OK) {
		json_t *answer = json_pack("{s:b, s:O}", "ok", 1, "pids", pids);

		cli_print_json(answer);
		json_decref(answer);
	}
	json_decref(pids);
	return status;
}

static int
attach_main(struct cli *cli, int argc, char **argv)
{
	struct found_processes found;
	struct sluice_err err = {0, ""};
	const char *word = NULL, *value;
	int follow = 0, r;

	for (int i = 0; i < argc; i++) {
		r = cli_own_option(cli, &verb_attach, argc, argv, &i, &value);
		if (r == ATTACH_FOLLOW)
			follow = 1;
		else if (word || argv[i][0] == '-')
			return cli_unexpected(cli, &verb_attach, argv[i]);
		else
			word = argv[i];
	}
	if (!word)
		return cli_usage(cli, &verb_attach);
	r = find_process(word, &found, &err);
	if (r == -EINVAL || r == -ERANGE)
		return cli_fail(cli, EXIT_USAGE, r, "%s", err.msg);
	if (r < 0)
		return cli_fail(cli, exit_status_of(STAGE_TARGET, r), r, "%s", err.msg);
	return attach_all(cli, &found, follow);
}

const struct verb verb_attach = {
	.name = "attach",
	.arguments = "[--follow] PID|NAME",
	.summary = "tier a process that runs already; NAME takes all of that name",
	.reach = REACH_SERVICE,
	.options = attach_options,
	.run = attach_main,
};
