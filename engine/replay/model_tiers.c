/* SPDX-License-Identifier: Apache-2.0 */
/* model_tiers.c - the tiers of a replay from a text, "dram:25% cxl:75%@300ns,20GB/s". */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "parse.h"

#define ITEM_BYTES 64
#define HEADROOM 16u
#define PAGE_MASK ((2ull << 20) - 1)

static const struct model_kind *
find_kind(const char *name)
{
	for (const struct model_kind *kind = model_kinds; kind->name; kind++) {
		if (strcmp(kind->name, name) == 0)
			return kind;
	}
	return NULL;
}

static int
parse_bytes(const char *text, uint64_t program_bytes, uint64_t *ret, struct sluice_err *reterr)
{
	double percent;
	int r;

	if (text[0] && text[strlen(text) - 1] == '%') {
		char *end;

		percent = strtod(text, &end);
		/* More than all of it is fine here. */
		if (end == text || strcmp(end, "%") != 0 || !(percent > 0 && percent <= 10000))
			return sluice_fail(reterr, -EINVAL, "'%s' is no share of memory: 25%%",
					   text);
		*ret = (uint64_t)((double)program_bytes * percent / 100);
	} else {
		r = parse_size(text, ret, reterr);
		if (r < 0)
			return r;
	}
	*ret &= ~PAGE_MASK;
	return *ret ? 0 : sluice_fail(reterr, -EINVAL, "'%s' is less than 2 MiB of memory", text);
}

/* "250ns" or "30GB/s" (10^9 bytes), of reads and writes alike. */
static int
parse_figure(const char *text, struct model_kind *kind, struct sluice_err *reterr)
{
	char *end;
	double number = strtod(text, &end);

	if (end != text && strcmp(end, "ns") == 0 && number >= 1 && number <= 1e6) {
		kind->write_ns *= number / kind->read_ns;
		kind->read_ns = number;
		return 0;
	}
	if (end != text && strcmp(end, "GB/s") == 0 && number >= 0.1 && number <= 1e5) {
		kind->write_bps *= number * 1e9 / kind->read_bps;
		kind->read_bps = number * 1e9;
		return 0;
	}
	return sluice_fail(reterr, -EINVAL,
			   "'%s' is neither a latency (1ns to 1000000ns) nor a bandwidth (0.1GB/s "
			   "and more)",
			   text);
}

/* KIND:SIZE[@FIGURE[,FIGURE]] */
static int
parse_item(char *item, uint64_t program_bytes, struct model_tier *ret, struct sluice_err *reterr)
{
	char *size = strchr(item, ':'), *figures, *next;
	const struct model_kind *kind;
	int r;

	if (!size)
		return sluice_fail(reterr, -EINVAL,
				   "'%s' is not KIND:SIZE, as dram:25%% or cxl:64G", item);
	*size++ = '\0';
	kind = find_kind(item);
	if (!kind)
		return sluice_fail(reterr, -EINVAL,
				   "'%s' is no kind of tier with published figures; use dram, "
				   "remote, cxl, pmem",
				   item);
	ret->kind = *kind;
	figures = size + strcspn(size, "@,");
	if (*figures)
		*figures++ = '\0';
	r = parse_bytes(size, program_bytes, &ret->bytes, reterr);
	for (; r == 0 && *figures; figures = next) {
		next = figures + strcspn(figures, ",");
		if (*next)
			*next++ = '\0';
		r = parse_figure(figures, &ret->kind, reterr);
	}
	return r;
}

int
model_parse_tiers(const char *text, uint64_t program_bytes, struct model *ret,
		  struct sluice_err *reterr)
{
	struct model model = {.costs = model_costs};
	uint64_t before = 0, least, rest;
	int r;

	for (text += strspn(text, " ;"); *text; text += strspn(text, " ;")) {
		char item[ITEM_BYTES];
		size_t len = strcspn(text, " ;");

		if (len >= sizeof(item))
			return sluice_fail(reterr, -EINVAL, "'%.60s...' is no tier", text);
		memcpy(item, text, len);
		item[len] = '\0';
		if (model.tier_count == MODEL_TIERS_MAX)
			return sluice_fail(reterr, -EINVAL, "a replay has %u tiers at most",
					   MODEL_TIERS_MAX);
		r = parse_item(item, program_bytes, &model.tiers[model.tier_count++], reterr);
		if (r < 0)
			return r;
		text += len;
	}
	if (model.tier_count < 2)
		return sluice_fail(reterr, -EINVAL,
				   "a replay needs two tiers: \"dram:25%% cxl:75%%\"");
	for (uint32_t t = 1; t < model.tier_count; t++) {
		before += model.tiers[t - 1].bytes;
		if (model.tiers[t].kind.read_ns < model.tiers[t - 1].kind.read_ns)
			return sluice_fail(
				reterr, -EINVAL,
				"tiers go from fast to slow, and %s (%.0f ns) follows %s "
				"(%.0f ns)",
				model.tiers[t].kind.name, model.tiers[t].kind.read_ns,
				model.tiers[t - 1].kind.name, model.tiers[t - 1].kind.read_ns);
	}
	rest = program_bytes > before ? program_bytes - before : 0;
	least = rest + (program_bytes / HEADROOM & ~PAGE_MASK) + PAGE_MASK + 1;
	if (model.tiers[model.tier_count - 1].bytes < least)
		model.tiers[model.tier_count - 1].bytes = least;
	*ret = model;
	return 0;
}
