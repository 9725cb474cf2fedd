/* SPDX-License-Identifier: Apache-2.0 */
/* damon_files.c - see damon_files.h. */
#include "damon_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "damon_ranges.h"
#include "procfs.h"

#define PIECE_UNIT (2ull << 20)

static int
file_write(const char *sysroot, const char *path, uint64_t number, const char *word,
	   struct sluice_err *reterr)
{
	char text[64];
	int r;

	if (word)
		snprintf(text, sizeof(text), "%s", word);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	r = procfs_write(sysroot, 0, path, text);
	if (r < 0)
		return sluice_fail(reterr, r, "DAMON refused '%s' in %s: %s", text, path,
				   strerror(-r));
	return 0;
}

int
damon_files_plan(const char *sysroot, const struct damon_plan *plan, struct sluice_err *reterr)
{
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		/* The kernel refuses an aggregation shorter than a sample at each write. */
		{"intervals/aggr_us", plan->aggregate_us}, {"intervals/sample_us", plan->sample_us},
		{"intervals/update_us", plan->update_us},  {"nr_regions/max", plan->regions_max},
		{"nr_regions/min", plan->regions_min},
	};
	char path[160];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(path, sizeof(path), CONTEXT "monitoring_attrs/%s", numbers[i].name);
		r = file_write(sysroot, path, numbers[i].number, NULL, reterr);
	}
	return r;
}

int
damon_files_context(const char *sysroot, const char *operations, struct sluice_err *reterr)
{
	int r = 0;

	r = file_write(sysroot, KDAMONDS "0/contexts/nr_contexts", 1, NULL, reterr);
	if (r == 0)
		r = file_write(sysroot, CONTEXT "operations", 0, operations, reterr);
	if (r == -EINVAL)
		r = sluice_fail(reterr, -ENOTSUP, "this kernel's DAMON cannot monitor by '%s' (%s)",
				operations,
				strcmp(operations, "paddr") == 0 ? "CONFIG_DAMON_PADDR"
								 : "CONFIG_DAMON_VADDR");
	return r;
}

/* The pieces of at most piece_bytes that a range is cut into. */
static uint64_t
pieces_of(const struct damon_range *range, uint64_t piece_bytes)
{
	return (range->end - range->start + piece_bytes - 1) / piece_bytes;
}

static int
put_regions(const char *sysroot, size_t index, const struct damon_target *target, uint64_t regions,
	    struct sluice_err *reterr)
{
	char folder[96], path[160];
	uint64_t bytes = damon_ranges_bytes(target->ranges, target->range_count);
	uint64_t piece_bytes = (bytes / regions / PIECE_UNIT + 1) * PIECE_UNIT;
	uint64_t pieces = 0, at = 0;
	int r;

	for (size_t i = 0; i < target->range_count; i++)
		pieces += pieces_of(&target->ranges[i], piece_bytes);
	snprintf(folder, sizeof(folder), CONTEXT "targets/%zu/regions/", index);
	snprintf(path, sizeof(path), "%snr_regions", folder);
	r = file_write(sysroot, path, pieces, NULL, reterr);
	for (size_t i = 0; r == 0 && i < target->range_count; i++) {
		const struct damon_range *range = &target->ranges[i];

		for (uint64_t start = range->start; r == 0 && start < range->end; at++) {
			uint64_t end =
				range->end - start > piece_bytes ? start + piece_bytes : range->end;

			snprintf(path, sizeof(path), "%s%llu/start", folder,
				 (unsigned long long)at);
			r = file_write(sysroot, path, start, NULL, reterr);
			snprintf(path, sizeof(path), "%s%llu/end", folder, (unsigned long long)at);
			if (r == 0)
				r = file_write(sysroot, path, end, NULL, reterr);
			start = end;
		}
	}
	return r;
}

int
damon_files_targets(const char *sysroot, const struct damon_targets *targets, uint32_t regions,
		    struct sluice_err *reterr)
{
	/* Each its part, or one that has reserved much would leave the others one region. */
	uint64_t each = regions > targets->count ? regions / targets->count : 1;
	char path[160];
	int r;

	r = file_write(sysroot, CONTEXT "targets/nr_targets", targets->count, NULL, reterr);
	for (size_t t = 0; r == 0 && t < targets->count; t++) {
		const struct damon_target *target = &targets->target[t];

		snprintf(path, sizeof(path), CONTEXT "targets/%zu/pid_target", t);
		if (target->pid)
			r = file_write(sysroot, path, (uint64_t)target->pid, NULL, reterr);
		if (r == 0)
			r = put_regions(sysroot, t, target, each, reterr);
	}
	return r;
}
