/* SPDX-License-Identifier: Apache-2.0 */
/* cli_help.c - see cli_help.h. All of it comes from the tables of verbs and of options. */
#include "cli_help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static void
print_option(const char *name, const char *metavar, const char *help, const char *fallback)
{
	char left[64], text[4400];

	snprintf(left, sizeof(left), "--%s%s%s", name, metavar ? " " : "", metavar ? metavar : "");
	printf("  %-24s ", left);
	snprintf(text, sizeof(text), "%s%s%s%s", help, fallback && fallback[0] ? " (" : "",
		 fallback ? fallback : "", fallback && fallback[0] ? ")" : "");
	text_wrap(stdout, 27, text);
}

static void
print_common_options(enum verb_reach reach)
{
	print_option("json", NULL, "print JSON, in the schema of sluice(1)", NULL);
	if (reach != REACH_SERVICE)
		print_option("config", "FILE", "configuration of a private service", NULL);
}

/* Whatever the table says, or what holds here and now: some defaults depend on the user. */
static void
print_table_option(const struct cli *cli, enum option_id id)
{
	const struct option_row *row = &option_table[id];
	const char *fallback = row->fallback;

	if (!fallback && row->max_count == 1)
		fallback = options_text(cli->options, id, 0);
	print_option(row->name, row->metavar, row->help,
		     row->type == OPTION_BOOL ? NULL : fallback);
}

void
help_print(const struct cli *cli)
{
	printf("Usage: sluice VERB [OPTION]... [ARGUMENT]...\n"
	       "Keep hot memory in the fast tier and cold memory in the slow ones.\n");
	for (const struct verb_row *row = cli_verbs; row->verb; row++) {
		if (row->group)
			printf("\n%s:\n", row->group);
		printf("  %-10s %s\n", row->verb->name, row->verb->summary);
	}
	printf("\nOptions of every verb:\n");
	print_table_option(cli, OPTION_SOCKET);
	print_table_option(cli, OPTION_LOG_LEVEL);
	print_common_options(REACH_EITHER);
	print_option("help", NULL, "explain a verb: sluice VERB --help", NULL);
	print_option("version", NULL, "print the version", NULL);
	printf("\nTry first:  sluice doctor\n"
	       "Then:       sluice run -- COMMAND\n"
	       "Exit statuses, JSON and examples: man sluice\n");
}

/* A verb's forms stand between bars outside of brackets; each has a line of its own. */
static void
print_usage(const struct verb *verb)
{
	const char *form = verb->arguments;
	int depth = 0;

	printf("Usage: sluice %s%s", verb->name, form[0] ? " " : "");
	for (const char *at = form; *at; at++) {
		depth += (*at == '[') - (*at == ']');
		if (depth == 0 && strncmp(at, " | ", 3) == 0) {
			printf("\n       sluice %s ", verb->name);
			at += 2;
		} else {
			putchar(*at);
		}
	}
	putchar('\n');
}

void
help_print_verb(const struct cli *cli, const struct verb *verb)
{
	print_usage(verb);
	printf("%c%s.\n\nOptions:\n", toupper((unsigned char)verb->summary[0]), verb->summary + 1);
	for (const struct verb_option *option = verb->options; option && option->name; option++)
		print_option(option->name, option->metavar, option->help, NULL);
	for (int id = 0; id < OPTION_COUNT; id++) {
		int minds = verb->minds ? (verb->minds & VERB_MINDS(id)) != 0
					: verb->reach != REACH_SERVICE;

		if (minds || id == OPTION_SOCKET || id == OPTION_LOG_LEVEL)
			print_table_option(cli, (enum option_id)id);
	}
	print_common_options(verb->reach);
}
