/* SPDX-License-Identifier: Apache-2.0 */
/* topo_words.c - see topo_words.h. */
#include "topo_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sluice/topology.h"

bool
topo_word_kind(struct topo_word word, uint32_t *ret)
{
	for (uint32_t kind = 0; kind <= SLUICE_TIER_SWAP; kind++) {
		const char *name = sluice_tier_kind_name(kind);

		if (strlen(name) == word.length && strncmp(name, word.text, word.length) == 0) {
			*ret = kind;
			return true;
		}
	}
	return false;
}

/* A number with up to three decimals, in thousandths, and what follows it. */
static bool
take_number(struct topo_word *word, uint64_t *ret_thousandths)
{
	uint64_t number = 0, scale = 1000;
	size_t i = 0;

	while (i < word->length && isdigit((unsigned char)word->text[i])) {
		if (number > 1000000000)
			return false;
		number = number * 10 + (uint64_t)(word->text[i++] - '0');
	}
	if (i == 0)
		return false;
	number *= 1000;
	if (i + 1 < word->length && word->text[i] == '.' &&
	    isdigit((unsigned char)word->text[i + 1])) {
		for (i++; i < word->length && isdigit((unsigned char)word->text[i]); i++) {
			if (scale == 1)
				return false;
			scale /= 10;
			number += (uint64_t)(word->text[i] - '0') * scale;
		}
	}
	*ret_thousandths = number;
	word->text += i;
	word->length -= i;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool
with_unit(struct topo_word word, const struct unit *units, uint64_t max, uint64_t *ret)
{
	uint64_t number, result;

	if (!take_number(&word, &number))
		return false;
	for (; units->name; units++) {
		if (strlen(units->name) != word.length ||
		    strncasecmp(units->name, word.text, word.length) != 0)
			continue;
		if (__builtin_mul_overflow(number, units->factor, &result))
			return false;
		result /= 1000;
		if (result == 0 || result > max)
			return false;
		*ret = result;
		return true;
	}
	return false;
}

bool
topo_word_latency(struct topo_word word, uint32_t *ret_ns)
{
	static const struct unit units[] = {{"ns", 1}, {"us", 1000}, {NULL, 0}};
	uint64_t ns;

	if (!with_unit(word, units, TOPO_LATENCY_MAX_NS, &ns))
		return false;
	*ret_ns = (uint32_t)ns;
	return true;
}

bool
topo_word_bw(struct topo_word word, uint32_t *ret_mbps)
{
	static const struct unit units[] = {
		{"MB/s", 1}, {"GB/s", 1000}, {"TB/s", 1000000}, {NULL, 0}};
	uint64_t mbps;

	if (!with_unit(word, units, TOPO_BW_MAX_MBPS, &mbps))
		return false;
	*ret_mbps = (uint32_t)mbps;
	return true;
}

bool
topo_word_bytes(struct topo_word word, uint64_t *ret)
{
	static const struct unit units[] = {{"M", UINT64_C(1) << 20},
					    {"G", UINT64_C(1) << 30},
					    {"T", UINT64_C(1) << 40},
					    {"MiB", UINT64_C(1) << 20},
					    {"GiB", UINT64_C(1) << 30},
					    {"TiB", UINT64_C(1) << 40},
					    {NULL, 0}};

	return with_unit(word, units, UINT64_C(1) << 52, ret);
}

static bool
take_id(struct topo_word *word, uint32_t *ret)
{
	uint64_t thousandths;
	struct topo_word rest = *word;

	if (!take_number(&rest, &thousandths) || thousandths % 1000 ||
	    thousandths / 1000 >= SLUICE_NODES_MAX)
		return false;
	*word = rest;
	*ret = (uint32_t)(thousandths / 1000);
	return true;
}

bool
topo_word_nodes(struct topo_word word, uint32_t *ret_first, uint32_t *ret_last)
{
	uint32_t first, last;

	if (!take_id(&word, &first))
		return false;
	last = first;
	if (word.length > 0 && word.text[0] == '-') {
		word.text++;
		word.length--;
		if (!take_id(&word, &last) || last < first)
			return false;
	}
	if (word.length > 0)
		return false;
	*ret_first = first;
	*ret_last = last;
	return true;
}

int
topo_word_fail(struct sluice_err *reterr, const char *what, const char *whole, const char *at,
	       const char *reason)
{
	char part[32];
	size_t length = strcspn(at, " \t\n");

	snprintf(part, sizeof(part), "%.*s", length < sizeof(part) ? (int)length : 31, at);
	topo_make_plain(part);
	return sluice_fail(reterr, -EINVAL, "%s, character %zu ('%s'): %s", what,
			   (size_t)(at - whole) + 1, *part ? part : "the end", reason);
}
