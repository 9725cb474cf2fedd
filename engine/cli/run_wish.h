/* SPDX-License-Identifier: Apache-2.0 */
/* run_wish.h - running a command under a private service: `sluice run`, and `sluice record` with a
 * command, which moves nothing. */
#ifndef CLI_RUN_WISH_H
#define CLI_RUN_WISH_H

#include "cli.h"

struct run_wish {
	const char *json_out;  /* NULL: no report */
	const char *record;    /* NULL: no trace */
	double record_seconds; /* 0: to the command's end */
	int record_only;       /* sample, and move nothing */
	int quiet, best_effort;
};

/* In verb_run.c. Returns the exit status: the command's, when it ran. */
int run_wished(struct cli *cli, const struct run_wish *wish, char **command);

#endif
