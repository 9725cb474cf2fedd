/* SPDX-License-Identifier: Apache-2.0 */
/* replay_options.c - see replay_options.h. */
#include "replay_options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

#define NS_PER_MS 1000000ull
#define TIERS_DEFAULT "dram:25% cxl:75%"
#define SECONDS_MAX_MS 86400000ull
#define JOBS_MAX 256u

/* Options of the common table that a replay has no use for. */
static int
is_meaningless(const char *word)
{
	static const char *const names[] = {"sampler", "mover",     "state-dir", "nodes",
					    "sysroot", "synthetic", "policy-set"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, names[i], len) == 0 &&
		    (word[2 + len] == '\0' || word[2 + len] == '='))
			return 1;
	}
	return 0;
}

static int
take_ratio(struct replay_options *ret, const char *text, struct sluice_err *reterr)
{
	char *end;
	double fast = strtod(text, &end), slow = 0;

	if (end != text && *end == ':') {
		const char *rest = end + 1;

		slow = strtod(rest, &end);
		if (end == rest || *end)
			slow = 0;
	}
	if (!(fast > 0 && slow > 0 && slow / fast <= 1000 && fast / slow <= 100))
		return sluice_fail(
			reterr, -EINVAL,
			"--ratio: '%s' is not FAST:SLOW, as 1:4, within 100:1 and 1:1000", text);
	snprintf(ret->ratio_tiers, sizeof(ret->ratio_tiers), "dram:%.4f%% cxl:%.4f%%",
		 100 * fast / (fast + slow), 100 * slow / (fast + slow));
	return 0;
}

static int
take_input(struct replay_options *ret, const char *text, struct sluice_err *reterr)
{
	char list[128] = "";
	size_t len = 0;

	ret->tracker = tracker_find(text);
	if (ret->tracker)
		return 0;
	for (size_t i = 0; trackers[i]; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					trackers[i]->name);
	return sluice_fail(reterr, -EINVAL, "--input: '%s' is no tracker that is modelled; use %s",
			   text, list);
}

static int
take_pages(struct replay_options *ret, const char *text, struct sluice_err *reterr)
{
	if (strcmp(text, "4k") != 0 && strcmp(text, "2m") != 0)
		return sluice_fail(reterr, -EINVAL, "--pages: '%s' is neither 4k nor 2m", text);
	ret->huge = text[0] == '2';
	return 0;
}

static int
take_number(const char *name, const char *text, uint64_t most, uint32_t *ret,
	    struct sluice_err *reterr)
{
	struct sluice_err why = {0, ""};
	uint64_t number;
	int r = parse_u64(text, 1, most, &number, &why);

	if (r < 0)
		return sluice_fail(reterr, r, "--%s: %s", name, why.msg);
	*ret = (uint32_t)number;
	return 0;
}

/* One of the replay's own options with its value. */
static int
take_value(struct replay_options *ret, const char *name, const char *value,
	   struct sluice_err *reterr)
{
	struct sluice_err why = {0, ""};
	uint64_t ms;
	int r = 0;

	if (strcmp(name, "tiers") == 0) {
		ret->tiers = value;
	} else if (strcmp(name, "report") == 0) {
		ret->report = value;
	} else if (strcmp(name, "ratio") == 0) {
		return take_ratio(ret, value, reterr);
	} else if (strcmp(name, "input") == 0) {
		return take_input(ret, value, reterr);
	} else if (strcmp(name, "pages") == 0) {
		return take_pages(ret, value, reterr);
	} else if (strcmp(name, "runs") == 0) {
		return take_number(name, value, REPLAY_RUNS_MAX, &ret->runs, reterr);
	} else if (strcmp(name, "jobs") == 0) {
		return take_number(name, value, JOBS_MAX, &ret->jobs, reterr);
	} else if (strcmp(name, "seed") == 0) {
		r = parse_u64(value, 0, UINT64_MAX, &ret->of_workload.seed, &why);
	} else if (strcmp(name, "memory") == 0) {
		r = parse_size(value, &ret->of_workload.bytes, &why);
		if (r == 0 && !ret->of_workload.bytes)
			r = sluice_fail(&why, -EINVAL, "a program without memory is none");
	} else if (strcmp(name, "seconds") == 0) {
		/* Plain seconds too. */
		char text[32];

		snprintf(text, sizeof(text), "%.28ss", value);
		if (strspn(value, "0123456789.") == strlen(value))
			value = text;
		r = parse_duration_ms(value, &ret->seconds_ms, &why);
		if (r == 0 && (ret->seconds_ms < 1000 || ret->seconds_ms > SECONDS_MAX_MS))
			r = sluice_fail(&why, -ERANGE, "'%s' is not within a second and a day",
					value);
	} else { /* epoch */
		r = parse_duration_ms(value, &ms, &why);
		if (r == 0 && (ms < 10 || ms > 60000))
			r = sluice_fail(&why, -ERANGE, "'%s' is not within 10ms and 60s", value);
		if (r == 0)
			ret->of_workload.epoch_ns = ms * NS_PER_MS;
	}
	return r < 0 ? sluice_fail(reterr, r, "--%s: %s", name, why.msg) : 0;
}

