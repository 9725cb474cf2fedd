/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_processor.c - memory that comes with a processor or an accelerator: the stacked memory of
 * Xeon Phi, which firmware shows as nodes without CPUs and says nothing more about; and the memory
 * of GPUs that their driver shows as a node.
 *
 * A GPU's memory is no place for other programs' pages, so its nodes stand apart, unless the user
 * corrects them by name.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define NVIDIA_DIR "proc/driver/nvidia/gpus"

/* "key<tab>: 87" of /proc/cpuinfo. */
static bool
cpu_number(const char *text, const char *key, uint64_t *ret)
{
	const char *p = text;
	size_t length = strlen(key);

	for (; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		const char *value = p + length;

		if (strncmp(p, key, length) != 0)
			continue;
		value += strspn(value, " \t");
		if (*value++ != ':')
			continue;
		value += strspn(value, " \t");
		return sysroot_number(&value, UINT32_MAX, ret);
	}
	return false;
}

static bool
is_xeon_phi(const struct sluice_topology *topo)
{
	char text[4096];
	uint64_t family, model;

	return sysroot_read_head(topo->root, text, sizeof(text), "proc/cpuinfo") > 0 &&
	       strstr(text, "GenuineIntel") && cpu_number(text, "cpu family", &family) &&
	       cpu_number(text, "model", &model) && family == 6 && (model == 87 || model == 133);
}

void
topo_read_processor(struct sluice_topology *topo)
{
	static const char what[] = "MCDRAM of a Xeon Phi";

	if (!is_xeon_phi(topo))
		return;
	for (size_t i = 0; i < topo->node_count; i++) {
		if (topo->nodes[i].node.has_cpu)
			continue;
		topo_prove(&topo->nodes[i], TOPO_PROOF_HBM, SLUICE_SOURCE_CPU_MODEL, what);
		topo_fact(topo, SLUICE_SOURCE_CPU_MODEL, topo->nodes[i].node.id, "device", what,
			  "proc/cpuinfo");
	}
}

static int
read_gpu(const char *name, void *userdata)
{
	struct sluice_topology *topo = userdata;
	struct sluice_device *device;
	char text[512];
	const char *p;
	uint64_t id;

	if (strlen(name) >= TOPO_NAME_MAX ||
	    sysroot_read_head(topo->root, text, sizeof(text), NVIDIA_DIR "/%s/numa_status", name) <
		    0 ||
	    !(p = strstr(text, "Node:")))
		return 0;
	p += strlen("Node:");
	p += strspn(p, " \t");
	if (!sysroot_number(&p, SLUICE_NODES_MAX - 1, &id))
		return 0;
	device = topo_add_device(topo, SLUICE_DEVICE_ACCELERATOR, name);
	device->node = (uint32_t)id;
	device->feeds = 1;
	device->near = topo_read_node_id(topo, "sys/bus/pci/devices", name, "numa_node");
	device->detail = "memory of a GPU";
	nodeset_add(&topo->of_accelerators, (uint32_t)id);
	topo_fact(topo, SLUICE_SOURCE_ACCELERATOR, (uint32_t)id, "device",
		  topo_say(topo, "GPU %s", name), NVIDIA_DIR "/%s/numa_status", name)
		->fact.verdict = SLUICE_FACT_USED;
	return 0;
}

void
topo_read_accelerators(struct sluice_topology *topo)
{
	sysroot_list(topo->root, NVIDIA_DIR, read_gpu, topo);
}
