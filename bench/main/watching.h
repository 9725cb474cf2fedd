/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watching.h - trackers that watch one process and feed heat, as the engine has them, without a
 * policy or a mover; and how right heat is about which pages are hot.
 */
#ifndef BENCH_MAIN_WATCHING_H
#define BENCH_MAIN_WATCHING_H

#include "ops.h"
#include "tracked.h"

#define WATCHING_SAMPLERS 4

struct watching;

struct watching_score {
	double precision, recall; /* of the hottest pages; precision NaN: none is believed hot */
};

struct watching_cost {
	double cpu_s;    /* ours for reading and folding, and the kernel's threads for us */
	double target_s; /* that the tracked program lost, as samplers estimate it */
	uint64_t samples, lost;
	uint64_t metadata_bytes;
};

/* names: "damon" or "hintfault+damon". -ENOTSUP: one does not work here, and the sentence says why.
 */
int watching_start(const struct ops_env *env, const char *names, pid_t pid, struct watching **ret,
		   struct sluice_err *reterr);
/* Puts back every kernel setting; NULL is fine. */
void watching_stop(struct watching *watching);
/* What sampling may cost, as a share of a CPU; where several work together, sentinels are to stay
 * at `steady`. */
void watching_set_effort(struct watching *watching, double effort, double steady);
/* Reads and folds until then (CLOCK_MONOTONIC). */
int watching_run(struct watching *watching, uint64_t until_ns, struct sluice_err *reterr);
/* Asks heat for as many of the hottest pages as are hot in truth. */
void watching_judge(struct watching *watching, const struct tracked *tracked,
		    struct watching_score *ret);
void watching_cost(const struct watching *watching, struct watching_cost *ret);

#endif
