/* SPDX-License-Identifier: Apache-2.0 */
/* topo_capture.c - see topo_capture.h. */
#include "topo_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output_file.h"
#include "text.h"

static int
write_stream(FILE *file, const char *text)
{
	errno = 0;
	if (fputs(text, file) == EOF || fflush(file) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int
write_file(const char *path, const char *text)
{
	struct output_file file;
	int r = output_file_open(&file, path);

	return r < 0 ? r : output_file_close(&file, write_stream(file.stream, text));
}

/* The head of the capture, without its comment signs, and how many files there are. */
static void
tell(const char *path, const char *text)
{
	size_t files = 0;

	for (const char *line = text, *next; *line; line = next) {
		int len = (int)strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		if (strncmp(line, "# Left out", 10) == 0)
			fprintf(stderr, "  %.*s\n", len - 2, line + 2);
		else if (*line != '#' && memmem(line, (size_t)len, " = ", 3))
			files++;
	}
	fprintf(stderr, "sluice: %zu files are in %s; read it before you hand it on\n", files,
		path);
}

int
topo_capture(struct cli *cli, const char *path)
{
	struct client *client = NULL;
	json_t *answer = NULL;
	const char *text;
	int status, r;

	if (!path[0])
		return cli_fail(cli, EXIT_USAGE, -EINVAL,
				"--capture needs the name of a file, or -");
	status = cli_reach(cli, REACH_EITHER, &client);
	if (status != EXIT_OK)
		return status;
	status = cli_call(cli, client, json_pack("{s:s}", "verb", "capture"), &answer);
	client_free(client);
	if (status != EXIT_OK)
		return status;
	text = text_of(answer, "capture");
	r = strcmp(path, "-") == 0 ? write_stream(stdout, text) : write_file(path, text);
	if (r < 0)
		status =
			cli_fail(cli, EXIT_GENERAL, r, "cannot write '%s': %s", path, strerror(-r));
	else
		tell(strcmp(path, "-") == 0 ? "the capture" : path, text);
	json_decref(answer);
	return status;
}
