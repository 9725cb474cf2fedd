/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_kernel.h - what doctor.c and its checks of the kernel share. */
#ifndef SERVICE_DOCTOR_KERNEL_H
#define SERVICE_DOCTOR_KERNEL_H

#include <jansson.h>

#include "sluice/topology.h"

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_NO };

struct findings {
	json_t *rows;
	int has_tiers, has_sampler, has_mover, has_policy; /* what tiering cannot do without */
};

/* advice may be NULL. */
void finding_add(struct findings *findings, const char *check, enum verdict verdict,
		 const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Kernel settings that tier memory by themselves, huge pages, and other users of DAMON.
 * damon_is_ours: it is this service that uses it. */
void doctor_check_kernel(struct findings *findings, const char *sysroot, int damon_is_ours);

/* What the machine's PMU can tell of accesses to memory, why not, and what to do. topology: NULL
 * when it is not known. */
void doctor_check_pmu(struct findings *findings, const char *sysroot,
		      const struct sluice_topology *topology);

#endif
