/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_marks.c - a page that is wrongly believed to be watched looks cold, and would be
 * evicted while it is hot. So what is marked, by which window, is known exactly.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/heat/estimate.h"
#include "heat.h"

#define MS 1000000ull
#define PID 42
#define BASE 0x10000000ull
#define PAGES HEAT_REGION_PAGES
#define HOT_RATE 100.0 /* accesses per second */
#define COLD_RATE 2.0

static struct heat *heat;
static uint64_t now_ns;

/* Two regions in tier 1, or what `tier` says. */
static void
begin(uint8_t tier)
{
	struct heat_options options = {.region_max = 4, .detail_bytes_max = 1u << 20};
	struct heat_span span = {BASE, BASE + 2ull * HEAT_REGION_BYTES};
	uint8_t tiers[PAGES];

	now_ns = 10000 * MS;
	assert_int_equal(heat_new(&options, &heat, NULL), 0);
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, now_ns, NULL), 0);
	memset(tiers, tier, sizeof(tiers));
	for (size_t i = 0; i < 2; i++)
		heat_set_residency(heat, i, tiers, 0, now_ns);
}

static void
mark(uint32_t first, uint32_t count, float counted)
{
	struct sample sample = {.kind = SAMPLE_ARMED,
				.pid = PID,
				.addr = BASE + (uint64_t)first * HEAT_PAGE_BYTES,
				.len_bytes = (uint64_t)count * HEAT_PAGE_BYTES,
				.time_ns = now_ns,
				.events = counted};

	heat_fold(heat, &sample, 1);
}

static double
exponential(double rate)
{
	return -log((rand() + 1.0) / (RAND_MAX + 2.0)) / rate;
}

/* Touches of pages [first, first + count) at their gaps since now. Those that come after `within`
 * are left out. */
static void
touch(uint32_t first, uint32_t count, double rate, uint64_t within_ns)
{
	for (uint32_t p = first; p < first + count; p++) {
		struct sample sample = {.kind = SAMPLE_TOUCH,
					.pid = PID,
					.addr = BASE + (uint64_t)p * HEAT_PAGE_BYTES};
		uint64_t gap_ns = (uint64_t)(exponential(rate) * 1e9);

		sample.time_ns = now_ns + gap_ns;
		if (gap_ns < within_ns)
			heat_fold(heat, &sample, 1);
	}
}

/* Passes over both regions, the first hot and the second cold, until their heat is known. */
static void
learn(void)
{
	size_t count;

	srand(1);
	for (int pass = 0; pass < 12; pass++) {
		mark(0, 2 * PAGES, 0);
		touch(0, PAGES, HOT_RATE, 5000 * MS);
		touch(PAGES, PAGES, COLD_RATE, 5000 * MS);
		now_ns += 5000 * MS;
		heat_view(heat, now_ns, &count);
	}
}

/* Mean heat of the pages of a region, by the view. */
static double
heat_of(size_t region)
{
	const struct sluice_region *entries;
	double sum = 0, bytes = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		if (entries[i].addr != BASE + region * HEAT_REGION_BYTES)
			continue;
		sum += (double)entries[i].heat * entries[i].bytes;
		bytes += entries[i].bytes;
	}
	assert_true(bytes > 0);
	return sum / bytes;
}

/* Of some pages of a region, weighed by how many of each entry they are. */
static double
heat_of_pages(size_t region, uint32_t first, uint32_t end)
{
	const struct sluice_region *entries;
	uint64_t addrs[PAGES], addr = BASE + region * HEAT_REGION_BYTES;
	double sum = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		size_t pages =
			entries[i].addr == addr ? heat_entry_pages(heat, i, addrs, PAGES) : 0;

		for (size_t k = 0; k < pages; k++) {
			uint64_t p = (addrs[k] - addr) / HEAT_PAGE_BYTES;

			sum += p >= first && p < end ? (double)entries[i].heat : 0;
		}
	}
	return sum / (end - first);
}

static void
test_rates_come_out_right(void **state)
{
	(void)state;
	begin(1);
	learn();
	assert_true(heat_of(0) > HOT_RATE * 0.75 && heat_of(0) < HOT_RATE * 1.33);
	assert_true(heat_of(1) > COLD_RATE * 0.7 && heat_of(1) < COLD_RATE * 1.4);
	heat_free(heat);
}

/* Of many gaps the short ones count too, or hot pages would look the hotter the longer they are
 * watched. */
static void
test_many_gaps_are_not_off(void **state)
{
	double off = 0;

	(void)state;
	srand(1);
	for (int p = 0; p < 4000; p++) {
		struct page_heat page = {0};
		struct evidence evidence;

		for (int k = 0; k < 60; k++)
			estimate_touched(&page, (uint64_t)(exponential(10) * 1e6), log2f(10));
		evidence = estimate_evidence(&page);
		off += evidence.rate - touches_bias[evidence.touches] - log2f(10);
	}
	assert_true(fabs(off / 4000) < 0.1);
}

