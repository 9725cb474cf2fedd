/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_record.c - sluice record: what a program does with its memory, to a file, moving nothing.
 *
 * A command, or processes when no service runs, are watched by a private service that moves nothing
 * and ends with us. A service that runs records its own targets, moves and all: nobody else can
 * watch while it does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "find_process.h"
#include "record_file.h"
#include "record_wish.h"
#include "run_wish.h"

#define LOOK_MS 500

enum { RECORD_OUTPUT, RECORD_SECONDS, RECORD_FOLLOW, RECORD_QUIET };
static const struct verb_option record_options[] = {
	[RECORD_OUTPUT] = {"output", "FILE", "where the trace goes (also -o FILE)"},
	[RECORD_SECONDS] = {"seconds", "S", "record for so long; else until it ends, or Ctrl-C"},
	[RECORD_FOLLOW] = {"follow", NULL, "record children of the processes too"},
	[RECORD_QUIET] = {"quiet", NULL, "print no summary"},
	{NULL, NULL, NULL},
};

struct record {
	struct cli *cli;
	const char *output;
	double seconds;
	int follow, quiet;
	char **command; /* NULL: processes */
	char **names;   /* pids and names */
	int name_count;
	struct client *client;
	int is_private;
	json_t *pids;
	struct record_file file;
};

static int
read_seconds(struct record *record, const char *text)
{
	char *end;

	record->seconds = strtod(text, &end);
	if (end != text && strcmp(end, "s") == 0)
		end++;
	if (end == text || *end || !(record->seconds > 0 && record->seconds < 1e8))
		return cli_fail(record->cli, EXIT_USAGE, -EINVAL,
				"--seconds: '%s' is not a number of seconds above 0", text);
	return EXIT_OK;
}

static int
read_words(struct record *record, int argc, char **argv)
{
	const char *value;
	int status;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			record->command = argv + i + 1;
			break;
		}
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
			record->output = argv[++i];
			continue;
		}
		switch (cli_own_option(record->cli, &verb_record, argc, argv, &i, &value)) {
		case RECORD_OUTPUT:
			record->output = value;
			break;
		case RECORD_SECONDS:
			status = read_seconds(record, value);
			if (status != EXIT_OK)
				return status;
			break;
		case RECORD_FOLLOW:
			record->follow = 1;
			break;
		case RECORD_QUIET:
			record->quiet = 1;
			break;
		case -EINVAL:
			return EXIT_USAGE;
		default:
			if (argv[i][0] == '-')
				return cli_unexpected(record->cli, &verb_record, argv[i]);
			record->names[record->name_count++] = argv[i];
		}
	}
	if (!record->output)
		return cli_fail(record->cli, EXIT_USAGE, -EINVAL,
				"where to? usage: sluice record %s", verb_record.arguments);
	if (record->command && (!record->command[0] || record->name_count))
		return cli_usage(record->cli, &verb_record);
	return EXIT_OK;
}

/* Of processes that are no targets of the running service there is nothing to record. */
static int
check_targets(struct record *record)
{
	json_t *status = NULL, *targets;
	int r = cli_call(record->cli, record->client, json_pack("{s:s}", "verb", "status"),
			 &status);

	if (r != EXIT_OK)
		return r;
	targets = json_object_get(status, "targets");
	for (size_t i = 0; i < json_array_size(record->pids) && r == EXIT_OK; i++) {
		const json_t *pid = json_array_get(record->pids, i);
		size_t k = 0;

		while (k < json_array_size(targets) &&
		       !json_equal(json_object_get(json_array_get(targets, k), "pid"), pid))
			k++;
		if (k == json_array_size(targets))
			r = cli_fail(
				record->cli, EXIT_NOT_A_TARGET, -ESRCH,
				"process %d is not tiered by the service that runs, and nobody "
				"else can watch while it does: attach it, or stop the service",
				(int)json_integer_value(pid));
	}
	json_decref(status);
	return r;
}

static int
find_pids(struct record *record)
{
	struct found_processes *found = calloc(1, sizeof(*found));
	struct sluice_err err = {0, ""};
	int status = EXIT_OK;

	if (!found)
		return cli_fail(record->cli, EXIT_GENERAL, -ENOMEM, "out of memory");
	record->pids = json_array();
	for (int i = 0; i < record->name_count && status == EXIT_OK; i++) {
		int r = find_process(record->names[i], found, &err);

		if (r < 0)
			status = cli_fail(record->cli, exit_status_of(STAGE_TARGET, r), r, "%s",
					  err.msg);
		for (size_t k = 0; r == 0 && k < found->count; k++)
			json_array_append_new(record->pids, json_integer(found->at[k].pid));
	}
	free(found);
	return status;
}

