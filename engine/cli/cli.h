/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the verbs of sluice share: the command line read so far, reaching a service, and
 * failing. One file is one verb: verb_NAME.c defines `verb_NAME`, listed in cli.c.
 */
#ifndef CLI_H
#define CLI_H

#include <jansson.h>
#include <stdint.h>

#include "client.h"
#include "exit_status.h"
#include "options.h"
#include "sluice/err.h"

struct cli {
	struct options *options;
	const char *config; /* --config FILE, or NULL */
	int json;
};

/* An option of one verb alone; those of options.h and --json are everybody's. */
struct verb_option {
	const char *name;    /* "json-out"; NULL ends an array */
	const char *metavar; /* NULL for switches */
	const char *help;
};

enum verb_reach {
	REACH_SERVICE, /* needs the running service */
	REACH_EITHER,  /* the running service, else a private one */
	REACH_PRIVATE  /* always a private one */
};

#define VERB_MINDS(option) (1u << (option))

struct verb {
	const char *name, *arguments, *summary; /* arguments: its forms, parted by " | " */
	enum verb_reach reach;
	const struct verb_option *options; /* may be NULL */
	/* Options of options.h that mean something to it, for --help: VERB_MINDS of each. 0: all,
	 * or with REACH_SERVICE those that reach the service. */
	uint32_t minds;
	/* argv[0..argc) are the words after the verb, common options taken out (for `run` only up
	 * to the command). Returns the exit status. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct verb verb_run, verb_attach, verb_detach, verb_status, verb_top, verb_topology,
	verb_tier, verb_doctor, verb_policies, verb_policy, verb_config, verb_restore, verb_record,
	verb_heatmap, verb_trace, verb_replay;

/* In the order in which --help shows them; a row without a verb ends the table. */
struct verb_row {
	const char *group; /* heading of the group that begins here, or NULL */
	const struct verb *verb;
};

extern const struct verb_row cli_verbs[];

/* main of sluice. */
int cli_main(int argc, char **argv);

/* Which of the verb's own options is argv[*i]? Its index, with *ret_value at its value (NULL for a
 * switch) and *i on its last word. -ENOENT: none. -EINVAL: its value is missing, and that is said.
 */
int cli_own_option(const struct cli *cli, const struct verb *verb, int argc, char **argv, int *i,
		   const char **ret_value);

/* Connect as the verb's reach says. Prints why not; returns the exit status. */
int cli_reach(struct cli *cli, enum verb_reach reach, struct client **ret);
/* One request (stolen), one answer; prints the failure. Returns the exit status. */
int cli_call(struct cli *cli, struct client *client, json_t *request, json_t **ret);
/* cli_reach, a request with just a verb, and its answer. With --json the answer is printed, and
 * *ret is NULL. */
int cli_ask(struct cli *cli, enum verb_reach reach, const char *verb, json_t **ret);

/* Print the sentence (and with --json the error object), give back the exit status. */
int cli_fail(const struct cli *cli, int exit_status, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* "'x' is not understood here", and how the verb is used. */
int cli_unexpected(const struct cli *cli, const struct verb *verb, const char *word);
int cli_usage(const struct cli *cli, const struct verb *verb); /* only how it is used */
void cli_print_json(const json_t *object);

#endif
