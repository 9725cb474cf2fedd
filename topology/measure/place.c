/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - see place.h. */
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <numa.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_room.h"

int
place_probe(struct sluice_err *reterr)
{
	if (numa_available() < 0)
		return sluice_fail(
			reterr, -ENOTSUP,
			"this kernel has no memory policies (CONFIG_NUMA, or a filter of "
			"system calls), so memory cannot be put on a node and measured");
	return 0;
}

static bool
is_node(uint32_t id)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%" PRIu32, id);
	return access(path, F_OK) == 0;
}

uint64_t
place_node_bytes(uint32_t id, uint64_t *ret_free_bytes)
{
	long long free_bytes = 0;
	long long bytes = is_node(id) ? numa_node_size64((int)id, &free_bytes) : 0;

	if (ret_free_bytes)
		*ret_free_bytes = bytes > 0 && free_bytes > 0 ? (uint64_t)free_bytes : 0;
	return bytes > 0 ? (uint64_t)bytes : 0;
}

static size_t
node_cpu_count(uint32_t id)
{
	struct bitmask *cpus = numa_allocate_cpumask();
	size_t count = 0;

	if (cpus && is_node(id) && numa_node_to_cpus((int)id, cpus) == 0)
		count = numa_bitmask_weight(cpus);
	if (cpus)
		numa_free_cpumask(cpus);
	return count;
}

static int
nodes(bool with_cpus, uint32_t **ret, size_t *ret_count, struct sluice_err *reterr)
{
	int last = numa_max_node();
	uint32_t *ids = calloc((size_t)last + 1, sizeof(*ids));
	size_t count = 0;

	if (!ids)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	for (uint32_t id = 0; id <= (uint32_t)last; id++) {
		if (with_cpus ? node_cpu_count(id) > 0 : place_node_bytes(id, NULL) > 0)
			ids[count++] = id;
	}
	if (count == 0) {
		free(ids);
		return sluice_fail(reterr, -ENODEV, "no node with %s was found",
				   with_cpus ? "CPUs" : "memory");
	}
	*ret = ids;
	*ret_count = count;
	return 0;
}

int
place_cpu_nodes(uint32_t **ret, size_t *ret_count, struct sluice_err *reterr)
{
	return nodes(true, ret, ret_count, reterr);
}

int
place_memory_nodes(uint32_t **ret, size_t *ret_count, struct sluice_err *reterr)
{
	return nodes(false, ret, ret_count, reterr);
}

int
place_cpus(uint32_t node, int *ret_cpus, size_t max, size_t *ret_count, size_t *ret_all,
	   struct sluice_err *reterr)
{
	struct bitmask *cpus = numa_allocate_cpumask(), *allowed = numa_allocate_cpumask();
	size_t count = 0, all = 0;
	int r = 0;

	if (!cpus || !allowed)
		r = sluice_fail(reterr, -ENOMEM, "out of memory");
	else if (!is_node(node) || numa_node_to_cpus((int)node, cpus) < 0 ||
		 (all = numa_bitmask_weight(cpus)) == 0)
		r = sluice_fail(reterr, -ENODEV, "node %" PRIu32 " has no CPUs", node);
	else if (numa_sched_getaffinity(0, allowed) < 0)
		r = sluice_fail(reterr, -errno, "cannot tell which CPUs may be used: %s",
				strerror(errno));
	for (unsigned int cpu = 0; r == 0 && cpu < cpus->size && count < max; cpu++) {
		if (numa_bitmask_isbitset(cpus, cpu) && numa_bitmask_isbitset(allowed, cpu))
			ret_cpus[count++] = (int)cpu;
	}
	if (r == 0 && count == 0)
		r = sluice_fail(reterr, -EPERM,
				"none of the CPUs of node %" PRIu32 " may be used by this process "
				"(its affinity or cpuset forbids it)",
				node);
	if (cpus)
		numa_free_cpumask(cpus);
	if (allowed)
		numa_free_cpumask(allowed);
	if (r == 0) {
		*ret_count = count;
		*ret_all = all;
	}
	return r;
}

/* Below its zones' high watermarks the kernel begins to make room, at the cost of others. */
static uint64_t
watermark_bytes(uint32_t node)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	uint64_t pages = 0;
	bool inside = false;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long value;
		unsigned int id;

		if (sscanf(line, "Node %u, zone", &id) == 1)
			inside = id == node;
		else if (inside && sscanf(line, " high %llu", &value) == 1)
			pages += value;
	}
	if (file)
		fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int
place_room(uint32_t node, uint64_t least_bytes, uint64_t most_bytes, uint64_t *ret_bytes,
	   struct sluice_err *reterr)
{
	uint64_t free_bytes, kept_bytes, cgroup_bytes = cgroup_room_bytes();
	uint64_t total_bytes = place_node_bytes(node, &free_bytes);
	struct bitmask *allowed;
	bool is_allowed;

	if (total_bytes == 0)
		return sluice_fail(reterr, -ENODEV, "node %" PRIu32 " has no memory", node);
	allowed = numa_get_mems_allowed();
	is_allowed = !allowed || numa_bitmask_isbitset(allowed, node);
	if (allowed)
		numa_bitmask_free(allowed);
	if (!is_allowed)
		return sluice_fail(reterr, -EPERM,
				   "memory of node %" PRIu32
				   " may not be used by this process (its "
				   "cpuset forbids it)",
				   node);
	kept_bytes = watermark_bytes(node);
	free_bytes -= free_bytes < kept_bytes ? free_bytes : kept_bytes;
	if (free_bytes / PLACE_SHARE < least_bytes)
		return sluice_fail(reterr, -ENOMEM,
				   "node %" PRIu32 " is too full: %" PRIu64
				   " MiB are free above the watermarks, of which "
				   "at most a quarter is used, and %" PRIu64 " MiB are needed",
				   node, free_bytes >> 20, least_bytes >> 20);
	if (cgroup_bytes / PLACE_SHARE < least_bytes)
		return sluice_fail(reterr, -ENOMEM,
				   "the memory limit of our cgroup leaves %" PRIu64
				   " MiB, of which at "
				   "most a quarter is used, and %" PRIu64 " MiB are needed",
				   cgroup_bytes >> 20, least_bytes >> 20);
	if (most_bytes > free_bytes / PLACE_SHARE)
		most_bytes = free_bytes / PLACE_SHARE;
	if (most_bytes > cgroup_bytes / PLACE_SHARE)
		most_bytes = cgroup_bytes / PLACE_SHARE;
	*ret_bytes = most_bytes;
	return 0;
}
