/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_exercise.h - accesses of our own that a tracker of memory accesses must see: whether it does,
 * and what a sample costs, is found out with them. One thread.
 */
#ifndef SAMPLER_PMU_EXERCISE_H
#define SAMPLER_PMU_EXERCISE_H

#include <stddef.h>
#include <stdint.h>

#define PMU_EXERCISE_BYTES (4u << 20)

/* NULL: no memory. */
void *pmu_exercise_new(void);
void pmu_exercise_free(void *memory);
/* One round over the memory: a fault at each page when `faults`, otherwise a load of each line that
 * no cache holds. Returns the CPU time that the accesses took. */
uint64_t pmu_exercise_round(void *memory, int faults);

#endif
