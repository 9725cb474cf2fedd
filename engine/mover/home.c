/* SPDX-License-Identifier: Apache-2.0 */
/* home.c - see home.h. */
#include "home.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "id_list.h"
#include "procfs.h"

#define CPUS 8192
#define THREADS 256 /* of a process with more, these stand for all */
#define NOWHERE UINT8_MAX

struct home {
	char sysroot[256];
	uint8_t node_of_cpu[CPUS]; /* index of an initiator */
	struct procfs_lines lines;
};

struct filling {
	struct home *home;
	uint8_t node;
};

static void
cpu_add(void *context, uint32_t cpu)
{
	struct filling *filling = context;

	filling->home->node_of_cpu[cpu] = filling->node;
}

int
home_new(const char *sysroot, const struct sluice_topology *topology, struct home **ret,
	 struct sluice_err *reterr)
{
	struct home *home = calloc(1, sizeof(*home));
	const struct sluice_initiator *initiator;

	if (!home)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(home->sysroot, sizeof(home->sysroot), "%s", sysroot);
	memset(home->node_of_cpu, NOWHERE, sizeof(home->node_of_cpu));
	for (uint8_t i = 0; i < HOME_NODES && (initiator = sluice_topology_initiator(topology, i));
	     i++) {
		struct filling filling = {home, i};
		char name[96], *line;
		int r;

		/* The topology's own list may be cut. */
		snprintf(name, sizeof(name), "sys/devices/system/node/node%u/cpulist",
			 initiator->node);
		if (procfs_lines_open(&home->lines, sysroot, 0, name) < 0)
			continue;
		line = procfs_lines_next(&home->lines, &r);
		if (line)
			id_list_walk(line, CPUS, cpu_add, &filling);
		procfs_lines_close(&home->lines);
	}
	*ret = home;
	return 0;
}

void
home_free(struct home *home)
{
	free(home);
}

/* utime, stime and processor of a thread's stat, fields 14, 15 and 39. The name, which may hold
 * anything, ends at the last bracket; field 3 follows it. */
static int
stat_parse(const char *line, uint64_t *ret_ticks, uint64_t *ret_cpu)
{
	const char *text = strrchr(line, ')');
	uint64_t ticks = 0;

	if (!text)
		return 0;
	for (int field = 3; field <= 39; field++) {
		text = strchr(text, ' ');
		if (!text)
			return 0;
		text++;
		if (field == 14 || field == 15)
			ticks += strtoull(text, NULL, 10);
	}
	if (!isdigit((unsigned char)*text))
		return 0;
	*ret_ticks = ticks;
	*ret_cpu = strtoull(text, NULL, 10);
	return 1;
}

static void
thread_add(struct home *home, int32_t pid, const char *tid, double weights[HOME_NODES])
{
	char name[64], *line;
	uint64_t ticks, cpu;
	int r;

	if (snprintf(name, sizeof(name), "task/%.16s/stat", tid) >= (int)sizeof(name) ||
	    procfs_lines_open(&home->lines, home->sysroot, pid, name) < 0)
		return;
	line = procfs_lines_next(&home->lines, &r);
	/* A thread that was just made counts a little, too. */
	if (line && stat_parse(line, &ticks, &cpu) && cpu < CPUS &&
	    home->node_of_cpu[cpu] != NOWHERE)
		weights[home->node_of_cpu[cpu]] += (double)ticks + 1;
	procfs_lines_close(&home->lines);
}

void
home_shares(struct home *home, int32_t pid, uint32_t permille[HOME_NODES])
{
	double weights[HOME_NODES] = {0}, sum = 0;
	const struct dirent *entry;
	uint32_t left = 1000;
	size_t best = 0;
	char path[320];
	DIR *dir;

	memset(permille, 0, HOME_NODES * sizeof(*permille));
	snprintf(path, sizeof(path), "%s/proc/%d/task", home->sysroot, pid);
	dir = opendir(path);
	if (!dir)
		return;
	for (int threads = 0; threads < THREADS && (entry = readdir(dir));) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		thread_add(home, pid, entry->d_name, weights);
		threads++;
	}
	closedir(dir);
	for (size_t i = 0; i < HOME_NODES; i++) {
		sum += weights[i];
		if (weights[i] > weights[best])
			best = i;
	}
	if (sum <= 0)
		return;
	for (size_t i = 0; i < HOME_NODES; i++) {
		permille[i] = (uint32_t)(weights[i] * 1000 / sum);
		left -= permille[i];
	}
	permille[best] += left;
}
