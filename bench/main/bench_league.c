/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_league.c - `sluice-bench league`: its command line. What is run is a replay's, so all that
 * is not the league's own is read as `sluice replay` reads it.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_status.h"
#include "league.h"
#include "log.h"
#include "replay_jobs.h"
#include "report.h"

#define VERB "league"
#define WORDS_MAX 128
#define LIST_BYTES 2048u

static const char help[] =
	"Usage: sluice-bench league [OPTION]...\n\n"
	"Replays all policies over the standard set of workloads, and says how much each earns of "
	"what an\noracle earns that knows the future. Figures are modelled.\n\n"
	"  --quick              the main rows, in about a minute: less memory and work, one ratio, "
	"one run\n"
	"  --workload A,B,...   of `sluice replay --list` (all); may be repeated\n"
	"  --trace FILE         a recorded trace too, or alone where no workload is named; may be "
	"repeated\n"
	"  --ratio 1:1,1:4,...  fast memory to slow (1:1,1:2,1:4,1:8,1:16)\n"
	"  --input A,B          what the engine is told: exact counts, or what a tracker would "
	"see\n"
	"                       (exact,hintfault)\n"
	"  --slow TIER          the slow tier, KIND[@LATENCY][,BANDWIDTH] (cxl)\n"
	"  --shrink N           each workload has its own memory, divided by N (8; quick: 32)\n"
	"  --report FILE        write a page with pictures, for any browser\n"
	"  --json               as `sluice replay --json` has it, with `league`: `rows`, one for "
	"each "
	"workload,\n"
	"                       ratio, input and policy; `oracles`; `standings`\n"
	"  --help               this text\n\n"
	"and as of `sluice replay`: --policy A,B:KEY=VALUE,... (all that the folders have, but "
	"for\n"
	"skeleton), --policy-dir, --memory, --seconds (300; quick: 60), --epoch, --pages 4k|2m, "
	"--seed,\n--runs (5; quick: 1), --jobs, --rate, --watermark, --interval, "
	"--payback-horizon, "
	"--tracking.\n\n"
	"Equal options and seeds give equal results, but for decide_ns, which is real time.\n"
	"Exit status: 0, 1 something failed, 2 wrong usage, 7 a policy does not load.\n";

/* The main rows: one of each kind of behaviour. */
static const char quick_workloads[] =
	"gups,gups-jump10,uniform,zipf-0.99,zipf-0.99-clustered,stream-hot,chase-seq,hash-join,kv,"
	"tenants";

/* What a replay is told: its words, in the order of a command line. */
struct wish {
	struct league_options league;
	int quick, json, has_policy, has_runs, has_seconds;
	const char *report;
	char *words[WORDS_MAX];
	int word_count;
	char *texts[LEAGUE_WORKLOADS_MAX]; /* that names point into */
	size_t text_count;
};

static int
add_word(struct wish *wish, const char *word)
{
	if (wish->word_count == WORDS_MAX - 1)
		return bench_usage(VERB, "more than %d options", WORDS_MAX);
	wish->words[wish->word_count] = strdup(word);
	return wish->words[wish->word_count++] ? 0 : EXIT_FAILURE;
}

/* A copy that lives as long as the wish. */
static char *
keep(struct wish *wish, const char *text)
{
	char *copy = wish->text_count < LEAGUE_WORKLOADS_MAX ? strdup(text) : NULL;

	if (copy)
		wish->texts[wish->text_count++] = copy;
	return copy;
}

static int
add_workload(struct wish *wish, const char *name)
{
	struct league_options *league = &wish->league;

	if (league->workload_count == LEAGUE_WORKLOADS_MAX)
		return bench_usage(VERB, "more than %u workloads", LEAGUE_WORKLOADS_MAX);
	league->workloads[league->workload_count++] = name;
	return 0;
}

static int
add_ratio(struct wish *wish, const char *text)
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
add_input(struct wish *wish, const char *text)
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
add_each(struct wish *wish, const char *option, const char *list,
	 int (*add)(struct wish *wish, const char *item))
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
add_trace(struct wish *wish, const char *path)
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
take_own(struct wish *wish, const char *name, const char *value)
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
take_replays(struct wish *wish, const char *name, const char *value)
{
	static const char *const names[] = {"policy",   "policy-dir",     "memory",    "seconds",
					    "epoch",    "pages",          "seed",      "runs",
					    "jobs",     "rate",           "watermark", "interval",
					    "tracking", "payback-horizon"};
	char word[LIST_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		wish->has_policy |= i == 0;
		wish->has_seconds |= strcmp(name, "seconds") == 0;
		wish->has_runs |= strcmp(name, "runs") == 0;
		if (snprintf(word, sizeof(word), "--%s=%s", name, value) >= (int)sizeof(word))
			return bench_usage(VERB, "--%s: too long", name);
		return add_word(wish, word);
	}
	return bench_usage(VERB, "'--%s' is not understood", name);
}

static int
take_word(struct wish *wish, int argc, char **argv, int *i)
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

