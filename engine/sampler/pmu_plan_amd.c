/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_plan_amd.c - AMD: Instruction-Based Sampling of operations. Every so many operations one is
 * tagged and followed; where the processor can (Zen 4 and later), those that did not miss the L3
 * are dropped by itself, elsewhere by us.
 */
#include <errno.h>

#include "pmu_plan.h"

#define DEVICE "ibs_op"
#define STEP 16 /* the hardware counts in these */
#define FIRST (STEP * 16411ull)
#define LEAST (STEP * 613ull) /* 10,000 operations are 2 us */

int
pmu_plan_amd(const char *sysroot, struct pmu_plan *plan, struct pmu_notes *notes,
	     struct sluice_err *reterr)
{
	struct pmu_code code = {0};
	struct pmu_event *event;
	int filters, r = pmu_device_type(sysroot, DEVICE, &code.type);

	/* Count operations, not cycles: cycles would tag most what waits the longest. */
	if (r == 0)
		r = pmu_device_set(sysroot, DEVICE, "cnt_ctl", 1, &code);
	if (r < 0)
		return sluice_fail(reterr, -ENOTSUP,
				   "IBS of this processor cannot count operations (no cnt_ctl in "
				   "its format); another tracker is needed");
	filters = pmu_device_set(sysroot, DEVICE, "l3missonly", 1, &code) == 0;
	event = pmu_plan_add(plan, DEVICE, PMU_LOADS);
	/* Newer kernels drop the kernel's own operations, if asked. */
	event->user_only = pmu_device_set(sysroot, DEVICE, "swfilt", 1, &code) == 0;
	event->code = code;
	event->fields =
		PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;
	event->first = FIRST;
	event->least = LEAST;
	event->step = STEP;
	plan->way = "AMD IBS";
	pmu_note(notes, "PMU", 1, NULL, "AMD, Instruction-Based Sampling");
	pmu_note(notes, "PMU precise", 1, NULL,
		 "IBS: each sample is of one operation, with the address of its data");
	pmu_note(notes, "PMU events", 1, NULL, "ibs_op, counting operations%s",
		 event->user_only ? ", of programs only"
				  : "; those of the kernel cost samples as well");
	pmu_note(notes, "PMU L3-miss filter", filters,
		 filters ? NULL : "Zen 4 and later have it, with a kernel from 5.19 on",
		 filters ? "the processor keeps only operations that missed the L3"
			 : "none: most samples are of operations that caches served, so that "
			   "fewer useful ones come at the same cost");
	pmu_note(notes, "PMU data source", 1, NULL,
		 "with each sample of a load, and its latency; stores tell none and are not "
		 "counted");
	return 0;
}
