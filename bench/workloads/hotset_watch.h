/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the hot set, and of all accesses, fast memory holds: asked of the kernel, page by
 * page for the hot set, by a sample for the others (each sampled page stands for its neighbours
 * in popularity, another one of them each time), so that looking costs the program little.
 */
#ifndef HOTSET_WATCH_H
#define HOTSET_WATCH_H

#include <stdint.h>

#include "wl_parse.h"
#include "wl_pattern.h"

struct watch;

/* Shares from 0 to 1; negative: not known yet. */
struct watch_view {
	double hot_fast_share;    /* of the hot set's pages; of all accesses where none is hot */
	double access_fast_share; /* expected share of accesses that fast memory serves */
	double access_best_share; /* what the best placement of as many fast pages would serve */
	uint64_t hot_missing;     /* hot pages that are in no node */
};

/*
 * @sample: how many of the pages outside the hot set a scan asks about at most; 0: all of them.
 * Allocates all it will need; @pattern is only read here.
 */
int watch_new(const struct pattern *pattern, const unsigned char *base,
	      const struct nodeset *fast_nodes, uint64_t sample, uint64_t seed,
	      struct watch **ret_watch);
void watch_free(struct watch *watch);

/* Asks about the hot set as @pattern places it, and with @scan about the others too. 0 or -errno;
 * on failure the view keeps what it had. One thread at a time. */
int watch_look(struct watch *watch, const struct pattern *pattern, bool scan,
	       struct watch_view *ret_view);

#endif
