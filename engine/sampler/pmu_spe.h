/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_spe.h - from the buffers of Arm's SPE to samples of processes.
 *
 * An SPE record says when it was taken and not by whom. Which process ran on its CPU then is known
 * from the kernel's records of context switches, which come through the CPU's ring. Pure.
 */
#ifndef SAMPLER_PMU_SPE_H
#define SAMPLER_PMU_SPE_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include "pmu_sample.h"
#include "spe_packet.h"

/* Fields of the switch records, and of the SPE event that brings them. */
#define PMU_SPE_FIELDS (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

/* How the system counter's cycles become the time of perf records. */
struct spe_clock {
	uint64_t zero, cycles, mask; /* mask 0: the counter is whole */
	uint32_t mult;
	uint16_t shift;
	uint8_t known;
};

struct pmu_spe;

int pmu_spe_new(size_t cpus, struct pmu_spe **ret); /* -ENOMEM */
void pmu_spe_free(struct pmu_spe *spe);             /* NULL is fine */

/* From the first page of a ring; it may be written to meanwhile. */
struct spe_clock spe_clock_read(const struct perf_event_mmap_page *page);
uint64_t spe_clock_ns(const struct spe_clock *clock, uint64_t cycles);

/* A PERF_RECORD_SWITCH_CPU_WIDE of this CPU. 0, or -EBADMSG. */
int pmu_spe_switch(struct pmu_spe *spe, size_t cpu, uint16_t misc, const void *body, size_t bytes);
/* Who ran on the CPU at that time; 0: not known, or nobody. */
int32_t pmu_spe_owner(const struct pmu_spe *spe, size_t cpu, uint64_t time_ns);

/* Call `each` for every load and store with an address and an owner in a stretch of the buffer.
 * *unowned: records that were dropped as it is not known whose they are. */
void pmu_spe_data(const struct pmu_spe *spe, size_t cpu, const struct spe_clock *clock,
		  enum spe_sources sources, const unsigned char *bytes, size_t size,
		  void (*each)(void *ctx, const struct pmu_sample *sample), void *ctx,
		  struct spe_tally *tally, uint64_t *unowned);

#endif
