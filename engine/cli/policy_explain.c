/* SPDX-License-Identifier: Apache-2.0 */
/* policy_explain.c - see policy_explain.h. */
#include "policy_explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status_text.h"
#include "text.h"

static void
print_heat(const json_t *answer)
{
	const json_t *low = json_object_get(answer, "heat_low");
	const json_t *high = json_object_get(answer, "heat_high");

	if (!json_is_number(high)) {
		printf("heat       unknown: nothing of it was watched yet\n");
		return;
	}
	printf("heat       %.3g accesses a second and page, %.3g to %.3g\n",
	       number_of(answer, "heat"), json_number_value(low), json_number_value(high));
}

static void
print_decision(const json_t *line)
{
	const json_t *refused = json_object_get(line, "refused");
	char asked[32], admitted[32];

	printf("  %6.0f s ago  tier %.0f to %.0f  asked %s, admitted %s",
	       number_of(line, "age_ms") / 1e3, number_of(line, "from"), number_of(line, "to"),
	       text_bytes(json_object_get(line, "asked_bytes"), asked, sizeof(asked)),
	       text_bytes(json_object_get(line, "admitted_bytes"), admitted, sizeof(admitted)));
	if (json_is_number(json_object_get(line, "gain")))
		printf(", gain %.3g", number_of(line, "gain"));
	for (size_t i = 0; i < json_array_size(refused); i++)
		printf("%s%s", i ? ", " : "; refused for ", text_item(refused, i));
	printf("\n");
}

static void
print_page(const json_t *answer)
{
	const json_t *region = json_object_get(answer, "region"), *line;
	char span[32], bytes[32], unit[32], hotter[32], fast[32];
	size_t i;

	printf("%s%s of process %.0f%s is in tier %.0f (%s)\n", text_style(stdout, TEXT_BOLD),
	       text_of(answer, "address"), number_of(answer, "pid"), text_reset(stdout),
	       number_of(answer, "tier"), text_of(answer, "kind"));
	printf("why        ");
	text_wrap(stdout, 11, text_of(answer, "why"));
	printf("region     %s, %s long; %s of it are alike%s, moved in units of %s\n",
	       text_of(region, "address"),
	       text_bytes(json_object_get(region, "span_bytes"), span, sizeof(span)),
	       text_bytes(json_object_get(region, "bytes"), bytes, sizeof(bytes)),
	       json_is_true(json_object_get(region, "exact"))
		       ? ", this page among them"
		       : " (which this page is of is not known)",
	       text_bytes(json_object_get(region, "unit_bytes"), unit, sizeof(unit)));
	print_heat(answer);
	printf("rank       %s are hotter; fast memory takes %s of what is tiered\n",
	       text_bytes(json_object_get(answer, "hotter_bytes"), hotter, sizeof(hotter)),
	       text_bytes(json_object_get(answer, "fast_bytes"), fast, sizeof(fast)));
	if (json_is_number(json_object_get(answer, "moved_ms")))
		printf("moved      less than %.0f s ago\n",
		       number_of(answer, "moved_ms") / 1e3 + 1);
	else
		printf("moved      not within the last minutes\n");
	printf("decided    %.1f s ago by %s%s\n", number_of(answer, "decided_ms") / 1e3,
	       text_of(answer, "policy"),
	       json_is_true(json_object_get(answer, "safe_policy")) ? "'s stand-in, the safe policy"
								    : "");
	if (json_array_size(json_object_get(answer, "decisions")) == 0)
		printf("no move of this region was asked for lately\n");
	else
		printf("moves asked for in this region, newest first:\n");
	json_array_foreach (json_object_get(answer, "decisions"), i, line)
		print_decision(line);
}

