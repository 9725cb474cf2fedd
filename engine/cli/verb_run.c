/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_run.c - sluice run: a command under tiering, by a private service that ends with us.
 *
 * The command starts only once tiering works, or with --best-effort. Signals that are sent to us
 * go on to it; those of the terminal reach it anyway. Its exit status becomes ours.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "paths.h"
#include "record_file.h"
#include "run_child.h"
#include "run_report.h"
#include "run_wish.h"
#include "text.h"

#define NS_PER_MS 1000000u
/* The status is told so often at first; half as often each time that as many rows would fill the
 * time so far, down to one in eight seconds. */
#define WATCH_FIRST_MS 1000
#define WATCH_MOST_MS 8000
#define WATCH_ROWS 60

struct run {
	struct cli *cli;
	struct run_wish wish;
	char **command;
	struct client *client; /* NULL: not tiered, or no longer */
	struct run_report *report;
	int wants_wp; /* a sampler that needs a library in the command */
	struct record_file record;
	uint64_t record_until_ns; /* 0: to the end */
	uint64_t watched_ns;      /* the status is told since then, */
	int watch_ms;             /* so often */
	pid_t pid;
	int signal_fd;
	sigset_t old_mask;
};

enum { RUN_JSON_OUT, RUN_QUIET, RUN_BEST_EFFORT, RUN_RECORD };
static const struct verb_option run_options[] = {
	[RUN_JSON_OUT] = {"json-out", "FILE",
			  "write what was done as one JSON document, at the end"},
	[RUN_QUIET] = {"quiet", NULL, "print no summary"},
	[RUN_BEST_EFFORT] = {"best-effort", NULL,
			     "run the command untiered where tiering cannot work"},
	[RUN_RECORD] = {"record", "FILE",
			"record what is seen and moved as a trace, see sluice-trace(5)"},
	{NULL, NULL, NULL},
};

static int
read_words(struct run *run, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && argv[i][0] == '-'; i++) {
		const char *value;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		switch (cli_own_option(run->cli, &verb_run, argc, argv, &i, &value)) {
		case RUN_JSON_OUT:
			run->wish.json_out = value;
			break;
		case RUN_QUIET:
			run->wish.quiet = 1;
			break;
		case RUN_BEST_EFFORT:
			run->wish.best_effort = 1;
			break;
		case RUN_RECORD:
			run->wish.record = value;
			break;
		case -EINVAL:
			return EXIT_USAGE;
		default:
			return cli_unexpected(run->cli, &verb_run, argv[i]);
		}
	}
	if (i >= argc)
		return cli_fail(run->cli, EXIT_USAGE, -EINVAL,
				"no command; usage: sluice run [OPTION]... -- COMMAND [ARG]...");
	run->command = argv + i;
	return EXIT_OK;
}

/* Whether the trackers in effect, "wp+damon", name wp. */
static int
names_wp(const json_t *config)
{
	const json_t *row, *values = NULL;
	const char *names;
	size_t i;

	json_array_foreach (json_object_get(config, "options"), i, row) {
		if (strcmp(text_of(row, "key"), "sampler") == 0)
			values = json_object_get(row, "values");
	}
	names = json_string_value(json_array_get(values, 0));
	for (; names && *names; names += *names == '+') {
		size_t len = strcspn(names, "+");

		if (len == 2 && memcmp(names, "wp", 2) == 0)
			return 1;
		names += len;
	}
	return 0;
}

/* The private service is up and its engine runs, or the exit status with which we refuse. */
static int
start_tiering(struct run *run)
{
	struct sluice_err err = {0, ""};
	json_t *config = NULL;
	int status = EXIT_NO_SERVICE;
	int r = client_spawn(run->cli->options, run->cli->config, &run->client, &err);

	if (r == 0)
		r = client_call(run->client, json_pack("{s:s}", "verb", "config"), &config, &status,
				&err);
	if (r == 0) {
		run_report_options(run->report, config);
		run->wants_wp = names_wp(config);
		json_decref(config);
		if (!run->wish.record_only)
			r = client_call(run->client, json_pack("{s:s}", "verb", "start"), NULL,
					&status, &err);
	}
	if (r == 0 && run->wish.record)
		r = record_file_begin(&run->record, run->client, run->wish.record, run->command,
				      NULL, run->wish.record_only, &status, &err);
	if (r == 0)
		return EXIT_OK;
	client_free(run->client);
	run->client = NULL;
	if (!run->wish.best_effort)
		return cli_fail(run->cli, status, r,
				"%s. The command was not started; --best-effort runs it untiered",
				err.msg);
	fprintf(stderr, "sluice: warning: %s. Running '%s' untiered\n", err.msg, run->command[0]);
	run_report_error(run->report, err.msg);
	return EXIT_OK;
}

