/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_top.c - sluice top: the service, live. On a terminal a screen that redraws; piped, the
 * tables of `sluice status` once per interval; with --json one object a line.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "parse.h"
#include "status_text.h"
#include "top_model.h"
#include "top_screen.h"

struct top {
	struct cli *cli;
	struct client *client;
	struct top_model model;
	uint64_t delay_ms, iterations, shown;
	int on_screen;
};

enum { TOP_DELAY, TOP_ITERATIONS };
static const struct verb_option top_options[] = {
	[TOP_DELAY] = {"delay", "TIME", "time between updates, 100ms to 1h (1s)"},
	[TOP_ITERATIONS] = {"iterations", "N", "end after N updates"},
	{NULL, NULL, NULL},
};

static int
read_words(struct top *top, int argc, char **argv)
{
	struct sluice_err err = {0, ""};

	for (int i = 0; i < argc; i++) {
		const char *value;
		int r = 0;

		switch (cli_own_option(top->cli, &verb_top, argc, argv, &i, &value)) {
		case TOP_DELAY:
			r = parse_duration_ms(value, &top->delay_ms, &err);
			if (r == 0 && (top->delay_ms < 100 || top->delay_ms > 3600000))
				r = sluice_fail(&err, -ERANGE, "'%s' is not 100ms to 1h", value);
			break;
		case TOP_ITERATIONS:
			r = parse_u64(value, 1, UINT64_MAX, &top->iterations, &err);
			break;
		case -EINVAL:
			return EXIT_USAGE;
		default:
			return cli_unexpected(top->cli, &verb_top, argv[i]);
		}
		if (r < 0)
			return cli_fail(top->cli, EXIT_USAGE, r, "%s", err.msg);
	}
	return EXIT_OK;
}

static void
show(struct top *top, json_t *event)
{
	top_model_update(&top->model, event);
	if (top->on_screen) {
		top_screen_draw(&top->model);
	} else if (top->cli->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	} else {
		printf("%s", top->shown ? "\n" : "");
		status_text_print(event, stdout);
	}
	top->shown++;
}

/* Until the user, the number of iterations, or the service ends it. 0 or -errno. */
static int
loop(struct top *top, struct sluice_err *reterr)
{
	int r = 0;

	while (r == 0 && (top->iterations == 0 || top->shown < top->iterations)) {
		struct pollfd fds[2] = {
			{.fd = client_fd(top->client), .events = POLLIN},
			{.fd = top->on_screen ? STDIN_FILENO : -1, .events = POLLIN},
		};
		json_t *event;

		poll(fds, 2, -1);
		/* A resize comes as a signal, which interrupts the poll. */
		if (top->on_screen && top_screen_keys(&top->model))
			break;
		if (fds[1].revents & (POLLHUP | POLLERR))
			break;
		while ((r = client_receive(top->client, 0, &event, reterr)) == 0) {
			if (json_object_get(event, "event"))
				show(top, event);
			json_decref(event);
			if (top->iterations && top->shown >= top->iterations)
				break;
		}
		if (r == -EAGAIN)
			r = 0;
		if (ferror(stdout))
			break;
	}
	return r;
}

static int
top_main(struct cli *cli, int argc, char **argv)
{
	struct top top = {.cli = cli, .delay_ms = 1000};
	struct sluice_err err = {0, ""};
	int status = read_words(&top, argc, argv), r;

	if (status == EXIT_OK)
		status = cli_reach(cli, REACH_SERVICE, &top.client);
	if (status == EXIT_OK)
		status = cli_call(cli, top.client,
				  json_pack("{s:s, s:I}", "verb", "watch", "interval_ms",
					    (json_int_t)top.delay_ms),
				  NULL);
	if (status == EXIT_OK) {
		top.on_screen = !cli->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
				top_screen_open() == 0;
		r = loop(&top, &err);
		top_screen_close();
		if (r < 0)
			status = cli_fail(cli, EXIT_NO_SERVICE, r, "%s", err.msg);
	}
	top_model_clear(&top.model);
	client_free(top.client);
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.arguments = "[--delay TIME] [--iterations N]",
	.summary = "watch the running service, live",
	.reach = REACH_SERVICE,
	.options = top_options,
	.run = top_main,
};
