/* SPDX-License-Identifier: Apache-2.0 */
/* workload_sweep.c - memory that is walked through in order, alone and beside other access. */
#include "workload_parts.h"

#define SCAN_BPS 8e9
#define SCAN_MLP 16.0 /* the prefetcher is far ahead */
#define SCAN_WRITES 0.25

static uint64_t
every_epoch(const struct workload *workload, uint32_t epoch)
{
	(void)workload;
	return epoch;
}

/* Larger than fast memory at any ratio: LRU would evict just what comes next. */
static void
fill_scan(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	workload_walk(workload, uses, epoch, 0, workload->info.unit_count, SCAN_BPS, SCAN_WRITES,
		      SCAN_MLP);
}

/* A log or a column is streamed once, hot state lies behind it: a sixteenth of memory, with more
 * accesses than the stream, one or two under way. */
static void
fill_stream_hot(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count, hot = count / 16;

	workload_walk(workload, uses, epoch, 0, count - hot, SCAN_BPS / 2, 0, SCAN_MLP);
	workload_spread(workload, uses, count - hot, hot, 30e6, 6e6, 1.5);
}

/* Lists that are chased and arrays that are read in order, each half of memory in pieces of 16 MiB
 * in turn, and each page as often as any other: only the stall differs. After PACT's ptr_chase and
 * seq_array. */
static void
fill_chase(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count;

	(void)epoch;
	for (size_t i = 0; i < count; i += 8) {
		size_t some = count - i < 8 ? count - i : 8;

		workload_spread(workload, uses, i, some, 36e6 * (double)some / (double)count, 0,
				i / 8 % 2 ? 1 : SCAN_MLP);
	}
}

const struct workload_row workload_sweeps[] = {
	{.name = "scan",
	 .summary = "memory is read from end to end, again and again",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .phase = every_epoch,
	 .fill = fill_scan},
	{.name = "stream-hot",
	 .summary = "a stream over most of memory, and a sixteenth that is hot",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .phase = every_epoch,
	 .fill = fill_stream_hot},
	{.name = "chase-seq",
	 .summary = "pointers that are chased beside arrays read in order, equally often",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .fill = fill_chase},
	{.name = NULL},
};