/* The service died under us: what it changed is put back by a fresh one. */
static void
lose_tiering(struct run *run, const char *why)
{
	struct sluice_err err = {0, ""};
	struct client *fresh;
	int status;

	fprintf(stderr, "sluice: warning: %s; the command runs on untiered\n", why);
	run_report_error(run->report, why);
	client_free(run->client);
	run->client = NULL;
	if (client_spawn(run->cli->options, run->cli->config, &fresh, &err) < 0 ||
	    client_call(fresh, json_pack("{s:s}", "verb", "restore"), NULL, &status, &err) < 0) {
		fprintf(stderr, "sluice: warning: %s; 'sluice restore' puts kernel settings back\n",
			err.msg);
		return;
	}
	client_free(fresh);
}

static void
read_events(struct run *run)
{
	struct sluice_err err = {0, ""};
	json_t *event;
	int r;

	while (run->client && (r = client_receive(run->client, 0, &event, &err)) != -EAGAIN) {
		if (r < 0) {
			lose_tiering(run, err.msg);
			return;
		}
		if (json_object_get(event, "event"))
			run_report_status(run->report, event);
		json_decref(event);
	}
}

static int
open_signals(struct run *run)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGQUIT);
	sigprocmask(SIG_BLOCK, &wanted, &run->old_mask);
	run->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd < 0 ? -errno : 0;
}

/* Serves signals; 1 with *ret_wait once the command has ended. */
static int
read_signals(struct run *run, int *ret_wait)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			if (waitpid(run->pid, ret_wait, WNOHANG) == run->pid)
				return 1;
		} else if (info.ssi_code != SI_KERNEL) {
			/* The terminal's signals (SI_KERNEL) went to the whole foreground group,
			 * so the command has them already. */
			kill(run->pid, (int)info.ssi_signo);
		}
	}
	return 0;
}

/* Ends the recording when its time is over; the time until then for poll(2). */
static int
end_recording(struct run *run, uint64_t now_ns)
{
	struct sluice_err err = {0, ""};

	if (!run->record_until_ns || !run->client)
		return -1;
	if (now_ns < run->record_until_ns)
		return (int)((run->record_until_ns - now_ns) / NS_PER_MS) + 1;
	run->record_until_ns = 0;
	if (record_file_end(&run->record, run->client, &err) < 0)
		fprintf(stderr, "sluice: %s\n", err.msg);
	return -1;
}

static int
watch(struct run *run, int interval_ms, int *ret_status, struct sluice_err *reterr)
{
	run->watch_ms = interval_ms;
	return client_call(run->client,
			   json_pack("{s:s, s:i}", "verb", "watch", "interval_ms", interval_ms),
			   NULL, ret_status, reterr);
}

/* To tell the status costs the service something, and a document of days must not be endless. */
static void
watch_more_seldom(struct run *run, uint64_t now_ns)
{
	struct sluice_err err = {0, ""};
	int ignored;

	if (!run->client || run->watch_ms >= WATCH_MOST_MS ||
	    now_ns - run->watched_ns < WATCH_ROWS * NS_PER_MS * (uint64_t)run->watch_ms)
		return;
	if (watch(run, run->watch_ms * 2, &ignored, &err) < 0)
		lose_tiering(run, err.msg);
}

static int
wait_for_command(struct run *run)
{
	int wait_status = 0;

	while (!read_signals(run, &wait_status)) {
		int timeout_ms = end_recording(run, clock_now_ns());
		struct pollfd fds[2] = {
			{.fd = run->signal_fd, .events = POLLIN},
			{.fd = run->client ? client_fd(run->client) : -1, .events = POLLIN},
		};

		poll(fds, 2, timeout_ms);
		if (fds[1].revents)
			read_events(run);
		watch_more_seldom(run, clock_now_ns());
	}
	return wait_status;
}

