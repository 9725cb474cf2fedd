/* SPDX-License-Identifier: Apache-2.0 */
/* output_file.h - files that verbs write where the user says, who may as well name /dev/stdout. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdio.h>

/* A document that is there as a whole or not at all: written beside the file, and over it when all
 * is written. What is no regular file (a device, a link) is written to as it is. */
struct output_file {
	const char *path;
	char temporary[4096]; /* "": written to as it is */
	FILE *stream;
};

int output_file_open(struct output_file *file, const char *path); /* 0 or -errno */
/* r < 0: what was there before stays. Gives r, or what went wrong since. */
int output_file_close(struct output_file *file, int r);

/* Whether both name one regular file. */
int output_file_same(const char *a, const char *b);

#endif
