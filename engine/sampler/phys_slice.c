/* SPDX-License-Identifier: Apache-2.0 */
/* phys_slice.c - see phys_slice.h. */
#include "phys_slice.h"

#include <string.h>

#include "pagemap_runs.h"

static struct sample
sample_of(const struct scan_slice *slice, uint32_t first, uint32_t end, struct phys_rate rate,
	  uint64_t time_ns)
{
	return (struct sample){
		.kind = SAMPLE_RATE,
		.pid = slice->pid,
		.addr = slice->addr + (uint64_t)first * HEAT_PAGE_BYTES,
		.len_bytes = (uint64_t)(end - first) * HEAT_PAGE_BYTES,
		.time_ns = time_ns,
		.events = rate.events,
		.exposure_s = rate.exposure_s,
	};
}

static int
is_same(struct phys_rate a, struct phys_rate b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* All of it by one, on average of the pages that are there. */
static struct sample
whole(const struct phys_heat *heat, const struct scan_slice *slice, const uint64_t *entries,
      uint64_t time_ns)
{
	struct phys_rate sum = {0, 0};
	uint32_t first = slice->pages, end = 0, known = 0;

	for (uint32_t p = 0; p < slice->pages; p++) {
		uint64_t pfn = pagemap_pfn(entries[p]);
		struct phys_rate rate =
			pfn ? phys_heat_at(heat, pfn * HEAT_PAGE_BYTES) : (struct phys_rate){0, 0};

		if (!(rate.exposure_s > 0))
			continue;
		first = p < first ? p : first;
		end = p + 1;
		sum.events += rate.events;
		sum.exposure_s += rate.exposure_s;
		known++;
	}
	sum.events /= (float)known;
	sum.exposure_s /= (float)known;
	return sample_of(slice, first, end, sum, time_ns);
}

size_t
phys_slice_samples(const struct phys_heat *heat, const struct scan_slice *slice,
		   const uint64_t *entries, uint64_t time_ns, struct sample ret[PHYS_SLICE_SAMPLES])
{
	struct phys_rate run = {0, 0};
	uint32_t first = 0;
	size_t count = 0;

	/* One past the end closes the last run. */
	for (uint32_t p = 0; p <= slice->pages; p++) {
		uint64_t pfn = p < slice->pages ? pagemap_pfn(entries[p]) : 0;
		struct phys_rate rate =
			pfn ? phys_heat_at(heat, pfn * HEAT_PAGE_BYTES) : (struct phys_rate){0, 0};

		if (is_same(rate, run))
			continue;
		if (run.exposure_s > 0) {
			if (count == PHYS_SLICE_SAMPLES) {
				ret[0] = whole(heat, slice, entries, time_ns);
				return 1;
			}
			ret[count++] = sample_of(slice, first, p, run, time_ns);
		}
		run = rate;
		first = p;
	}
	return count;
}
