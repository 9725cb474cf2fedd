/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_told.c - hot memory that only a tracker of ranges told of stays hot, whatever else is
 * known page by page meanwhile.
 */
#include "heat_world.h"

#define REGIONS 200u
#define HOT 20u /* the last ones: never marked */
#define COLD_RATE 0.5

static uint8_t marked[REGIONS * HEAT_REGION_PAGES];
static double rates[REGIONS * HEAT_REGION_PAGES];

/* Ranges of two regions, looked at eight times in 1.6 s: of an access hardly more is seen than that
 * there was one, so hot memory looks less hot than it is. */
static void
tell_ranges(double hot_rate)
{
	for (uint64_t r = 0; r < REGIONS; r += 2)
		tell(SAMPLE_RATE, r * PAGES, 2 * PAGES,
		     (r >= REGIONS - HOT ? hot_rate : COLD_RATE) * 1.6, 1.6);
}

static void
test_told_stays_hot(void **state)
{
	double least = HUGE_VAL, most = 0;

	(void)state;
	begin(REGIONS, REGIONS * sizeof(struct detail), 0);
	for (uint64_t p = 0; p < REGIONS * PAGES; p++)
		rates[p] = COLD_RATE;
	memset(marked, 0, sizeof(marked));
	for (int pass = 0; pass < 4; pass++) {
		for (uint64_t r = 0; r < REGIONS - HOT; r++)
			mark(marked, r);
		for (int s = 0; s < 8; s++) {
			double hot;

			for (int step = 0; step < 16; step++)
				touch_by_chance(marked, rates, REGIONS * PAGES, 100 * MS);
			tell_ranges(s % 2 ? 10 : 4); /* where it hides in TLBs less is seen */
			look();
			hot = heat_of((REGIONS - HOT) * PAGES, REGIONS * PAGES, NULL);
			if (pass + s > 2) {
				least = fmin(least, hot);
				most = fmax(most, hot);
			}
		}
	}
	assert_true(least > 2.5);
	assert_true(most < 30);
	assert_true(heat_of(0, (REGIONS - HOT) * PAGES, NULL) < 1.5);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_stays_hot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
