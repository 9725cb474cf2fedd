/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_ranges.h - which ranges of a process DAMON is to watch: its mappings, with small gaps
 * between them closed. Pure.
 *
 * DAMON's own choice, three ranges that leave out the two largest gaps, holds terabytes of nothing
 * between libraries and stack: that is where its least number of regions went, and 700 MiB of which
 * a seventh was hot were one region.
 */
#ifndef SAMPLER_DAMON_RANGES_H
#define SAMPLER_DAMON_RANGES_H

#include "damon_sysfs.h"
#include "heat.h"

/* From sorted mappings to at most `most` (1 or more) ranges: gaps of less than 2 MiB are
 * closed, and of less than 4, 8, and so on, till there are as few. What is far from the rest and
 * less than 2 MiB is left out, unless all is. Returns how many.
 */
size_t damon_ranges_make(const struct heat_span *spans, size_t count, struct damon_range *ranges,
			 size_t most);
/* Bytes of `ranges`, and of those how many are in none of `others`; both sorted. */
uint64_t damon_ranges_bytes(const struct damon_range *ranges, size_t count);
uint64_t damon_ranges_outside(const struct damon_range *ranges, size_t count,
			      const struct damon_range *others, size_t other_count);

#endif
