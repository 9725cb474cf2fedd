/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology_measure.c - see topology_measure.h. A private service measures, and is asked several
 * times a second how far it is. The first Ctrl-C (or SIGTERM) ends it with what is complete, the
 * second ends us at once, and the service with us.
 */
#include "topology_measure.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parse.h"
#include "text.h"

#define ASK_MS 200

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

int
topology_measure_seconds(struct topology_measure *wish, const char *text, struct sluice_err *reterr)
{
	struct sluice_err err = {0, ""};
	char with_unit[64];

	snprintf(with_unit, sizeof(with_unit), "%.60ss", text);
	if (strlen(text) > 60 || parse_duration_ms(with_unit, &wish->time_ms, &err) < 0)
		return sluice_fail(reterr, -EINVAL,
				   "--seconds: '%.64s' is not a number of seconds, like 10 or 2.5",
				   text);
	if (wish->time_ms < 1 || wish->time_ms > 86400000)
		return sluice_fail(reterr, -ERANGE,
				   "--seconds: '%.64s' is not above 0 and at most a day", text);
	return 0;
}

int
topology_measure_memory(struct topology_measure *wish, const char *text, struct sluice_err *reterr)
{
	struct sluice_err err = {0, ""};
	int r = parse_size(text, &wish->memory_bytes, &err);

	if (r < 0)
		return sluice_fail(reterr, r, "--memory: %s", err.msg);
	if (wish->memory_bytes < 4u << 20 || wish->memory_bytes > (uint64_t)INT64_MAX)
		return sluice_fail(reterr, -ERANGE,
				   "--memory: '%.64s' is less than 4M, or too much", text);
	return 0;
}

int
topology_measure_pair(struct topology_measure *wish, const char *text, struct sluice_err *reterr)
{
	const char *colon = strchr(text, ':');
	uint64_t cpu_node = 0, memory_node = 0;
	char first[16] = "";

	if (colon && (size_t)(colon - text) < sizeof(first))
		memcpy(first, text, (size_t)(colon - text));
	if (!first[0] || parse_u64(first, 0, 1023, &cpu_node, NULL) < 0 ||
	    parse_u64(colon + 1, 0, 1023, &memory_node, NULL) < 0)
		return sluice_fail(reterr, -EINVAL,
				   "--pair: '%.64s' is not CPU-NODE:MEMORY-NODE, like 0:1", text);
	if (!wish->pairs)
		wish->pairs = json_array();
	json_array_append_new(wish->pairs,
			      json_pack("[I, I]", (json_int_t)cpu_node, (json_int_t)memory_node));
	return 0;
}

void
topology_measure_clear(struct topology_measure *wish)
{
	json_decref(wish->pairs);
	wish->pairs = NULL;
}

static void
show_progress(const json_t *answer)
{
	const json_t *progress = json_object_get(answer, "progress");

	if (!isatty(STDERR_FILENO) || !progress)
		return;
	fprintf(stderr,
		"\r\033[Kmeasuring node %.0f's memory from node %.0f's CPUs: %s; %.0f of %.0f "
		"pairs done, %.0f of %.0f s",
		number_of(progress, "node"), number_of(progress, "initiator"),
		text_of(progress, "doing"), number_of(progress, "pairs_done"),
		number_of(progress, "pairs_total"), number_of(progress, "elapsed_ms") / 1000,
		number_of(progress, "time_ms") / 1000);
	fflush(stderr);
}

static void
end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* "170 ns ±1%", "28.1 GB/s ±3% ×32" (threads); the notes say what is noisy. */
static const char *
figure(const json_t *pair, const char *key, char *buffer, size_t size)
{
	const json_t *object = json_object_get(pair, key);
	double value = number_of(object, "median"), spread = number_of(object, "spread_percent");

	if (!json_is_object(object))
		snprintf(buffer, size, "unknown");
	else if (strcmp(key, "read_latency_ns") == 0)
		snprintf(buffer, size, "%.*f ns ±%.0f%%", value < 100 ? 1 : 0, value, ceil(spread));
	else if (value < 1000)
		snprintf(buffer, size, "%.*f MB/s ±%.0f%% ×%.0f", value < 100 ? 1 : 0, value,
			 ceil(spread), number_of(object, "threads"));
	else
		snprintf(buffer, size, "%.1f GB/s ±%.0f%% ×%.0f", value / 1000, ceil(spread),
			 number_of(object, "threads"));
	return buffer;
}

