/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make.h - traces of made-up programs: what a perfect tracker would tell of a pattern, or what one
 * that samples would. The same seed gives the same trace.
 */
#ifndef TRACE_MAKE_H
#define TRACE_MAKE_H

#include "sluice/trace.h"
#include "synth.h"

enum make_tracker {
	MAKE_EXACT,     /* every access is counted, each interval */
	MAKE_HINTFAULT, /* a part of memory is marked after the other, and the next access is told
			 */
	MAKE_DAMON,     /* one page of each region is looked at every 5 ms */
	MAKE_PMU,       /* one access of so many is drawn */
	MAKE_TRACKERS
};

struct make_options {
	struct synth_choice pattern;
	uint64_t bytes;      /* of memory; 64 KiB to 16 TiB */
	uint64_t fast_bytes; /* of the fast tier; filled first. 0: a quarter of the memory */
	double rate;         /* accesses per second, all pages together */
	double seconds, interval_s;
	enum make_tracker tracker;
	uint64_t seed;
	int32_t pid;
};

const char *make_tracker_name(size_t i); /* NULL past the last */

/* -EINVAL, -ENOMEM. What is lost on the way, the writer knows. */
int make_trace(const struct make_options *options, struct sluice_trace_writer *writer,
	       struct sluice_err *reterr);

#endif
