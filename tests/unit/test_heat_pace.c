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

/* All is accessed `rate` times a second; regions [first, end) are watched. */
static void
live_all(unsigned int steps, double rate, uint64_t first, uint64_t end)
{
	for (uint64_t p = 0; p < REGIONS * PAGES; p++)
		rates[p] = rate;
	for (unsigned int step = 0; step < steps; step++) {
		for (uint64_t r = first; r < end; r++) {
			if ((step + r * 2) % 150 == 0)
				mark(marked, r);
		}
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
	double hot, cold;

	(void)state;
	begin(REGIONS, 1u << 20, 0);
	live(4 * PHASE_STEPS, 0.5, 1);
	hotter = 3;
	live(4 * PHASE_STEPS, 0.5, 1);
	hotter = 0;
	hot = heat_of(0, 3 * PAGES, NULL);
	cold = heat_of(3 * PAGES, 8 * PAGES, NULL);
	/* The pace takes a part of it, for a while; what matters is that they differ by four. */
	assert_about(hot, 2, 1.5);
	assert_about(cold, 0.5, 1.3);
	assert_about(hot / cold, 4, 1.25);
	heat_free(heat);
}

/* The mean of the lower and of the upper bounds of what a view shows of regions [first, end). */
static void
bounds_of(uint64_t first, uint64_t end, double *ret_low, double *ret_high)
{
	const struct sluice_region *entries;
	double low = 0, high = 0, bytes = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		uint64_t region = (entries[i].addr - BASE) / HEAT_REGION_BYTES;

		if (region < first || region >= end)
			continue;
		low += (double)entries[i].heat_low * entries[i].bytes;
		high += (double)entries[i].heat_high * entries[i].bytes;
		bytes += entries[i].bytes;
	}
	*ret_low = low / bytes;
	*ret_high = high / bytes;
}

/* All is accessed eight times as often, and eight regions are marked before that is found: they are
 * perhaps no hotter than the others, which were marked before. */
static void
test_leap(void **state)
{
	double low, high, unused;

	(void)state;
	begin(REGIONS, 1u << 20, 0);
	memset(marked, 0, sizeof(marked));
	live_all(300, 0.25, 0, REGIONS);
	for (uint64_t r = 0; r < 8; r++) {
		mark(marked, r);
		live_all(2, 2, REGIONS, REGIONS);
	}
	live_all(100, 2, REGIONS, REGIONS);
	assert_true(pace_now(heat, PID) > 2);
	bounds_of(0, 8, &low, &unused);
	bounds_of(8, REGIONS, &unused, &high);
	assert_true(low < high); /* not surely hotter */
	/* Marked again, they are known. */
	live_all(600, 2, 0, REGIONS);
	assert_about(heat_of(0, 8 * PAGES, NULL), 2, 1.4);
	assert_about(heat_of(8 * PAGES, REGIONS * PAGES, NULL), 2, 1.4);
	heat_free(heat);
}

/* Regions from 0 on, one after another within a second, while all is accessed `rate` times a
 * second. */
static void
mark_in_turn(uint64_t regions, double rate)
{
	for (uint64_t r = 0; r < regions; r++) {
		mark(marked, r);
		live_all(2, rate, REGIONS, REGIONS);
	}
	live_all(20, rate, REGIONS, REGIONS);
}

/* A moment in which all is accessed eight times as often, after a minute in which nothing was
 * marked: the minute was not like that. */
static void
test_one_word_after_a_silence(void **state)
{
	double before;

	(void)state;
	begin(REGIONS, 1u << 20, 0);
	memset(marked, 0, sizeof(marked));
	live_all(1200, 0.25, 0, REGIONS);
	live_all(3000, 0, REGIONS, REGIONS);
	before = heat_of(8 * PAGES, REGIONS * PAGES, NULL);
	mark_in_turn(8, 2);
	assert_true(pace_now(heat, PID) > 2);
	assert_about(heat_of(8 * PAGES, REGIONS * PAGES, NULL), before, 1.5);
	heat_free(heat);
}

/* All is accessed eight times as often, but regions are marked one by one, so that nothing tells
 * the pace: what is believed of them follows. When some are marked together they are touched sooner
 * than usual, and as soon as is believed. */
static void
test_usual_is_out_of_date(void **state)
{
	(void)state;
	begin(REGIONS, 1u << 20, 0);
	memset(marked, 0, sizeof(marked));
	live_all(450, 0.25, 0, REGIONS);
	for (uint64_t i = 0; i < 8 * REGIONS; i++) {
		mark(marked, i % REGIONS);
		live_all(55, 2, REGIONS, REGIONS);
	}
	assert_about(heat_of(0, REGIONS * PAGES, NULL), 2, 1.6);
	mark_in_turn(8, 2);
	assert_true(fabsf(pace_now(heat, PID)) < 1.5f);
	assert_about(heat_of(0, REGIONS * PAGES, NULL), 2, 1.6);
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
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_one_alone),
		cmocka_unit_test(test_one_word_after_a_silence),
		cmocka_unit_test(test_usual_is_out_of_date),
		cmocka_unit_test(test_leap),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