/* 1: taken, with *i on its last word; 0: not one of them. */
static int
take_own(struct replay_options *ret, int argc, char **argv, int *i, struct sluice_err *reterr)
{
	static const char *const names[] = {"tiers", "report", "ratio",  "input",   "pages", "runs",
					    "jobs",  "seed",   "memory", "seconds", "epoch"};
	const char *word = argv[*i];

	if (strcmp(word, "--json") == 0) /* it always is */
		return 1;
	if (strcmp(word, "--list") == 0 || strcmp(word, "--help") == 0) {
		*(word[2] == 'l' ? &ret->list : &ret->help) = 1;
		return 1;
	}
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t len = strlen(names[k]);
		const char *value = NULL;
		int r;

		if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, names[k], len) != 0)
			continue;
		if (word[2 + len] == '=')
			value = word + 3 + len;
		else if (word[2 + len] == '\0' && *i + 1 < argc)
			value = argv[++*i];
		else if (word[2 + len] != '\0')
			continue;
		if (!value)
			return sluice_fail(reterr, -EINVAL, "--%s needs a value", names[k]);
		r = take_value(ret, names[k], value, reterr);
		return r < 0 ? r : 1;
	}
	return 0;
}

/* "NAME:KEY=VALUE:KEY=VALUE" */
static int
add_policy(struct replay_options *ret, const char *text, size_t len, struct sluice_err *reterr)
{
	struct replay_policy *policy = &ret->policies[ret->policy_count];
	char *at;

	if (len == 0)
		return sluice_fail(reterr, -EINVAL,
				   "--policy: a name is missing; policies are set apart by commas");
	if (ret->policy_count == REPLAY_POLICIES_MAX)
		return sluice_fail(reterr, -EINVAL, "--policy: a replay has %u policies at most",
				   REPLAY_POLICIES_MAX);
	policy->label = strndup(text, len);
	policy->name = strndup(text, len);
	if (!policy->label || !policy->name) {
		free(policy->label);
		free(policy->name);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	ret->policy_count++;
	for (at = strchr(policy->name, ':'); at; at = strchr(at, ':')) {
		char *equals;

		*at++ = '\0';
		equals = at + strcspn(at, "=:");
		if (*equals != '=' || equals == at)
			return sluice_fail(reterr, -EINVAL, "--policy: '%s' is not NAME:KEY=VALUE",
					   policy->label);
		if (policy->setting_count == REPLAY_SETTINGS_MAX)
			return sluice_fail(reterr, -EINVAL,
					   "--policy: '%s' has more than %u settings",
					   policy->label, REPLAY_SETTINGS_MAX);
		*equals = '\0';
		policy->settings[policy->setting_count++] =
			(struct plugin_setting){.key = at, .value = equals + 1};
		at = equals + 1;
	}
	return 0;
}

static int
read_policies(struct replay_options *ret, struct sluice_err *reterr)
{
	const char *text = options_text(ret->options, OPTION_POLICY, 0);

	for (;;) {
		size_t len = strcspn(text, ",");
		int r = add_policy(ret, text, len, reterr);

		if (r < 0)
			return r;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static int
finish(struct replay_options *ret, struct sluice_err *reterr)
{
	uint64_t epoch_ms = ret->of_workload.epoch_ns / NS_PER_MS;

	if (ret->list || ret->help)
		return 0;
	if (!ret->workload)
		return sluice_fail(
			reterr, -EINVAL,
			"no workload and no trace is named; 'sluice replay --list' lists "
			"the workloads");
	if (ret->ratio_tiers[0] && ret->tiers)
		return sluice_fail(
			reterr, -EINVAL,
			"--ratio and --tiers both say how large fast memory is; give one");
	if (!ret->tiers)
		ret->tiers = ret->ratio_tiers[0] ? ret->ratio_tiers : TIERS_DEFAULT;
	ret->of_workload.epoch_count = (uint32_t)(ret->seconds_ms / epoch_ms);
	if (!ret->of_workload.epoch_count)
		return sluice_fail(reterr, -EINVAL, "an epoch of %llu ms is longer than all of it",
				   (unsigned long long)epoch_ms);
	return read_policies(ret, reterr);
}

int
replay_options_read(int argc, char **argv, struct replay_options *ret, struct sluice_err *reterr)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*ret = (struct replay_options){
		.options = options_new(),
		.tracker = trackers[0],
		.of_workload = {.seed = 1, .epoch_ns = 1000 * NS_PER_MS},
		.seconds_ms = 120000,
		.runs = 1,
		.jobs = cpus > 0 && cpus < (long)JOBS_MAX ? (uint32_t)cpus : 1,
	};
	if (!ret->options)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	for (int i = 1; i < argc; i++) {
		int r = take_own(ret, argc, argv, &i, reterr);

		if (r == 0 && is_meaningless(argv[i]))
			return sluice_fail(
				reterr, -EINVAL,
				"'%s' means nothing to a replay, which has tiers, trackers and a "
				"mover of its own%s",
				argv[i],
				strncmp(argv[i], "--policy-set", 12) == 0
					? "; settings are given as --policy NAME:KEY=VALUE"
					: "");
		if (r == 0)
			r = options_take_argument(ret->options, argc, argv, &i, reterr);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (argv[i][0] == '-')
			return sluice_fail(reterr, -EINVAL,
					   "'%s' is not understood here; 'sluice replay --help' "
					   "lists all",
					   argv[i]);
		if (ret->workload)
			return sluice_fail(reterr, -EINVAL,
					   "one workload or trace at a time, not '%s' and '%s'",
					   ret->workload, argv[i]);
		ret->workload = argv[i];
	}
	return finish(ret, reterr);
}

void
replay_options_destroy(struct replay_options *options)
{
	options_free(options->options);
	for (size_t i = 0; i < options->policy_count; i++) {
		free(options->policies[i].label);
		free(options->policies[i].name);
	}
}
