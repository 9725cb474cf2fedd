/* SPDX-License-Identifier: Apache-2.0 */
/* sampler_pmu.h - for the files of the pmu sampler only. */
#ifndef SAMPLER_PMU_H
#define SAMPLER_PMU_H

#include "ops.h"
#include "perf_ring.h"
#include "pmu_pace.h"
#include "pmu_plan.h"
#include "pmu_spe.h"

#define PMU_TARGETS_MAX 256
#define PMU_FLUSH_NS 1000000000u /* SPE hands over what it has at least so often */
#define PMU_PENDING_MAX 16384u

struct pmu {
	const struct ops_env *env;
	struct pmu_plan plan;
	int all;     /* events of all processes, told apart by us; else each target has its own */
	int faults;  /* page faults stand for accesses: a test */
	int running; /* events are enabled */
	struct perf_rings *rings;
	struct pmu_spe *spe;
	struct pmu_pace pace[PMU_GROUPS];
	uint64_t records[PMU_GROUPS]; /* since they were paced last, whosever */
	uint64_t taken;               /* since then, records in all */
	uint64_t drain_ns;            /* since then, our own CPU time */
	uint64_t paced_ns, told_ns, flushed_ns;
	struct perf_tally tally; /* since then */
	double odds_loss;        /* of n records that there were one arrived: n */
	float spread;            /* what all samples of one plan carry */
	double price_ns;         /* what a record takes from whom it interrupts */
	double effort;
	int32_t target[PMU_TARGETS_MAX];
	size_t target_count;
	int tell; /* the odds have changed */
	uint64_t now_ns;
	/* While it checks itself: its own accesses in this memory. */
	uintptr_t check_from;
	uint64_t check_hits;
	size_t cpu; /* being drained */
	uint64_t served[PMU_SERVED_KINDS], broken, unowned;
	struct sample *pending;
	size_t pending_count, pending_next;
	struct sampler_stats stats;
};

/* Open all events of the plan: for all processes when pid is 0. */
int pmu_open(struct pmu *pmu, int32_t pid, struct sluice_err *reterr);
void pmu_drain(struct pmu *pmu);
/* pmu_check.c: see accesses of our own, and learn what a sample costs. -ENODATA: nothing is seen.
 */
int pmu_check(struct pmu *pmu, struct sluice_err *reterr);
/* Whether what came since periods were steered costs more than so long a time may. */
int pmu_overspent(const struct pmu *pmu, uint64_t window_ns);
/* Steer periods by what came since the last time. */
void pmu_steer(struct pmu *pmu);
/* What one sample of a group stands for. */
float pmu_odds(const struct pmu *pmu, unsigned int group);

#endif
