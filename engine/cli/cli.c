/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - the command line of sluice: verbs and common options. See cli.h. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_help.h"
#include "control_error.h"
#include "log.h"
#include "text.h"

const struct verb_row cli_verbs[] = {
	{"The machine", &verb_doctor}, {NULL, &verb_topology}, {NULL, &verb_tier},
	{"Tiering", &verb_run},        {NULL, &verb_attach},   {NULL, &verb_detach},
	{NULL, &verb_status},          {NULL, &verb_top},      {"Policies", &verb_policy},
	{NULL, &verb_policies},        {NULL, &verb_replay},   {"Traces", &verb_record},
	{NULL, &verb_heatmap},         {NULL, &verb_trace},    {"Settings", &verb_config},
	{NULL, &verb_restore},         {NULL, NULL},
};

void
cli_print_json(const json_t *object)
{
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	fflush(stdout);
}

int
cli_fail(const struct cli *cli, int exit_status, int code, const char *format, ...)
{
	char message[600];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fprintf(stderr, "sluice: %s\n", text_plain(message));
	if (cli->json) {
		json_t *error = control_error(code, exit_status, message);

		cli_print_json(error);
		json_decref(error);
	}
	return exit_status;
}

int
cli_unexpected(const struct cli *cli, const struct verb *verb, const char *word)
{
	return cli_fail(cli, EXIT_USAGE, -EINVAL,
			"'%s' is not understood here; usage: sluice %s%s%s", word, verb->name,
			verb->arguments[0] ? " " : "", verb->arguments);
}

int
cli_usage(const struct cli *cli, const struct verb *verb)
{
	return cli_fail(cli, EXIT_USAGE, -EINVAL, "usage: sluice %s %s", verb->name,
			verb->arguments);
}

/* 0: the word is not this option; 1: it is its name alone; 2: name and value in one. */
static int
option_matches(const struct verb_option *option, const char *word)
{
	size_t len = strlen(option->name);

	if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, option->name, len) != 0)
		return 0;
	if (word[2 + len] == '\0')
		return 1;
	return word[2 + len] == '=' && option->metavar ? 2 : 0;
}

/* 1: taken; 0: not this one; -EINVAL: its value is missing. */
static int
take_option(const struct cli *cli, const struct verb_option *option, int argc, char **argv, int *i,
	    const char **ret_value)
{
	int match = option_matches(option, argv[*i]);

	if (match == 0)
		return 0;
	*ret_value = NULL;
	if (match == 2) {
		*ret_value = strchr(argv[*i], '=') + 1;
	} else if (option->metavar) {
		if (*i + 1 >= argc) {
			cli_fail(cli, EXIT_USAGE, -EINVAL, "--%s needs a value: --%s %s",
				 option->name, option->name, option->metavar);
			return -EINVAL;
		}
		*ret_value = argv[++*i];
	}
	return 1;
}

int
cli_own_option(const struct cli *cli, const struct verb *verb, int argc, char **argv, int *i,
	       const char **ret_value)
{
	for (int k = 0; verb->options && verb->options[k].name; k++) {
		int r = take_option(cli, &verb->options[k], argc, argv, i, ret_value);

		if (r != 0)
			return r < 0 ? r : k;
	}
	return -ENOENT;
}

/* Did the command line set something that only a service of our own can honour? */
static const char *
private_option(const struct cli *cli)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (id != OPTION_SOCKET && id != OPTION_LOG_LEVEL &&
		    options_layer(cli->options, (enum option_id)id) == LAYER_COMMAND)
			return option_table[id].name;
	}
	return cli->config ? "config" : NULL;
}

int
cli_reach(struct cli *cli, enum verb_reach reach, struct client **ret)
{
	const char *path = options_text(cli->options, OPTION_SOCKET, 0);
	const char *option = private_option(cli);
	struct sluice_err err = {0, ""};
	int r;

	if (reach == REACH_SERVICE && option)
		return cli_fail(
			cli, EXIT_USAGE, -EINVAL,
			"--%s is an option of 'sluice run' and sluiced; the running service "
			"has its own",
			option);
	if (reach == REACH_SERVICE || (reach == REACH_EITHER && !option)) {
		r = client_connect(path, ret, &err);
		if (r == 0)
			return EXIT_OK;
		/* A socket that was named is meant; the default one is only a place to look. */
		if (reach == REACH_SERVICE ||
		    options_layer(cli->options, OPTION_SOCKET) == LAYER_COMMAND)
			return cli_fail(cli, exit_status_of(STAGE_SERVICE, r), r, "%s", err.msg);
	}
	r = client_spawn(cli->options, cli->config, ret, &err);
	return r < 0 ? cli_fail(cli, exit_status_of(STAGE_SERVICE, r), r, "%s", err.msg) : EXIT_OK;
}

