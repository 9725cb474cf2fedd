/* SPDX-License-Identifier: Apache-2.0 */
/* Residency of the hot set and of all accesses; see hotset_watch.h. */
#include "hotset_watch.h"

#include <errno.h>
#include <stdlib.h>

#include "wl_arena.h"
#include "wl_residency.h"

/* Places [from, to) of the pattern, one page of which is asked about, with their probability. */
struct stratum {
	uint64_t from, to;
	double mass;
};

struct watch {
	const unsigned char *base;
	struct nodeset fast_nodes;
	uint64_t rng;
	struct watch_view view;
	double hot_fast_mass, other_fast_mass; /* negative: not looked yet */
	uint64_t other_fast_pages;
	uint64_t hot, others; /* strata: the hot ones come first, a page each */
	struct stratum strata[];
};

struct tally {
	uint64_t fast, missing, fast_pages; /* fast_pages: those that the asked ones stand for */
	double fast_mass;
};

int
watch_new(const struct pattern *pattern, const unsigned char *base,
	  const struct nodeset *fast_nodes, uint64_t sample, uint64_t seed,
	  struct watch **ret_watch)
{
	uint64_t hot = pattern->hot_pages, cold = pattern->pages - hot;
	uint64_t others = sample && sample < cold ? sample : cold;
	struct watch *w = malloc(sizeof(*w) + (hot + others) * sizeof(w->strata[0]));

	if (!w)
		return -ENOMEM;
	w->base = base;
	w->fast_nodes = *fast_nodes;
	w->rng = rng_seed(seed, UINT32_MAX);
	w->view = (struct watch_view){-1, -1, -1, 0};
	w->hot_fast_mass = hot ? -1 : 0;
	w->other_fast_mass = others ? -1 : 0;
	w->hot = hot;
	w->others = others;
	for (uint64_t i = 0; i < hot + others; i++) {
		struct stratum *s = &w->strata[i];
		uint64_t other = i - hot;

		s->from = i < hot ? i : hot + other * cold / others;
		s->to = i < hot ? i + 1 : hot + (other + 1) * cold / others;
		s->mass = pattern_mass(pattern, s->from, s->to);
	}
	*ret_watch = w;
	return 0;
}

void
watch_free(struct watch *watch)
{
	free(watch);
}

static int
watch_ask(struct watch *w, const struct pattern *pattern, uint64_t first, uint64_t count,
	  struct tally *ret_tally)
{
	void *addresses[RESIDENCY_CHUNK];
	enum residency where[RESIDENCY_CHUNK];
	struct tally tally = {0, 0, 0, 0};

	for (uint64_t done = 0; done < count;) {
		const struct stratum *s = &w->strata[first + done];
		size_t n = count - done < RESIDENCY_CHUNK ? count - done : RESIDENCY_CHUNK;

		for (size_t i = 0; i < n; i++) {
			uint64_t place = s[i].from;

			if (s[i].to - s[i].from > 1)
				place += mul_high(rng_next(&w->rng), s[i].to - s[i].from);

			uint64_t page = pattern_page(pattern, pattern->kind, place);

			addresses[i] = (void *)(uintptr_t)(w->base + page * ARENA_PAGE);
		}

		int r = residency_query(&w->fast_nodes, addresses, n, where);

		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			if (where[i] == RESIDENCY_FAST) {
				tally.fast++;
				tally.fast_pages += s[i].to - s[i].from;
				tally.fast_mass += s[i].mass;
			} else if (where[i] == RESIDENCY_MISSING) {
				tally.missing++;
			}
		}
		done += n;
	}
	*ret_tally = tally;
	return 0;
}

int
watch_look(struct watch *w, const struct pattern *pattern, bool scan, struct watch_view *ret_view)
{
	struct tally hot = {0, 0, 0, 0}, others = {0, 0, 0, 0};
	int r = watch_ask(w, pattern, 0, w->hot, &hot);

	if (r == 0 && scan)
		r = watch_ask(w, pattern, w->hot, w->others, &others);
	if (r < 0)
		return r;

	w->hot_fast_mass = hot.fast_mass;
	if (scan) {
		w->other_fast_mass = others.fast_mass;
		w->other_fast_pages = others.fast_pages;
	}
	if (w->other_fast_mass >= 0) {
		w->view.access_fast_share = w->hot_fast_mass + w->other_fast_mass;
		/* Places are in the order of popularity. */
		w->view.access_best_share =
			pattern_mass(pattern, 0, hot.fast_pages + w->other_fast_pages);
	}
	w->view.hot_missing = hot.missing;
	w->view.hot_fast_share =
		w->hot ? (double)hot.fast / (double)w->hot : w->view.access_fast_share;
	*ret_view = w->view;
	return 0;
}