/* The command is held before its exec; watch it, then let it go. */
static int
attach_and_release(struct run *run, struct run_child *child)
{
	struct sluice_err err = {0, ""};
	int status = EXIT_GENERAL, r = 0;

	if (run->client) {
		r = client_call(run->client,
				json_pack("{s:s, s:i, s:b}", "verb", "attach", "pid",
					  (int)child->pid, "follow", 1),
				NULL, &status, &err);
		if (r == 0)
			r = watch(run, WATCH_FIRST_MS, &status, &err);
		run->watched_ns = clock_now_ns();
		if (r < 0 && !run->wish.best_effort) {
			run_child_abandon(child);
			return cli_fail(run->cli, status, r,
					"%s. The command was not started; --best-effort runs it "
					"untiered",
					err.msg);
		}
		if (r < 0)
			lose_tiering(run, err.msg);
	}
	run_report_begin(run->report);
	if (run->wish.record_seconds > 0)
		run->record_until_ns = clock_now_ns() + (uint64_t)(run->wish.record_seconds * 1e9);
	r = run_child_release(child);
	if (r < 0)
		return cli_fail(run->cli, r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE, r,
				"cannot run '%s': %s", run->command[0], strerror(-r));
	if (run->client && record_file_keep(&run->record, &err) < 0)
		fprintf(stderr, "sluice: %s\n", err.msg);
	return EXIT_OK;
}

static void
finish(struct run *run, int exit_status, int signal_number)
{
	struct sluice_err err = {0, ""};
	json_t *status = NULL;
	int ignored;

	if (run->client) {
		if (client_call(run->client, json_pack("{s:s}", "verb", "status"), &status,
				&ignored, &err) == 0)
			run_report_status(run->report, status);
		json_decref(status);
		if (record_file_end(&run->record, run->client, &err) < 0)
			fprintf(stderr, "sluice: %s\n", err.msg);
		if (client_call(run->client, json_pack("{s:s}", "verb", "stop"), NULL, &ignored,
				&err) < 0)
			lose_tiering(run, err.msg);
		client_free(run->client);
		run->client = NULL;
	}
	run_report_end(run->report, exit_status, signal_number);
	if (run->wish.json_out && run_report_write(run->report, run->wish.json_out, &err) < 0)
		fprintf(stderr, "sluice: %s\n", err.msg);
	/* stdout is the command's, so even the document for programs goes to stderr. */
	if (run->wish.record_only)
		record_file_print(&run->record, run->cli, run->wish.quiet, stderr);
	else if (run->cli->json)
		run_report_print_json(run->report, stderr);
	else if (!run->wish.quiet)
		run_report_print(run->report, stderr);
	if (!run->wish.record_only && run->wish.record && !run->cli->json)
		record_file_print(&run->record, run->cli, run->wish.quiet, stderr);
}

static int
run_command(struct run *run)
{
	struct run_child child = {0};
	char path[PATHS_MAX];
	const char *preload = run->wants_wp && run->client ? paths_preload_wp(path) : NULL;
	int status, wait_status, signal_number = 0;
	int r;

	if (run->wants_wp && run->client && !preload)
		return cli_fail(run->cli, EXIT_NO_BACKEND, -ENOENT,
				"the library libsluice-wp.so, which the sampler wp needs in the "
				"command, is not where Sluice is installed. The command was not "
				"started");
	r = open_signals(run);
	if (r == 0)
		r = run_child_start(&child, run->command, &run->old_mask, preload);
	if (r < 0)
		return cli_fail(run->cli, EXIT_GENERAL, r, "cannot start a process: %s",
				strerror(-r));
	run->pid = child.pid;
	status = attach_and_release(run, &child);
	if (status != EXIT_OK)
		return status;
	wait_status = wait_for_command(run);
	if (WIFSIGNALED(wait_status)) {
		signal_number = WTERMSIG(wait_status);
		status = 128 + signal_number;
	} else {
		status = WEXITSTATUS(wait_status);
	}
	finish(run, status, signal_number);
	return status;
}

static int
run_it(struct run *run)
{
	int status;

	run->report = run_report_new(run->command);
	if (!run->report)
		return cli_fail(run->cli, EXIT_GENERAL, -ENOMEM, "out of memory");
	status = start_tiering(run);
	if (status == EXIT_OK)
		status = run_command(run);
	record_file_drop(&run->record);
	client_free(run->client);
	run_report_free(run->report);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	return status;
}

int
run_wished(struct cli *cli, const struct run_wish *wish, char **command)
{
	struct run run = {.cli = cli, .wish = *wish, .command = command, .signal_fd = -1};

	return run_it(&run);
}

static int
run_main(struct cli *cli, int argc, char **argv)
{
	struct run run = {.cli = cli, .signal_fd = -1};
	int status = read_words(&run, argc, argv);

	return status == EXIT_OK ? run_it(&run) : status;
}

const struct verb verb_run = {
	.name = "run",
	.arguments = "[OPTION]... -- COMMAND [ARG]...",
	.summary = "run a command under tiering; no service is needed",
	.reach = REACH_PRIVATE,
	.options = run_options,
	.run = run_main,
};
