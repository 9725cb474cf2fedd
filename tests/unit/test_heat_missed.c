/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_missed.c - a few pages of a hot region whose touch was missed do not make it look cold,
 * however long they seem to wait; most of its pages do.
 */
#include "heat_world.h"

#define REGIONS 8u
#define HOT 2u

static uint8_t marked[REGIONS * HEAT_REGION_PAGES];
static double rates[REGIONS * HEAT_REGION_PAGES];

/* Three markings of each region, all of whose touches come; then one after which `missed` pages of
 * the hot one are never heard of, and a minute. */
static double
heat_with(uint64_t missed, uint64_t detail_bytes)
{
	double heat_then;

	begin(REGIONS, detail_bytes, 0);
	for (uint64_t p = 0; p < REGIONS * PAGES; p++)
		rates[p] = p / PAGES == HOT ? 30 : 0.5;
	memset(marked, 0, sizeof(marked));
	for (int pass = 0; pass < 4; pass++) {
		for (uint64_t r = 0; r < REGIONS; r++)
			mark(marked, r);
		for (uint64_t p = 0; pass == 3 && p < missed; p++)
			marked[HOT * PAGES + p] = 0;
		for (int step = 0; step < 1000; step++)
			touch_by_chance(marked, rates, REGIONS * PAGES, 5 * MS);
		look();
	}
	now_ns += 60 * NS_PER_S;
	look();
	heat_then = heat_of(HOT * PAGES, (HOT + 1) * PAGES, NULL);
	heat_free(heat);
	return heat_then;
}

static void
test_missed(void **state)
{
	(void)state;
	for (int detail = 0; detail < 2; detail++) {
		uint64_t bytes = detail ? 1u << 20 : 0;

		assert_about(heat_with(0, bytes), 30, 1.4);
		assert_about(heat_with(5, bytes), 30, 1.6);
		assert_true(heat_with(PAGES, bytes) < 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
