/* SPDX-License-Identifier: Apache-2.0 */
/* verb_config.c - sluice config show: the values in effect, and where each comes from. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static void
print_option(const json_t *option)
{
	const json_t *values = json_object_get(option, "values"), *value;
	size_t i;

	if (json_array_size(values) == 0)
		printf("%s# %s =%s\n", text_style(stdout, TEXT_DIM), text_of(option, "key"),
		       text_reset(stdout));
	json_array_foreach (values, i, value)
		printf("%s = %s %s; %s%s\n", text_of(option, "key"), json_string_value(value),
		       text_style(stdout, TEXT_DIM), text_of(option, "from"), text_reset(stdout));
}

static int
config_main(struct cli *cli, int argc, char **argv)
{
	json_t *answer = NULL;
	const json_t *option;
	size_t i;
	int status;

	if (argc == 0 || strcmp(argv[0], "show") != 0)
		return cli_usage(cli, &verb_config);
	if (argc > 1)
		return cli_unexpected(cli, &verb_config, argv[1]);
	status = cli_ask(cli, REACH_EITHER, "config", &answer);
	if (status == EXIT_OK && !cli->json) {
		json_array_foreach (json_object_get(answer, "options"), i, option)
			print_option(option);
	}
	json_decref(answer);
	return status;
}

const struct verb verb_config = {
	.name = "config",
	.arguments = "show",
	.summary = "show every option's value in effect, and where it comes from",
	.reach = REACH_EITHER,
	.run = config_main,
};
