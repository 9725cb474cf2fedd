/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_pace.c - a process that runs fast and slowly in turn: memory that was watched while it
 * ran fast is no hotter than memory that was watched while it ran slowly.
 */
#include "pace.h"

#include "heat_world.h"

#define REGIONS 24u
#define STEP_NS (20 * MS)
#define PHASE_STEPS 500u /* 10 s */

static uint8_t marked[REGIONS * HEAT_REGION_PAGES];
static double rates[REGIONS * HEAT_REGION_PAGES];
static uint64_t hotter; /* so many regions from 0 on are accessed four times as often */

static int
is_fast(unsigned int step)
{
	return step / PHASE_STEPS % 2;
}

/* Regions from 0 on are watched all the time, from 8 on while the process runs fast, from 16 on
 * while it runs slowly. */
static int
is_watched(uint64_t region, int fast)
{
	return region < 8 || (region < 16) == fast;
}

/* Everything is accessed `rate` times a second, or `times` as often while the process runs fast. */
static void
live(unsigned int steps, double rate, double times)
{
	memset(marked, 0, sizeof(marked));
	for (unsigned int step = 0; step < steps; step++) {
		double now = rate * (is_fast(step) ? times : 1);

		for (uint64_t r = 0; r < REGIONS; r++) {
			if ((step + r * 7) % 50 == 0 && is_watched(r, is_fast(step)))
				mark(marked, r);
		}
		for (uint64_t p = 0; p < REGIONS * PAGES; p++)
			rates[p] = p / PAGES < hotter ? 4 * now : now;
		touch_by_chance(marked, rates, REGIONS * PAGES, STEP_NS);
		if (step % 50 == 0)
			look();
	}
}

static void
test_phases(void **state)
{
	double fast, slow;

	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(10 * PHASE_STEPS, 0.5, 3);
	fast = heat_of(8 * PAGES, 16 * PAGES, NULL);
	slow = heat_of(16 * PAGES, 24 * PAGES, NULL);
	/* As measured they differ by 3. */
	assert_about(fast, slow, 1.4);
	heat_free(heat);
}

/* Where nothing varies nothing is taken off. */
static void
test_steady(void **state)
{
	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(10 * PHASE_STEPS, 0.5, 1);
	assert_about(heat_of(0, 8 * PAGES, NULL), 0.5, 1.2);
	assert_about(heat_of(8 * PAGES, 16 * PAGES, NULL), 0.5, 1.2);
	assert_about(heat_of(16 * PAGES, 24 * PAGES, NULL), 0.5, 1.2);
	/* Nor does what is usual drift. */
	live(20 * PHASE_STEPS, 0.5, 1);
	assert_true(fabsf(pace_now(heat, PID)) < 0.3f);
	heat_free(heat);
}

/* A pace that stays becomes the usual one. */
static void
test_stays(void **state)
{
	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(4 * PHASE_STEPS, 0.25, 1);
	live(4 * PHASE_STEPS, 1, 1);
	assert_about(heat_of(0, 8 * PAGES, NULL), 1, 1.4);
	heat_free(heat);
}

/* What grows hotter alone is hotter. */
static void
test_one_alone(void **state)
{
	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(4 * PHASE_STEPS, 0.5, 1);
	hotter = 3;
	live(4 * PHASE_STEPS, 0.5, 1);
	hotter = 0;
	assert_about(heat_of(0, 3 * PAGES, NULL), 2, 1.5);
	assert_about(heat_of(3 * PAGES, 8 * PAGES, NULL), 0.5, 1.2);
	heat_free(heat);
}

/* What begins anew begins by the clock. */
static void
test_restart(void **state)
{
	const struct region *region;

	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(3 * PHASE_STEPS / 2, 0.5, 4);
	assert_true(pace_now(heat, PID) > 1);
	heat_restart(heat, PID, now_ns);
	assert_true(fabsf(pace_now(heat, PID)) <= 0);
	region = &heat->regions[0];
	assert_true(region->armed[0] > 0);
	assert_int_equal(pace_since(region, region->armed[0] + 5000000, region->armed[0]), 5000000);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),  cmocka_unit_test(test_steady),
		cmocka_unit_test(test_stays),   cmocka_unit_test(test_one_alone),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
