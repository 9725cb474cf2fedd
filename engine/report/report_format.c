/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_format.c - figures and text as people read them.
 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "report.h"

enum report_unit
report_unit(const char *name)
{
	static const char *const names[] = {
		[UNIT_NONE] = "",
		[UNIT_SHARE] = "share",
		[UNIT_PER_S] = "per_s",
		[UNIT_BYTES] = "bytes",
		[UNIT_BYTES_PER_S] = "bytes_per_s",
		[UNIT_SECONDS] = "s",
		[UNIT_TIMES] = "times",
		[UNIT_COUNT] = "count",
		[UNIT_CPU] = "cpu",
	};
	size_t i;

	if (!name)
		return UNIT_NONE;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return (enum report_unit)i;
	}
	return UNIT_UNKNOWN;
}

/* Three significant digits, no trailing zeros: the eye compares lengths before digits. */
static void
print_digits(char *ret, size_t size, double value, const char *suffix)
{
	double magnitude = fabs(value);
	int decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
	char *end;

	snprintf(ret, size, "%.*f", decimals, value);
	if (strchr(ret, '.')) {
		end = ret + strlen(ret);
		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	if (!strcmp(ret, "-0"))
		memmove(ret, "0", 2);
	end = ret + strlen(ret);
	snprintf(end, size - (size_t)(end - ret), "%s", suffix);
}

static void
print_scaled(char *ret, size_t size, double value, double base, const char *const *suffixes)
{
	size_t i = 0;

	while (fabs(value) >= base * 0.9995 && suffixes[i + 1]) {
		value /= base;
		i++;
	}
	print_digits(ret, size, value, suffixes[i]);
}

void
report_value(char ret[REPORT_VALUE_BYTES], enum report_unit unit, double value)
{
	static const char *const rates[] = {"/s", " k/s", " M/s", " G/s", NULL};
	static const char *const bytes[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};
	static const char *const byte_rates[] = {" B/s", " KiB/s", " MiB/s", " GiB/s", NULL};

	if (isnan(value)) {
		snprintf(ret, REPORT_VALUE_BYTES, "unknown");
		return;
	}
	switch (unit) {
	case UNIT_SHARE:
	case UNIT_CPU:
		/* One decimal: what is asked of a placement lies between 95 and 100. */
		snprintf(ret, REPORT_VALUE_BYTES, "%.1f %%", value * 100);
		break;
	case UNIT_PER_S:
		print_scaled(ret, REPORT_VALUE_BYTES, value, 1000, rates);
		break;
	case UNIT_BYTES:
		print_scaled(ret, REPORT_VALUE_BYTES, value, 1024, bytes);
		break;
	case UNIT_BYTES_PER_S:
		print_scaled(ret, REPORT_VALUE_BYTES, value, 1024, byte_rates);
		break;
	case UNIT_SECONDS:
		print_digits(ret, REPORT_VALUE_BYTES, value, " s");
		break;
	case UNIT_TIMES:
		print_digits(ret, REPORT_VALUE_BYTES, value, " \xc3\x97");
		break;
	case UNIT_COUNT:
		snprintf(ret, REPORT_VALUE_BYTES, "%.0f", value);
		break;
	case UNIT_NONE:
	case UNIT_UNKNOWN:
		print_digits(ret, REPORT_VALUE_BYTES, value, "");
		break;
	}
}

void
report_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			/* JSON may hold control characters, which a page may not. */
			if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
				fputc(*text, out);
		}
	}
}

int
report_wrong(struct report_problem *problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	return -1;
}

const char *
report_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
