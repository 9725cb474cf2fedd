/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_surprise.c - pages that are watched one by one tell at once when cold memory has become
 * hot, and cry wolf neither over early touches nor over pages that differ.
 */
#include "heat_world.h"

#define REGIONS 32u
#define STEP_NS (10 * MS)

static uint8_t marked[REGIONS * HEAT_REGION_PAGES];
static double rates[REGIONS * HEAT_REGION_PAGES];

/* A window that marks a region each 40 ms, so each once in 1.3 s. */
static void
live(unsigned int steps)
{
	static unsigned int step;

	for (unsigned int end = step + steps; step < end; step++) {
		if (step % 4 == 0)
			mark(marked, step / 4 % REGIONS);
		touch_by_chance(marked, rates, REGIONS * PAGES, STEP_NS);
		if (step % 100 == 0)
			look();
	}
}

static void
set_rates(double octaves)
{
	memset(marked, 0, sizeof(marked));
	for (size_t p = 0; p < REGIONS * PAGES; p++)
		rates[p] = 0.5 * exp2(octaves * sqrt(-2 * log(uniform01())) *
				      cos(2 * 3.14159265358979 * uniform01()));
}

/* All pages alike, and known. */
static void
settle(void)
{
	begin(REGIONS, 1u << 20, 0);
	set_rates(0);
	live(2000);
}

/* Eight regions are forty times as hot from now on. */
static void
jump(void)
{
	for (uint64_t p = 8 * PAGES; p < 16 * PAGES; p++)
		rates[p] = 20;
}

static void
test_jump(void **state)
{
	uint64_t before;

	(void)state;
	settle();
	before = heat_alarms(heat);
	jump();
	live(150);
	/* Each of the eight regions was marked once or twice. */
	assert_in_range(heat_alarms(heat) - before, 12, 80);
	heat_free(heat);
}

/* When their regions are marked for the first time after it, most pages are believed to be hot. */
static void
test_is_believed_at_once(void **state)
{
	(void)state;
	settle();
	assert_about(heat_of(8 * PAGES, 16 * PAGES, NULL), 0.5, 1.3);
	jump();
	live(140);
	assert_true(heat_of(8 * PAGES, 16 * PAGES, NULL) > 7);
	assert_about(heat_of(20 * PAGES, 28 * PAGES, NULL), 0.5, 1.5);
	heat_free(heat);
}

/* A scan that comes by soon after the marking touches as many, but one after the other. */
static void
test_scan_is_not_believed(void **state)
{
	uint64_t before;

	(void)state;
	settle();
	before = heat_alarms(heat);
	for (uint64_t r = 8; r < 16; r++) {
		mark(marked, r);
		for (uint64_t p = r * PAGES; p < (r + 1) * PAGES; p++) {
			now_ns += MS / 20;
			tell(SAMPLE_TOUCH, p, 0, 0, 0);
			marked[p] = 0;
		}
	}
	assert_true(heat_alarms(heat) > before);
	assert_true(heat_of(8 * PAGES, 16 * PAGES, NULL) < 2);
	heat_free(heat);
}

static void
no_jump(uint64_t detail_bytes, double octaves)
{
	uint64_t before;

	begin(REGIONS, detail_bytes, 0);
	set_rates(octaves);
	live(1500);
	before = heat_alarms(heat);
	live(6000);
	assert_true(heat_alarms(heat) - before <= 1);
	heat_free(heat);
}

static void
test_no_jump(void **state)
{
	(void)state;
	no_jump(1u << 20, 0);
	no_jump(0, 0);
}

static void
test_no_jump_of_pages_that_differ(void **state)
{
	(void)state;
	no_jump(1u << 20, 2);
	no_jump(0, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_is_believed_at_once),
		cmocka_unit_test(test_scan_is_not_believed),
		cmocka_unit_test(test_no_jump),
		cmocka_unit_test(test_no_jump_of_pages_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
