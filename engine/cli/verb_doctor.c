/* SPDX-License-Identifier: Apache-2.0 */
/* verb_doctor.c - sluice doctor: what works on this machine, what does not, why, what to do. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static enum text_style
verdict_style(const char *verdict)
{
	if (strcmp(verdict, "ok") == 0)
		return TEXT_GREEN;
	return strcmp(verdict, "no") == 0 ? TEXT_RED : TEXT_YELLOW;
}

static int
doctor_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	const json_t *check;
	size_t i;
	int status;

	if (argc > 0)
		return cli_unexpected(cli, &verb_doctor, argv[0]);
	status = cli_ask(cli, REACH_EITHER, "doctor", &answer);
	if (status != EXIT_OK)
		return status;
	status = (int)json_integer_value(json_object_get(answer, "exit"));
	if (!cli->json) {
		json_array_foreach (json_object_get(answer, "checks"), i, check) {
			const char *verdict = text_of(check, "verdict");
			const char *advice = text_of(check, "advice");

			printf("%s%-7s%s  %-18s  ", text_style(stdout, verdict_style(verdict)),
			       verdict, text_reset(stdout), text_of(check, "check"));
			text_wrap(stdout, 29, text_of(check, "detail"));
			if (advice[0]) {
				printf("%29s%s-> ", "", text_style(stdout, TEXT_DIM));
				text_wrap(stdout, 32, advice);
				fputs(text_reset(stdout), stdout);
			}
		}
		printf("\n%s\n", status == EXIT_OK
					 ? "Tiering works here: sluice run -- COMMAND"
					 : "Tiering does not work here yet; see 'no' above.");
	}
	json_decref(answer);
	return status;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "tell what works on this machine, what does not, why, and what to do",
	.reach = REACH_EITHER,
	.run = doctor_main,
};
