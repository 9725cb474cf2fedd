/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_replay.c - sluice replay: policies over a modelled program and machine. sluice-replay does
 * the work and gives JSON; here that becomes a table.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "paths.h"
#include "text.h"

#define WORDS_MAX 512

enum { REPLAY_LIST = 10 };
static const struct verb_option replay_options[] = {
	{"tiers", "TIERS",
	 "fastest first, KIND:SIZE[@LATENCY][,BANDWIDTH]; SIZE in bytes or in percent of the "
	 "program's memory (dram:25% cxl:75%)"},
	{"ratio", "FAST:SLOW", "the same for DRAM and CXL: 1:4 is \"dram:20% cxl:80%\""},
	{"input", "TRACKER",
	 "what the engine is told: exact counts, or what this tracker would "
	 "have seen (exact)"},
	{"seconds", "TIME", "how much work, in time with all memory fast (120)"},
	{"epoch", "TIME", "in pieces of this length (1s)"},
	{"memory", "SIZE", "of the program (each workload has its own)"},
	{"pages", "4k|2m", "what moves as one, where the workload does not say (4k)"},
	{"seed", "N", "of all that is random; equal seeds, equal results (1)"},
	{"runs", "N", "with as many seeds in a row, with 95 % intervals (1)"},
	{"jobs", "N", "so many at a time (one for each CPU)"},
	[REPLAY_LIST] = {"list", NULL, "list workloads, trackers, and kinds of tiers"},
	{"report", "FILE", "write a page with a picture, for any browser"},
	{NULL, NULL, NULL},
};

/* The words for sluice-replay: what the command line set, then the verb's own words. NULL, and
 * nothing kept, when there is no memory. */
static char **
make_words(const struct cli *cli, const char *path, int argc, char **argv)
{
	char **words = calloc(WORDS_MAX + (size_t)argc, sizeof(*words));
	size_t n = 0;

	if (!words)
		return NULL;
	words[n++] = strdup(path);
	for (int id = 0; id < OPTION_COUNT; id++) {
		enum option_id option = (enum option_id)id;

		if (options_layer(cli->options, option) != LAYER_COMMAND)
			continue;
		for (size_t i = 0; i < options_count(cli->options, option) && n < WORDS_MAX - 1;
		     i++) {
			if (asprintf(&words[n++], "--%s=%s", option_table[id].name,
				     options_text(cli->options, option, i)) < 0)
				words[n - 1] = NULL;
		}
	}
	for (int i = 0; i < argc; i++)
		words[n++] = strdup(argv[i]);
	for (size_t i = 0; i < n; i++) {
		if (words[i])
			continue;
		for (size_t k = 0; k < n; k++)
			free(words[k]);
		free(words);
		return NULL;
	}
	return words;
}

static void
free_words(char **words)
{
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
	free(words);
}

/* Runs it with its output into a pipe. -errno. */
static int
start_replay(const char *path, char **words, pid_t *ret_pid)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_pid = fork();
	if (*ret_pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execv(path, words);
		_exit(EXIT_CANNOT_EXECUTE);
	}
	close(ends[1]);
	if (*ret_pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	return ends[0];
}

static const char *
seconds_text(const json_t *object, const char *key, char *buffer, size_t size)
{
	snprintf(buffer, size, "%.4g s", number_of(object, key) / 1e9);
	return buffer;
}

