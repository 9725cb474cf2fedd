/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of a workload, as one table of options: what each is read as, where it goes, and
 * what to say when it is none. One thread.
 */
#ifndef WL_ARGS_H
#define WL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#define EXIT_USAGE 2
#define ARGS_ROWS_MAX 32

enum args_kind {              /* `at` is */
		 ARGS_SIZE,   /* uint64_t, bytes */
		 ARGS_COUNT,  /* uint64_t, from min to max */
		 ARGS_NUMBER, /* double, from min to max */
		 ARGS_NODES,  /* struct nodeset */
		 ARGS_THP,    /* enum arena_thp */
		 ARGS_NAME,   /* const char *, fit for JSON as it is */
		 ARGS_TEXT,   /* const char * */
		 ARGS_SWITCH, /* bool */
		 ARGS_OTHER   /* what parse() fills; its result is as in wl_parse.h */
};

struct args_row {
	const char *name; /* "size"; NULL ends a table */
	enum args_kind kind;
	void *at;
	const char *wanted; /* "a size such as 64M"; NULL where the kind says it */
	uint64_t min, max;
	bool *given; /* set when the option is there; may be NULL */
	int (*parse)(const char *text, void *at);
};

/* Reads all of the command line; texts are borrowed from @argv. Returns -1 to go on; else the exit
 * status, after having printed the help (0), or what is wrong (2). */
int args_read(const char *program, const char *help, const struct args_row *rows, int argc,
	      char **argv);

/* Says what is wrong, a sentence with one "%s"; returns EXIT_USAGE. */
int args_usage(const char *program, const char *format, const char *detail);

#endif
