/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which page an access goes to. A pattern puts the pages in an order of places: places below
 * hot_pages are the hot set, the others follow. The access loop draws a place and turns it into
 * a page, with no table; the reports go the other way about, and ask for every place which page
 * it is and how probable, so that what is reported is what is drawn.
 *
 * A jump turns the pages round: every page number moves on by `turn`, and page n is page 0 again.
 * With zipf it is another random order instead.
 */
#ifndef WL_PATTERN_H
#define WL_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "wl_rng.h"
#include "wl_shuffle.h"
#include "wl_zipf.h"

enum pattern_kind {
	PATTERN_BLOCK,  /* hot pages are neighbours */
	PATTERN_STRIDE, /* every stride-th page is hot */
	PATTERN_ZIPF,   /* Zipf's law over the pages in random order */
	PATTERN_UNIFORM /* every page alike: no hot set */
};

struct pattern {
	enum pattern_kind kind;
	uint64_t pages;
	uint64_t hot_pages;
	uint64_t turn;        /* below pages; 0 for zipf */
	uint64_t hot_below;   /* hot where a random number is below: hot share of 2^64 */
	double hot_share;     /* the same as a share of 1 */
	uint64_t block_start; /* block */
	uint64_t stride;      /* stride; 2 or more */
	struct zipf zipf;
	struct shuffle shuffle;
};

struct pattern_choice {
	enum pattern_kind kind;
	uint64_t stride;
	double exponent;
};

/* Reads "block", "stride:N", "zipf:S" or "uniform"; 0, -EINVAL or -ERANGE. */
int pattern_parse(const char *text, struct pattern_choice *ret_choice);

/*
 * @pages 1 or more; @hot_pages from 1 to @pages, used by block and zipf; @hot_share from 0 to 1,
 * used by block and stride. Returns 0, or -ERANGE where these do not go together (a stride longer
 * than the pages, a Zipf arena over 4 TiB); @ret_pattern is untouched then.
 */
int pattern_init(struct pattern *ret_pattern, const struct pattern_choice *choice, uint64_t pages,
		 uint64_t hot_pages, double hot_share, uint64_t seed);

/* The probability that an access goes to one of the places [from, to). */
double pattern_mass(const struct pattern *p, uint64_t from, uint64_t to);

/* The page at @place. @kind is p->kind; a constant there leaves only that kind's code. */
static inline uint64_t
pattern_page(const struct pattern *p, enum pattern_kind kind, uint64_t place)
{
	uint64_t page = place;

	switch (kind) {
	case PATTERN_BLOCK:
		if (place < p->hot_pages)
			page = p->block_start + place;
		else if (place - p->hot_pages < p->block_start)
			page = place - p->hot_pages;
		break;
	case PATTERN_STRIDE:
		if (place < p->hot_pages) {
			page = place * p->stride;
		} else {
			uint64_t other = place - p->hot_pages;

			page = other + other / (p->stride - 1) + 1;
		}
		break;
	case PATTERN_ZIPF:
		return shuffle_at(&p->shuffle, p->pages, place);
	case PATTERN_UNIFORM:
		break;
	}
	page += p->turn;
	return page < p->pages ? page : page - p->pages;
}

/* A page drawn by the pattern's probabilities. Uses one random number, with zipf rarely two. */
static inline uint64_t
pattern_draw(const struct pattern *p, enum pattern_kind kind, uint64_t *rng)
{
	if (kind == PATTERN_ZIPF)
		return pattern_page(p, kind, zipf_draw(&p->zipf, p->pages, rng));

	uint64_t random = rng_next(rng);

	if (kind == PATTERN_UNIFORM)
		return mul_high(random, p->pages);

	bool hot = random < p->hot_below;
	uint64_t first = hot ? 0 : p->hot_pages;
	uint64_t count = hot ? p->hot_pages : p->pages - p->hot_pages;

	/* The comparison used the upper bits up: scramble again for the place. */
	return pattern_page(p, kind, first + mul_high(rng_mix(random), count));
}

#endif
