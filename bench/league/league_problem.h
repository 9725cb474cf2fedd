/* SPDX-License-Identifier: Apache-2.0 */
/*
 * league_problem.h - a replay's workload as a problem for the oracle.
 *
 * An item is a unit of the workload. Epochs in a row with the same uses are one epoch of the
 * problem (a segment), worth their sum: moves cost what they cost whenever, so no placement is
 * better for changing within. An item saves, in threads' time, what its accesses take longer in
 * slow memory; a move costs the mover's and the interrupts' time, as the model charges them.
 */
#ifndef LEAGUE_PROBLEM_H
#define LEAGUE_PROBLEM_H

#include "oracle.h"
#include "replay.h"

struct league_problem {
	struct oracle_problem problem; /* points into what follows */
	uint32_t *first_epoch;         /* of each segment, and the end */
	float **rows;
	uint32_t *bytes;
	float *cost;
	uint64_t *initial;
};

/* times: by epoch, how many times the idle one each tier's latency is; NULL: idle. Fast memory is
 * what the watermark of setup->round leaves; of what first-touch puts there the last is left out if
 * that is more. -ENOMEM, -EINVAL: not two tiers. */
int league_problem_make(const struct replay_setup *setup, const double (*times)[MODEL_TIERS_MAX],
			struct league_problem *ret, struct sluice_err *reterr);
void league_problem_clear(struct league_problem *problem); /* also when zeroed */

struct league_placed {
	struct replay_result result;
	double gap; /* of the bound; what is not proven of the problem */
	int loaded; /* it was priced under load */
	uint32_t segments;
};

/* The oracle's placement, carried out. It is found twice: priced by idle latencies, and by those
 * that the first one's replay had under load; the one whose replay takes less time counts. */
int league_oracle(const struct replay_setup *setup, struct league_placed *ret,
		  struct sluice_err *reterr);

#endif
