/* SPDX-License-Identifier: Apache-2.0 */
/* verb_status.c - sluice status: what the running service does now. */
#include <stdio.h>

#include "cli.h"
#include "status_text.h"

static int
status_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	int status;

	if (argc > 0)
		return cli_unexpected(cli, &verb_status, argv[0]);
	status = cli_ask(cli, REACH_SERVICE, "status", &answer);
	if (status == EXIT_OK && !cli->json)
		status_text_print(answer, stdout);
	json_decref(answer);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.arguments = "",
	.summary = "show what the running service does",
	.reach = REACH_SERVICE,
	.run = status_main,
};