/* A service that runs, else one of our own. */
static int
reach(struct record *record)
{
	struct sluice_err err = {0, ""};

	if (client_connect(options_text(record->cli->options, OPTION_SOCKET, 0), &record->client,
			   &err) == 0)
		return EXIT_OK;
	if (record->name_count == 0)
		return cli_fail(record->cli, EXIT_USAGE, -EINVAL,
				"no service runs whose processes could be recorded, and none was "
				"named; usage: sluice record %s",
				verb_record.arguments);
	record->is_private = 1;
	return cli_reach(record->cli, REACH_PRIVATE, &record->client);
}

static int
begin(struct record *record)
{
	json_t *pids = !record->is_private && json_array_size(record->pids)
			       ? json_incref(record->pids)
			       : NULL;
	struct sluice_err err = {0, ""};
	int status = EXIT_GENERAL;
	int r = record_file_begin(&record->file, record->client, record->output, NULL, pids,
				  record->is_private, &status, &err);

	if (r < 0)
		return cli_fail(record->cli, status, r, "%s", err.msg);
	for (size_t i = 0; record->is_private && i < json_array_size(record->pids); i++) {
		json_t *pid = json_array_get(record->pids, i);

		status = cli_call(record->cli, record->client,
				  json_pack("{s:s, s:O, s:b}", "verb", "attach", "pid", pid,
					    "follow", record->follow),
				  NULL);
		if (status != EXIT_OK)
			return status;
	}
	r = record_file_keep(&record->file, &err);
	return r < 0 ? cli_fail(record->cli, EXIT_GENERAL, r, "%s", err.msg) : EXIT_OK;
}

/* Are there any processes left to record, and does the recording work? */
static int
goes_on(struct record *record, int *ret_status)
{
	json_t *status = NULL;
	int r = cli_call(record->cli, record->client, json_pack("{s:s}", "verb", "record_status"),
			 NULL);
	int more = 0;

	if (r == EXIT_OK)
		r = cli_call(record->cli, record->client, json_pack("{s:s}", "verb", "status"),
			     &status);
	if (r == EXIT_OK)
		more = !record->is_private ||
		       json_array_size(json_object_get(status, "targets")) > 0;
	json_decref(status);
	*ret_status = r;
	return more;
}

/* Until the time is over, Ctrl-C, or the processes have ended. */
static int
wait_for_end(struct record *record)
{
	uint64_t until_ns = record->seconds > 0 ? clock_now_ns() + (uint64_t)(record->seconds * 1e9)
						: UINT64_MAX;
	struct pollfd fds[1];
	sigset_t wanted;
	int status = EXIT_OK;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	fds[0] = (struct pollfd){.fd = signalfd(-1, &wanted, SFD_CLOEXEC), .events = POLLIN};
	do {
		uint64_t now_ns = clock_now_ns(), left_ms;

		if (now_ns >= until_ns)
			break;
		left_ms = (until_ns - now_ns) / 1000000 + 1;
		if (poll(fds, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) > 0)
			break;
	} while (goes_on(record, &status));
	close(fds[0].fd);
	return status;
}

static int
record_processes(struct record *record)
{
	struct sluice_err err = {0, ""};
	int status = find_pids(record), r;

	if (status == EXIT_OK)
		status = reach(record);
	if (status == EXIT_OK && !record->is_private)
		status = check_targets(record);
	if (status == EXIT_OK)
		status = begin(record);
	if (status == EXIT_OK) {
		status = wait_for_end(record);
		r = record_file_end(&record->file, record->client, &err);
		if (r < 0)
			status = cli_fail(record->cli, EXIT_GENERAL, r, "%s", err.msg);
		record_file_print(&record->file, record->cli, record->quiet, stdout);
	}
	record_file_drop(&record->file);
	client_free(record->client);
	json_decref(record->pids);
	return status;
}

int
record_wished(struct cli *cli, const char *process, const char *output, double seconds)
{
	char *names[] = {(char *)(uintptr_t)process};
	struct record record = {.cli = cli,
				.output = output,
				.seconds = seconds,
				.quiet = 1,
				.names = names,
				.name_count = 1};

	return record_processes(&record);
}

static int
record_main(struct cli *cli, int argc, char **argv)
{
	struct record record = {.cli = cli, .names = calloc((size_t)argc + 1, sizeof(char *))};
	int status = record.names ? read_words(&record, argc, argv) : EXIT_GENERAL;

	if (status == EXIT_OK && record.command) {
		struct run_wish wish = {.record = record.output,
					.record_seconds = record.seconds,
					.record_only = 1,
					.quiet = record.quiet};

		status = run_wished(cli, &wish, record.command);
	} else if (status == EXIT_OK) {
		status = record_processes(&record);
	}
	free(record.names);
	return status;
}

const struct verb verb_record = {
	.name = "record",
	.arguments = "[PID|NAME]... -o FILE | -o FILE -- COMMAND [ARG]...",
	.summary = "record what programs access, have and move; moves nothing by itself",
	.reach = REACH_EITHER,
	.options = record_options,
	.run = record_main,
};
