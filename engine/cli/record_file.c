/* SPDX-License-Identifier: Apache-2.0 */
/* record_file.c - see record_file.h. */
#include "record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "parse.h"
#include "text.h"

/* As it would be typed, but for quotes. NULL: no memory. */
static char *
join(char *const *words)
{
	size_t bytes = 1;
	char *text, *at;

	for (size_t i = 0; words[i]; i++)
		bytes += strlen(words[i]) + 1;
	at = text = malloc(bytes);
	for (size_t i = 0; text && words[i]; i++)
		at += sprintf(at, "%s%s", i ? " " : "", words[i]);
	return text;
}

/* A file under another name, readable and writable by the owner: a trace shows what a program did.
 * What is there under its own name stays as it is until the recording has begun. */
static int
make_file(struct record_file *file, const char *path, int *ret_exit, struct sluice_err *reterr)
{
	struct stat st;
	int fd = -1;

	*ret_exit = EXIT_GENERAL;
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		*ret_exit = EXIT_USAGE;
		return sluice_fail(reterr, -EINVAL,
				   "'%s' is no regular file, and a trace is written to one", path);
	}
	errno = ENAMETOOLONG;
	if (snprintf(file->temporary, sizeof(file->temporary), "%s.XXXXXX", path) <
	    (int)sizeof(file->temporary))
		fd = mkostemp(file->temporary, O_CLOEXEC);
	if (fd < 0) {
		file->temporary[0] = '\0';
		return sluice_fail(reterr, -errno, "cannot write '%s': %s", path, strerror(errno));
	}
	return fd;
}

int
record_file_begin(struct record_file *file, struct client *client, const char *path,
		  char *const *command, json_t *pids, int only, int *ret_exit,
		  struct sluice_err *reterr)
{
	json_t *request = json_pack("{s:s, s:b}", "verb", "record", "only", only);
	int fd = make_file(file, path, ret_exit, reterr), r;
	char *text = command ? join(command) : NULL;

	if (text)
		/* Left out when it is no UTF-8, which JSON has to be. */
		json_object_set_new(request, "command", json_string(text));
	free(text);
	if (pids)
		json_object_set_new(request, "pids", pids);
	if (fd < 0) {
		json_decref(request);
		return fd;
	}
	r = client_call_fd(client, request, fd, NULL, ret_exit, reterr);
	close(fd);
	if (r < 0) {
		record_file_drop(file);
		return r;
	}
	file->path = path;
	file->is_open = 1;
	file->began_ns = clock_now_ns();
	return 0;
}

int
record_file_keep(struct record_file *file, struct sluice_err *reterr)
{
	if (file->temporary[0] && rename(file->temporary, file->path) < 0) {
		int r = sluice_fail(reterr, -errno, "cannot write '%s': %s; the trace is in '%s'",
				    file->path, strerror(errno), file->temporary);

		file->temporary[0] = '\0';
		return r;
	}
	file->temporary[0] = '\0';
	return 0;
}

void
record_file_drop(struct record_file *file)
{
	if (file->temporary[0])
		unlink(file->temporary);
	file->temporary[0] = '\0';
}

int
record_file_end(struct record_file *file, struct client *client, struct sluice_err *reterr)
{
	int ignored;

	if (!file->is_open)
		return 0;
	file->is_open = 0;
	file->seconds = (double)(clock_now_ns() - file->began_ns) / 1e9;
	return client_call(client, json_pack("{s:s}", "verb", "record_end"), &file->result,
			   &ignored, reterr);
}

void
record_file_print(struct record_file *file, const struct cli *cli, int quiet, FILE *json)
{
	json_t *result = file->result;
	char size[16];
	double samples = number_of(result, "samples"), bytes = number_of(result, "file_bytes");

	if (!result)
		return;
	if (cli->json) {
		json_object_set_new(result, "file", json_string(file->path));
		json_object_set_new(result, "seconds", json_real(file->seconds));
		json_dumpf(result, json, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
		fputc('\n', json);
		fflush(json);
	} else if (!quiet) {
		fprintf(stderr,
			"sluice: %.0f samples in %.1f s recorded to '%s' (%s%s); 'sluice heatmap "
			"%s' shows them\n",
			samples, file->seconds, file->path, format_size((uint64_t)bytes, size, 16),
			number_of(result, "lost_samples") > 0 ? "; some were lost" : "",
			file->path);
	}
	json_decref(result);
	file->result = NULL;
}
