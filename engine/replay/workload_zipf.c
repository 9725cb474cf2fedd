/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_zipf.c - pages whose popularity falls with their rank: scattered over memory page by
 * page, as a hash table's are, or clustered, the most popular side by side, as a tree's leaves or
 * recent records are.
 */
#include "workload_parts.h"

#define READS 50e6 /* a second, of all threads */
#define WRITES 10e6
#define MLP 3.0

static void
fill_scattered(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	(void)epoch;
	workload_popular(workload, uses, 0, workload->info.unit_count, workload->row->param, 1,
			 READS, WRITES, MLP);
}

/* The most popular memory was allocated last. */
static void
fill_clustered(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	size_t count = workload->info.unit_count;

	(void)epoch;
	workload_popular(workload, uses, 0, count, workload->row->param, 0, READS, WRITES, MLP);
	for (size_t i = 0; i < count / 2; i++) {
		struct workload_use use = uses[i];

		uses[i] = uses[count - 1 - i];
		uses[count - 1 - i] = use;
	}
}

#define ZIPF(skew_, number_)                                                                       \
	{.name = "zipf-" skew_,                                                                    \
	 .summary = "Zipf " skew_ ", popular pages scattered over memory",                         \
	 .bytes = 4 * GIB,                                                                         \
	 .threads = 8,                                                                             \
	 .page_grained = 1,                                                                        \
	 .param = (number_),                                                                       \
	 .fill = fill_scattered},                                                                  \
	{                                                                                          \
		.name = "zipf-" skew_ "-clustered",                                                \
		.summary = "Zipf " skew_ ", popular memory side by side", .bytes = 64 * GIB,       \
		.threads = 8, .param = (number_), .fill = fill_clustered                           \
	}

const struct workload_row workload_zipf[] = {
	ZIPF("0.6", 0.6),
	ZIPF("0.99", 0.99),
	ZIPF("1.2", 1.2),
	{.name = NULL},
};
