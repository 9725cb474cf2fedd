/* SPDX-License-Identifier: Apache-2.0 */
/* Reading sizes, numbers and lists of nodes from options; see wl_parse.h. */
#include "wl_parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* strtod also takes "inf", "nan", hexadecimal and leading blanks; an option should not. */
static int
decimal_start(const char *text)
{
	return isdigit((unsigned char)text[0]) ||
	       (text[0] == '.' && isdigit((unsigned char)text[1]));
}

static bool
hexadecimal(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

int
wl_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	char *end;

	if (!decimal_start(text) || hexadecimal(text))
		return -EINVAL;

	double value = strtod(text, &end);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

	if (unit) {
		value = ldexp(value, 10 * (int)(unit - units + 1));
		end++;
		if (*end == 'i' && end[1] == 'B')
			end++;
	}
	if (*end == 'B')
		end++;
	if (*end)
		return -EINVAL;
	if (!(value < 0x1p53)) /* beyond, a double no longer holds each byte */
		return -ERANGE;
	*ret_bytes = (uint64_t)value;
	return 0;
}

int
parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret_count)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;

	unsigned long long value = strtoull(text, &end, 10);

	if (*end)
		return -EINVAL;
	if (errno || value < min || value > max)
		return -ERANGE;
	*ret_count = value;
	return 0;
}

int
parse_number(const char *text, double min, double max, double *ret_number)
{
	char *end;

	if (!decimal_start(text) || hexadecimal(text))
		return -EINVAL;

	double value = strtod(text, &end);

	if (*end)
		return -EINVAL;
	if (!(value >= min && value <= max))
		return -ERANGE;
	*ret_number = value;
	return 0;
}

int
parse_nodes(const char *text, struct nodeset *ret_nodes)
{
	struct nodeset set = {{0}};
	const char *p = text;

	for (;;) {
		char *end;

		if (!isdigit((unsigned char)*p))
			return -EINVAL;

		unsigned long first = strtoul(p, &end, 10), last = first;

		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return -EINVAL;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last)
			return -EINVAL;
		if (last >= NODES_MAX)
			return -ERANGE;
		for (unsigned long node = first; node <= last; node++)
			set.bits[node / 64] |= UINT64_C(1) << (node % 64);
		if (*end != ',') {
			p = end;
			break;
		}
		p = end + 1;
	}
	if (*p == '\n')
		p++;
	if (*p)
		return -EINVAL;
	*ret_nodes = set;
	return 0;
}

int
parse_name(const char *text, const char **ret_name)
{
	size_t length = strlen(text);

	if (length == 0)
		return -EINVAL;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._:+-", *p))
			return -EINVAL;
	if (length > 63)
		return -ERANGE;
	*ret_name = text;
	return 0;
}