/* A page that is marked again and again and never touched has grown cold, however short the time
 * between markings. */
static void
test_silence_adds_up(void **state)
{
	struct page_heat page = {0};

	(void)state;
	for (int k = 0; k < 20; k++)
		estimate_touched(&page, 1000000, 0);
	for (uint64_t marking = 0; marking < 100; marking++)
		estimate_untouched(&page, 500000 + marking * 37 % 1000);
	assert_true(estimate_evidence(&page).rate < -1);
}

/* Pages that are touched every 20 s and marked every second, touched or not: the time from the last
 * marking to a touch is short each time, and no sign that they have grown hot. */
static void
test_cold_pages_marked_often(void **state)
{
	double off = 0, all = 0, far_off = 0;

	(void)state;
	begin(1);
	srand(1);
	for (int pass = 0; pass < 400; pass++) {
		uint64_t touched_ns = now_ns;

		mark(0, PAGES, 0);
		for (uint32_t p = 0; p < PAGES; p++) {
			struct sample sample = {.kind = SAMPLE_TOUCH,
						.pid = PID,
						.addr = BASE + (uint64_t)p * HEAT_PAGE_BYTES};

			sample.time_ns = touched_ns + (uint64_t)(exponential(0.05) * 1e9);
			if (sample.time_ns < touched_ns + 1000 * MS)
				heat_fold(heat, &sample, 1);
		}
		now_ns += 1000 * MS + (uint64_t)(rand() % 20) * MS;
		for (uint32_t p = 0; pass >= 200 && p < PAGES; p++) {
			const struct page_heat *page =
				&heat->details[heat->regions[0].detail].page[p];
			struct evidence evidence = estimate_evidence(page);
			double rate = evidence.rate - touches_bias[evidence.touches] - log2(0.05);

			off += rate;
			far_off += rate > 3;
			all++;
		}
	}
	assert_true(fabs(off / all) < 0.3);
	assert_true(far_off / all < 0.01);
	heat_free(heat);
}

/* What is most probable, however much more was expected than silence allows: there the slope of
 * prior and likelihood is 0. */
static void
test_silence_against_expectation(void **state)
{
	(void)state;
	for (float var = 0.05f; var < 10; var *= 3) {
		for (float rate = -12; rate <= 12; rate += 3) {
			for (float mean = -12; mean <= 19; mean += 0.7f) {
				float likely, sigma;
				double slope, pull, touches;

				estimate_silent(rate, mean, var, &likely, &sigma);
				pull = (mean - likely) / (var * M_LN2);
				touches = exp2(likely - rate);
				slope = pull - touches;
				/* In octaves that it may be off. */
				assert_true(fabs(slope) / (1 / (var * M_LN2) + touches * M_LN2) <
					    0.05);
				assert_true(sigma > 0 && sigma <= sqrtf(var) * 1.001f);
			}
		}
	}
}

static void
test_silence_cools(void **state)
{
	(void)state;
	begin(1);
	learn();
	mark(0, 2 * PAGES, 0);
	now_ns += 4000 * MS;
	assert_true(heat_of(0) < HOT_RATE / 50);
	heat_free(heat);
}

/* A window that ends within the region, and the next one, for the rest, after the first one's pages
 * were touched: those are not watched any more, and their silence says nothing. */
static void
test_window_that_ends_within_a_region(void **state)
{
	(void)state;
	begin(1);
	learn();
	mark(0, PAGES / 2, 0);
	touch(0, PAGES / 2, HOT_RATE, 1000 * MS);
	now_ns += 1000 * MS;
	mark(PAGES / 2, PAGES / 2, 0);
	touch(PAGES / 2, PAGES / 2, HOT_RATE, 1000 * MS);
	now_ns += 10000 * MS;
	assert_true(heat_of(0) > HOT_RATE * 0.7);
	heat_free(heat);
}

/* Three windows in a region, which has two times. The pages of the first are watched from the first
 * on, whatever comes beside them. */
static void
test_three_windows_in_a_region(void **state)
{
	(void)state;
	begin(1);
	learn();
	/* The pages of the first window are touched after 9 s, those of the others at once. */
	for (int pass = 0; pass < 16; pass++) {
		mark(PAGES, 100, 0);
		now_ns += 9000 * MS;
		mark(PAGES + 100, 200, 0);
		mark(PAGES + 300, PAGES - 300, 0);
		touch(PAGES, PAGES, 1000, 1000 * MS);
		now_ns += 1000 * MS;
	}
	assert_true(heat_of_pages(1, 0, 100) < 0.3);
	heat_free(heat);
}