int
policy_explain_page(struct cli *cli, const char *pid, const char *address)
{
	struct client *client = NULL;
	json_t *answer = NULL;
	char *end_pid, *end;
	long number;
	unsigned long long at;
	int status;

	errno = 0;
	number = strtol(pid, &end_pid, 10);
	at = strtoull(address, &end, 0);
	if (errno || *end_pid || end_pid == pid || number <= 0 || number > INT32_MAX || *end ||
	    end == address || address[0] == '-' || at > INT64_MAX)
		return cli_fail(cli, EXIT_USAGE, -EINVAL,
				"'%s %s' is no process and address, such as 1234 0x7f5a00000000",
				pid, address);
	status = cli_reach(cli, REACH_SERVICE, &client);
	if (status == EXIT_OK)
		status = cli_call(cli, client,
				  json_pack("{s:s, s:i, s:I}", "verb", "explain", "pid",
					    (int)number, "address", (json_int_t)at),
				  &answer);
	client_free(client);
	if (status != EXIT_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	else
		print_page(answer);
	json_decref(answer);
	return EXIT_OK;
}

static const json_t *
find_policy(const json_t *answer, const char *name)
{
	const json_t *policies = json_object_get(answer, "policies"), *policy;
	size_t i;

	json_array_foreach (policies, i, policy) {
		if (strcmp(text_of(policy, "name"), name) == 0)
			return policy;
	}
	return NULL;
}

/* The value of a parameter that the running service has set, or NULL. */
static const char *
set_value(const json_t *config, const char *key)
{
	const json_t *rows = json_object_get(config, "options"), *row;
	size_t i, length = strlen(key);

	json_array_foreach (rows, i, row) {
		const json_t *values = json_object_get(row, "values");

		if (strcmp(text_of(row, "key"), "policy-set") != 0)
			continue;
		for (size_t k = 0; k < json_array_size(values); k++) {
			const char *text = text_item(values, k);

			if (strncmp(text, key, length) == 0 && text[length] == '=')
				return text + length + 1;
		}
	}
	return NULL;
}

static void
print_policy(const json_t *policy, const json_t *config, const json_t *running)
{
	const json_t *param;
	size_t i;

	printf("%s%s%s %s\n", text_style(stdout, TEXT_BOLD), text_of(policy, "name"),
	       text_reset(stdout), text_of(policy, "summary"));
	if (text_of(policy, "path")[0])
		printf("%s\n", text_of(policy, "path"));
	json_array_foreach (json_object_get(policy, "params"), i, param) {
		const char *value = running ? set_value(config, text_of(param, "key")) : NULL;

		printf("  %s = %s%s\n      ", text_of(param, "key"),
		       value ? value : text_of(param, "default"),
		       value ? " (set)" : " (its default)");
		text_wrap(stdout, 6, text_of(param, "help"));
	}
	if (running)
		status_text_policy(running, stdout);
	else
		printf("it does not run now\n");
}

/* Of the service that runs; without one nothing is known of how it does. */
int
policy_explain_policy(struct cli *cli, const char *name)
{
	struct client *client = NULL;
	json_t *answer = NULL, *config = NULL, *running = NULL, *file = NULL, *all;
	const json_t *policy;
	int status = cli_reach(cli, REACH_EITHER, &client);

	if (status == EXIT_OK)
		status = cli_call(cli, client, json_pack("{s:s}", "verb", "policies"), &answer);
	if (status == EXIT_OK)
		status = cli_call(cli, client, json_pack("{s:s}", "verb", "config"), &config);
	if (status != EXIT_OK)
		goto out;
	if (!client_is_private(client))
		status = cli_call(cli, client, json_pack("{s:s}", "verb", "status"), &running);
	if (status != EXIT_OK)
		goto out;
	if (running && strcmp(text_of(running, "policy"), name) != 0) {
		json_decref(running);
		running = NULL;
	}
	policy = find_policy(answer, name);
	/* One that was given as a file is in no folder. */
	if (!policy && running) {
		file = json_pack("{s:s, s:s, s:n, s:n, s:n}", "name", name, "summary", "", "path",
				 "params", "problem");
		policy = file;
	}
	if (!policy) {
		status = cli_fail(
			cli, EXIT_POLICY, -ENOENT,
			"there is no policy '%.64s'; 'sluice policy list' shows those that "
			"there are",
			name);
		goto out;
	}
	if (text_of(policy, "problem")[0]) {
		status = cli_fail(cli, EXIT_POLICY, -ENOEXEC, "'%.64s' does not load: %s", name,
				  text_of(policy, "problem"));
		goto out;
	}
	if (cli->json) {
		const json_t *round = json_object_get(running, "round");

		all = json_pack("{s:b, s:O, s:b, s:O*, s:O*}", "ok", 1, "policy", policy, "running",
				running != NULL, "process",
				json_object_get(running, "policy_process"), "decide_ns",
				json_object_get(round, "decide_ns"));
		cli_print_json(all);
		json_decref(all);
	} else {
		print_policy(policy, config, running);
	}
out:
	client_free(client);
	json_decref(answer);
	json_decref(config);
	json_decref(running);
	json_decref(file);
	return status;
}
