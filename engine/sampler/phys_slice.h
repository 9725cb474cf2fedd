/* SPDX-License-Identifier: Apache-2.0 */
/* phys_slice.h - what was seen of physical memory, told of the pages of a process that lie there.
 * Pure.
 */
#ifndef SAMPLER_PHYS_SLICE_H
#define SAMPLER_PHYS_SLICE_H

#include "phys_heat.h"
#include "scan_walk.h"

/* Most samples that one slice becomes: where its pages lie more scattered than that, physical
 * regions say little of single pages, and it is told as one. */
#define PHYS_SLICE_SAMPLES 16

/* entries: the slice's part of /proc/PID/pagemap. Pages that are not resident, or of whose memory
 * nothing was told, say nothing. Returns how many samples. */
size_t phys_slice_samples(const struct phys_heat *heat, const struct scan_slice *slice,
			  const uint64_t *entries, uint64_t time_ns,
			  struct sample ret[PHYS_SLICE_SAMPLES]);

#endif
