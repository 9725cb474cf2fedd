/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_sample.h - what a memory sample of the processor says: whose access, of which address, and
 * which memory served it. Pure.
 */
#ifndef SAMPLER_PMU_SAMPLE_H
#define SAMPLER_PMU_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

enum pmu_served {
	PMU_SERVED_UNKNOWN,
	PMU_SERVED_CACHE,   /* by a cache, ours or another's: memory was not asked */
	PMU_SERVED_PAST_L1, /* not by the first cache, and nothing else is told (stores) */
	PMU_SERVED_NEAR,    /* DRAM of the own socket */
	PMU_SERVED_REMOTE,  /* DRAM of another */
	PMU_SERVED_SLOW,    /* persistent memory, CXL */
	PMU_SERVED_KINDS
};

struct pmu_sample {
	int32_t pid, tid;
	uint64_t addr;
	uint64_t latency; /* in cycles; 0 not told */
	enum pmu_served served;
};

/* The fields that a sample may have behind its identifier; these and no others are understood. */
#define PMU_SAMPLE_FIELDS                                                                          \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_WEIGHT |        \
	 PERF_SAMPLE_DATA_SRC)

/* payload: what follows the identifier. 0, or -EBADMSG: too short, or fields that nobody knows. */
int pmu_sample_decode(uint64_t sample_type, const void *payload, size_t bytes,
		      struct pmu_sample *ret);
/* word: of PERF_SAMPLE_DATA_SRC. */
enum pmu_served pmu_served_by(uint64_t word);
const char *pmu_served_name(enum pmu_served served);

/* An address of a program, less the tag that Arm lets it carry; 0: of the kernel, or none. */
uint64_t pmu_user_address(uint64_t addr);

#endif
