/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the table of options and the values set. See options.h. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parse.h"
#include "paths.h"

#define OPTION_VALUES_MAX 32
#define HOUR_MS 3600000.0
/* Of a folder below which files are opened: every room keeps it in 256 bytes, with names of its own
 * behind it. */
#define FOLDER_BYTES_MAX 240

const struct option_row option_table[OPTION_COUNT] = {
	[OPTION_POLICY] = {"policy", "NAME|FILE", OPTION_TEXT, "auto", 0, 0, 1,
			   "placement policy, by name or as a path with a '/'"},
	[OPTION_POLICY_SET] = {"policy-set", "KEY=VALUE", OPTION_SETTING, NULL, 0, 0, 32,
			       "set a parameter of the policy; may be repeated"},
	[OPTION_POLICY_DIR] = {"policy-dir", "DIR", OPTION_PATH, NULL, 0, 0, 8,
			       "folder to look for policies in; may be repeated"},
	[OPTION_POLICY_TIMEOUT] = {"policy-timeout", "TIME", OPTION_TIME_MS, "1s", 10, 5000, 1,
				   "CPU time that a policy may take for one decision"},
	[OPTION_POLICY_IN_PROCESS] = {"policy-in-process", NULL, OPTION_BOOL, "no", 0, 0, 1,
				      "run the policy unprotected in the service, to debug it"},
	[OPTION_SAMPLER] = {"sampler", "NAMES", OPTION_TEXT, "auto", 0, 0, 1,
			    "trackers of accesses: auto, or NAME[+NAME]... of `sluice doctor`"},
	[OPTION_MOVER] = {"mover", "NAME", OPTION_TEXT, "pages", 0, 0, 1,
			  "what moves pages, one that `sluice doctor` lists"},
	[OPTION_RATE] = {"rate", "BYTES/s", OPTION_RATE_BPS, "200MB/s", 65536, 1e13, 1,
			 "move at most this much a second, both directions together"},
	[OPTION_WATERMARK] = {"watermark", "PERCENT", OPTION_PERCENT, "3%", 0, 50, 1,
			      "share of fast memory to keep free"},
	[OPTION_INTERVAL] = {"interval", "TIME", OPTION_TIME_MS, "1s", 100, 60000, 1,
			     "time between decisions"},
	[OPTION_PAYBACK_HORIZON] = {"payback-horizon", "TIME", OPTION_TIME_MS, "5m", 1000,
				    24 * HOUR_MS, 1, "a move must pay back within this time"},
	[OPTION_TRACKING] = {"tracking", "PERCENT", OPTION_PERCENT, "1%", 0.01, 100, 1,
			     "share of one CPU that tracking may cost in the steady state"},
	[OPTION_TRACKING_CPU] = {"tracking-cpu", "PERCENT", OPTION_PERCENT, "0%", 0, 100, 1,
				 "what tracking costs, always, as a share of one CPU; 0%: see "
				 "tracking"},
	[OPTION_DRY_RUN] = {"dry-run", NULL, OPTION_BOOL, "no", 0, 0, 1,
			    "plan and count, but move nothing"},
	[OPTION_STATE_DIR] = {"state-dir", "DIR", OPTION_PATH, NULL, 0, FOLDER_BYTES_MAX, 1,
			      "where kernel settings are written down before they are changed"},
	[OPTION_NODES] = {"nodes", "CORRECTIONS", OPTION_TEXT, "", 0, 0, 1,
			  "correct what is known of memory nodes: 2=cxl@250ns 3=tier1"},
	[OPTION_SYSROOT] = {"sysroot", "DIR|FILE", OPTION_TEXT, "", 0, FOLDER_BYTES_MAX, 1,
			    "read /sys and /proc under this folder, or a capture of topology's"},
	[OPTION_SYNTHETIC] = {"synthetic", "MACHINE", OPTION_TEXT, "", 0, 0, 1,
			      "look at a made-up machine: dram:8G@80ns,100GB/s cxl:32G@250ns"},
	[OPTION_SOCKET] = {"socket", "PATH", OPTION_PATH, NULL, 0, 0, 1,
			   "Unix socket of the service"},
	[OPTION_LOG_LEVEL] = {"log-level", "LEVEL", OPTION_LOG, "warn", 0, 0, 1,
			      "error, warn, info or debug"},
};

