/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heat_world.h - for tests of heat: one process with regions of known rates, and what the view
 * makes of them.
 */
#ifndef TESTS_HEAT_WORLD_H
#define TESTS_HEAT_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/heat/table.h"
#include "heat.h"

#define MS 1000000ull
#define NS_PER_S 1000000000ull
#define PID 42
#define BASE 0x10000000ull
#define PAGES ((uint64_t)HEAT_REGION_PAGES)

static struct heat *heat;
static uint64_t now_ns;

/* That many regions in tier 1. */
static inline void
begin(uint32_t regions, uint64_t detail_bytes, int huge)
{
	struct heat_options options = {.region_max = regions, .detail_bytes_max = detail_bytes};
	struct heat_span span = {BASE, BASE + (uint64_t)regions * HEAT_REGION_BYTES};
	uint8_t tiers[HEAT_REGION_PAGES];

	srand(1);
	now_ns = 10 * NS_PER_S;
	assert_int_equal(heat_new(&options, &heat, NULL), 0);
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, now_ns, NULL), 0);
	memset(tiers, 1, sizeof(tiers));
	for (size_t i = 0; i < regions; i++)
		heat_set_residency(heat, i, tiers, huge, now_ns);
}

static inline void
tell(enum sample_kind kind, uint64_t first_page, uint64_t pages, double events, double exposure_s)
{
	struct sample sample = {.kind = kind,
				.pid = PID,
				.addr = BASE + first_page * HEAT_PAGE_BYTES,
				.len_bytes = pages * HEAT_PAGE_BYTES,
				.time_ns = now_ns,
				.events = (float)events,
				.exposure_s = (float)exposure_s};

	heat_fold(heat, &sample, 1);
}

static inline double
uniform01(void)
{
	return (rand() + 1.0) / (RAND_MAX + 2.0);
}

/* Events of a mean that is not large. */
static inline unsigned int
poisson(double mean)
{
	double left = exp(-mean);
	unsigned int n = 0;

	for (double at = uniform01(); at > left; at *= uniform01())
		n++;
	return n;
}

/* Watch a region's pages from now on; `marked` has one for each page of the world. */
static inline void
mark(uint8_t *marked, uint64_t region)
{
	tell(SAMPLE_ARMED, region * PAGES, PAGES, 0, 0);
	memset(marked + region * PAGES, 1, PAGES);
}

/* So much time passes, in whose middle watched pages are touched by chance. rates: a second. */
static inline void
touch_by_chance(uint8_t *marked, const double *rates, uint64_t pages, uint64_t step_ns)
{
	for (uint64_t p = 0; p < pages; p++) {
		if (!marked[p] || uniform01() > 1 - exp(-rates[p] * (double)step_ns / 1e9))
			continue;
		marked[p] = 0;
		now_ns += step_ns / 2;
		tell(SAMPLE_TOUCH, p, 0, 0, 0);
		now_ns -= step_ns / 2;
	}
	now_ns += step_ns;
}

static inline void
look(void)
{
	size_t count;

	heat_view(heat, now_ns, &count);
}

/* Mean heat of pages [first, end), and how far the lowest and the highest are apart. */
static inline double
heat_of(uint64_t first, uint64_t end, double *ret_ratio)
{
	const struct sluice_region *entries;
	uint64_t addrs[HEAT_REGION_PAGES], seen = 0;
	double sum = 0, low = HUGE_VAL, high = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		size_t pages = heat_entry_pages(heat, i, addrs, HEAT_REGION_PAGES);
		uint64_t each = heat_entry_unit(heat, i) / HEAT_PAGE_BYTES;

		for (size_t k = 0; k < pages; k++) {
			uint64_t p = (addrs[k] - BASE) / HEAT_PAGE_BYTES;

			if (p < first || p >= end)
				continue;
			assert_true(isfinite(entries[i].heat_high));
			sum += (double)entries[i].heat * (double)each;
			seen += each;
			low = fmin(low, (double)entries[i].heat);
			high = fmax(high, (double)entries[i].heat);
		}
	}
	assert_int_equal(seen, end - first);
	if (ret_ratio)
		*ret_ratio = high / low;
	return sum / (double)seen;
}

#define assert_about(value, wanted, factor)                                                        \
	do {                                                                                       \
		double value_ = (value), wanted_ = (wanted);                                       \
                                                                                                   \
		if (value_ < wanted_ / (factor) || value_ > wanted_ * (factor))                    \
			fail_msg("%s is %.4g, not within %.3g times %.4g", #value, value_,         \
				 (double)(factor), wanted_);                                       \
	} while (0)

static inline uint32_t
regions_in_detail(void)
{
	struct heat_stats stats;

	heat_get_stats(heat, &stats);
	return stats.regions_in_detail;
}

#endif
