/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - one policy over one workload on one modelled machine: the engine's own round, with a
 * tracker's samples, modelled memory and mover, and a virtual clock.
 *
 *     replay_run(&setup, policy, policy_self, &result, &err);
 *
 * Equal setups give equal results, but for decide_ns, which is real time. Any number of runs beside
 * each other, each in a thread, over the same model and workload.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "model.h"
#include "round.h"
#include "sluice/policy.h"
#include "tracker.h"
#include "workload.h"

#define REPLAY_POINTS 120u

struct replay_setup {
	const struct model *model;
	const struct workload *workload;
	const struct tracker_ops *tracker;
	struct round_options round;
	int huge; /* memory is in huge pages, where units are whole regions */
	uint64_t seed;
};

/* One point of a run's history: a REPLAY_POINTS-th of its epochs. */
struct replay_point {
	double wall_ns; /* at its end */
	double fast_share;
	uint64_t moved_bytes;
};

struct replay_result {
	double wall_ns;     /* until the work was done */
	double stall_ns;    /* of all threads, waiting for memory */
	double moving_ns;   /* of threads, moving pages and interrupted by it */
	double tracking_ns; /* of threads, faults and samples */
	double kernel_ns;   /* of kernel threads that track, not taken from the program */
	double accesses, fast_accesses;
	uint64_t promoted_bytes, demoted_bytes, pingpong_bytes;
	uint64_t refused_bytes[ROUND_REFUSALS];
	uint64_t decisions;
	double decide_ns, decide_max_ns; /* mean; real time */
	uint64_t samples, samples_lost;
	uint64_t metadata_bytes;
	uint32_t region_count;
	struct replay_point points[REPLAY_POINTS];
};

/* round_options for a workload: the defaults, with tables that its memory fits. */
void replay_round_options(const struct workload *workload, struct round_options *ret);

/* policy_self is the policy's own; its decide() is called in this thread. -ENOMEM, -EINVAL. */
int replay_run(const struct replay_setup *setup, const struct sluice_policy *policy,
	       void *policy_self, struct replay_result *ret, struct sluice_err *reterr);

/* Placements that never change, untracked: the ends between which policies lie. */
enum replay_bound { REPLAY_ALL_FAST, REPLAY_ALL_SLOW, REPLAY_FIRST_TOUCH };

int replay_bound(const struct replay_setup *setup, enum replay_bound bound,
		 struct replay_result *ret, struct sluice_err *reterr);

/* What somebody decided who knows the future. */
struct replay_schedule {
	/* By epoch, borrowed: bit u set, and unit u is fast. Where an epoch's is the same pointer
	 * as that of the epoch before, nothing moves. */
	const uint64_t *const *fast;
	/* NULL, or by epoch: how many times the idle one each tier's latency was; overwritten. */
	double (*ret_times)[MODEL_TIERS_MAX];
};

/* A schedule carried out: at the start of each epoch everything goes where it says, at the price of
 * any move; untracked, no round. Whether it fits is the caller's to know. -EINVAL: not two tiers.
 */
int replay_scheduled(const struct replay_setup *setup, const struct replay_schedule *schedule,
		     struct replay_result *ret, struct sluice_err *reterr);

#endif
