/* SPDX-License-Identifier: Apache-2.0 */
/* sampler_registry.c - see sampler_registry.h. To add a sampler: one file, and its line here. */
#include "sampler_registry.h"

#include <string.h>

static const struct sampler_ops *const samplers[] = {
	&sampler_pmu,
	&sampler_hintfault,
	&sampler_damon,
	/* Only when they are named: */
	&sampler_damon_paddr,
	&sampler_idle,
	&sampler_etmem,
	&sampler_wp,
	&sampler_softdirty,
	&sampler_mglru,
	/* Works everywhere: */
	&sampler_smaps,
	/* For tests: */
	&sampler_pmu_faults,
	&sampler_fake,
};

size_t
sampler_count(void)
{
	return sizeof(samplers) / sizeof(samplers[0]);
}

const struct sampler_ops *
sampler_at(size_t i)
{
	return i < sampler_count() ? samplers[i] : NULL;
}

const struct sampler_ops *
sampler_by_name(const char *name)
{
	for (size_t i = 0; i < sampler_count(); i++) {
		if (strcmp(samplers[i]->name, name) == 0)
			return samplers[i];
	}
	return NULL;
}
