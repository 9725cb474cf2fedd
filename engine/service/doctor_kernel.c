/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_kernel.c - see doctor_kernel.h. Reads only. */
#include "doctor_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

static void
check_numa_balancing(struct findings *findings, const char *sysroot)
{
	char line[64];
	long mode;

	if (procfs_line(sysroot, 0, "/proc/sys/kernel/numa_balancing", line, sizeof(line)) <= 0) {
		finding_add(findings, "numa_balancing", VERDICT_WARNING,
			    "a kernel with CONFIG_NUMA_BALANCING gives the hint-fault tracker",
			    "this kernel has no NUMA balancing");
		return;
	}
	mode = strtol(line, NULL, 10);
	if (mode & 2)
		finding_add(
			findings, "numa_balancing", VERDICT_WARNING,
			"sysctl kernel.numa_balancing=0, unless a running Sluice set it",
			"mode %ld: the kernel promotes pages by itself, and would work against us",
			mode);
	else if (mode & 1)
		finding_add(findings, "numa_balancing", VERDICT_WARNING,
			    "sysctl kernel.numa_balancing=0 on machines where tiers matter more "
			    "than sockets",
			    "mode 1: the kernel moves pages to the socket that uses them");
	else
		finding_add(findings, "numa_balancing", VERDICT_OK, NULL, "off");
}

static void
check_demotion(struct findings *findings, const char *sysroot)
{
	char line[64];

	if (procfs_line(sysroot, 0, "/sys/kernel/mm/numa/demotion_enabled", line, sizeof(line)) <=
	    0)
		finding_add(findings, "kernel demotion", VERDICT_OK, NULL,
			    "this kernel does not demote");
	else if (line[0] == '1' || line[0] == 't' || line[0] == 'y')
		finding_add(
			findings, "kernel demotion", VERDICT_OK, NULL,
			"on: under pressure the kernel demotes too, which Sluice sees and copes "
			"with");
	else
		finding_add(findings, "kernel demotion", VERDICT_OK, NULL,
			    "off: only Sluice demotes");
}

static void
check_huge_pages(struct findings *findings, const char *sysroot)
{
	char line[64];

	if (procfs_line(sysroot, 0, "/sys/kernel/mm/transparent_hugepage/enabled", line,
			sizeof(line)) <= 0)
		finding_add(findings, "huge pages", VERDICT_OK, NULL,
			    "this kernel has no transparent huge pages");
	else if (strstr(line, "[always]"))
		finding_add(findings, "huge pages", VERDICT_OK, NULL,
			    "always: huge pages move whole, so heat inside them cannot be told "
			    "apart");
	else
		finding_add(findings, "huge pages", VERDICT_OK, NULL, "%s",
			    strstr(line, "[madvise]") ? "madvise: only where a program asks"
						      : "never");
}

static void
check_damon(struct findings *findings, const char *sysroot, int is_ours)
{
	static const char folder[] = "/sys/kernel/mm/damon/admin/kdamonds";
	char path[128], line[64], pid[64];
	long count, running = 0;

	snprintf(path, sizeof(path), "%s/nr_kdamonds", folder);
	if (procfs_line(sysroot, 0, path, line, sizeof(line)) <= 0) {
		finding_add(findings, "other DAMON users", VERDICT_OK, NULL,
			    "this kernel has no DAMON sysfs interface");
		return;
	}
	count = strtol(line, NULL, 10);
	for (long i = 0; i < count && i < 64; i++) {
		snprintf(path, sizeof(path), "%s/%ld/state", folder, i);
		if (procfs_line(sysroot, 0, path, line, sizeof(line)) <= 0 ||
		    strcmp(line, "on") != 0)
			continue;
		running++;
		snprintf(path, sizeof(path), "%s/%ld/pid", folder, i);
		if (procfs_line(sysroot, 0, path, pid, sizeof(pid)) <= 0)
			strcpy(pid, "unknown");
	}
	if (is_ours)
		finding_add(findings, "other DAMON users", VERDICT_OK, NULL,
			    "none: this service uses it");
	else if (running)
		finding_add(findings, "other DAMON users", VERDICT_WARNING,
			    "stop it if the damon sampler is wanted; Sluice never takes it over",
			    "%ld kdamond%s (the last has pid %s)", running,
			    running == 1 ? " runs" : "s run", pid);
	else if (count > 0)
		finding_add(findings, "other DAMON users", VERDICT_WARNING,
			    "write 0 to nr_kdamonds if nobody needs them",
			    "%ld kdamond%s set up but not running", count,
			    count == 1 ? " is" : "s are");
	else
		finding_add(findings, "other DAMON users", VERDICT_OK, NULL, "none");
}

void
doctor_check_kernel(struct findings *findings, const char *sysroot, int damon_is_ours)
{
	check_numa_balancing(findings, sysroot);
	check_demotion(findings, sysroot);
	check_huge_pages(findings, sysroot);
	check_damon(findings, sysroot, damon_is_ours);
}
