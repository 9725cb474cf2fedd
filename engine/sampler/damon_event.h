/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_event.h - understanding the kernel's damon:damon_aggregated tracepoint: one record for each
 * region of each target at the end of each aggregation. Pure.
 */
#ifndef SAMPLER_DAMON_EVENT_H
#define SAMPLER_DAMON_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"

struct damon_field {
	uint32_t offset, size; /* size 0: not seen */
};

/* Where the fields lie differs between kernels; the event's format file says it. */
struct damon_format {
	struct damon_field common_pid, target_id, start, end, nr_accesses;
};

struct damon_record {
	int32_t kdamond; /* whose record it is: other DAMON users leave theirs in the same place */
	uint64_t target; /* index among the targets of its context */
	uint64_t start, end;
	uint32_t nr_accesses;
};

/* The text of the format file. 0, or -EBADMSG when a field that is needed is missing or odd. */
int damon_format_parse(const char *text, struct damon_format *ret);
/* 0, or -EBADMSG: too short, or no sane range. */
int damon_record_decode(const struct damon_format *format, const void *raw, size_t bytes,
			struct damon_record *ret);
/* Out of `checks` looks, each after sample_s seconds, `seen` found the page accessed: as a rate.
 * Accesses between two looks count once, so the Poisson rate that would give this share is told; a
 * page seen at every look may be hotter than any number here. */
void damon_rate(uint32_t seen, uint32_t checks, double sample_s, struct sample *sample);

#endif
