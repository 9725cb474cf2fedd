/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_plan.c - which of the makers' ways a machine has, and who may use it. See pmu_plan.h. */
#include "pmu_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"
/* Bits of linux/capability.h. */
#define CAP_BIT_SYS_ADMIN 21
#define CAP_BIT_PERFMON 38

void
pmu_note(struct pmu_notes *notes, const char *about, int good, const char *advice,
	 const char *format, ...)
{
	struct pmu_note *note;
	va_list args;

	if (!notes || notes->count == PMU_NOTES_MAX)
		return;
	note = &notes->note[notes->count++];
	note->about = about;
	note->good = good;
	note->advice = advice;
	va_start(args, format);
	vsnprintf(note->text, sizeof(note->text), format, args);
	va_end(args);
}

struct pmu_event *
pmu_plan_add(struct pmu_plan *plan, const char *name, enum pmu_group group)
{
	struct pmu_event *event = &plan->event[plan->count++];

	memset(event, 0, sizeof(*event));
	snprintf(event->name, sizeof(event->name), "%s", name);
	event->leader.type = UINT32_MAX;
	event->group = group;
	event->step = 1;
	return event;
}

void
pmu_plan_faults(struct pmu_plan *ret)
{
	struct pmu_event *event;

	memset(ret, 0, sizeof(*ret));
	ret->way = "page faults";
	event = pmu_plan_add(ret, "page-faults", PMU_LOADS);
	event->code.type = PERF_TYPE_SOFTWARE;
	event->code.word[0] = PERF_COUNT_SW_PAGE_FAULTS;
	event->fields = PERF_SAMPLE_TID | PERF_SAMPLE_ADDR;
	event->only_memory = 1;
	event->user_only = 1;
	event->first = 7;
	event->least = 1;
}

/* Whether a line of /proc/cpuinfo begins with key and has word in it. */
static int
cpuinfo_has(const char *sysroot, const char *key, const char *word)
{
	struct procfs_lines lines;
	int error, found = 0;
	char *line;

	if (procfs_lines_open(&lines, sysroot, 0, "/proc/cpuinfo") < 0)
		return 0;
	while (!found && (line = procfs_lines_next(&lines, &error)) != NULL)
		found = strncmp(line, key, strlen(key)) == 0 && strstr(line, word) != NULL;
	procfs_lines_close(&lines);
	return found;
}

static int
none(const char *sysroot, struct pmu_notes *notes, struct sluice_err *reterr)
{
	static const char virtual_advice[] =
		"give the guest a virtual PMU (on a KVM host: -cpu host,pmu=on; precise samples "
		"also need a host that passes them on), or rely on another tracker";
	static const char spe_advice[] =
		"load the driver (modprobe arm_spe_pmu); it needs a kernel started with kpti=off, "
		"and firmware that lets the kernel have SPE";
	static const char other_advice[] = "rely on another tracker";

	if (cpuinfo_has(sysroot, "flags", " hypervisor")) {
		pmu_note(notes, "PMU", 0, virtual_advice,
			 "this is a virtual machine, and its PMU gives no data addresses");
		return sluice_fail(reterr, -ENOTSUP,
				   "this virtual machine has no PMU that tells data addresses; %s",
				   virtual_advice);
	}
	if (cpuinfo_has(sysroot, "CPU implementer", "")) {
		pmu_note(notes, "PMU", 0, spe_advice,
			 "this Arm machine shows no Statistical Profiling Extension (arm_spe_0)");
		return sluice_fail(reterr, -ENOTSUP, "no arm_spe_0; %s", spe_advice);
	}
	pmu_note(notes, "PMU", 0, other_advice,
		 "no PMU that tells data addresses: neither memory events of Intel, nor IBS of "
		 "AMD, nor SPE of Arm");
	return sluice_fail(reterr, -ENOTSUP,
			   "this machine has no PMU that tells data addresses (Intel PEBS, AMD "
			   "IBS, Arm SPE); %s",
			   other_advice);
}

int
pmu_plan_make(const char *sysroot, const struct sluice_topology *topology, struct pmu_plan *ret,
	      struct pmu_notes *notes, struct sluice_err *reterr)
{
	struct pmu_plan plan = {0};
	struct pmu_field field;
	uint32_t type;
	int r;

	if (pmu_device_type(sysroot, "ibs_op", &type) == 0)
		r = pmu_plan_amd(sysroot, &plan, notes, reterr);
	else if (pmu_device_type(sysroot, "arm_spe_0", &type) == 0)
		r = pmu_plan_arm(sysroot, &plan, notes, reterr);
	else if (pmu_device_field(sysroot, "cpu", "ldlat", &field) == 0)
		r = pmu_plan_intel(sysroot, "cpu", topology, &plan, notes, reterr);
	else
		r = none(sysroot, notes, reterr);
	if (r == 0)
		*ret = plan;
	return r;
}

static int
has_capability(const char *sysroot)
{
	unsigned long long effective;
	char text[4096];
	const char *line;

	if (procfs_text(sysroot, getpid(), "status", text, sizeof(text)) <= 0 ||
	    (line = strstr(text, "\nCapEff:")) == NULL)
		return 0;
	effective = strtoull(line + 8, NULL, 16);
	return (effective >> CAP_BIT_PERFMON & 1) || (effective >> CAP_BIT_SYS_ADMIN & 1);
}

int
pmu_may_watch(const char *sysroot, const struct pmu_plan *plan, struct pmu_notes *notes,
	      struct sluice_err *reterr)
{
	static const char advice[] =
		"run as root or with CAP_PERFMON, or lower kernel.perf_event_paranoid (0 lets "
		"everybody watch all processes, 2 their own)";
	int64_t paranoid = 2;

	if (procfs_number(sysroot, 0, PARANOID, &paranoid) < 0) {
		pmu_note(notes, "PMU permission", 0, "a kernel with CONFIG_PERF_EVENTS",
			 "this kernel has no perf events");
		return sluice_fail(reterr, -ENOTSUP,
				   "this kernel has no perf events (no " PARANOID
				   "); CONFIG_PERF_EVENTS is needed");
	}
	if (has_capability(sysroot) || paranoid <= 0) {
		pmu_note(notes, "PMU permission", 1, NULL,
			 "all processes at once, one ring a CPU (perf_event_paranoid is %lld)",
			 (long long)paranoid);
		return 1;
	}
	/* SPE and IBS watch CPUs, not processes, or leave the kernel in. */
	if (paranoid <= 2 && !plan->spe && plan->count && plan->event[0].user_only) {
		pmu_note(notes, "PMU permission", 1, advice,
			 "each target's threads one by one, as perf_event_paranoid is %lld",
			 (long long)paranoid);
		return 0;
	}
	pmu_note(notes, "PMU permission", 0, advice, "none, as perf_event_paranoid is %lld",
		 (long long)paranoid);
	return sluice_fail(reterr, -EACCES, "kernel.perf_event_paranoid is %lld; %s",
			   (long long)paranoid, advice);
}
