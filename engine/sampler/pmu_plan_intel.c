/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_plan_intel.c - Intel: retired loads that no cache served, by PEBS with data addresses, and
 * stores.
 *
 * One event for each place (near and remote DRAM, near and remote persistent memory) where these
 * cover all memory of the machine and fit into the counters at once. They do not tell loads from
 * CXL memory, so where there is any, and elsewhere when one is missing, one event for all loads
 * that missed the last cache. A processor whose events nobody here knows has its kernel's
 * mem-loads, loads by latency: what they come from is told by each sample, and at which odds it was
 * drawn is not known.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pmu_names.h"
#include "pmu_plan.h"

#define FIRST_LOADS 20011 /* a flood until the period is steered costs less than a tenth */
#define FIRST_STORES 1000003
#define LEAST_LOADS 101
#define LEAST_STORES 10007
/* Below this no load has come from memory on any of them, so samples of these are only a cost. */
#define LATENCY_CYCLES 128
#define LATENCY_SPREAD 2.0f
#define PRECISE 2

struct machine {
	int sockets, has_pmem, has_cxl;
};

static struct machine
machine_of(const struct sluice_topology *topology)
{
	struct machine machine = {0};

	/* Of what is not known anything is possible. */
	if (!topology)
		return (struct machine){2, 1, 1};
	for (size_t i = 0; i < sluice_topology_node_count(topology); i++) {
		const struct sluice_node *node = sluice_topology_node(topology, i);

		machine.sockets += node->has_cpu != 0;
		machine.has_pmem |= node->kind == SLUICE_TIER_PMEM;
		/* Memory of no known kind may be CXL. */
		machine.has_cxl |= node->kind == SLUICE_TIER_CXL ||
				   (node->kind == SLUICE_TIER_REMOTE && !node->has_cpu);
	}
	return machine;
}

static struct pmu_event *
add_loads(struct pmu_plan *plan, const char *name, const struct pmu_code *code, int precise)
{
	struct pmu_event *event = pmu_plan_add(plan, name, PMU_LOADS);

	event->code = *code;
	event->fields = PERF_SAMPLE_TID | PERF_SAMPLE_ADDR;
	event->precise = (uint8_t)precise;
	event->only_memory = 1;
	event->user_only = 1;
	event->first = FIRST_LOADS;
	event->least = LEAST_LOADS;
	return event;
}

static int
add_places(struct pmu_plan *plan, const char *set, const struct machine *machine, int precise)
{
	const struct {
		const char *name;
		int wanted;
	} places[] = {
		{"MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", 1},
		{"MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", machine->sockets > 1},
		{"MEM_LOAD_RETIRED:LOCAL_PMM", machine->has_pmem},
		{"MEM_LOAD_L3_MISS_RETIRED:REMOTE_PMM", machine->has_pmem && machine->sockets > 1},
	};
	int count = 0;

	if (machine->has_cxl)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		count += places[i].wanted;
	/* One more for stores. */
	if (count + 1 > PMU_COUNTERS)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pmu_code code;

		if (!places[i].wanted)
			continue;
		if (pmu_name_encode(set, places[i].name, &code) < 0) {
			plan->count = 0;
			return -ENOENT;
		}
		add_loads(plan, places[i].name, &code, precise);
	}
	return 0;
}

static int
add_all_misses(struct pmu_plan *plan, const char *set, int precise)
{
	static const char name[] = "MEM_LOAD_RETIRED:L3_MISS";
	struct pmu_code code;
	int r = pmu_name_encode(set, name, &code);

	if (r == 0)
		add_loads(plan, name, &code, precise);
	return r;
}

/* The kernel's own choice of an event for this processor; from Sapphire Rapids on it has to be led
 * by another. */
