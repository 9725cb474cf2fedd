/* SPDX-License-Identifier: Apache-2.0 */
/* record_file.h - the file of a recording: made here, with our rights, and written by a service. */
#ifndef CLI_RECORD_FILE_H
#define CLI_RECORD_FILE_H

#include <jansson.h>
#include <stdio.h>

#include "cli.h"

struct record_file {
	const char *path;     /* NULL: nothing is recorded */
	char temporary[4096]; /* what it is called until it is kept; "": it is */
	int is_open;          /* the service writes it */
	uint64_t began_ns;
	double seconds;
	json_t *result; /* of record_end, or NULL */
};

/* Makes a file beside that of the path, and lets the service record into it. command: what is run,
 * or NULL; pids: an array (stolen), or NULL; only: move nothing. */
int record_file_begin(struct record_file *file, struct client *client, const char *path,
		      char *const *command, json_t *pids, int only, int *ret_exit,
		      struct sluice_err *reterr);
/* All that may be refused was not: the file gets its name, and an old one of it is gone. Nothing to
 * keep is fine. */
int record_file_keep(struct record_file *file, struct sluice_err *reterr);
/* One that was not kept is removed. */
void record_file_drop(struct record_file *file);
/* Not begun, or ended already, is fine. */
int record_file_end(struct record_file *file, struct client *client, struct sluice_err *reterr);
/* To stderr for people, as JSON to the stream; drops the result. */
void record_file_print(struct record_file *file, const struct cli *cli, int quiet, FILE *json);

#endif
