/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_main.c - main of sluice-replay, which does the work of `sluice replay`: the command line
 * links no engine. Its output is always JSON; people get theirs from sluice.
 */
#include <errno.h>
#include <stdio.h>

#include "control_error.h"
#include "exit_status.h"
#include "log.h"
#include "replay_json.h"
#include "report.h"

static int
print(json_t *json, struct sluice_err *reterr)
{
	int r = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : -1;

	json_decref(json);
	if (r < 0 || putchar('\n') == EOF || fflush(stdout) != 0)
		return sluice_fail(reterr, -EIO, "cannot write the result");
	return 0;
}

static int
replay(const struct replay_options *options, int *ret_stage, struct sluice_err *reterr)
{
	struct replay_outcome outcome;
	json_t *json = NULL;
	int r;

	log_set_level((enum log_level)options_number(options->options, OPTION_LOG_LEVEL));
	r = replay_all(options, &outcome, ret_stage, reterr);
	if (r == 0 && !(json = replay_json(options, &outcome)))
		r = sluice_fail(reterr, -ENOMEM, "no memory for the result");
	if (r == 0 && options->report)
		r = report_file(options->report, json, reterr);
	if (r == 0)
		r = print(json, reterr);
	else
		json_decref(json);
	replay_outcome_destroy(&outcome);
	return r;
}

int
main(int argc, char **argv)
{
	struct sluice_err err = {0, ""};
	struct replay_options options;
	int stage = STAGE_ARGUMENTS, status;
	int r = replay_options_read(argc, argv, &options, &err);

	if (r == 0 && options.help)
		puts("sluice-replay does the work of 'sluice replay'; see 'sluice replay --help'.");
	else if (r == 0 && options.list)
		r = print(replay_list_json(), &err);
	else if (r == 0)
		r = replay(&options, &stage, &err);
	replay_options_destroy(&options);
	if (r == 0)
		return EXIT_OK;
	status = exit_status_of((enum fail_stage)stage, r);
	fprintf(stderr, "sluice: %s\n", err.msg);
	(void)print(control_error(r, status, err.msg), NULL);
	return status;
}
