/* SPDX-License-Identifier: Apache-2.0 */
/* league_words.h - the words of `sluice-bench league`: what the league is, and what its replays are
 * told. */
#ifndef LEAGUE_WORDS_H
#define LEAGUE_WORDS_H

#include "league.h"

#define LEAGUE_WORDS_MAX 128
#define LEAGUE_WORD_BYTES 2048u

/* What a replay is told: its words, in the order of a command line. */
struct league_wish {
	struct league_options league;
	int quick, json, has_policy, has_runs, has_seconds;
	const char *report;
	char *words[LEAGUE_WORDS_MAX];
	int word_count;
	char *texts[LEAGUE_WORKLOADS_MAX]; /* that names point into */
	size_t text_count;
};

/* Each: 0, or the exit status, having said what is wrong. */

/* A word for the replays. */
int league_wish_add(struct league_wish *wish, const char *word);
/* argv[*i] with its value, on whose last word *i is then. */
int league_wish_take(struct league_wish *wish, int argc, char **argv, int *i);
/* What was not said. */
int league_wish_fill(struct league_wish *wish);
void league_wish_clear(struct league_wish *wish);

#endif
