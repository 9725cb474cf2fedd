/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_pmu.c - what the machine's PMU can tell of accesses to memory. Reads only. */
#include "doctor_kernel.h"
#include "pmu_plan.h"

void
doctor_check_pmu(struct findings *findings, const char *sysroot,
		 const struct sluice_topology *topology)
{
	struct pmu_notes notes = {.count = 0};
	struct sluice_err err = {0, ""};
	struct pmu_plan plan;
	int r = pmu_plan_make(sysroot, topology, &plan, &notes, &err);

	if (r == 0)
		pmu_may_watch(sysroot, &plan, &notes, &err);
	else if (notes.count == 0 || notes.note[notes.count - 1].good)
		pmu_note(&notes, "PMU events", 0, NULL, "%s", err.msg);
	for (size_t i = 0; i < notes.count; i++) {
		const struct pmu_note *note = &notes.note[i];

		finding_add(findings, note->about, note->good ? VERDICT_OK : VERDICT_WARNING,
			    note->advice, "%s", note->text);
	}
}
