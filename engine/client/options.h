/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the one table of options. It drives the configuration file, the command lines of
 * sluiced and `sluice run`, `sluice config show`, --help, and the check of the man pages; so an
 * option is added by adding a row (and a paragraph to sluice.conf.5, which a test asks for).
 *
 * A value comes from a layer: built in, file, or command line. A higher layer replaces what a lower
 * one gave, in whichever order they come; policy settings are replaced key by key. One thread.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stddef.h>

#include "sluice/err.h"

enum option_id {
	OPTION_POLICY,
	OPTION_POLICY_SET,
	OPTION_POLICY_DIR,
	OPTION_POLICY_TIMEOUT,
	OPTION_POLICY_IN_PROCESS,
	OPTION_SAMPLER,
	OPTION_MOVER,
	OPTION_RATE,
	OPTION_WATERMARK,
	OPTION_INTERVAL,
	OPTION_PAYBACK_HORIZON,
	OPTION_TRACKING,
	OPTION_TRACKING_CPU,
	OPTION_DRY_RUN,
	OPTION_STATE_DIR,
	OPTION_NODES,
	OPTION_SYSROOT,
	OPTION_SYNTHETIC,
	OPTION_SOCKET,
	OPTION_LOG_LEVEL,
	OPTION_COUNT
};

enum option_type {
	OPTION_TEXT,
	OPTION_PATH,     /* absolute */
	OPTION_SETTING,  /* KEY=VALUE */
	OPTION_RATE_BPS, /* the number is bytes per second */
	OPTION_PERCENT,  /* the number is 0 to 100 */
	OPTION_TIME_MS,  /* the number is milliseconds */
	OPTION_BOOL,     /* the number is 0 or 1 */
	OPTION_LOG       /* a level of log.h */
};

struct option_row {
	const char *name;    /* "policy-dir": --policy-dir, and the key of the file */
	const char *metavar; /* "DIR"; NULL for switches */
	enum option_type type;
	const char *fallback; /* as one would write it; NULL when nothing is set */
	/* Of the number; both 0: no bounds beyond the type's own. Of a text or a path max is the
	 * most bytes that it may have, 0: any. */
	double min, max;
	size_t max_count; /* how often it may be given; 1 for most */
	const char *help; /* one line */
};

extern const struct option_row option_table[OPTION_COUNT];

enum option_layer { LAYER_DEFAULT, LAYER_FILE, LAYER_COMMAND };

struct options;

/* All at their built-in values. NULL when there is no memory. */
struct options *options_new(void);
void options_free(struct options *options); /* NULL is fine */

/* -EINVAL, -ERANGE, -E2BIG, -EEXIST (twice in a file), -ENOENT (no such option): the sentence names
 * the option and what is allowed. Nothing changes on failure. */
int options_set(struct options *options, enum option_layer layer, const char *name,
		const char *text, struct sluice_err *reterr);

/* Is argv[*index] ("--rate=1M", "--rate 1M", "--dry-run") an option of the table? 1: it was, it is
 * set, and *index is on its last word. 0: it is not. Otherwise as options_set. */
int options_take_argument(struct options *options, int argc, char *const *argv, int *index,
			  struct sluice_err *reterr);

/* Borrowed until the option is set again. NULL when i is out of range. */
const char *options_text(const struct options *options, enum option_id id, size_t i);
size_t options_count(const struct options *options, enum option_id id);
double options_number(const struct options *options, enum option_id id);
enum option_layer options_layer(const struct options *options, enum option_id id);
const char *option_layer_name(enum option_layer layer); /* "default", "file", "command line" */

/* The row of that name, or NULL; '_' may stand for '-'. */
const struct option_row *option_find(const char *name);

#endif
