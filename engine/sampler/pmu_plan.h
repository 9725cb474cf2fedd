/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_plan.h - which events of a machine's PMU tell what memory is accessed, and what else its PMU
 * can do. Reads /sys and /proc under a root, opens nothing.
 */
#ifndef SAMPLER_PMU_PLAN_H
#define SAMPLER_PMU_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "pmu_format.h"
#include "sluice/err.h"
#include "sluice/topology.h"
#include "spe_packet.h"

#define PMU_EVENTS_MAX 6
#define PMU_NOTES_MAX 12
#define PMU_COUNTERS 4 /* that sample precisely at once on all processors that do */

/* Events of a group are drawn at the same odds. */
enum pmu_group { PMU_LOADS, PMU_STORES, PMU_GROUPS };

struct pmu_event {
	char name[64];
	struct pmu_code code, leader; /* leader.type UINT32_MAX: none is needed */
	uint32_t group;
	uint64_t fields;             /* PERF_SAMPLE_ bits that its samples have */
	uint8_t precise;             /* as perf_event_attr wants it */
	uint8_t only_memory;         /* counts nothing that a cache served */
	uint8_t user_only;           /* the kernel's own accesses can be left out */
	float spread;                /* of rates by it, see struct sample; 0 none beyond chance */
	uint64_t first, least, step; /* periods, see pmu_pace.h */
};

struct pmu_plan {
	const char *way; /* "Intel PEBS"; NULL: no PMU */
	struct pmu_event event[PMU_EVENTS_MAX];
	size_t count;
	int spe; /* the one event fills a buffer of SPE packets */
	enum spe_sources sources;
};

/* What there is to say, for `sluice doctor`. */
struct pmu_note {
	const char *about; /* "PMU events" */
	int good;
	char text[400];
	const char *advice; /* NULL none */
};

struct pmu_notes {
	struct pmu_note note[PMU_NOTES_MAX];
	size_t count;
};

/* topology: may be NULL. notes: may be NULL. -ENOTSUP: the sentence says why there is none. */
int pmu_plan_make(const char *sysroot, const struct sluice_topology *topology, struct pmu_plan *ret,
		  struct pmu_notes *notes, struct sluice_err *reterr);
/* Page faults in place of accesses, with the rest as it is. */
void pmu_plan_faults(struct pmu_plan *ret);

/* 1: all processes may be watched; 0: each one that may be traced; -EACCES: none, and the sentence
 * says what to do. */
int pmu_may_watch(const char *sysroot, const struct pmu_plan *plan, struct pmu_notes *notes,
		  struct sluice_err *reterr);

/* For the files of this plan only. */
void pmu_note(struct pmu_notes *notes, const char *about, int good, const char *advice,
	      const char *format, ...) __attribute__((format(printf, 5, 6)));
struct pmu_event *pmu_plan_add(struct pmu_plan *plan, const char *name, enum pmu_group group);
int pmu_plan_intel(const char *sysroot, const char *device, const struct sluice_topology *topology,
		   struct pmu_plan *plan, struct pmu_notes *notes, struct sluice_err *reterr);
int pmu_plan_amd(const char *sysroot, struct pmu_plan *plan, struct pmu_notes *notes,
		 struct sluice_err *reterr);
int pmu_plan_arm(const char *sysroot, struct pmu_plan *plan, struct pmu_notes *notes,
		 struct sluice_err *reterr);

#endif