/* ---- What was not said ---- */

static int
is_policy(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0 &&
	       strcmp(entry->d_name, "skeleton.so") != 0;
}

/* All policies that the folders have: "arms-like,auto,...", the user's default first. */
static int
list_policies(const struct options *options, char list[LIST_BYTES])
{
	const char *folders[REPLAY_FOLDERS_MAX + 1];
	size_t len =
		(size_t)snprintf(list, LIST_BYTES, "%s", options_text(options, OPTION_POLICY, 0));

	replay_folders(options, folders);
	for (size_t f = 0; folders[f]; f++) {
		struct dirent **entries;
		int count = scandir(folders[f], &entries, is_policy, alphasort);

		for (int i = 0; i < count; i++) {
			char name[64];

			snprintf(name, sizeof(name), ",%.*s", (int)strlen(entries[i]->d_name) - 3,
				 entries[i]->d_name);
			/* Of two files of one name the first folder's is loaded. */
			if (strcmp(name + 1, options_text(options, OPTION_POLICY, 0)) != 0 &&
			    !strstr(list, name) && len < LIST_BYTES)
				len += (size_t)snprintf(list + len, LIST_BYTES - len, "%s", name);
			free(entries[i]);
		}
		if (count >= 0)
			free(entries);
	}
	return len < LIST_BYTES ? 0 : -E2BIG;
}

static int
fill_in(struct wish *wish)
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
		status = add_word(wish, wish->quick ? "--runs=1" : "--runs=5");
	if (status == 0 && !wish->has_seconds)
		status = add_word(wish, wish->quick ? "--seconds=60" : "--seconds=300");
	if (!league->slow)
		league->slow = "cxl";
	if (!league->shrink)
		league->shrink = wish->quick ? 32 : 8;
	return status;
}

/* Read what the replay is told, once more with all policies where none was named. */
static int
read_replay(struct wish *wish, struct replay_options *ret, struct sluice_err *reterr)
{
	char list[LIST_BYTES], word[LIST_BYTES + 16];
	int r = replay_options_read(wish->word_count, wish->words, ret, reterr);

	if (r < 0 || wish->has_policy)
		return r;
	if (list_policies(ret->options, list) < 0)
		return sluice_fail(reterr, -E2BIG, "more policies than a league has: name some");
	replay_options_destroy(ret);
	snprintf(word, sizeof(word), "--policy=%s", list);
	if (add_word(wish, word) != 0)
		return sluice_fail(reterr, -EINVAL, "too many options");
	return replay_options_read(wish->word_count, wish->words, ret, reterr);
}

static int
run(struct wish *wish, struct replay_options *replay, int *ret_stage, struct sluice_err *reterr)
{
	struct league_outcome outcome = {0};
	json_t *json = NULL;
	int r;

	log_set_level((enum log_level)options_number(replay->options, OPTION_LOG_LEVEL));
	wish->league.replay = replay;
	wish->league.first = replay->policies[0].label;
	wish->league.progress = isatty(STDERR_FILENO);
	r = league_run(&wish->league, &outcome, ret_stage, reterr);
	if (r == 0 && !(json = league_json(&wish->league, &outcome)))
		r = sluice_fail(reterr, -ENOMEM, "no memory for the result");
	if (r == 0 && wish->report)
		r = report_file(wish->report, json, reterr);
	league_outcome_clear(&outcome);
	if (r < 0) {
		json_decref(json);
		return r;
	}
	if (wish->json)
		return bench_print(json) == EXIT_SUCCESS
			       ? 0
			       : sluice_fail(reterr, -EIO, "cannot write the result");
	league_print(stdout, json);
	json_decref(json);
	return fflush(stdout) == 0 ? 0 : sluice_fail(reterr, -EIO, "cannot write the result");
}

static int
league(struct wish *wish)
{
	struct replay_options replay;
	struct sluice_err err = {0, ""};
	int stage = STAGE_ARGUMENTS, r = read_replay(wish, &replay, &err), status;

	if (r == 0)
		r = run(wish, &replay, &stage, &err);
	replay_options_destroy(&replay);
	if (r == 0)
		return EXIT_SUCCESS;
	status = exit_status_of((enum fail_stage)stage, r);
	fprintf(stderr, "sluice-bench league: %s\n", err.msg);
	return status;
}

int
bench_league(int argc, char **argv)
{
	struct wish wish = {.quick = 0};
	int status = add_word(&wish, "league");

	/* What the replay takes for its workload; the league has its own. */
	if (status == 0)
		status = add_word(&wish, "gups");
	for (int i = 1; status == 0 && i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			goto done;
		}
		status = take_word(&wish, argc, argv, &i);
	}
	if (status == 0)
		status = fill_in(&wish);
	if (status == 0)
		status = league(&wish);
done:
	for (int i = 0; i < wish.word_count; i++)
		free(wish.words[i]);
	for (size_t i = 0; i < wish.text_count; i++)
		free(wish.texts[i]);
	return status;
}
