/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_seen.c - accessed bits: an access some time since the bit was cleared. */
#include "heat_world.h"

#define GAP_S 0.5

/* Bits of all pages of the regions are read and cleared every GAP_S, `passes` times. */
static void
scan(uint64_t regions, double (*rate_of)(uint64_t page), int passes)
{
	for (int pass = 0; pass < passes; pass++) {
		tell(SAMPLE_ARMED, 0, regions * PAGES, 0, 0);
		now_ns += (uint64_t)(GAP_S * 1e9);
		for (uint64_t p = 0; p < regions * PAGES; p++) {
			if (poisson(fmin(rate_of(p) * GAP_S, 50)) > 0)
				tell(SAMPLE_SEEN, p, 1, 0, 0);
		}
		look();
	}
	tell(SAMPLE_ARMED, 0, regions * PAGES, 0, 0);
}

static double
four_rates(uint64_t page)
{
	static const double rates[] = {0.05, 0.3, 1.5, 3};

	return rates[page / PAGES % 4];
}

/* With detail and without: rates below 2/T come out, and regions that are alike are alike. */
static void
test_rates(void **state)
{
	(void)state;
	for (int detail = 0; detail < 2; detail++) {
		begin(8, detail ? 1u << 20 : 0, 0);
		scan(8, four_rates, 40);
		for (uint64_t r = 0; r < 8; r++) {
			double ratio, heat_now = heat_of(r * PAGES, (r + 1) * PAGES, &ratio);

			assert_about(heat_now, four_rates(r * PAGES), 1.5);
		}
		heat_free(heat);
	}
}

static double
every_eighth(uint64_t page)
{
	return page % 8 ? 0.05 : 1000;
}

/* Hot pages among cold ones; hotter than bits can tell is as hot as they can. */
static void
test_scattered(void **state)
{
	double cold = 0;

	(void)state;
	begin(8, 1u << 20, 0);
	scan(8, every_eighth, 40);
	for (uint64_t p = 0; p < 8 * PAGES; p += 64) {
		assert_about(heat_of(p, p + 1, NULL), 2 / GAP_S, 1.5);
		cold += heat_of(p + 1, p + 8, NULL) / 64;
	}
	assert_about(cold, 0.05, 2.5);
	heat_free(heat);
}

static double
alike(uint64_t page)
{
	(void)page;
	return 1;
}

static void
test_uniform_stays_uniform(void **state)
{
	double ratio;

	(void)state;
	begin(32, 1u << 20, 0);
	scan(32, alike, 12);
	assert_about(heat_of(0, 32 * PAGES, &ratio), 1, 1.25);
	assert_true(ratio < 2);
	heat_free(heat);
}

/* One bit for 2 MiB: its page is accessed 512 times as often as a small one. */
static void
test_huge_pages(void **state)
{
	(void)state;
	begin(128, 0, 1);
	for (int pass = 0; pass < 40; pass++) {
		tell(SAMPLE_ARMED, 0, 128 * PAGES, 0, 0);
		now_ns += (uint64_t)(GAP_S * 1e9);
		for (uint64_t r = 0; r < 128; r++) {
			if (poisson(r % 2 ? 1 : 0.1) > 0)
				tell(SAMPLE_SEEN, r * PAGES, 1, 0, 0);
		}
		look();
	}
	for (uint64_t r = 0; r < 8; r++)
		assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL),
			     (r % 2 ? 1 : 0.1) / GAP_S / 512, 2);
	heat_free(heat);
}

/* Pages that nobody marked, or marked later, tell nothing. */
static void
test_unmarked_and_late(void **state)
{
	struct heat_stats stats;
	size_t count;

	(void)state;
	begin(1, 1u << 20, 0);
	tell(SAMPLE_SEEN, 0, PAGES, 0, 0);
	now_ns += NS_PER_S;
	tell(SAMPLE_ARMED, 0, PAGES, 0, 0);
	now_ns -= NS_PER_S / 2;
	tell(SAMPLE_SEEN, 0, PAGES, 0, 0);
	now_ns += NS_PER_S / 2;
	heat_view(heat, now_ns, &count);
	for (uint64_t p = 0; p < PAGES; p++) {
		const struct page_heat *page = &heat->details[heat->regions[0].detail].page[p];

		assert_true(page->watched && !page->time);
	}
	/* Nor does memory that is nobody's. */
	tell(SAMPLE_SEEN, 4 * PAGES, PAGES, 0, 0);
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.samples_lost, 1);
	heat_free(heat);
}

/* Where bits can tell only that memory is hot, a coarse tracker that sees more is no news. */
static void
test_saturated_is_no_alarm(void **state)
{
	uint64_t before;

	(void)state;
	begin(16, 1u << 20, 0);
	scan(16, every_eighth, 20);
	before = heat_alarms(heat);
	for (int i = 0; i < 40; i++) {
		now_ns += 250 * MS;
		for (uint64_t r = 0; r < 16; r++)
			tell(SAMPLE_RATE, r * PAGES, PAGES, 30, 0.25);
	}
	assert_int_equal(heat_alarms(heat), before);
	heat_free(heat);
}

static double
cold_but_one(uint64_t page)
{
	return page / PAGES % 16 == 3 ? 1 : 0.1;
}

/* Where they can tell more, it is. */
static void
test_alarms_beside_bits(void **state)
{
	uint64_t before;

	(void)state;
	begin(32, 1u << 20, 0);
	scan(32, cold_but_one, 20);
	before = heat_alarms(heat);
	for (int i = 0; i < 40; i++) {
		now_ns += 250 * MS;
		for (uint64_t r = 0; r < 32; r++)
			tell(SAMPLE_RATE, r * PAGES, PAGES, r == 7 ? 10 : poisson(0.025), 0.25);
	}
	assert_true(heat_alarms(heat) > before);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_uniform_stays_uniform),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_unmarked_and_late),
		cmocka_unit_test(test_saturated_is_no_alarm),
		cmocka_unit_test(test_alarms_beside_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
