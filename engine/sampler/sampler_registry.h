/* SPDX-License-Identifier: Apache-2.0 */
/* sampler_registry.h - the samplers that there are, best first. */
#ifndef SAMPLER_REGISTRY_H
#define SAMPLER_REGISTRY_H

#include <stddef.h>

#include "ops.h"

extern const struct sampler_ops sampler_pmu;
extern const struct sampler_ops sampler_hintfault;
extern const struct sampler_ops sampler_damon;
extern const struct sampler_ops sampler_damon_paddr;
extern const struct sampler_ops sampler_idle;
extern const struct sampler_ops sampler_etmem;
extern const struct sampler_ops sampler_wp;
extern const struct sampler_ops sampler_softdirty;
extern const struct sampler_ops sampler_mglru;
extern const struct sampler_ops sampler_smaps;
extern const struct sampler_ops sampler_pmu_faults; /* the pmu sampler on a software event */
extern const struct sampler_ops sampler_fake; /* its probe says no unless a test has set it up */

size_t sampler_count(void);
const struct sampler_ops *sampler_at(size_t i);              /* NULL out of range */
const struct sampler_ops *sampler_by_name(const char *name); /* NULL none */

#endif
