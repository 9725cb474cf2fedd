/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_plan_arm.c - Arm: the Statistical Profiling Extension. Every so many operations one is
 * followed, and a record of it written to a buffer; only loads and stores are kept.
 */
#include <errno.h>
#include <stdlib.h>

#include "pmu_plan.h"
#include "procfs.h"

#define DEVICE "arm_spe_0"
#define MIDR "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1"
#define FIRST 1000003
#define LEAST 4099

int
pmu_plan_arm(const char *sysroot, struct pmu_plan *plan, struct pmu_notes *notes,
	     struct sluice_err *reterr)
{
	/* Without time a record cannot be told whose it is; jitter breaks step with loops. */
	static const char *const needed[] = {"ts_enable", "load_filter", "store_filter"};
	struct pmu_code code = {0};
	struct pmu_event *event;
	int64_t least = 0;
	char line[64];
	int r = pmu_device_type(sysroot, DEVICE, &code.type);

	for (size_t i = 0; r == 0 && i < sizeof(needed) / sizeof(needed[0]); i++)
		r = pmu_device_set(sysroot, DEVICE, needed[i], 1, &code);
	if (r < 0)
		return sluice_fail(reterr, -ENOTSUP,
				   "SPE of this kernel has no ts_enable, load_filter or "
				   "store_filter in its format; another tracker is needed");
	pmu_device_set(sysroot, DEVICE, "jitter", 1, &code);
	pmu_device_cap(sysroot, DEVICE, "min_interval", &least);
	event = pmu_plan_add(plan, DEVICE, PMU_LOADS);
	event->code = code;
	event->user_only = 1;
	event->first = FIRST;
	event->least = least > LEAST && least < FIRST ? (uint64_t)least : LEAST;
	plan->spe = 1;
	plan->way = "Arm SPE";
	if (procfs_line(sysroot, 0, MIDR, line, sizeof(line)) > 0)
		plan->sources = spe_sources_of(strtoull(line, NULL, 16));
	pmu_note(notes, "PMU", 1, NULL, "Arm, Statistical Profiling Extension");
	pmu_note(notes, "PMU precise", 1, NULL,
		 "SPE: each record is of one operation, with the address of its data");
	pmu_note(notes, "PMU events", 1, NULL,
		 "arm_spe_0, loads and stores of programs; every %llu operations at the most often",
		 (unsigned long long)event->least);
	pmu_note(notes, "PMU data source", plan->sources != SPE_SOURCES_UNKNOWN, NULL, "%s",
		 plan->sources != SPE_SOURCES_UNKNOWN
			 ? "with each record, as Neoverse numbers them"
			 : "this processor's numbers are not known here: only records whose events "
			   "say 'last-level cache missed' or 'remote' are counted");
	return 0;
}
