/* SPDX-License-Identifier: Apache-2.0 */
/* doubt.h - how much better placement could be if heat were known exactly. Pure. */
#ifndef CORE_DOUBT_H
#define CORE_DOUBT_H

#include <stddef.h>

#include "sluice/policy.h"

/* The share of all accesses, 0 to 1, that tier 0 is expected to serve more if every estimate were
 * exact, but for a variance of `never_known_var` (octaves squared) that no looking removes: what
 * learning can still win. Memory of which nothing is known counts by its share of all memory. */
double doubt_share(const struct sluice_region *entries, size_t count,
		   const struct sluice_tier *tiers, size_t tier_count, double never_known_var);

#endif