static void
print_result(const json_t *result)
{
	static const char *const headings[] = {"CPUS",  "MEMORY", "LATENCY", "READ",
					       "WRITE", "2:1",    NULL};
	const json_t *pairs = json_object_get(result, "pairs"), *pair;
	const json_t *warnings = json_object_get(result, "warnings"), *warning;
	const char *kept_in = text_of(result, "kept_in");
	struct text_table *table = text_table_new(headings);
	size_t i;

	json_array_foreach (pairs, i, pair) {
		char from[24], to[24], latency[48], read[48], write[48], mixed[48];

		snprintf(from, sizeof(from), "%.0f", number_of(pair, "initiator"));
		snprintf(to, sizeof(to), "%.0f", number_of(pair, "node"));
		text_table_row(
			table,
			(const char *[]){from, to,
					 figure(pair, "read_latency_ns", latency, sizeof(latency)),
					 figure(pair, "read_bw_mbps", read, sizeof(read)),
					 figure(pair, "write_bw_mbps", write, sizeof(write)),
					 figure(pair, "mixed_bw_mbps", mixed, sizeof(mixed))});
	}
	text_table_print(table, stdout);
	printf("\n%sBy node of the CPUs and of the memory. Medians of several passes; nine in ten "
	       "of\n"
	       "them differ by at most ±. After × the threads that did best. Stores: %s.%s\n",
	       text_style(stdout, TEXT_DIM), text_of(result, "stores"), text_reset(stdout));
	json_array_foreach (pairs, i, pair) {
		if (text_of(pair, "note")[0])
			printf("node %.0f from node %.0f: %s\n", number_of(pair, "node"),
			       number_of(pair, "initiator"), text_of(pair, "note"));
	}
	json_array_foreach (warnings, i, warning)
		printf("%swarning: %s%s\n", text_style(stdout, TEXT_YELLOW),
		       json_string_value(warning), text_reset(stdout));
	if (kept_in[0])
		printf("Kept in %s\n", kept_in);
}

/* Asks until it is over. *ret is the result. */
static int
follow(struct cli *cli, struct client *client, json_t **ret)
{
	struct timespec pause = {.tv_nsec = ASK_MS * 1000000};
	bool asked = false;

	for (;;) {
		json_t *answer = NULL;
		int status;

		if (caught && !asked) {
			asked = true;
			status = cli_call(cli, client, json_pack("{s:s}", "verb", "measure_stop"),
					  NULL);
			if (status != EXIT_OK)
				return status;
		}
		status = cli_call(cli, client, json_pack("{s:s}", "verb", "measure_status"),
				  &answer);
		if (status != EXIT_OK)
			return status;
		if (!json_is_true(json_object_get(answer, "running"))) {
			*ret = answer;
			return EXIT_OK;
		}
		show_progress(answer);
		json_decref(answer);
		nanosleep(&pause, NULL); /* a signal cuts it short */
	}
}

static bool
knows_nothing(const json_t *result)
{
	static const char *const keys[] = {"read_latency_ns", "read_bw_mbps", "write_bw_mbps",
					   "mixed_bw_mbps"};
	const json_t *pair;
	size_t i;

	json_array_foreach (json_object_get(result, "pairs"), i, pair) {
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
			if (json_is_object(json_object_get(pair, keys[k])))
				return false;
		}
	}
	return true;
}

static int
show(struct cli *cli, const json_t *result)
{
	if (cli->json)
		cli_print_json(result);
	else
		print_result(result);
	if (json_is_true(json_object_get(result, "interrupted"))) {
		fprintf(stderr,
			"sluice: ended early: %.0f of %.0f pairs are complete and kept, the one "
			"under "
			"way was discarded\n",
			number_of(result, "pairs_done"), number_of(result, "pairs_total"));
		return 128 + (caught ? (int)caught : SIGINT);
	}
	if (knows_nothing(result)) {
		fprintf(stderr, "sluice: nothing could be measured; the notes say why\n");
		return EXIT_GENERAL;
	}
	return EXIT_OK;
}

int
topology_measure_run(struct cli *cli, const struct topology_measure *wish)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	json_t *request = json_pack("{s:s}", "verb", "measure"), *result = NULL;
	struct client *client = NULL;
	int status;

	if (wish->time_ms)
		json_object_set_new(request, "time_ms", json_integer((json_int_t)wish->time_ms));
	if (wish->memory_bytes)
		json_object_set_new(request, "memory_bytes",
				    json_integer((json_int_t)wish->memory_bytes));
	if (wish->pairs)
		json_object_set(request, "pairs", wish->pairs);
	status = cli_reach(cli, REACH_PRIVATE, &client);
	if (status != EXIT_OK) {
		json_decref(request);
		return status;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = cli_call(cli, client, request, NULL);
	if (status == EXIT_OK)
		status = follow(cli, client, &result);
	end_progress();
	if (status == EXIT_OK)
		status = show(cli, result);
	json_decref(result);
	client_free(client);
	return status;
}
