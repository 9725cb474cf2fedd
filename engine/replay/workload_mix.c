/* SPDX-License-Identifier: Apache-2.0 */
/* workload_mix.c - programs that change their ways, and several of them at once. */
#include "workload_parts.h"

/* Three ways of a program, a minute each: a compact hot set; a larger and flatter one elsewhere; a
 * stream. */
#define PHASE_S 60.0

static unsigned int
phase_of(const struct workload *workload, uint32_t epoch)
{
	return (unsigned int)((uint64_t)((workload_time_s(workload, epoch) +
					  workload->epoch_s * 1e-6) /
					 PHASE_S) %
			      3);
}

static uint64_t
phases(const struct workload *workload, uint32_t epoch)
{
	unsigned int phase = phase_of(workload, epoch);

	return phase == 2 ? 2 + (uint64_t)epoch : phase;
}

static void
fill_phases(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count, eighth = count / 8;

	switch (phase_of(workload, epoch)) {
	case 0:
		workload_spread(workload, uses, 6 * eighth, eighth, 40e6, 8e6, 2);
		workload_spread(workload, uses, 0, count, 6e6, 1e6, 2);
		break;
	case 1:
		workload_popular(workload, uses, 2 * eighth, 3 * eighth, 0.8, 0, 40e6, 10e6, 3);
		break;
	default:
		workload_walk(workload, uses, epoch, 0, count, 8e9, 0.1, 16);
		break;
	}
}

/* Four processes, a quarter of memory each: one streams, one has a hot eighth, one is popular by
 * rank, one sleeps but for a breath. Their shares of accesses differ, their needs too. */
static uint64_t
every_epoch(const struct workload *workload, uint32_t epoch)
{
	(void)workload;
	return epoch;
}

static void
fill_tenants(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t each = workload->info.unit_count / 4;

	workload_walk(workload, uses, epoch, 0, each, 4e9, 0.1, 16);
	workload_spread(workload, uses, each + each / 2, each / 8, 20e6, 5e6, 3);
	workload_spread(workload, uses, each, each, 2e6, 0.5e6, 3);
	workload_popular(workload, uses, 2 * each, each, 0.99, 0, 12e6, 2e6, 2);
	workload_spread(workload, uses, 3 * each, each, 0.05e6, 0.01e6, 1);
}

const struct workload_row workload_mixes[] = {
	{.name = "phases",
	 .summary = "a hot eighth, a popular half elsewhere, a stream: a minute each",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .phase = phases,
	 .fill = fill_phases},
	{.name = "tenants",
	 .summary = "four processes: a stream, a hot eighth, Zipf 0.99, one nearly asleep",
	 .bytes = 64 * GIB,
	 .threads = 16,
	 .processes = 4,
	 .phase = every_epoch,
	 .fill = fill_tenants},
	{.name = NULL},
};
