/* SPDX-License-Identifier: Apache-2.0 */
/* synth_words.c - patterns by their names and settings. See synth.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synth.h"

enum minds { MINDS_PART = 1, MINDS_SHARE = 2, MINDS_S = 4, MINDS_PERIOD = 8, MINDS_STRIDE = 16 };

static const struct {
	const char *name;
	unsigned int minds;
	struct synth_choice usual;
} words[SYNTH_KINDS] = {
	/* A block of neighbouring pages gets most accesses. */
	[SYNTH_HOT] = {"hot", MINDS_PART | MINDS_SHARE, {.part = 0.1, .share = 0.9}},
	/* Zipf's law over scattered pages, or by address (clustered). */
	[SYNTH_ZIPF] = {"zipf", MINDS_S, {.exponent = 1}},
	/* A hot block that moves on, once round in a period. */
	[SYNTH_WINDOW] = {"window",
			  MINDS_PART | MINDS_SHARE | MINDS_PERIOD,
			  {.part = 0.1, .share = 0.95, .period_s = 60}},
	/* Every stride-th page gets most accesses. */
	[SYNTH_STRIDED] = {"strided", MINDS_SHARE | MINDS_STRIDE, {.share = 0.9, .stride = 16}},
	[SYNTH_UNIFORM] = {"uniform", 0, {0}},
	/* A hot block that is somewhere else every period. */
	[SYNTH_PHASES] = {"phases",
			  MINDS_PART | MINDS_SHARE | MINDS_PERIOD,
			  {.part = 0.1, .share = 0.9, .period_s = 20}},
	/* A hot block, and a scan over all the rest once a period. */
	[SYNTH_SCAN] = {"scan",
			MINDS_PART | MINDS_SHARE | MINDS_PERIOD,
			{.part = 0.1, .share = 0.5, .period_s = 10}},
};

const char *
synth_name(size_t i)
{
	return i < SYNTH_KINDS ? words[i].name : NULL;
}

static int
fail_number(const char *key, const char *value, double min, double max, struct sluice_err *reterr)
{
	return sluice_fail(reterr, -EINVAL, "pattern: %s=%.40s is not a number from %g to %g", key,
			   value, min, max);
}

/* "0.1" or "10%". */
static int
read_number(const char *key, const char *value, double min, double max, double *ret,
	    struct sluice_err *reterr)
{
	char *end;
	double number = strtod(value, &end);

	if (end != value && strcmp(end, "%") == 0) {
		number /= 100;
		end++;
	}
	if (end == value || *end || !(number >= min && number <= max))
		return fail_number(key, value, min, max, reterr);
	*ret = number;
	return 0;
}

static int
set(struct synth_choice *choice, unsigned int minds, const char *key, const char *value,
    struct sluice_err *reterr)
{
	double stride = 0;
	int r;

	if (strcmp(key, "clustered") == 0 && !*value && choice->kind == SYNTH_ZIPF) {
		choice->clustered = 1;
		return 0;
	}
	if (strcmp(key, "part") == 0 && minds & MINDS_PART)
		return read_number(key, value, 0, 1, &choice->part, reterr);
	if (strcmp(key, "share") == 0 && minds & MINDS_SHARE)
		return read_number(key, value, 0, 1, &choice->share, reterr);
	if (strcmp(key, "s") == 0 && minds & MINDS_S)
		return read_number(key, value, 0.01, 3, &choice->exponent, reterr);
	if (strcmp(key, "period") == 0 && minds & MINDS_PERIOD)
		return read_number(key, value, 0.1, 1e6, &choice->period_s, reterr);
	if (strcmp(key, "stride") == 0 && minds & MINDS_STRIDE) {
		r = read_number(key, value, 2, 1e6, &stride, reterr);
		if (r == 0)
			choice->stride = (uint64_t)stride;
		return r;
	}
	return sluice_fail(reterr, -EINVAL, "pattern %s has no setting '%.40s'",
			   words[choice->kind].name, key);
}

int
synth_parse(const char *text, struct synth_choice *ret, struct sluice_err *reterr)
{
	struct synth_choice choice = {0};
	char copy[256], *settings, *key, *save = NULL;
	size_t kind;

	if (strlen(text) >= sizeof(copy))
		return sluice_fail(reterr, -EINVAL, "a pattern of %zu bytes is too long",
				   strlen(text));
	strcpy(copy, text);
	settings = strchr(copy, ':');
	if (settings)
		*settings++ = '\0';
	for (kind = 0; kind < SYNTH_KINDS && strcmp(words[kind].name, copy) != 0; kind++)
		;
	if (kind == SYNTH_KINDS)
		return sluice_fail(
			reterr, -EINVAL,
			"there is no pattern '%.40s'; known: hot, zipf, window, strided, "
			"uniform, phases, scan",
			copy);
	choice = words[kind].usual;
	choice.kind = (enum synth_kind)kind;
	for (key = settings ? strtok_r(settings, ",", &save) : NULL; key;
	     key = strtok_r(NULL, ",", &save)) {
		char *value = strchr(key, '=');
		int r;

		if (value)
			*value++ = '\0';
		r = set(&choice, words[kind].minds, key, value ? value : "", reterr);
		if (r < 0)
			return r;
	}
	*ret = choice;
	return 0;
}

const char *
synth_text(const struct synth_choice *choice, char *buffer, size_t size)
{
	unsigned int minds = words[choice->kind].minds;
	char parts[6][32];
	size_t count = 0, used;

	if (minds & MINDS_PART)
		snprintf(parts[count++], 32, "part=%g", choice->part);
	if (minds & MINDS_SHARE)
		snprintf(parts[count++], 32, "share=%g", choice->share);
	if (minds & MINDS_S)
		snprintf(parts[count++], 32, "s=%g", choice->exponent);
	if (choice->clustered)
		snprintf(parts[count++], 32, "clustered");
	if (minds & MINDS_PERIOD)
		snprintf(parts[count++], 32, "period=%g", choice->period_s);
	if (minds & MINDS_STRIDE)
		snprintf(parts[count++], 32, "stride=%llu", (unsigned long long)choice->stride);
	used = (size_t)snprintf(buffer, size, "%s", words[choice->kind].name);
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%c%s", i ? ',' : ':',
					 parts[i]);
	return buffer;
}