struct option_value {
	char *text[OPTION_VALUES_MAX];
	size_t count;
	enum option_layer layer;
	double number;
};

struct options {
	struct option_value values[OPTION_COUNT];
};

const char *
option_layer_name(enum option_layer layer)
{
	static const char *const names[] = {"default", "file", "command line"};

	return names[layer];
}

/* Whoever writes tracking_cpu means tracking-cpu. */
static int
is_named(const char *name, const char *given)
{
	while (*name && (*name == *given || (*name == '-' && *given == '_')))
		name++, given++;
	return *name == *given;
}

const struct option_row *
option_find(const char *name)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (is_named(option_table[id].name, name))
			return &option_table[id];
	}
	return NULL;
}

/* Reads the number of a value, checks its form and its bounds. */
static int
value_check(const struct option_row *row, const char *text, double *ret, struct sluice_err *reterr)
{
	struct sluice_err why = {0, ""};
	enum log_level level;
	uint64_t number = 0;
	int flag = 0, r = 0;
	double result = 0;

	if ((row->type == OPTION_TEXT || row->type == OPTION_PATH) && row->max > 0 &&
	    (double)strlen(text) > row->max)
		return sluice_fail(reterr, -ERANGE,
				   "%s: '%.60s...' has %zu bytes; %.0f are allowed", row->name,
				   text, strlen(text), row->max);
	switch (row->type) {
	case OPTION_TEXT:
		break;
	case OPTION_PATH:
		if (text[0] != '/')
			return sluice_fail(reterr, -EINVAL, "%s: '%s' is not an absolute path",
					   row->name, text);
		break;
	case OPTION_SETTING:
		if (text[0] == '=' || !strchr(text, '='))
			return sluice_fail(reterr, -EINVAL, "%s: '%s' is not KEY=VALUE", row->name,
					   text);
		break;
	case OPTION_RATE_BPS:
		r = parse_rate(text, &number, &why);
		result = (double)number;
		break;
	case OPTION_TIME_MS:
		r = parse_duration_ms(text, &number, &why);
		result = (double)number;
		break;
	case OPTION_PERCENT:
		r = parse_percent(text, &result, &why);
		break;
	case OPTION_BOOL:
		r = parse_bool(text, &flag, &why);
		result = flag;
		break;
	case OPTION_LOG:
		r = log_level_parse(text, &level);
		if (r < 0)
			return sluice_fail(reterr, r, "%s: '%s' is not a level; use %s", row->name,
					   text, row->help);
		result = (double)level;
		break;
	}
	if (r < 0)
		return sluice_fail(reterr, r, "%s: %s", row->name, why.msg);
	if ((row->min < row->max) && (result < row->min || result > row->max)) {
		char low[32], high[32];

		if (row->type == OPTION_RATE_BPS) {
			format_size((uint64_t)row->min, low, sizeof(low));
			format_size((uint64_t)row->max, high, sizeof(high));
		} else {
			const char *unit = row->type == OPTION_PERCENT ? "%" : "ms";

			snprintf(low, sizeof(low), "%g%s", row->min, unit);
			snprintf(high, sizeof(high), "%.0f%s", row->max, unit);
		}
		return sluice_fail(reterr, -ERANGE,
				   "%s: '%s' is out of range; %s to %s are allowed", row->name,
				   text, low, high);
	}
	*ret = result;
	return 0;
}

static void
value_clear(struct option_value *value)
{
	for (size_t i = 0; i < value->count; i++)
		free(value->text[i]);
	value->count = 0;
}

/* Where to put a new text: over a setting of the same key, or at the end. */
static size_t
value_slot(const struct option_row *row, const struct option_value *value, const char *text)
{
	if (row->type == OPTION_SETTING) {
		size_t key = (size_t)(strchr(text, '=') - text) + 1;

		for (size_t i = 0; i < value->count; i++) {
			if (strncmp(value->text[i], text, key) == 0)
				return i;
		}
	}
	return value->count;
}