static int
add_by_latency(const char *sysroot, const char *device, struct pmu_plan *plan, int precise)
{
	struct pmu_code code, leader;
	struct pmu_event *event;
	int r = pmu_device_event(sysroot, device, "mem-loads", &code);

	if (r == 0)
		r = pmu_device_set(sysroot, device, "ldlat", LATENCY_CYCLES, &code);
	if (r < 0)
		return r;
	event = add_loads(plan, "mem-loads", &code, precise);
	event->fields |= PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;
	event->only_memory = 0;
	event->spread = LATENCY_SPREAD;
	if (pmu_device_event(sysroot, device, "mem-loads-aux", &leader) == 0)
		event->leader = leader;
	return 0;
}

static void
add_stores(const char *sysroot, const char *device, struct pmu_plan *plan, int precise)
{
	struct pmu_event *event;
	struct pmu_code code;

	if (pmu_device_event(sysroot, device, "mem-stores", &code) < 0)
		return;
	event = pmu_plan_add(plan, "mem-stores", PMU_STORES);
	event->code = code;
	event->fields = PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_SRC;
	event->precise = (uint8_t)precise;
	event->user_only = 1;
	event->first = FIRST_STORES;
	event->least = LEAST_STORES;
}

static void
tell(const struct pmu_plan *plan, struct pmu_notes *notes, const char *kernel_name, const char *set)
{
	char names[320] = "";
	size_t used = 0;

	for (size_t i = 0; i < plan->count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 plan->event[i].name);
	pmu_note(notes, "PMU events", 1, NULL, "%s (%s, names by libpfm4: %s)", names,
		 kernel_name[0] ? kernel_name : "a processor that the kernel does not name",
		 set ? set : "none for it");
	pmu_note(notes, "PMU data source", 1, NULL, "%s",
		 plan->event[0].only_memory
			 ? "by the event: it counts only loads that memory served; latency is not "
			   "needed"
			 : "with each sample, and its latency; odds are not known to a factor of "
			   "four");
}

int
pmu_plan_intel(const char *sysroot, const char *device, const struct sluice_topology *topology,
	       struct pmu_plan *plan, struct pmu_notes *notes, struct sluice_err *reterr)
{
	static const char advice[] =
		"in a guest: a host that passes PEBS on (KVM of 6.0 and later with "
		"-cpu host,pmu=on on Ice Lake servers and newer); otherwise another tracker";
	struct machine machine = machine_of(topology);
	char kernel_name[64] = "";
	int64_t precise = PRECISE;
	const char *set;
	int r;

	pmu_device_cap_text(sysroot, device, "pmu_name", kernel_name, sizeof(kernel_name));
	pmu_note(notes, "PMU", 1, NULL, "Intel, %s",
		 kernel_name[0] ? kernel_name : "of no known name");
	/* Kernels that do not tell have it when they have mem-loads at all. */
	if (pmu_device_cap(sysroot, device, "max_precise", &precise) == 0 && precise < 1) {
		pmu_note(notes, "PMU precise", 0, advice,
			 "no PEBS: samples would not tell the data's address");
		return sluice_fail(reterr, -ENOTSUP, "this PMU has no PEBS (max_precise is 0); %s",
				   advice);
	}
	if (precise > PRECISE)
		precise = PRECISE;
	pmu_note(notes, "PMU precise", 1, NULL,
		 "PEBS: each sample is of the very access that was counted, with its address");
	set = pmu_names_for(kernel_name, !sysroot[0]);
	r = add_places(plan, set, &machine, (int)precise);
	if (r < 0)
		r = add_all_misses(plan, set, (int)precise);
	if (r < 0)
		r = add_by_latency(sysroot, device, plan, (int)precise);
	if (r < 0)
		return sluice_fail(reterr, -ENOTSUP,
				   "neither libpfm4 nor this kernel knows an event for loads from "
				   "memory of this processor (%s); a newer libpfm4 or kernel may",
				   kernel_name[0] ? kernel_name : "unnamed");
	add_stores(sysroot, device, plan, (int)precise);
	plan->way = "Intel PEBS";
	tell(plan, notes, kernel_name, set);
	return 0;
}
