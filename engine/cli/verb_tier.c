/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_tier.c - sluice tier list|online|offline: memory devices become nodes, and nodes devices.
 *
 * A private sluiced does the work, one step for each request, and undoes it when we go away before
 * the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "text.h"
#include "tier_text.h"

#define DRAIN_POLL_US 100000
#define STEP_MS 1800000 /* terabytes of memory take the kernel minutes in one go */

enum { TIER_KERNEL, TIER_YES, TIER_DRY_RUN };
static const struct verb_option tier_options[] = {
	[TIER_KERNEL] = {"kernel", NULL, "let the kernel use it too: it may never go offline"},
	[TIER_YES] = {"yes", NULL, "agree to losing what is stored in the device"},
	[TIER_DRY_RUN] = {"dry-run", NULL, "print the steps, change nothing"},
	{NULL, NULL, NULL},
};

struct tier_args {
	const char *action, *device;
	int kernel, yes, dry_run;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* As cli_call, but with as much patience as a step may need. `doing` is what the request asks the
 * machine to be changed by, NULL for nothing: without an answer nobody knows how far that came,
 * once such a request was sent (begun; NULL with doing). */
static int
ask(struct cli *cli, struct client *client, json_t *request, const char *doing, int *begun,
    json_t **ret)
{
	struct sluice_err err = {0, ""};
	uint64_t until_ns = clock_now_ns() + (uint64_t)STEP_MS * 1000000u;
	int status = EXIT_NO_SERVICE;
	int r = client_send(client, request, &err);

	if (r == 0 && begun)
		*begun = 1;
	/* A signal; the step under way comes to its end all the same. */
	while (r == 0 && (r = client_receive(client, STEP_MS, ret, &err)) == -EAGAIN) {
		if (clock_now_ns() < until_ns)
			r = 0;
		else
			r = sluice_fail(&err, -ETIMEDOUT, "the service has not answered for %d min",
					STEP_MS / 60000);
	}
	/* It still works on that step, and undoes all when it finds that we are gone. */
	if (r == -ETIMEDOUT && doing)
		return cli_fail(cli, EXIT_HALF_DONE, r,
				"%s in the midst of this: %s. What was done so far is undone when "
				"that ends; `sluice tier list` shows how it stands",
				err.msg, doing);
	if (r < 0 && doing && *begun)
		return cli_fail(cli, EXIT_HALF_DONE, r,
				"%s in the midst of this: %s. What was done so far is not undone; "
				"the same command again carries on from there",
				err.msg, doing);
	if (r == 0) {
		r = client_answer_error(*ret, &status, &err);
		if (r == 0)
			return EXIT_OK;
		json_decref(*ret);
		*ret = NULL;
	}
	return cli_fail(cli, status, r, "%s", err.msg);
}

static int
tier_list(struct cli *cli)
{
	struct client *client;
	json_t *answer = NULL;
	int status = cli_reach(cli, REACH_PRIVATE, &client);

	if (status != EXIT_OK)
		return status;
	status = ask(cli, client, json_pack("{s:s}", "verb", "tier_list"), NULL, NULL, &answer);
	client_free(client);
	if (status != EXIT_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	else
		tier_text_list(json_object_get(answer, "devices"));
	json_decref(answer);
	return EXIT_OK;
}

/* Asks at the terminal; without one nobody can agree. */
static int
agree(const struct cli *cli, const struct tier_args *args, const char *question)
{
	char line[16] = "";

	if (args->yes)
		return EXIT_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_fail(cli, EXIT_DECLINED, -ECANCELED,
				"%s; give --yes to agree (there is no terminal to ask at)",
				question);
	fprintf(stderr, "%s. Go on? [y/N] ", question);
	if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
		return EXIT_OK;
	return cli_fail(cli, EXIT_DECLINED, -ECANCELED, "not agreed to: nothing was changed");
}

/* The running service empties the node first, if there is one: it knows better than the kernel
 * where its programs' pages should go. It does for as long as the connection lasts, so *ret is to
 * be closed at the very end. *ret_drain is its last word. */
static int
drain(struct cli *cli, int node, struct client **ret, json_t **ret_drain)
{
	const char *path = options_text(cli->options, OPTION_SOCKET, 0);
	struct sluice_err err = {0, ""};
	struct client *service;
	json_t *answer = NULL;
	int status;

	if (client_connect(path, &service, &err) < 0)
		return EXIT_OK;
	for (;;) {
		status = ask(cli, service, json_pack("{s:s, s:i}", "verb", "drain", "node", node),
			     NULL, NULL, &answer);
		if (status != EXIT_OK || interrupted)
			break;
		if (!cli->json)
			tier_text_drain(node, answer);
		if (json_is_true(json_object_get(answer, "complete")))
			break;
		json_decref(answer);
		answer = NULL;
		usleep(DRAIN_POLL_US);
	}
	if (status != EXIT_OK) {
		client_free(service);
		return status;
	}
	json_object_del(answer, "ok");
	*ret_drain = answer;
	*ret = service;
	return EXIT_OK;
}

static int
carry_out(struct cli *cli, struct client *client, const json_t *plan, int guarded, json_t **ret)
{
	const json_t *steps = json_object_get(plan, "steps");
	size_t printed = 0, step = 0;
	json_t *answer = NULL;
	int begun = 0;
	int status;

	for (;;) {
		if (interrupted) {
			if (!cli->json && isatty(STDOUT_FILENO))
				printf("\n");
			/* Asked for, not left to the end of the connection: that waits for
			 * half a minute only, and memory may take longer to empty. */
			status = ask(cli, client, json_pack("{s:s}", "verb", "tier_undo"),
				     "undoing what was done", &begun, &answer);
			if (status != EXIT_OK)
				return status;
			json_decref(answer);
			return cli_fail(cli, EXIT_GENERAL, -EINTR,
					"interrupted: what was done so far is undone");
		}
		status = ask(cli, client,
			     json_pack("{s:s, s:b}", "verb", "tier_step", "guarded", guarded),
			     json_string_value(json_array_get(steps, step)), &begun, &answer);
		if (status != EXIT_OK)
			return status;
		if (!cli->json)
			tier_text_progress(plan, answer, &printed);
		if (json_is_true(json_object_get(answer, "complete")))
			break;
		step = (size_t)number_of(answer, "step");
		json_decref(answer);
	}
	*ret = answer;
	return EXIT_OK;
}

static int
finish(const struct cli *cli, const struct tier_args *args, const json_t *plan,
       const json_t *drained, json_t *result)
{
	if (!cli->json) {
		tier_text_result(args->action, args->device, result);
		return EXIT_OK;
	}
	json_object_set(result, "steps", json_object_get(plan, "steps"));
	json_object_del(result, "complete");
	json_object_del(result, "step");
	json_object_del(result, "part");
	json_object_del(result, "parts");
	json_object_set_new(result, "device", json_string(args->device));
	json_object_set_new(result, "action", json_string(args->action));
	json_object_set_new(result, "drained", drained ? json_deep_copy(drained) : json_null());
	cli_print_json(result);
	return EXIT_OK;
}

static int
change(struct cli *cli, const struct tier_args *args, struct client *client)
{
	json_t *plan = NULL, *result = NULL, *drained = NULL;
	struct client *service = NULL;
	const json_t *node;
	int status = ask(cli, client,
			 json_pack("{s:s, s:s, s:s, s:b}", "verb", "tier_open", "device",
				   args->device, "action", args->action, "kernel", args->kernel),
			 NULL, NULL, &plan);

	if (status != EXIT_OK)
		return status;
	if (args->dry_run) {
		if (cli->json)
			cli_print_json(plan);
		else if (json_array_size(json_object_get(plan, "steps")) == 0)
			printf("%s is %s already\n", args->device, args->action);
		else
			tier_text_plan(plan);
		json_decref(plan);
		return EXIT_OK;
	}
	if (json_is_string(json_object_get(plan, "question")))
		status = agree(cli, args, text_of(plan, "question"));
	node = json_object_get(plan, "node");
	if (status == EXIT_OK && strcmp(args->action, "offline") == 0 && json_is_integer(node) &&
	    json_array_size(json_object_get(plan, "steps")) > 0)
		status = drain(cli, (int)json_integer_value(node), &service, &drained);
	if (status == EXIT_OK)
		status = carry_out(cli, client, plan,
				   json_is_true(json_object_get(drained, "guards")), &result);
	if (status == EXIT_OK)
		status = finish(cli, args, plan, drained, result);
	client_free(service); /* what stays is used again */
	json_decref(drained);
	json_decref(result);
	json_decref(plan);
	return status;
}

static int
tier_main(struct cli *cli, int argc, char **argv)
{
	struct tier_args args = {NULL, NULL, 0, 0, 0};
	struct client *client;
	const char *value;
	int status;

	for (int i = 0; i < argc; i++) {
		int r = cli_own_option(cli, &verb_tier, argc, argv, &i, &value);

		if (r == TIER_KERNEL)
			args.kernel = 1;
		else if (r == TIER_YES)
			args.yes = 1;
		else if (r == TIER_DRY_RUN)
			args.dry_run = 1;
		else if (argv[i][0] == '-' || args.device)
			return cli_unexpected(cli, &verb_tier, argv[i]);
		else if (args.action)
			args.device = argv[i];
		else
			args.action = argv[i];
	}
	if (args.action && strcmp(args.action, "list") == 0 && !args.device)
		return tier_list(cli);
	if (!args.action || !args.device ||
	    (strcmp(args.action, "online") != 0 && strcmp(args.action, "offline") != 0))
		return cli_fail(cli, EXIT_USAGE, -EINVAL, "usage: sluice tier %s",
				verb_tier.arguments);
	if (args.kernel && strcmp(args.action, "offline") == 0)
		return cli_fail(cli, EXIT_USAGE, -EINVAL,
				"--kernel tells how to bring memory online; with offline it means "
				"nothing");
	catch_signals();
	status = cli_reach(cli, REACH_PRIVATE, &client);
	if (status != EXIT_OK)
		return status;
	status = change(cli, &args, client);
	client_free(client);
	return status;
}

const struct verb verb_tier = {
	.name = "tier",
	.arguments = "list | online DEVICE | offline DEVICE",
	.summary = "turn memory devices (CXL, dax, NVDIMM) into nodes, and back",
	.reach = REACH_SERVICE, /* for --help: the options of an engine mean nothing here */
	.options = tier_options,
	.run = tier_main,
};
