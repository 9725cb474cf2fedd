/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - see parse.h. */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* Decimal digits with at most one point, no sign, no exponent, no blanks: strtod() takes more than
 * people mean. *ret_end is the first character after it. A long double keeps 64 bits exact. */
static int
number(const char *text, long double *ret, const char **ret_end)
{
	long double value = 0, scale = 1;
	const char *c = text;
	int digits = 0, point = 0;

	for (; isdigit((unsigned char)*c) || (*c == '.' && !point); c++) {
		if (*c == '.') {
			point = 1;
			continue;
		}
		digits++;
		if (point) {
			scale /= 10;
			value += scale * (long double)(*c - '0');
		} else {
			value = value * 10 + (long double)(*c - '0');
		}
	}
	if (digits == 0 || digits > 40)
		return -EINVAL;
	*ret = value;
	*ret_end = c;
	return 0;
}

int
parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct sluice_err *reterr)
{
	uint64_t value = 0;
	const char *c = text;
	int overflow = 0;

	for (; isdigit((unsigned char)*c); c++) {
		overflow |= __builtin_mul_overflow(value, (uint64_t)10, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value);
	}
	if (c == text || *c != '\0')
		return sluice_fail(reterr, -EINVAL, "'%.64s' is not a whole number (%llu to %llu)",
				   text, (unsigned long long)min, (unsigned long long)max);
	if (overflow || value < min || value > max)
		return sluice_fail(reterr, -ERANGE, "%.64s is not between %llu and %llu", text,
				   (unsigned long long)min, (unsigned long long)max);
	*ret = value;
	return 0;
}

/* The unit after a size: "", B, K, KB, KiB, ... in either case; -1 otherwise. *ret_end moves past.
 */
static int
size_shift(const char *text, const char **ret_end)
{
	static const char units[] = "kmgtpe";
	const char *unit = *text ? strchr(units, tolower((unsigned char)*text)) : NULL;
	int shift = 0;

	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		text++;
		if (*text == 'i' && (text[1] == 'B' || text[1] == 'b'))
			text++;
	}
	if (*text == 'B' || *text == 'b')
		text++;
	*ret_end = text;
	return shift;
}

/* what: "size" or "rate"; tail, may be NULL: an optional ending such as "/s". */
static int
sized(const char *text, const char *tail, const char *what, const char *examples, uint64_t *ret,
      struct sluice_err *reterr)
{
	long double value;
	const char *end;

	if (number(text, &value, &end) < 0)
		goto invalid;
	value = ldexpl(value, size_shift(end, &end));
	if (tail && strcmp(end, tail) == 0)
		end += strlen(tail);
	if (*end != '\0')
		goto invalid;
	if (value >= 18446744073709551616.0L)
		return sluice_fail(reterr, -ERANGE, "%.64s is too large a %s; 16 EiB is the end",
				   text, what);
	*ret = (uint64_t)value;
	return 0;
invalid:
	return sluice_fail(reterr, -EINVAL, "'%.64s' is not a %s; write it like %s", text, what,
			   examples);
}

int
parse_size(const char *text, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	return sized(text, NULL, "size", "700M, 1.5G or 4096", ret_bytes, reterr);
}

int
parse_rate(const char *text, uint64_t *ret_bps, struct sluice_err *reterr)
{
	return sized(text, "/s", "rate", "200M or 200MB/s", ret_bps, reterr);
}

int
parse_duration_ms(const char *text, uint64_t *ret_ms, struct sluice_err *reterr)
{
	static const struct {
		const char *name;
		unsigned ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
	long double value;
	const char *end;

	if (number(text, &value, &end) == 0) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (strcmp(end, units[i].name) != 0)
				continue;
			value = roundl(value * (long double)units[i].ms);
			if (value >= 18446744073709551616.0L)
				return sluice_fail(reterr, -ERANGE, "%.64s is too long a time",
						   text);
			*ret_ms = (uint64_t)value;
			return 0;
		}
	}
	return sluice_fail(
		reterr, -EINVAL,
		"'%.64s' is not a time; write it with its unit, like 500ms, 10s, 2m or 1h", text);
}

int
parse_percent(const char *text, double *ret_percent, struct sluice_err *reterr)
{
	long double value;
	const char *end;

	if (number(text, &value, &end) < 0 || strcmp(end, "%") != 0)
		return sluice_fail(
			reterr, -EINVAL,
			"'%.64s' is not a percentage; write it with its sign, like 3%% or "
			"0.5%%",
			text);
	if (value > 100)
		return sluice_fail(reterr, -ERANGE, "%.64s is more than 100%%", text);
	*ret_percent = (double)value;
	return 0;
}

int
parse_bool(const char *text, int *ret, struct sluice_err *reterr)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (int i = 0; i < 8; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i & 1;
			return 0;
		}
	}
	return sluice_fail(reterr, -EINVAL, "'%.64s' is neither yes nor no", text);
}

const char *
format_size(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	int unit = 0;

	/* 1023.95 would be printed as 1024.0. */
	while (unit < 6 && value >= (unit == 0 ? 1024 : 1023.95)) {
		value /= 1024;
		unit++;
	}
	value = round(value * 10);
	if (unit == 0 || fmod(value, 10) < 0.5)
		snprintf(buffer, size, "%.0f %s", value / 10, units[unit]);
	else
		snprintf(buffer, size, "%.1f %s", value / 10, units[unit]);
	return buffer;
}
