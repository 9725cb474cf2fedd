/* SPDX-License-Identifier: Apache-2.0 */
/* workload_store.c - databases: a B-tree, a hash join, a key-value cache. */
#include "workload_parts.h"

/* A B-tree of pages, fanout 128: with each look-up a path is walked, one dependent access after the
 * other, some lines of each node. The root is in the caches; inner nodes lie among the leaves, as
 * the tree grew; leaves are as popular as their keys, Zipf 0.8. */
#define FANOUT 128u
#define LOOKUPS 4e6

static void
fill_btree(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count;
	size_t inner = count / FANOUT, upper = inner / FANOUT + 1;

	(void)epoch;
	workload_scatter(workload, uses, 0, upper, LOOKUPS, 0, 1);
	workload_scatter(workload, uses, upper, inner, 3 * LOOKUPS, 0.01 * LOOKUPS, 1);
	workload_popular(workload, uses, upper + inner, count - upper - inner, 0.8, 1, 3 * LOOKUPS,
			 0.4 * LOOKUPS, 1.5);
}

/* A hash join, over and over: for 10 s the smaller table (an eighth of memory, the first) is
 * streamed and its hash table (a quarter, the second part) written at random; for 20 s the larger
 * table is streamed and the hash table read at random. */
#define JOIN_S 30.0
#define BUILD_S 10.0

static double
join_time_s(const struct workload *workload, uint32_t epoch)
{
	double time_s = workload_time_s(workload, epoch) + workload->epoch_s * 1e-6;

	return time_s - (double)(uint64_t)(time_s / JOIN_S) * JOIN_S;
}

static uint64_t
every_epoch(const struct workload *workload, uint32_t epoch)
{
	(void)workload;
	return epoch;
}

static void
fill_join(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count, small = count / 8, table = count / 4;
	size_t rest = count - small - table;
	double stream_bps;

	if (join_time_s(workload, epoch) < BUILD_S) {
		stream_bps = (double)workload->info.bytes / 8 / BUILD_S;
		workload_walk(workload, uses, epoch, 0, small, stream_bps, 0, 16);
		workload_spread(workload, uses, small, table, 0, 30e6, 6);
	} else {
		stream_bps = (double)rest / (double)count * (double)workload->info.bytes /
			     (JOIN_S - BUILD_S);
		workload_walk(workload, uses, epoch, small + table, rest, stream_bps, 0, 16);
		workload_spread(workload, uses, small, table, 40e6, 0, 4);
	}
}

/* A key-value cache as CacheLib's: a fifth of the values, scattered by the allocator, gets 80 % of
 * the requests; the index, a sixteenth of memory, one random access for each. Every 30 s a
 * twentieth of the popular values gives way to others. */
#define REQUESTS 6e6
#define DRIFT_S 30.0

static uint64_t
kv_phase(const struct workload *workload, uint32_t epoch)
{
	return (uint64_t)((workload_time_s(workload, epoch) + workload->epoch_s * 1e-6) / DRIFT_S);
}

static void
fill_kv(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count, index = count / 16, values = count - index;
	size_t popular = values / 5;
	size_t first = (size_t)(kv_phase(workload, epoch) * (popular / 20) % values);
	size_t behind = first + popular > values ? first + popular - values : 0;

	/* The order is that of the whole memory: what falls into the index's scattered pages is
	 * index. */
	workload_scatter(workload, uses, values, index, REQUESTS, 0.05 * REQUESTS, 2);
	workload_scatter(workload, uses, 0, values, 0.2 * 6 * REQUESTS, 0.02 * 6 * REQUESTS, 3);
	if (popular > behind)
		workload_scatter(workload, uses, first, popular - behind,
				 0.8 * 6 * REQUESTS * (double)(popular - behind) / (double)popular,
				 0.08 * 6 * REQUESTS * (double)(popular - behind) / (double)popular,
				 3);
	if (behind)
		workload_scatter(workload, uses, 0, behind,
				 0.8 * 6 * REQUESTS * (double)behind / (double)popular,
				 0.08 * 6 * REQUESTS * (double)behind / (double)popular, 3);
}

const struct workload_row workload_stores[] = {
	{.name = "btree",
	 .summary = "look-ups in a B-tree whose inner nodes lie among its leaves",
	 .bytes = 4 * GIB,
	 .threads = 8,
	 .page_grained = 1,
	 .fill = fill_btree},
	{.name = "hash-join",
	 .summary = "a hash table is built from one stream and probed from another",
	 .bytes = 64 * GIB,
	 .threads = 8,
	 .phase = every_epoch,
	 .fill = fill_join},
	{.name = "kv",
	 .summary =
		 "a key-value cache: a fifth of the values gets 80 % of the requests, and drifts",
	 .bytes = 4 * GIB,
	 .threads = 8,
	 .page_grained = 1,
	 .phase = kv_phase,
	 .fill = fill_kv},
	{.name = NULL},
};
