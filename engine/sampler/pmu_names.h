/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_names.h - what a processor's event is written as, by the name that its maker gave it, as
 * libpfm4 knows them. One thread at a time.
 */
#ifndef SAMPLER_PMU_NAMES_H
#define SAMPLER_PMU_NAMES_H

#include "pmu_format.h"

/* The set of names that fits a processor: the one that libpfm4 finds present (live), or the one for
 * what the kernel calls its PMU (caps/pmu_name; "" unknown). NULL: libpfm4 does not know it. Valid
 * for ever. */
const char *pmu_names_for(const char *kernel_name, int live);
/* "MEM_LOAD_RETIRED:L3_MISS" in one of these sets. -ENOENT. */
int pmu_name_encode(const char *set, const char *name, struct pmu_code *ret);

#endif
