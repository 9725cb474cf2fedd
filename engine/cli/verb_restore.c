/* SPDX-License-Identifier: Apache-2.0 */
/* verb_restore.c - sluice restore: put back kernel settings that a killed run left changed. */
#include <stdio.h>

#include "cli.h"
#include "text.h"

static int
restore_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	const json_t *running;
	double count;
	int status;

	if (argc > 0)
		return cli_unexpected(cli, &verb_restore, argv[0]);
	status = cli_ask(cli, REACH_EITHER, "restore", &answer);
	if (status == EXIT_OK && !cli->json) {
		count = number_of(answer, "restored");
		running = json_object_get(answer, "running_pid");
		if (count > 0)
			printf("%.0f kernel setting%s put back\n", count, count > 1 ? "s" : "");
		else
			printf("nothing was left to put back\n");
		if (json_is_integer(running))
			printf("a running sluiced (pid %lld) puts its own settings back when it "
			       "ends\n",
			       (long long)json_integer_value(running));
	}
	json_decref(answer);
	return status;
}

const struct verb verb_restore = {
	.name = "restore",
	.arguments = "",
	.summary = "put back kernel settings that a killed run left changed",
	.reach = REACH_EITHER,
	.minds = VERB_MINDS(OPTION_STATE_DIR) | VERB_MINDS(OPTION_SYSROOT),
	.run = restore_main,
};
