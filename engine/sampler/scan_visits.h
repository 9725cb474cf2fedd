/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_visits.h - marking pages slice by slice, and looking a little later which were accessed
 * since: what trackers have in common that can do both for a slice at a time.
 *
 * A pass visits each slice of all targets once: what was marked there before is looked at, and all
 * is marked anew. Some time after, it is looked at without marking. That time is another in each of
 * four passes, as a short one tells hot pages from hotter ones, and a long one cold from colder.
 * What there is to spend sets the pace; where a pass would take minutes it takes only some of the
 * slices, others the next time. Pages that were not accessed stay marked, so the time that they are
 * known to be silent for adds up. One thread.
 */
#ifndef SAMPLER_SCAN_VISITS_H
#define SAMPLER_SCAN_VISITS_H

#include "ops.h"
#include "scan_out.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define SCAN_WAITS 2
#define SCAN_LOOKS_MAX 4096 /* slices that wait to be looked at, for each of the waits */

struct scan_backend {
	const char *name;
	/* Set the bit of each page of the slice that was accessed since it was marked, also of
	 * those that were not; then, with `mark`, mark all. 1: this slice cannot be marked, and
	 * says nothing. -errno: nothing of this process can be looked at just now. */
	int (*visit)(void *ctx, const struct scan_slice *slice, int mark,
		     uint64_t bits[SCAN_WORDS]);
	/* Nothing more is done to this process. Optional. */
	void (*forget)(void *ctx, int32_t pid);
};

struct scan_looks { /* first in, first out */
	struct {
		struct scan_slice slice;
		uint64_t due_ns;
	} * at;
	uint32_t first, count;
};

struct scan_visits {
	const struct scan_backend *backend;
	void *ctx;
	uint64_t fault_ns; /* what an access to a marked page costs the program; 0 nothing */
	struct scan_walk walk;
	struct scan_purse purse;
	struct scan_out out;
	struct scan_looks looks[SCAN_WAITS];
	uint64_t passes, pass_ns, next_pass_ns; /* this one began, the next may */
	uint64_t pass_cost_ns, slice_cost_ns;   /* slice_cost_ns: on average, 0 unknown */
	uint64_t pass_slices;
	int passing;
	struct sampler_stats stats;
};

int scan_visits_init(struct scan_visits *visits, const struct scan_backend *backend, void *ctx,
		     const char *sysroot, float spread, struct sluice_err *reterr);
void scan_visits_destroy(struct scan_visits *visits);

/* The callbacks of a sampler. */
int scan_visits_add(struct scan_visits *visits, int32_t pid, struct sluice_err *reterr);
void scan_visits_remove(struct scan_visits *visits, int32_t pid);
void scan_visits_read(struct scan_visits *visits, uint64_t now_ns, struct sample *samples,
		      size_t capacity, size_t *ret_count);
uint64_t scan_visits_due_ns(const struct scan_visits *visits, uint64_t now_ns);
void scan_visits_get_stats(const struct scan_visits *visits, struct sampler_stats *ret);

#endif
