/* SPDX-License-Identifier: Apache-2.0 */
/* What hotset was asked to do: its command line, read and checked. */
#ifndef HOTSET_OPTIONS_H
#define HOTSET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "wl_arena.h"
#include "wl_parse.h"
#include "wl_pattern.h"

struct hotset_options {
	const char *name;
	const char *report; /* NULL: standard output */
	const char *pattern_text;
	struct pattern_choice pattern;
	uint64_t size, hot, threads, seed, scan;
	double hot_share, write_percent, seconds, jump_at_s;
	uint64_t jump_to, start_on, every_ms;
	bool has_jump_at, has_jump_to, has_start_on, quiet;
	struct nodeset fast_nodes;
	enum arena_thp thp;
};

/*
 * Reads the command line; texts are borrowed from @argv. Returns -1 to go on; else the exit status,
 * after having printed the help (0), or what is wrong (2).
 */
int options_read(struct hotset_options *ret_options, int argc, char **argv);

/* Builds the patterns before and after a jump (the same where there is none). 0, or the exit
 * status 2, after having said which options do not go together. */
int options_patterns(const struct hotset_options *o, struct pattern *ret_before,
		     struct pattern *ret_after);

#endif
