/* SPDX-License-Identifier: Apache-2.0 */
/* league_words.c - see league_words.h. */
#include "league_words.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "replay_jobs.h"

#define VERB "league"

/* The main rows: one of each kind of behaviour. */
static const char quick_workloads[] =
	"gups,gups-jump10,uniform,zipf-0.99,zipf-0.99-clustered,stream-hot,chase-seq,hash-join,kv,"
	"tenants";

int
league_wish_add(struct league_wish *wish, const char *word)
{
	if (wish->word_count == LEAGUE_WORDS_MAX - 1)
		return bench_usage(VERB, "more than %d options", LEAGUE_WORDS_MAX);
	wish->words[wish->word_count] = strdup(word);
	return wish->words[wish->word_count++] ? 0 : EXIT_FAILURE;
}

/* A copy that lives as long as the wish. */
static char *
keep(struct league_wish *wish, const char *text)
{
	char *copy = wish->text_count < LEAGUE_WORKLOADS_MAX ? strdup(text) : NULL;

	if (copy)
		wish->texts[wish->text_count++] = copy;
	return copy;
}

static int
add_workload(struct league_wish *wish, const char *name)
{
	struct league_options *league = &wish->league;

	if (league->workload_count == LEAGUE_WORKLOADS_MAX)
		return bench_usage(VERB, "more than %u workloads", LEAGUE_WORKLOADS_MAX);
	league->workloads[league->workload_count++] = name;
	return 0;
}

static int
add_ratio(struct league_wish *wish, const char *text)
{
	struct league_options *league = &wish->league;
	char *end;
	double fast = strtod(text, &end), slow = 0;

	if (end != text && *end == ':' && end[1] >= '0' && end[1] <= '9') {
		slow = strtod(end + 1, &end);
		if (*end)
			slow = 0;
	}
	if (!(fast > 0 && slow > 0 && slow / fast <= 1000 && fast / slow <= 100))
		return bench_usage(
			VERB, "--ratio: '%s' is not FAST:SLOW, as 1:4, within 100:1 and 1:1000",
			text);
	if (league->ratio_count == LEAGUE_RATIOS_MAX)
		return bench_usage(VERB, "--ratio: more than %u", LEAGUE_RATIOS_MAX);
	league->ratios[league->ratio_count++] = slow / fast;
	return 0;
}

static int
add_input(struct league_wish *wish, const char *text)
{
	struct league_options *league = &wish->league;
	const struct tracker_ops *tracker = tracker_find(text);

	if (!tracker)
		return bench_usage(VERB, "--input: '%s' is no tracker that is modelled", text);
	if (league->input_count == LEAGUE_INPUTS_MAX)
		return bench_usage(VERB, "--input: more than %u", LEAGUE_INPUTS_MAX);
	league->inputs[league->input_count++] = tracker;
	return 0;
}

/* "A,B,C" */
static int
add_each(struct league_wish *wish, const char *option, const char *list,
	 int (*add)(struct league_wish *wish, const char *item))
{
	char *copy = keep(wish, list), *item, *rest = copy;
	int status = 0;

	if (!copy)
		return bench_usage(VERB, "--%s: too many", option);
	while (status == 0 && (item = strsep(&rest, ",")) != NULL)
		status = *item ? add(wish, item)
			       : bench_usage(VERB, "--%s: an item of '%s' is empty", option, list);
	return status;
}

/* With a folder before it, or a file that is called like a workload would be taken for that. */
static int
add_trace(struct league_wish *wish, const char *path)
{
	char text[PATH_MAX];
	char *kept;

	if (access(path, R_OK) < 0)
		return bench_usage(VERB, "--trace: cannot read '%s': %s", path, strerror(errno));
	if (snprintf(text, sizeof(text), "%s%s", strchr(path, '/') ? "" : "./", path) >=
		    (int)sizeof(text) ||
	    !(kept = keep(wish, text)))
		return bench_usage(VERB, "--trace: too long, or too many");
	return add_workload(wish, kept);
}

