/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_exact.c - counts that are the truth, and trackers that tell of the same memory. */
#include "heat_world.h"

/* Every range has its rate, in one-second steps. */
static void
exact_for(int seconds, const double *rates, uint64_t ranges, uint64_t pages_each)
{
	for (int s = 0; s < seconds; s++) {
		now_ns += NS_PER_S;
		for (uint64_t i = 0; i < ranges; i++)
			tell(SAMPLE_EXACT, i * pages_each, pages_each, rates[i], 1);
		look();
	}
}

static const double four[] = {0.25, 3, 40, 5000};

/* Regions whose pages are alike need no detail. */
static void
test_regions(void **state)
{
	(void)state;
	begin(4, 1u << 20, 0);
	exact_for(12, four, 4, PAGES);
	for (uint64_t r = 0; r < 4; r++)
		assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL), four[r], 1.3);
	assert_int_equal(regions_in_detail(), 0);
	/* And what is hot now is, at once. */
	tell(SAMPLE_EXACT, 0, PAGES, 5000, 1);
	tell(SAMPLE_EXACT, 3 * PAGES, PAGES, 0, 1);
	assert_about(heat_of(0, PAGES, NULL), 5000, 1.3);
	assert_true(heat_of(3 * PAGES, 4 * PAGES, NULL) < 1);
	heat_free(heat);
}

/* Four ranges in each region. */
static void
test_pages(void **state)
{
	double rates[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		rates[i] = four[i % 4];
	begin(4, 1u << 20, 0);
	exact_for(12, rates, 16, PAGES / 4);
	assert_int_equal(regions_in_detail(), 4);
	for (uint64_t i = 1; i < 16; i++)
		assert_about(heat_of(i * PAGES / 4, (i + 1) * PAGES / 4, NULL), rates[i], 1.4);
	/* One page of them. */
	for (int s = 0; s < 3; s++)
		tell(SAMPLE_EXACT, 5, 1, 777, 1);
	assert_about(heat_of(5, 6, NULL), 777, 1.3);
	assert_true(heat_of(6, 7, NULL) < 2);
	heat_free(heat);
}

/* A region that comes in parts that are alike needs no detail once its rate is known. */
static void
test_alike_parts(void **state)
{
	static const double alike[] = {40, 40, 40, 40, 40, 40, 40, 40};

	(void)state;
	begin(4, 1u << 20, 0);
	tell(SAMPLE_EXACT, 0, 4 * PAGES, 40, 1);
	exact_for(4, alike, 8, PAGES / 2);
	assert_int_equal(regions_in_detail(), 0);
	assert_about(heat_of(0, PAGES, NULL), 40, 1.2);
	heat_free(heat);
}

/* No room: the mean, which is what there is to know. */
static void
test_no_room(void **state)
{
	static const double halves[] = {100, 50, 100, 50, 100, 50, 100, 50};

	(void)state;
	begin(4, 0, 0);
	exact_for(4, halves, 8, PAGES / 2);
	assert_about(heat_of(0, PAGES, NULL), 75, 1.6);
	heat_free(heat);
}

static void
test_huge_pages(void **state)
{
	(void)state;
	begin(4, 1u << 20, 1);
	exact_for(12, four, 4, PAGES);
	for (uint64_t r = 0; r < 4; r++)
		assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL), four[r], 1.3);
	heat_free(heat);
}

/* Memory that was alike for long is believed to be alike; when it is not any more, that shows in
 * the next view. */
static void
test_alike_no_more(void **state)
{
	double rates[64];

	(void)state;
	for (int i = 0; i < 64; i++)
		rates[i] = 40;
	begin(64, 1u << 20, 0);
	exact_for(120, rates, 64, PAGES);
	for (int i = 0; i < 64; i++)
		rates[i] = i < 8 ? 300 : 4;
	exact_for(1, rates, 64, PAGES);
	assert_about(heat_of(0, PAGES, NULL), 300, 1.3);
	assert_about(heat_of(9 * PAGES, 10 * PAGES, NULL), 4, 1.3);
	heat_free(heat);
}

static void
test_nonsense(void **state)
{
	struct heat_stats stats;

	(void)state;
	begin(1, 1u << 20, 0);
	tell(SAMPLE_EXACT, 0, PAGES, 5, 0);
	tell(SAMPLE_EXACT, 3 * PAGES, PAGES, 5, 1);
	tell((enum sample_kind)99, 0, PAGES, 5, 1);
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.samples_lost, 3);
	heat_free(heat);
}

/* Hardware counters draw too seldom to know each region, and ranges' rates fill the gaps: as far as
 * that tracker's scale is to be trusted. */
static double
odd_region_heat(float spread)
{
	double heat_now;

	begin(64, 1u << 20, 0);
	for (int step = 0; step < 80; step++) {
		tell(SAMPLE_COUNTING, 0, 0, 1e5, 0);
		now_ns += 250 * MS;
		for (uint64_t r = 0; r < 64; r++) {
			double rate = r % 8 ? 5 : 80;
			struct sample sample = {.kind = SAMPLE_RATE,
						.pid = PID,
						.addr = BASE + r * HEAT_REGION_BYTES,
						.len_bytes = HEAT_REGION_BYTES,
						.time_ns = now_ns,
						.events = (float)poisson(rate / 4),
						.exposure_s = 0.25f,
						.spread = spread};

			heat_fold(heat, &sample, 1);
			for (unsigned int n = poisson(rate * PAGES / 4e5); n; n--)
				tell(SAMPLE_COUNT, r * PAGES + (uint64_t)rand() % PAGES, 0, 1e5, 0);
		}
		look();
	}
	heat_now = log2(heat_of(8 * PAGES, 9 * PAGES, NULL));
	heat_free(heat);
	return heat_now;
}

static void
test_ranges_beside_draws(void **state)
{
	double trusted, doubted;

	(void)state;
	trusted = odd_region_heat(0.25f);
	doubted = odd_region_heat(8);
	assert_true(fabs(trusted - log2(80)) < 0.6);
	assert_true(fabs(doubted - log2(80)) < 2);
	assert_true(fabs(doubted - trusted) > 0.01);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),     cmocka_unit_test(test_pages),
		cmocka_unit_test(test_alike_parts), cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_huge_pages),  cmocka_unit_test(test_alike_no_more),
		cmocka_unit_test(test_nonsense),    cmocka_unit_test(test_ranges_beside_draws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