int
options_set(struct options *options, enum option_layer layer, const char *name, const char *text,
	    struct sluice_err *reterr)
{
	const struct option_row *row = option_find(name);
	struct option_value *value;
	double number = 0;
	char *copy;
	size_t slot;
	int r;

	if (!row)
		return sluice_fail(reterr, -ENOENT, "there is no option '%s'", name);
	r = value_check(row, text, &number, reterr);
	if (r < 0)
		return r;
	value = &options->values[row - option_table];
	if (layer == LAYER_FILE && value->layer == LAYER_FILE && row->max_count == 1)
		return sluice_fail(reterr, -EEXIST, "%s is given twice", name);
	/* Checked all the same, but what a higher layer set stays. */
	if (layer < value->layer &&
	    (row->type != OPTION_SETTING || value_slot(row, value, text) < value->count))
		return 0;
	copy = strdup(text);
	if (!copy)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	if (row->max_count == 1 || (layer > value->layer && row->type != OPTION_SETTING))
		value_clear(value);
	slot = value_slot(row, value, text);
	if (slot >= row->max_count) {
		free(copy);
		return sluice_fail(reterr, -E2BIG, "%s may be given at most %zu times", name,
				   row->max_count);
	}
	if (slot < value->count)
		free(value->text[slot]);
	else
		value->count++;
	value->text[slot] = copy;
	value->number = number;
	if (layer > value->layer)
		value->layer = layer;
	return 0;
}

struct options *
options_new(void)
{
	struct options *options = calloc(1, sizeof(*options));
	char path[PATHS_MAX];

	if (!options)
		return NULL;
	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *text = option_table[id].fallback;

		if (id == OPTION_STATE_DIR)
			text = paths_state_dir(path);
		else if (id == OPTION_SOCKET)
			text = paths_socket(path);
		if (text &&
		    options_set(options, LAYER_DEFAULT, option_table[id].name, text, NULL) < 0)
			goto fail;
	}
	/* Programs of a build tree find its policies, installed ones those of the system. */
	for (size_t i = 0; paths_policy_dir(i, path); i++) {
		if (options_set(options, LAYER_DEFAULT, "policy-dir", path, NULL) < 0)
			goto fail;
	}
	return options;
fail:
	options_free(options);
	return NULL;
}

void
options_free(struct options *options)
{
	if (!options)
		return;
	for (int id = 0; id < OPTION_COUNT; id++)
		value_clear(&options->values[id]);
	free(options);
}

int
options_take_argument(struct options *options, int argc, char *const *argv, int *index,
		      struct sluice_err *reterr)
{
	const char *word = argv[*index], *equals, *value;
	const struct option_row *row;
	char name[32];
	size_t len;
	int r, used = 0;

	if (strncmp(word, "--", 2) != 0)
		return 0;
	word += 2;
	equals = strchr(word, '=');
	len = equals ? (size_t)(equals - word) : strlen(word);
	if (len >= sizeof(name))
		return 0;
	memcpy(name, word, len);
	name[len] = '\0';
	row = option_find(name);
	if (!row)
		return 0;
	if (equals) {
		value = equals + 1;
	} else if (row->type == OPTION_BOOL) {
		value = "yes";
	} else if (*index + 1 < argc) {
		value = argv[*index + 1];
		used = 1;
	} else {
		return sluice_fail(reterr, -EINVAL, "--%s needs a value: --%s %s", name, name,
				   row->metavar);
	}
	r = options_set(options, LAYER_COMMAND, name, value, reterr);
	if (r < 0)
		return r;
	*index += used;
	return 1;
}

const char *
options_text(const struct options *options, enum option_id id, size_t i)
{
	const struct option_value *value = &options->values[id];

	return i < value->count ? value->text[i] : NULL;
}

size_t
options_count(const struct options *options, enum option_id id)
{
	return options->values[id].count;
}

double
options_number(const struct options *options, enum option_id id)
{
	return options->values[id].number;
}

enum option_layer
options_layer(const struct options *options, enum option_id id)
{
	return options->values[id].layer;
}
