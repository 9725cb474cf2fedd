/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_names.c - see pmu_names.h. */
#include "pmu_names.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>

/* A captured machine's processor is not the one below us, and of one that is newer than libpfm4 an
 * older one's names may still be right: libpfm4 has to tell of processors that are not here. It has
 * no call for that, only this variable, which it reads once. The engine's thread and the doctor's
 * may both be the first. */
static int can;

static void
initialize(void)
{
	int had = getenv("LIBPFM_ENCODE_INACTIVE") != NULL;

	setenv("LIBPFM_ENCODE_INACTIVE", "1", 0);
	can = pfm_initialize() == PFM_SUCCESS;
	if (!had)
		unsetenv("LIBPFM_ENCODE_INACTIVE");
}

static int
initialized(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	return pthread_once(&once, initialize) == 0 && can;
}

/* The kernel gives one name to processors whose events for memory are alike. */
static const struct {
	const char *kernel, *set;
} by_kernel[] = {
	{"granite_rapids", "spr"},  /* events 0xd0, 0xd1 and 0xd3 did not change */
	{"sapphire_rapids", "spr"}, /* and Emerald Rapids */
	{"icelake", "icx"},
	{"skylake", "clx"}, /* has those of Skylake, and persistent memory */
};

const char *
pmu_names_for(const char *kernel_name, int live)
{
	if (!initialized())
		return NULL;
	for (int pmu = 0; live && pmu < PFM_PMU_MAX; pmu++) {
		pfm_pmu_info_t info;

		memset(&info, 0, sizeof(info));
		info.size = sizeof(info);
		if (pfm_get_pmu_info((pfm_pmu_t)pmu, &info) == PFM_SUCCESS && info.is_present &&
		    info.type == PFM_PMU_TYPE_CORE && strcmp(info.name, "ix86arch") != 0)
			return info.name;
	}
	for (size_t i = 0; i < sizeof(by_kernel) / sizeof(by_kernel[0]); i++) {
		if (strcmp(by_kernel[i].kernel, kernel_name) == 0)
			return by_kernel[i].set;
	}
	return NULL;
}

int
pmu_name_encode(const char *set, const char *name, struct pmu_code *ret)
{
	struct perf_event_attr attr;
	pfm_perf_encode_arg_t arg;
	char full[128];

	if (!set || !initialized())
		return -ENOENT;
	snprintf(full, sizeof(full), "%s::%s", set, name);
	memset(&attr, 0, sizeof(attr));
	memset(&arg, 0, sizeof(arg));
	arg.attr = &attr;
	arg.size = sizeof(arg);
	if (pfm_get_os_event_encoding(full, PFM_PLM3, PFM_OS_PERF_EVENT, &arg) != PFM_SUCCESS)
		return -ENOENT;
	*ret = (struct pmu_code){attr.type, {attr.config, attr.config1, attr.config2}};
	return 0;
}
