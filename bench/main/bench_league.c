/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_league.c - `sluice-bench league`: its command line. What is run is a replay's, so all that
 * is not the league's own is read as `sluice replay` reads it.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_status.h"
#include "league_words.h"
#include "log.h"
#include "replay_jobs.h"
#include "report.h"

#define VERB "league"

static const char help[] =
	"Usage: sluice-bench league [OPTION]...\n\n"
	"Replays all policies over the standard set of workloads, and says how much each earns of "
	"what an\noracle earns that knows the future. Figures are modelled.\n\n"
	"  --quick              the main rows, in minutes: less memory and work, one ratio, "
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

static int
is_policy(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0 &&
	       strcmp(entry->d_name, "skeleton.so") != 0;
}

/* All policies that the folders have: "arms-like,auto,...", the user's default first. */
static int
list_policies(const struct options *options, char list[LEAGUE_WORD_BYTES])
{
	const char *folders[REPLAY_FOLDERS_MAX + 1];
	size_t len = (size_t)snprintf(list, LEAGUE_WORD_BYTES, "%s",
				      options_text(options, OPTION_POLICY, 0));

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
			    !strstr(list, name) && len < LEAGUE_WORD_BYTES)
				len += (size_t)snprintf(list + len, LEAGUE_WORD_BYTES - len, "%s",
							name);
			free(entries[i]);
		}
		if (count >= 0)
			free(entries);
	}
	return len < LEAGUE_WORD_BYTES ? 0 : -E2BIG;
}

/* Read what the replay is told, once more with all policies where none was named. */
static int
read_replay(struct league_wish *wish, struct replay_options *ret, struct sluice_err *reterr)
{
	char list[LEAGUE_WORD_BYTES], word[LEAGUE_WORD_BYTES + 16];
	int r = replay_options_read(wish->word_count, wish->words, ret, reterr);

	if (r < 0 || wish->has_policy)
		return r;
	if (list_policies(ret->options, list) < 0)
		return sluice_fail(reterr, -E2BIG, "more policies than a league has: name some");
	replay_options_destroy(ret);
	snprintf(word, sizeof(word), "--policy=%s", list);
	if (league_wish_add(wish, word) != 0)
		return sluice_fail(reterr, -EINVAL, "too many options");
	return replay_options_read(wish->word_count, wish->words, ret, reterr);
}

static int
run(struct league_wish *wish, struct replay_options *replay, int *ret_stage,
    struct sluice_err *reterr)
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
league(struct league_wish *wish)
{
	struct replay_options replay;
	struct sluice_err err = {0, ""};
	int stage = STAGE_ARGUMENTS, r = read_replay(wish, &replay, &err), status;

	if (r == 0)
		r = run(wish, &replay, &stage, &err);
	wish->league.replay = NULL;
	wish->league.first = NULL;
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
	struct league_wish wish = {.quick = 0};
	int status = league_wish_add(&wish, "league");

	/* What the replay takes for its workload; the league has its own. */
	if (status == 0)
		status = league_wish_add(&wish, "gups");
	for (int i = 1; status == 0 && i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			goto done;
		}
		status = league_wish_take(&wish, argc, argv, &i);
	}
	if (status == 0)
		status = league_wish_fill(&wish);
	if (status == 0)
		status = league(&wish);
done:
	league_wish_clear(&wish);
	return status;
}