/* The league's own option with its value. */
static int
take_own(struct league_wish *wish, const char *name, const char *value)
{
	uint64_t number;
	int status;

	if (strcmp(name, "workload") == 0)
		return add_each(wish, name, value, add_workload);
	if (strcmp(name, "ratio") == 0)
		return add_each(wish, name, value, add_ratio);
	if (strcmp(name, "input") == 0)
		return add_each(wish, name, value, add_input);
	if (strcmp(name, "trace") == 0)
		return add_trace(wish, value);
	if (strcmp(name, "slow") == 0) {
		wish->league.slow = value;
		return 0;
	}
	if (strcmp(name, "report") == 0) {
		wish->report = value;
		return 0;
	}
	status = bench_number(VERB, "--shrink", value, 1, 1024, &number);
	if (status == 0)
		wish->league.shrink = (uint32_t)number;
	return status;
}

/* Options that a replay knows, and that mean the same here. */
static int
take_replays(struct league_wish *wish, const char *name, const char *value)
{
	static const char *const names[] = {"policy",   "policy-dir",     "memory",    "seconds",
					    "epoch",    "pages",          "seed",      "runs",
					    "jobs",     "rate",           "watermark", "interval",
					    "tracking", "payback-horizon"};
	char word[LEAGUE_WORD_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		wish->has_policy |= i == 0;
		wish->has_seconds |= strcmp(name, "seconds") == 0;
		wish->has_runs |= strcmp(name, "runs") == 0;
		if (snprintf(word, sizeof(word), "--%s=%s", name, value) >= (int)sizeof(word))
			return bench_usage(VERB, "--%s: too long", name);
		return league_wish_add(wish, word);
	}
	return bench_usage(VERB, "'--%s' is not understood", name);
}

int
league_wish_take(struct league_wish *wish, int argc, char **argv, int *i)
{
	static const char *const own[] = {"workload", "ratio",  "input", "trace",
					  "slow",     "report", "shrink"};
	const char *word = argv[*i], *equals = strchr(word, '='), *value;
	char name[32];

	if (strncmp(word, "--", 2) != 0)
		return bench_usage(VERB, "'%s' is not understood", word);
	if (strcmp(word, "--quick") == 0 || strcmp(word, "--json") == 0) {
		*(word[2] == 'q' ? &wish->quick : &wish->json) = 1;
		return 0;
	}
	snprintf(name, sizeof(name), "%.*s", equals ? (int)(equals - word - 2) : 30, word + 2);
	value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
	if (!value)
		return bench_usage(VERB, "'%s' is not understood, or needs a value", word);
	for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
		if (strcmp(name, own[k]) == 0)
			return take_own(wish, name, value);
	}
	return take_replays(wish, name, value);
}

int
league_wish_fill(struct league_wish *wish)
{
	struct league_options *league = &wish->league;
	int status = 0;

	if (!league->workload_count && wish->quick)
		status = add_each(wish, "workload", quick_workloads, add_workload);
	for (size_t i = 0;
	     status == 0 && !wish->quick && !league->workload_count && workload_name(i); i++)
		wish->league.workloads[i] = workload_name(i);
	if (!league->workload_count)
		league->workload_count = workload_count();
	if (status == 0 && !league->ratio_count)
		status = add_each(wish, "ratio", wish->quick ? "1:4" : "1:1,1:2,1:4,1:8,1:16",
				  add_ratio);
	if (status == 0 && !league->input_count)
		status = add_each(wish, "input", "exact,hintfault", add_input);
	if (status == 0 && !wish->has_runs)
		status = league_wish_add(wish, wish->quick ? "--runs=1" : "--runs=5");
	if (status == 0 && !wish->has_seconds)
		status = league_wish_add(wish, wish->quick ? "--seconds=60" : "--seconds=300");
	if (!league->slow)
		league->slow = "cxl";
	if (!league->shrink)
		league->shrink = wish->quick ? 32 : 8;
	return status;
}

void
league_wish_clear(struct league_wish *wish)
{
	for (int i = 0; i < wish->word_count; i++)
		free(wish->words[i]);
	for (size_t i = 0; i < wish->text_count; i++)
		free(wish->texts[i]);
}