int
cli_call(struct cli *cli, struct client *client, json_t *request, json_t **ret)
{
	struct sluice_err err = {0, ""};
	int status = EXIT_GENERAL;
	int r = client_call(client, request, ret, &status, &err);

	return r < 0 ? cli_fail(cli, status, r, "%s", err.msg) : EXIT_OK;
}

int
cli_ask(struct cli *cli, enum verb_reach reach, const char *verb, json_t **ret)
{
	struct client *client = NULL;
	json_t *answer = NULL;
	int status = cli_reach(cli, reach, &client);

	if (status != EXIT_OK)
		return status;
	status = cli_call(cli, client, json_pack("{s:s}", "verb", verb), &answer);
	client_free(client);
	if (status != EXIT_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	*ret = answer;
	return EXIT_OK;
}

/* Takes options that every verb knows. 1: taken, 0: not one, 2: done, -errno: printed. */
static int
take_common(struct cli *cli, const struct verb *verb, int argc, char **argv, int *i)
{
	static const struct verb_option config = {"config", "FILE", NULL};
	struct sluice_err err = {0, ""};
	int r = options_take_argument(cli->options, argc, argv, i, &err);

	if (r < 0)
		cli_fail(cli, EXIT_USAGE, r, "%s", err.msg);
	if (r != 0)
		return r;
	if (strcmp(argv[*i], "--json") == 0) {
		cli->json = 1;
		return 1;
	}
	if (strcmp(argv[*i], "--help") == 0 || strcmp(argv[*i], "-h") == 0) {
		if (verb)
			help_print_verb(cli, verb);
		else
			help_print(cli);
		return 2;
	}
	if (strcmp(argv[*i], "--version") == 0) {
		printf("sluice %s\n", SLUICE_VERSION);
		return 2;
	}
	return take_option(cli, &config, argc, argv, i, &cli->config);
}

static const struct verb *
find_verb(const char *name)
{
	for (const struct verb_row *row = cli_verbs; row->verb; row++) {
		if (strcmp(row->verb->name, name) == 0)
			return row->verb;
	}
	return NULL;
}

/* How many words from here are an option of the verb itself, and its value. What begins with -- is
 * no value, so that an option may do without one. */
static int
own_option_words(const struct verb *verb, int argc, char **argv, int i)
{
	for (const struct verb_option *option = verb->options; option && option->name; option++) {
		int match = option_matches(option, argv[i]);

		if (match)
			return match == 1 && option->metavar && i + 1 < argc &&
					       strncmp(argv[i + 1], "--", 2) != 0
				       ? 2
				       : 1;
	}
	return 0;
}

static int
run_verb(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	int kept = 0, status;

	if (!rest)
		return cli_fail(cli, EXIT_GENERAL, -ENOMEM, "out of memory");
	for (int i = 0; i < argc; i++) {
		int words = own_option_words(verb, argc, argv, i), r;

		/* From the command on, all words are the command's. */
		if ((verb == &verb_run && words == 0 &&
		     (argv[i][0] != '-' || strcmp(argv[i], "--") == 0)) ||
		    (verb == &verb_record && strcmp(argv[i], "--") == 0)) {
			while (i < argc)
				rest[kept++] = argv[i++];
			break;
		}
		r = words == 0 ? take_common(cli, verb, argc, argv, &i) : 0;
		if (r < 0 || r == 2) {
			free(rest);
			return r < 0 ? EXIT_USAGE : EXIT_OK;
		}
		if (r == 0) {
			rest[kept++] = argv[i];
			if (words == 2)
				rest[kept++] = argv[++i];
		}
	}
	log_set_level((enum log_level)options_number(cli->options, OPTION_LOG_LEVEL));
	status = verb->run(cli, kept, rest);
	free(rest);
	return status;
}

int
cli_main(int argc, char **argv)
{
	struct cli cli = {.options = options_new()};
	const struct verb *verb;
	int i, status = EXIT_USAGE;

	if (!cli.options)
		return EXIT_GENERAL;
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		int r = take_common(&cli, NULL, argc, argv, &i);

		if (r == 0)
			cli_fail(&cli, EXIT_USAGE, -EINVAL,
				 "unknown option '%s'; 'sluice --help' lists all", argv[i]);
		if (r <= 0 || r == 2) {
			options_free(cli.options);
			return r == 2 ? EXIT_OK : EXIT_USAGE;
		}
	}
	if (i == argc) {
		help_print(&cli);
	} else if (!(verb = find_verb(argv[i]))) {
		cli_fail(&cli, EXIT_USAGE, -EINVAL, "unknown verb '%s'; 'sluice --help' lists all",
			 argv[i]);
	} else {
		status = run_verb(&cli, verb, argc - i - 1, argv + i + 1);
	}
	options_free(cli.options);
	return status;
}
