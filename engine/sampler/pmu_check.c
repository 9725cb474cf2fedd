/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_check.c - the pmu sampler's look at itself when it starts: whether accesses of our own are
 * told with their addresses, and what a sample costs whom it interrupts.
 */
#include <errno.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pmu_exercise.h"
#include "sampler_pmu.h"

#define CHECK_HITS 8u
#define CHECK_NS_MOST 400000000u
#define CHECK_ROUNDS 3
#define PRICE_LEAST_NS 300.0
#define PRICE_MOST_NS 20000.0

static void
keep_least(uint64_t *least, uint64_t ns)
{
	if (ns < *least)
		*least = ns;
}

int
pmu_check(struct pmu *pmu, struct sluice_err *reterr)
{
	void *memory = pmu_exercise_new();
	uint64_t began = clock_now_ns(), without_ns = UINT64_MAX, with_ns = UINT64_MAX, rounds = 0;
	int r;

	if (!memory)
		return sluice_fail(reterr, -ENOMEM, "no memory for the pmu sampler");
	pmu->check_from = (uintptr_t)memory;
	pmu_exercise_round(memory, pmu->faults);
	for (int i = 0; i < CHECK_ROUNDS; i++)
		keep_least(&without_ns, pmu_exercise_round(memory, pmu->faults));
	r = pmu->all ? 0 : pmu_open(pmu, getpid(), reterr);
	if (r == 0)
		r = perf_rings_enable(pmu->rings, 1);
	pmu->running = r == 0;
	for (size_t i = 0; r == 0 && i < pmu->plan.count; i++)
		r = perf_rings_period(pmu->rings, (unsigned int)i, pmu->plan.event[i].least);
	while (r == 0 && (rounds < CHECK_ROUNDS || pmu->check_hits < CHECK_HITS) &&
	       clock_now_ns() - began < CHECK_NS_MOST) {
		keep_least(&with_ns, pmu_exercise_round(memory, pmu->faults));
		rounds++;
		pmu->now_ns += PMU_FLUSH_NS;
		pmu_drain(pmu);
	}
	if (pmu->running)
		perf_rings_enable(pmu->rings, 0);
	pmu->running = 0;
	if (!pmu->all)
		perf_rings_remove_process(pmu->rings, getpid());
	for (size_t i = 0; r == 0 && i < pmu->plan.count; i++)
		r = perf_rings_period(pmu->rings, (unsigned int)i,
				      pmu->pace[pmu->plan.event[i].group].period);
	pmu->now_ns += PMU_FLUSH_NS;
	pmu_drain(pmu);
	pmu_exercise_free(memory);
	if (r == 0 && pmu->check_hits == 0)
		r = sluice_fail(reterr, -ENODATA,
				"%s: events open, but of our own accesses to memory none is told "
				"with its address (%llu records came; a guest whose host does not "
				"pass samples on?)",
				pmu->plan.way, (unsigned long long)pmu->taken);
	else if (r < 0 && reterr && !reterr->msg[0])
		sluice_fail(reterr, r, "%s: events cannot be steered", pmu->plan.way);
	if (r == 0) {
		/* The best rounds: others were disturbed. */
		double price_ns = ((double)with_ns - (double)without_ns) * (double)rounds /
				  (double)pmu->check_hits;

		pmu->price_ns = price_ns < PRICE_LEAST_NS  ? PRICE_LEAST_NS
				: price_ns > PRICE_MOST_NS ? PRICE_MOST_NS
							   : price_ns;
	}
	log_debug("pmu", "%s: %llu of our own accesses seen, a sample costs %.0f ns", pmu->plan.way,
		  (unsigned long long)pmu->check_hits, pmu->price_ns);
	pmu->check_from = 0;
	pmu->taken = pmu->drain_ns = 0;
	for (size_t g = 0; g < PMU_GROUPS; g++)
		pmu->records[g] = 0;
	pmu->tally = (struct perf_tally){0};
	pmu->stats = (struct sampler_stats){0};
	return r;
}
