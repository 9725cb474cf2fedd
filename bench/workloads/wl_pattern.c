/* SPDX-License-Identifier: Apache-2.0 */
/* Setting a pattern up, and its probabilities; see wl_pattern.h. */
#include "wl_pattern.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "wl_parse.h"

int
pattern_parse(const char *text, struct pattern_choice *ret_choice)
{
	struct pattern_choice choice = {.kind = PATTERN_BLOCK};
	int r = 0;

	if (strncmp(text, "stride:", 7) == 0) {
		choice.kind = PATTERN_STRIDE;
		r = parse_count(text + 7, 2, UINT32_MAX, &choice.stride);
	} else if (strncmp(text, "zipf:", 5) == 0) {
		choice.kind = PATTERN_ZIPF;
		r = parse_number(text + 5, ZIPF_EXPONENT_MIN, ZIPF_EXPONENT_MAX, &choice.exponent);
	} else if (strcmp(text, "uniform") == 0) {
		choice.kind = PATTERN_UNIFORM;
	} else if (strcmp(text, "block") != 0) {
		r = -EINVAL;
	}
	if (r == 0)
		*ret_choice = choice;
	return r;
}

int
pattern_init(struct pattern *ret_pattern, const struct pattern_choice *choice, uint64_t pages,
	     uint64_t hot_pages, double hot_share, uint64_t seed)
{
	struct pattern p = {.kind = choice->kind, .pages = pages, .hot_pages = hot_pages};

	if (pages < 1 || !(hot_share >= 0 && hot_share <= 1))
		return -ERANGE;
	if (p.kind == PATTERN_STRIDE) {
		if (choice->stride < 2 || choice->stride > pages)
			return -ERANGE;
		p.stride = choice->stride;
		p.hot_pages = (pages + p.stride - 1) / p.stride;
	} else if (p.kind == PATTERN_UNIFORM) {
		p.hot_pages = 0;
	} else if (hot_pages < 1 || hot_pages > pages) {
		return -ERANGE;
	}
	p.block_start = pages - p.hot_pages;

	/* With nothing but hot pages there is nothing else to access. */
	p.hot_share = p.hot_pages == pages ? 1 : hot_share;
	p.hot_below = p.hot_share < 1 ? (uint64_t)ldexp(p.hot_share, 64) : UINT64_MAX;

	if (p.kind == PATTERN_ZIPF) {
		int r = zipf_init(&p.zipf, pages, choice->exponent);

		if (r < 0)
			return r;
		shuffle_init(&p.shuffle, pages, seed);
	}
	*ret_pattern = p;
	return 0;
}

static double
interval_share(uint64_t from, uint64_t to, uint64_t low, uint64_t high)
{
	if (from < low)
		from = low;
	if (to > high)
		to = high;
	return from < to ? (double)(to - from) / (double)(high - low) : 0;
}

double
pattern_mass(const struct pattern *p, uint64_t from, uint64_t to)
{
	switch (p->kind) {
	case PATTERN_ZIPF:
		return zipf_mass(&p->zipf, from, to);
	case PATTERN_UNIFORM:
		return interval_share(from, to, 0, p->pages);
	case PATTERN_BLOCK:
	case PATTERN_STRIDE:
		break;
	}
	return p->hot_share * interval_share(from, to, 0, p->hot_pages) +
	       (1 - p->hot_share) * interval_share(from, to, p->hot_pages, p->pages);
}
