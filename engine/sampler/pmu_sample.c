/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_sample.c - see pmu_sample.h. */
#include "pmu_sample.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

/* Older headers lack it. */
#define LVLNUM_CXL 0x09

uint64_t
pmu_user_address(uint64_t addr)
{
	/* Bit 55 tells the halves apart on all 64-bit processors that we know. */
	if (addr >> 55 & 1)
		return 0;
#if defined(__aarch64__)
	addr &= (UINT64_C(1) << 56) - 1;
#endif
	return addr >> 56 ? 0 : addr;
}

enum pmu_served
pmu_served_by(uint64_t word)
{
	union perf_mem_data_src src = {.val = word};
	unsigned int level = src.mem_lvl_num;

	if (level && level != PERF_MEM_LVLNUM_NA) {
		switch (level) {
		case PERF_MEM_LVLNUM_RAM:
			return src.mem_remote ? PMU_SERVED_REMOTE : PMU_SERVED_NEAR;
		case PERF_MEM_LVLNUM_PMEM:
		case LVLNUM_CXL: /* AMD: memory on an extension */
			return PMU_SERVED_SLOW;
		case PERF_MEM_LVLNUM_L1:
			/* "L1 missed" is told like this too. */
			if ((src.mem_lvl & PERF_MEM_LVL_MISS) && !(src.mem_lvl & PERF_MEM_LVL_HIT))
				return PMU_SERVED_PAST_L1;
			return PMU_SERVED_CACHE;
		case PERF_MEM_LVLNUM_L2:
		case PERF_MEM_LVLNUM_L3:
		case PERF_MEM_LVLNUM_L4:
		case PERF_MEM_LVLNUM_ANY_CACHE:
		case PERF_MEM_LVLNUM_LFB: /* another access had asked memory already */
			return PMU_SERVED_CACHE;
		default:
			return PMU_SERVED_UNKNOWN;
		}
	}
	/* The older way of telling. */
	if (src.mem_lvl & (PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_REM_RAM2))
		return PMU_SERVED_REMOTE;
	if (src.mem_lvl & PERF_MEM_LVL_LOC_RAM)
		return PMU_SERVED_NEAR;
	if ((src.mem_lvl & PERF_MEM_LVL_L1) && (src.mem_lvl & PERF_MEM_LVL_MISS))
		return PMU_SERVED_PAST_L1;
	if ((src.mem_lvl & PERF_MEM_LVL_HIT) &&
	    (src.mem_lvl & (PERF_MEM_LVL_L1 | PERF_MEM_LVL_LFB | PERF_MEM_LVL_L2 | PERF_MEM_LVL_L3 |
			    PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_REM_CCE2)))
		return PMU_SERVED_CACHE;
	return PMU_SERVED_UNKNOWN;
}

const char *
pmu_served_name(enum pmu_served served)
{
	static const char *const names[PMU_SERVED_KINDS] = {
		"unknown", "caches", "beyond L1", "near DRAM", "remote DRAM", "slow memory"};

	return served < PMU_SERVED_KINDS ? names[served] : "unknown";
}

int
pmu_sample_decode(uint64_t sample_type, const void *payload, size_t bytes, struct pmu_sample *ret)
{
	/* In the order in which the kernel writes them. */
	static const uint64_t order[] = {PERF_SAMPLE_TID, PERF_SAMPLE_ADDR, PERF_SAMPLE_WEIGHT,
					 PERF_SAMPLE_DATA_SRC};
	struct pmu_sample sample = {0};
	const char *at = payload;

	if (sample_type & ~(uint64_t)PMU_SAMPLE_FIELDS)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		uint64_t word;

		if (!(sample_type & order[i]))
			continue;
		if (bytes < sizeof(word))
			return -EBADMSG;
		memcpy(&word, at, sizeof(word));
		if (order[i] == PERF_SAMPLE_TID) {
			memcpy(&sample.pid, at, sizeof(sample.pid));
			memcpy(&sample.tid, at + sizeof(sample.pid), sizeof(sample.tid));
		} else if (order[i] == PERF_SAMPLE_ADDR) {
			sample.addr = pmu_user_address(word);
		} else if (order[i] == PERF_SAMPLE_WEIGHT) {
			sample.latency = word;
		} else {
			sample.served = pmu_served_by(word);
		}
		at += sizeof(word);
		bytes -= sizeof(word);
	}
	*ret = sample;
	return 0;
}
