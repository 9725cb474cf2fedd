/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a workload's command line; see wl_args.h. */
#include "wl_args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "wl_arena.h"
#include "wl_parse.h"

#define FIRST 256 /* beyond what getopt_long() itself returns */
#define HELP 255

int
args_usage(const char *program, const char *format, const char *detail)
{
	fprintf(stderr, "%s: ", program);
	fprintf(stderr, format, detail);
	fprintf(stderr, "; see %s --help\n", program);
	return EXIT_USAGE;
}

/* What is wanted where the row does not say it. */
static const char *
wanted_of(const struct args_row *row)
{
	switch (row->kind) {
	case ARGS_NODES:
		return "a list of nodes such as 0 or 0,2-3";
	case ARGS_THP:
		return "on, off or default";
	case ARGS_NAME:
		return "at most 63 letters, digits and ._:+-";
	default:
		return "";
	}
}

static int
take(const char *program, const struct args_row *row, const char *text)
{
	int r = 0;

	switch (row->kind) {
	case ARGS_SIZE:
		r = wl_parse_size(text, row->at);
		break;
	case ARGS_COUNT:
		r = parse_count(text, row->min, row->max, row->at);
		break;
	case ARGS_NUMBER:
		r = parse_number(text, (double)row->min, (double)row->max, row->at);
		break;
	case ARGS_NODES:
		r = parse_nodes(text, row->at);
		break;
	case ARGS_THP:
		r = arena_thp_parse(text, row->at);
		break;
	case ARGS_NAME:
		r = parse_name(text, row->at);
		break;
	case ARGS_TEXT:
		*(const char **)row->at = text;
		break;
	case ARGS_SWITCH:
		*(bool *)row->at = true;
		break;
	case ARGS_OTHER:
		r = row->parse(text, row->at);
		break;
	}
	if (row->given)
		*row->given = true;
	if (r == 0)
		return 0;
	fprintf(stderr, "%s: --%s: '%s' is %s; give %s\n", program, row->name, text,
		r == -ERANGE ? "out of range" : "not understood",
		row->wanted ? row->wanted : wanted_of(row));
	return EXIT_USAGE;
}

int
args_read(const char *program, const char *help, const struct args_row *rows, int argc, char **argv)
{
	struct option options[ARGS_ROWS_MAX + 2] = {{0}};
	int count = 0;

	for (; rows[count].name && count < ARGS_ROWS_MAX; count++)
		options[count] = (struct option){
			rows[count].name,
			rows[count].kind == ARGS_SWITCH ? no_argument : required_argument, NULL,
			FIRST + count};
	options[count] = (struct option){"help", no_argument, NULL, HELP};
	opterr = 0;
	for (;;) {
		int option = getopt_long(argc, argv, ":", options, NULL), r;

		if (option == -1)
			break;
		if (option == HELP) {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?')
			return args_usage(program, "'%s' is not an option, or stands for several",
					  argv[optind - 1]);
		if (option == ':')
			return args_usage(program, "%s needs a value", argv[optind - 1]);
		r = take(program, &rows[option - FIRST], optarg);
		if (r)
			return r;
	}
	if (optind < argc)
		return args_usage(program, "'%s' is not an option", argv[optind]);
	return -1;
}
