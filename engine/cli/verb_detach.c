/* SPDX-License-Identifier: Apache-2.0 */
/* verb_detach.c - sluice detach PID: leave a process alone again; its pages stay where they are. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "parse.h"

static int
detach_main(struct cli *cli, int argc, char **argv)
{
	struct client *client;
	struct sluice_err err = {0, ""};
	json_t *answer = NULL;
	uint64_t pid;
	int status;

	if (argc != 1)
		return cli_usage(cli, &verb_detach);
	if (parse_u64(argv[0], 1, INT32_MAX, &pid, &err) < 0)
		return cli_fail(cli, EXIT_USAGE, -EINVAL, "'%s' is not a process id", argv[0]);
	status = cli_reach(cli, REACH_SERVICE, &client);
	if (status != EXIT_OK)
		return status;
	status = cli_call(cli, client, json_pack("{s:s, s:i}", "verb", "detach", "pid", (int)pid),
			  &answer);
	client_free(client);
	if (status == EXIT_OK && cli->json)
		cli_print_json(answer);
	else if (status == EXIT_OK)
		printf("detached %d\n", (int)pid);
	json_decref(answer);
	return status;
}

const struct verb verb_detach = {
	.name = "detach",
	.arguments = "PID",
	.summary = "leave a process alone again; its pages stay where they are",
	.reach = REACH_SERVICE,
	.run = detach_main,
};
