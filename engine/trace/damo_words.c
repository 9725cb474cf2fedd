/* SPDX-License-Identifier: Apache-2.0 */
/* damo_words.c - see damo_words.h. */
#include "damo_words.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import_lines.h"

#define WORD_BYTES 128
#define NS_MOST 4.6e18

/* Without the commas between thousands and blanks at both ends; 0: too long. */
static int
without_commas(const char *text, char word[WORD_BYTES])
{
	size_t used = 0;

	while (isspace((unsigned char)*text))
		text++;
	for (; *text; text++) {
		if (*text == ',')
			continue;
		if (used == WORD_BYTES - 1)
			return 0;
		word[used++] = *text;
	}
	while (used && isspace((unsigned char)word[used - 1]))
		used--;
	word[used] = '\0';
	return used > 0;
}

static double
unit_of(const char *text, size_t length)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1},       {"us", 1e3},       {"ms", 1e6},       {"s", 1e9},
		     {"m", 60 * 1e9}, {"h", 3600 * 1e9}, {"d", 86400 * 1e9}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].unit) == length && strncmp(units[i].unit, text, length) == 0)
			return units[i].ns;
	}
	return 0;
}

int
damo_duration(const char *text, double unit_ns, uint64_t *ret_ns)
{
	char word[WORD_BYTES], *at = word, *end;
	double sum = 0;
	uint64_t whole;

	if (!without_commas(text, word))
		return 0;
	/* Times since 1970 have more digits than a double keeps. */
	if (unit_ns == 1 && damo_whole(word, &whole)) {
		if ((double)whole > NS_MOST)
			return 0;
		*ret_ns = whole;
		return 1;
	}
	while (*at) {
		double number, unit = unit_ns;
		size_t length;

		if (!isdigit((unsigned char)*at))
			return 0;
		number = strtod(at, &end);
		at = end + strspn(end, " \t");
		length = strcspn(at, " \t");
		if (length || at != end || sum > 0)
			unit = unit_of(at, length);
		if (unit <= 0)
			return 0;
		sum += number * unit;
		at += length;
		at += strspn(at, " \t");
	}
	if (!(sum >= 0 && sum < NS_MOST))
		return 0;
	*ret_ns = (uint64_t)sum;
	return 1;
}

int
damo_number(const char *text, double *ret)
{
	char word[WORD_BYTES], *end;
	double number;

	if (!without_commas(text, word) || !isdigit((unsigned char)word[0]))
		return 0;
	number = strtod(word, &end);
	if (*end || !isfinite(number))
		return 0;
	*ret = number;
	return 1;
}

int
damo_whole(const char *text, uint64_t *ret)
{
	char word[WORD_BYTES];
	const char *at = word;
	uint64_t number;

	if (!without_commas(text, word) || !import_decimal(&at, &number) || *at)
		return 0;
	*ret = number;
	return 1;
}

int
damo_is_range(uint64_t start, uint64_t end)
{
	return start < end && !((start | end) & (SLUICE_TRACE_PAGE_BYTES - 1u)) && !(end >> 57);
}
