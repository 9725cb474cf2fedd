/* SPDX-License-Identifier: Apache-2.0 */
/* bench_machine.c - the machine that something was measured on, as a result says it. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static void
read_model(char *model, size_t capacity)
{
	FILE *cpus = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(model, capacity, "processor unknown");
	while (cpus && fgets(line, sizeof(line), cpus)) {
		const char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !value)
			continue;
		value += strspn(value, ": \t");
		snprintf(model, capacity, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (cpus)
		fclose(cpus);
}

json_t *
bench_machine(void)
{
	double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	struct utsname name = {0};
	char model[200], text[400];

	read_model(model, sizeof(model));
	uname(&name);
	snprintf(text, sizeof(text), "%s, %ld CPUs, %.0f MiB of memory, %s %.65s.", model,
		 sysconf(_SC_NPROCESSORS_ONLN), bytes / (1 << 20), name.sysname, name.release);
	/* QEMU's emulator calls its processors so. */
	return json_pack("{s:b, s:s}", "emulated", strstr(model, "TCG") != NULL, "description",
			 text);
}
