/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trackers_measure.h - how right each tracker is, how soon, and at what price. Each of them watches
 * each workload twice in one go: awake, as the engine is while it does not know the program, which
 * is what precision, recall and delay are of; then steady, in turn with not at all, which is what
 * the price is of.
 */
#ifndef BENCH_MAIN_TRACKERS_MEASURE_H
#define BENCH_MAIN_TRACKERS_MEASURE_H

#include <signal.h>

#include "ops.h"
#include "tracked.h"
#include "trackers_row.h"

#define TRACKERS_NAMES_MAX 32

struct trackers_plan {
	struct ops_env env;
	const char *trackers[TRACKERS_NAMES_MAX];
	size_t tracker_count;
	const struct tracked_kind *kinds[TRACKERS_NAMES_MAX];
	size_t kind_count;
	uint64_t seconds, mib, awake, steady;
	int node;                           /* where the programs' memory is; -1: anywhere */
	const volatile sig_atomic_t *ended; /* set by a signal: no more is begun */
};

/* A row for each workload and tracker, printed as soon as it is known, as JSON or for people; what
 * fails is told and has none. 0, or 1 when something failed. */
int trackers_measure(const struct trackers_plan *plan, int json, struct trackers_table *table);

#endif