static void
print_bounds(struct text_table *table, const json_t *bounds)
{
	static const char *const names[][2] = {{"all_fast", "(all fast)"},
					       {"all_slow", "(all slow)"},
					       {"first_touch", "(first touch)"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *bound = json_object_get(bounds, names[i][0]);
		char wall[32], stall[32], share[32];
		const char *cells[] = {
			names[i][1],
			seconds_text(bound, "wall_ns", wall, sizeof(wall)),
			seconds_text(bound, "stall_ns", stall, sizeof(stall)),
			text_percent(json_object_get(bound, "fast_share"), share, sizeof(share)),
			"",
			"",
			"",
			"",
			"",
			""};

		text_table_row(table, cells);
	}
}

static void
print_row(struct text_table *table, const json_t *row)
{
	char wall[64], stall[32], share[32], gain[32], up[32], down[32], back[32], tracking[32],
		decide[32];
	const json_t *half = json_object_get(row, "wall_half_ns");
	size_t len = strlen(seconds_text(row, "wall_ns", wall, sizeof(wall)));

	if (json_is_number(half))
		snprintf(wall + len, sizeof(wall) - len, " ±%.2g", json_number_value(half) / 1e9);
	snprintf(decide, sizeof(decide), "%.3g ms", number_of(row, "decide_ns") / 1e6);

	const char *cells[] = {
		text_of(row, "policy"),
		wall,
		seconds_text(row, "stall_ns", stall, sizeof(stall)),
		text_percent(json_object_get(row, "fast_share"), share, sizeof(share)),
		text_percent(json_object_get(row, "gain"), gain, sizeof(gain)),
		text_bytes(json_object_get(row, "promoted_bytes"), up, sizeof(up)),
		text_bytes(json_object_get(row, "demoted_bytes"), down, sizeof(down)),
		text_percent(json_object_get(row, "pingpong_share"), back, sizeof(back)),
		seconds_text(row, "tracking_ns", tracking, sizeof(tracking)),
		decide,
	};
	text_table_row(table, cells);
}

static int
print_replay(const json_t *result)
{
	static const char *const headings[] = {"<POLICY",  "TIME",     "STALL", "FAST",
					       "GAIN",     "UP",       "DOWN",  "MOVED BACK",
					       "TRACKING", "DECISION", NULL};
	struct text_table *table = text_table_new(headings);
	const json_t *replay = json_object_get(result, "replay"), *row;
	size_t i;

	if (!table)
		return EXIT_GENERAL;
	text_wrap(stdout, 0, text_of(result, "summary"));
	printf("%s (modelled)\n\n", text_of(json_object_get(result, "machine"), "description"));
	print_bounds(table, json_object_get(replay, "bounds"));
	json_array_foreach (json_object_get(replay, "rows"), i, row)
		print_row(table, row);
	text_table_print(table, stdout);
	printf("\nTime is until the work is done, stall that of all %d threads. Gain: of what all "
	       "fast is\nfaster than all slow.\n",
	       (int)number_of(replay, "threads"));
	return EXIT_OK;
}

static void
print_named(const char *title, const json_t *list, const char *text_key)
{
	const json_t *item;
	size_t i;

	printf("%s:\n", title);
	json_array_foreach (list, i, item) {
		printf("  %-20s ", text_of(item, "name"));
		text_wrap(stdout, 23, text_of(item, text_key));
	}
}

static int
print_list(const json_t *result)
{
	print_named("Workloads", json_object_get(result, "workloads"), "summary");
	print_named("\nInputs", json_object_get(result, "inputs"), "summary");
	print_named("\nKinds of tiers", json_object_get(result, "kinds"), "source");
	return EXIT_OK;
}

static int
read_result(struct cli *cli, int fd, pid_t pid)
{
	FILE *file = fdopen(fd, "r");
	json_t *result = file ? json_loadf(file, 0, NULL) : NULL;
	int wait_status = 0, status;

	if (file)
		fclose(file);
	else
		close(fd);
	while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(wait_status))
		status = cli_fail(cli, EXIT_GENERAL, -EINTR, "sluice-replay was ended by signal %d",
				  WTERMSIG(wait_status));
	else if (WEXITSTATUS(wait_status) == EXIT_CANNOT_EXECUTE)
		status = cli_fail(cli, EXIT_GENERAL, -ENOEXEC, "sluice-replay cannot be executed");
	else if ((status = WEXITSTATUS(wait_status)) == EXIT_OK && !result)
		status = cli_fail(cli, EXIT_GENERAL, -EBADMSG, "sluice-replay gave no result");
	else if (cli->json && result) /* a failure was told by it, on stderr too */
		cli_print_json(result);
	else if (status == EXIT_OK)
		status = json_object_get(result, "workloads") ? print_list(result)
							      : print_replay(result);
	json_decref(result);
	return status;
}

static int
replay_main(struct cli *cli, int argc, char **argv)
{
	char path[PATHS_MAX];
	char **words;
	pid_t pid = -1;
	int fd;

	if (!paths_replay(path))
		return cli_fail(cli, EXIT_GENERAL, -ENOENT,
				"cannot find 'sluice-replay' beside this program or in PATH; "
				"install it or build the whole project");
	if (cli->config)
		return cli_fail(cli, EXIT_USAGE, -EINVAL,
				"a replay reads no configuration; give its options here");
	words = make_words(cli, path, argc, argv);
	if (!words)
		return cli_fail(cli, EXIT_GENERAL, -ENOMEM, "out of memory");
	fd = start_replay(path, words, &pid);
	free_words(words);
	if (fd < 0)
		return cli_fail(cli, EXIT_GENERAL, fd, "cannot start '%s': %s", path,
				strerror(-fd));
	return read_result(cli, fd, pid);
}

const struct verb verb_replay = {
	.name = "replay",
	.arguments = "WORKLOAD|TRACE",
	.summary = "compare policies over a modelled program, without moving anything",
	.reach = REACH_PRIVATE,
	.options = replay_options,
	.minds = VERB_MINDS(OPTION_POLICY) | VERB_MINDS(OPTION_POLICY_DIR) |
		 VERB_MINDS(OPTION_RATE) | VERB_MINDS(OPTION_WATERMARK) |
		 VERB_MINDS(OPTION_INTERVAL) | VERB_MINDS(OPTION_PAYBACK_HORIZON) |
		 VERB_MINDS(OPTION_TRACKING) | VERB_MINDS(OPTION_DRY_RUN),
	.run = replay_main,
};