/* The kernel leaves out the fast pages of a program with one thread, and pages shared with a child;
 * its count says so. */
static void
test_what_the_kernel_did_not_mark(void **state)
{
	(void)state;
	begin(0);
	learn();
	mark(0, 2 * PAGES, 3);
	now_ns += 4000 * MS;
	assert_true(heat_of(0) > HOT_RATE * 0.7);
	/* When it did mark them the same silence counts. */
	mark(0, 2 * PAGES, 2 * PAGES);
	now_ns += 4000 * MS;
	assert_true(heat_of(0) < HOT_RATE / 50);
	heat_free(heat);
}

/* A region with fewer pages than the others is left out of a window, which the kernel decides for
 * every 2 MiB. */
static void
test_one_region_not_marked(void **state)
{
	uint8_t tiers[PAGES];

	(void)state;
	begin(0);
	learn();
	for (uint32_t p = 0; p < PAGES; p++)
		tiers[p] = p < 150 ? 0 : HEAT_TIER_ABSENT;
	heat_set_residency(heat, 0, tiers, 0, now_ns);
	mark(0, 2 * PAGES, PAGES);
	now_ns += 4000 * MS;
	assert_true(heat_of(0) > HOT_RATE * 0.7);
	heat_free(heat);
}

/* Half of each region is in fast memory, and only the slow half was marked. */
static void
test_only_slow_pages_marked(void **state)
{
	const struct sluice_region *entries;
	uint8_t tiers[PAGES];
	size_t count;
	double fast = 0, fast_bytes = 0;

	(void)state;
	begin(1);
	for (uint32_t p = 0; p < PAGES; p++)
		tiers[p] = p % 2;
	mark(0, 2 * PAGES, 0);
	for (size_t i = 0; i < 2; i++)
		heat_set_residency(heat, i, tiers, 0, now_ns);
	learn();
	mark(0, 2 * PAGES, PAGES);
	now_ns += 4000 * MS;
	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		if (entries[i].addr == BASE && entries[i].tier == 0) {
			fast += (double)entries[i].heat * entries[i].bytes;
			fast_bytes += entries[i].bytes;
		} else if (entries[i].addr == BASE) {
			assert_true(entries[i].heat < HOT_RATE / 20);
		}
	}
	/* Their neighbours' silence says something of them too, but their own gaps say more. */
	assert_true(fast / fast_bytes > HOT_RATE / 10);
	for (uint32_t p = 0; p < PAGES; p++)
		assert_int_equal(heat->details[heat->regions[0].detail].page[p].watched, p % 2);
	heat_free(heat);
}

/* Detail is made when a region is first marked. Which of its pages are in the tier that was marked
 * is not known then, so none is believed to be watched before residency was told. */
static void
test_marked_before_places_are_known(void **state)
{
	uint8_t tiers[PAGES];

	(void)state;
	begin(1);
	for (uint32_t p = 0; p < PAGES; p++)
		tiers[p] = p >= 300;
	for (size_t i = 0; i < 2; i++)
		heat_set_residency(heat, i, tiers, 0, now_ns);
	mark(0, 2 * PAGES, 2 * 212);
	for (size_t i = 0; i < 2; i++)
		heat_set_residency(heat, i, tiers, 0, now_ns);
	/* Only slow pages are marked from now on. */
	for (int pass = 0; pass < 8; pass++) {
		mark(0, 2 * PAGES, 2 * 212);
		touch(300, 212, HOT_RATE, 5000 * MS);
		touch(PAGES + 300, 212, HOT_RATE, 5000 * MS);
		now_ns += 5000 * MS;
		heat_of(0);
	}
	assert_true(heat_of_pages(0, 0, 300) > HOT_RATE / 4);
	heat_free(heat);
}

static void
test_restart_forgets(void **state)
{
	struct heat_stats stats;
	size_t count;

	(void)state;
	begin(1);
	learn();
	heat_restart(heat, PID, now_ns);
	heat_view(heat, now_ns, &count);
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.unknown_bytes, 2ull * HEAT_REGION_BYTES);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_come_out_right),
		cmocka_unit_test(test_many_gaps_are_not_off),
		cmocka_unit_test(test_silence_adds_up),
		cmocka_unit_test(test_cold_pages_marked_often),
		cmocka_unit_test(test_silence_against_expectation),
		cmocka_unit_test(test_silence_cools),
		cmocka_unit_test(test_window_that_ends_within_a_region),
		cmocka_unit_test(test_three_windows_in_a_region),
		cmocka_unit_test(test_what_the_kernel_did_not_mark),
		cmocka_unit_test(test_one_region_not_marked),
		cmocka_unit_test(test_only_slow_pages_marked),
		cmocka_unit_test(test_marked_before_places_are_known),
		cmocka_unit_test(test_restart_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
