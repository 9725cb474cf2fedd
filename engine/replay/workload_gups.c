/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_gups.c - random updates: nine of ten go to a hot set, which stands, jumps, or is all
 * memory. After HeMem's GUPS and Colloid's, with an eighth of memory hot.
 */
#include <math.h>

#include "workload_parts.h"

#define UPDATES 60e6 /* a second, of all threads: read, changed, written back */
#define MLP 4.0      /* independent updates overlap */
#define HOT_SHARE 0.9
#define HOT_PART 8u
/* Three times the cores of the program stream through fast memory: Colloid's strongest antagonist,
 * as a share of what DRAM can give (205 GB/s there). */
#define ANTAGONIST_READ_BPS 140e9
#define ANTAGONIST_WRITE_BPS 35e9
#define ANTAGONIST_PERIOD_S 60.0

static uint64_t
jumps(const struct workload *workload, uint32_t epoch)
{
	/* Half an epoch of slack for what a sum of floats loses. */
	return workload->row->param > 0 ? (uint64_t)floor((workload_time_s(workload, epoch) +
							   workload->epoch_s * 1e-6) /
							  workload->row->param)
					: 0;
}

/* Where the hot set begins after so many jumps. At first it lies behind what first-touch puts into
 * fast memory at any usual ratio. */
static size_t
hot_first(const struct workload *workload, uint64_t jump)
{
	size_t count = workload->info.unit_count, hot = count / HOT_PART;

	if (jump == 0)
		return count - count / 4;
	return (size_t)(workload_random(workload->seed, jump) % (count - hot + 1));
}

static void
fill_hot(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count;
	double hot = UPDATES * HOT_SHARE, cold = UPDATES - hot;

	workload_spread(workload, uses, hot_first(workload, jumps(workload, epoch)),
			count / HOT_PART, hot / 2, hot / 2, MLP);
	workload_spread(workload, uses, 0, count, cold / 2, cold / 2, MLP);
}

static void
fill_uniform(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	(void)epoch;
	workload_spread(workload, uses, 0, workload->info.unit_count, UPDATES / 2, UPDATES / 2,
			MLP);
}

static uint64_t
antagonist_phase(const struct workload *workload, uint32_t epoch)
{
	return (uint64_t)((workload_time_s(workload, epoch) + workload->epoch_s * 1e-6) /
			  ANTAGONIST_PERIOD_S) %
	       2;
}

static struct workload_load
antagonist_load(const struct workload *workload, uint32_t epoch)
{
	if (antagonist_phase(workload, epoch) == 0)
		return (struct workload_load){0, 0};
	return (struct workload_load){ANTAGONIST_READ_BPS, ANTAGONIST_WRITE_BPS};
}

const struct workload_row workload_gups[] = {
	{.name = "gups",
	 .summary = "random updates, nine of ten in an eighth of memory",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .fill = fill_hot},
	{.name = "gups-jump1",
	 .summary = "the same, and the hot eighth jumps every second",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .param = 1,
	 .phase = jumps,
	 .fill = fill_hot},
	{.name = "gups-jump10",
	 .summary = "the same, every 10 seconds",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .param = 10,
	 .phase = jumps,
	 .fill = fill_hot},
	{.name = "gups-jump100",
	 .summary = "the same, every 100 seconds",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .param = 100,
	 .phase = jumps,
	 .fill = fill_hot},
	{.name = "uniform",
	 .summary = "random updates everywhere alike: nothing is worth moving",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .fill = fill_uniform},
	{.name = "antagonist",
	 .summary = "gups beside a program that takes most of fast memory's bandwidth in every "
		    "other minute",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .phase = antagonist_phase,
	 .fill = fill_hot,
	 .load = antagonist_load},
	{.name = NULL},
};
