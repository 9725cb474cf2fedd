/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_effort.c - how hard to look: fully when nothing is known, hardly at all when better
 * knowledge could win nothing, not at all while a program fills its memory; and how long what moved
 * stays.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doubt.h"
#include "effort.h"
#include "heat.h"
#include "horizon.h"

#define S 1000000000ull
#define MIB (1u << 20)
#define REGIONS 256u

static struct sluice_region entries[REGIONS];
static const struct sluice_tier tiers[2] = {{.total_bytes = REGIONS * MIB},
					    {.total_bytes = 2ull * REGIONS * MIB}};

/* Half of the memory is in fast memory. Heat of the fast and the slow half, and the spread of their
 * estimates in octaves; sigma < 0: nothing is known. */
static double
doubt_of(double fast, double slow, double sigma)
{
	for (uint32_t i = 0; i < REGIONS; i++) {
		float heat = (float)(i < REGIONS / 2 ? fast : slow);

		entries[i] = (struct sluice_region){
			.addr = i * 2ull * MIB,
			.span_bytes = 2 * MIB,
			.bytes = 2 * MIB,
			.tier = i < REGIONS / 2 ? 0 : 1,
			.heat = sigma < 0 ? 0 : heat,
			.heat_low = sigma < 0 ? 0 : heat * exp2f((float)-sigma / 2),
			.heat_high = sigma < 0 ? HUGE_VALF : heat * exp2f((float)sigma / 2),
		};
	}
	return doubt_share(entries, REGIONS, tiers, 2, HEAT_MODEL_VAR);
}

static void
test_doubt(void **state)
{
	double little, much;

	(void)state;
	/* Nothing known, nothing to learn, much to learn. */
	assert_true(doubt_of(1, 1, -1) > 0.99);
	assert_true(doubt_of(100, 1, 0.1) < 0.001);
	little = doubt_of(10, 10, 0.5);
	much = doubt_of(10, 10, 2);
	assert_true(little > 0 && little < much && much < 1);
	/* Far from the cut an uncertain estimate does not matter. */
	assert_true(doubt_of(1000, 1, 1) < little);
	/* The spread that no gap can reduce is not in doubt. */
	assert_true(doubt_of(10, 10, 0.9 * sqrt(HEAT_MODEL_VAR)) <= 0);
}

static void
test_doubt_needs_two_tiers(void **state)
{
	(void)state;
	doubt_of(10, 10, 2);
	assert_true(doubt_share(entries, REGIONS, tiers, 1, HEAT_MODEL_VAR) <= 0);
	assert_true(doubt_share(entries, 0, tiers, 2, HEAT_MODEL_VAR) <= 0);
}

static void
test_effort_follows_doubt(void **state)
{
	struct effort effort;
	double full, now;
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_wake(&effort, t);
	full = effort.now;
	assert_true(full > 0.1);
	for (int i = 0; i < 8; i++)
		effort_update(&effort, 0, 1.0 - 0.1 * i, 0, t += S);
	assert_true(effort.now >= full);
	for (int i = 0; i < 8; i++)
		effort_update(&effort, 0, 0.01, 0, t += S);
	now = effort.now;
	assert_true(now < full / 4 && now >= effort.steady);
	for (int i = 0; i < 8; i++)
		effort_update(&effort, 0, 0, 0, t += S);
	assert_true(effort.now <= effort.steady);
	/* While nothing happens, even less. */
	effort_update(&effort, 0, 0, 3, t += S);
	assert_true(effort.now < 0.6 * effort.steady);
}

/* Some doubt no looking removes. */
static void
test_effort_that_does_not_help(void **state)
{
	struct effort effort;
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_wake(&effort, t);
	for (int i = 0; i < 24; i++)
		effort_update(&effort, 0, 0.5, 0, t += S);
	assert_true(effort.now < effort.full / 8);
	effort_alarm(&effort, t += S);
	assert_true(effort.now >= effort.full);
}

/* Of scattered heat little is learned in a second, but it lasts. */
static void
test_effort_that_pays(void **state)
{
	struct effort effort, hardly;
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_init(&hardly, 0.01);
	effort_wake(&effort, t);
	effort_wake(&hardly, t);
	for (int i = 0; i < 40; i++) {
		t += S;
		effort_update(&effort, 0, 0.15 - 0.002 * i, 0, t);
		effort_update(&hardly, 0, 0.15 - 0.00001 * i, 0, t);
	}
	assert_true(effort.now > 0.39);
	assert_true(hardly.now < 0.05);
}

static void
test_effort_ends_when_heat_never_settles(void **state)
{
	struct effort effort;

	(void)state;
	effort_init(&effort, 0.01);
	effort_wake(&effort, S);
	for (uint64_t t = 1; t < 1200; t++)
		effort_update(&effort, 0, 1.0, 0, S + t * S);
	assert_true(effort.now <= effort.steady);
}

static void
test_growth(void **state)
{
	struct effort effort;

	(void)state;
	effort_init(&effort, 0.01);
	effort_pause(&effort, 1);
	effort_wake(&effort, S);
	assert_true(effort.now <= 0);
	effort_alarm(&effort, 2 * S);
	effort_update(&effort, 0, 1.0, 0, 10 * S);
	assert_true(effort.now <= 0);
	effort_pause(&effort, 0);
	assert_true(effort.now >= effort.steady && effort.now < effort.full);
	effort_wake(&effort, 11 * S);
	assert_true(effort.now >= effort.full);
}

static void
test_false_alarms_are_heard_less(void **state)
{
	struct effort effort;
	uint64_t t = 100 * S;
	unsigned int heard = 0;

	(void)state;
	effort_init(&effort, 0.01);
	for (int second = 0; second < 600; second++) {
		double before = effort.now;

		effort_alarm(&effort, t);
		heard += effort.now > before;
		/* Much may be moved, but nothing was won. */
		effort_update(&effort, 0.00002, 0, 0, t += S);
	}
	assert_in_range(heard, 2, 12);
	/* One that won something is heard at once the next time. */
	effort_alarm(&effort, t += 700 * S);
	assert_true(effort.now >= effort.full);
	for (int i = 0; i < 12; i++)
		effort_update(&effort, 0.005, 0, 0, t += S);
	assert_true(effort.now <= effort.steady);
	effort_alarm(&effort, t += S);
	assert_true(effort.now >= effort.full);
}

/* Of large memory a little more is known each time: that is no reason to give up. */
static void
test_effort_goes_on_while_memory_becomes_known(void **state)
{
	struct effort effort, stuck;
	uint64_t t = 100 * S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_init(&stuck, 0.01);
	effort_wake(&effort, t);
	effort_wake(&stuck, t);
	for (int s = 0; s < 40; s++, t += S) {
		double unknown = 1 - 0.02 * ((s + 3) / 6); /* and paid for in between */

		effort_unknown(&effort, unknown, t);
		effort_unknown(&stuck, 1, t);
		effort_update(&effort, 0, 0.9, 0, t);
		effort_update(&stuck, 0, 0.9, 0, t);
	}
	assert_true(effort.now > 0.39);
	assert_true(stuck.now < 0.05);
}

/* Where trackers are slow a few seconds show little, and say nothing of whether looking helps. */
static void
test_effort_is_not_judged_too_soon(void **state)
{
	struct effort slow, little;
	double seen = 0;
	uint64_t t = S;

	(void)state;
	effort_init(&slow, 0.01);
	effort_init(&little, 0.01);
	effort_wake(&slow, t);
	effort_wake(&little, t);
	for (int i = 0; i < 16; i++) {
		t += S;
		seen += 0.05;
		effort_seen(&slow, seen);
		effort_seen(&little, seen);
		effort_update(&slow, 0, 0.2, 0, t);
		effort_update(&little, 0, 0.03, 0, t); /* that is to be won by looking on */
	}
	assert_true(slow.now >= slow.full);
	assert_true(little.now < little.full / 4);
	/* But not for ever, */
	for (int i = 0; i < 90; i++)
		effort_update(&slow, 0, 0.2, 0, t += S);
	assert_true(slow.now < slow.full / 4);
}

static void
test_effort_while_more_is_known_than_can_be_moved(void **state)
{
	struct effort effort;
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_wake(&effort, t);
	effort_crowd(&effort, 1, 0.1);
	assert_true(effort_share(&effort) < 0.3 * effort.full);
	assert_true(effort_share(&effort) >= effort.steady);
	/* Looking is not judged meanwhile, */
	for (int i = 0; i < 40; i++)
		effort_update(&effort, 0, 0.1, 0, t += S);
	assert_true(effort.now >= effort.full);
	/* and goes on afterwards; with much doubt it is not put off at all. */
	effort_crowd(&effort, 0, 0.1);
	assert_true(effort_share(&effort) >= effort.full);
	effort_crowd(&effort, 1, 0.5);
	assert_true(effort_share(&effort) >= effort.full);
	/* A price that the user set is kept. */
	effort_fix(&effort, 0.08);
	effort_crowd(&effort, 1, 0.1);
	assert_true(effort_share(&effort) >= 0.08);
}

static void
test_effort_for_what_is_new(void **state)
{
	struct effort effort;
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	assert_false(effort.first);
	effort_wake(&effort, t);
	assert_true(effort.first);
	for (int i = 0; i < 5; i++)
		effort_update(&effort, 0, 0, 0, t += S);
	assert_false(effort.first);
	effort_alarm(&effort, t += 100 * S);
	assert_true(effort.alarmed);
	assert_false(effort.first);
}

/* Eight decisions that plan nothing, with nothing in doubt. Returns the time after them. */
static uint64_t
rest_for(struct effort *effort, uint64_t t)
{
	for (int i = 0; i < 8; i++)
		effort_update(effort, 0, 0, 0, t += S);
	return t;
}

/* One that has learned all there is. */
static uint64_t
rested(struct effort *effort)
{
	effort_init(effort, 0.01);
	effort_wake(effort, S);
	return rest_for(effort, S);
}

/* Much is moved, and then most of that is carried out. Returns the time after it. */
static uint64_t
move_much(struct effort *effort, uint64_t t)
{
	effort_update(effort, 0.5, 0, 0, t += S);
	effort_update(effort, 0.02, 0, 0, t += S);
	assert_true(effort->now >= effort->full);
	return t;
}

/* What was moved on the word of a few seconds is looked at once more; small moves are no reason. */
static void
test_effort_after_much_was_moved(void **state)
{
	struct effort effort;
	uint64_t t = rested(&effort);

	(void)state;
	assert_true(effort.now <= effort.steady);
	effort_update(&effort, 0.3, 0, 0, t += S);
	assert_true(effort.now <= effort.steady);
	effort_update(&effort, 0.2, 0, 0, t += S);
	assert_true(effort.now <= effort.steady);
	effort_update(&effort, 0.02, 0, 0, t += S);
	assert_true(effort.now >= effort.full);
	assert_false(effort.first);
	t = rest_for(&effort, t);
	assert_true(effort.now <= effort.steady);
}

static void
test_effort_after_little_was_moved(void **state)
{
	struct effort effort;
	uint64_t t = rested(&effort);

	(void)state;
	for (int i = 0; i < 60; i++) {
		effort_update(&effort, 0.003, 0, 0, t += S);
		assert_true(effort.now <= effort.steady);
	}
	/* One who set a price gets it, whatever was moved. */
	effort_init(&effort, 0.01);
	effort_fix(&effort, 0.02);
	effort_wake(&effort, t);
	effort_update(&effort, 0.5, 0, 0, t += S);
	effort_update(&effort, 0, 0, 0, t += S);
	assert_true(effort.now <= 0.02);
}

/* While memory grows there is nothing to look at; an alarm is more urgent. */
static void
test_effort_check_that_is_broken_off(void **state)
{
	struct effort effort;
	uint64_t t = rested(&effort);

	(void)state;
	for (int alarm = 0; alarm < 2; alarm++) {
		effort_seen(&effort, 5);
		t = move_much(&effort, t + 100 * S);
		for (int i = 0; i < 10; i++)
			effort_update(&effort, 0, 0, 0, t += S);
		assert_true(effort_is_unhurried(&effort));
		if (alarm)
			effort_alarm(&effort, t);
		else
			effort_pause(&effort, 1);
		assert_false(effort_is_unhurried(&effort));
		assert_true(alarm ? effort.now >= effort.full : effort.now <= 0);
		effort_pause(&effort, 0);
		t = rest_for(&effort, t);
		assert_true(effort.now <= effort.steady);
	}
}

/* It goes on at a pace that hurts less until there was a sample for each page; not for ever. */
static void
test_effort_until_every_page_was_seen(void **state)
{
	struct effort effort;
	uint64_t t = rested(&effort);
	double seen = 5;

	(void)state;
	for (int never = 0; never < 2; never++) {
		effort_seen(&effort, seen);
		t = move_much(&effort, t + 100 * S);
		for (int i = 0; i < 28; i++) {
			assert_true(i < 8 || i > 20 || effort_is_unhurried(&effort));
			effort_seen(&effort, never ? seen : (seen += 0.045));
			effort_update(&effort, 0, 0, 0, t += S);
		}
		assert_true(never ? effort.now > effort.full / 5 : effort.now < effort.full / 10);
		t = rest_for(&effort, t);
		t = rest_for(&effort, t);
		assert_true(effort.now <= effort.steady);
	}
}

/* Where much moves all the time it is looked at less and less often. */
static void
test_effort_while_much_is_moved_for_ever(void **state)
{
	struct effort effort;
	unsigned int looks[2] = {0, 0};
	uint64_t t = S;

	(void)state;
	effort_init(&effort, 0.01);
	effort_wake(&effort, t);
	for (int i = 0; i < 1000; i++) {
		effort_update(&effort, i % 5 ? 0 : 0.2, 0, 0, t += S);
		looks[i >= 500] += effort.now >= effort.full;
	}
	assert_true(looks[0] > 20);
	assert_true(looks[1] < looks[0] / 2);
}

static void
test_horizon(void **state)
{
	struct horizon horizon;
	uint64_t expected = 0, t = S;

	(void)state;
	horizon_init(&horizon, 300000);
	assert_int_equal(horizon_update(&horizon, 0, 512ull * MIB, t), 300000);
	/* What stays makes us trust in longer stays, up to a limit, */
	for (int i = 0; i < 3600; i++)
		expected = horizon_update(&horizon, 100ull * MIB, 512ull * MIB, t += S);
	assert_int_equal(expected, 12 * 300000);
	/* and what leaves again in shorter ones. */
	horizon_init(&horizon, 300000);
	for (int i = 0; i < 120; i++) {
		horizon_left(&horizon, 10ull * MIB);
		expected = horizon_update(&horizon, 100ull * MIB, 512ull * MIB, t += S);
	}
	assert_in_range(expected, 10000, 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_doubt_needs_two_tiers),
		cmocka_unit_test(test_effort_follows_doubt),
		cmocka_unit_test(test_effort_that_does_not_help),
		cmocka_unit_test(test_effort_that_pays),
		cmocka_unit_test(test_effort_ends_when_heat_never_settles),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_false_alarms_are_heard_less),
		cmocka_unit_test(test_effort_goes_on_while_memory_becomes_known),
		cmocka_unit_test(test_effort_is_not_judged_too_soon),
		cmocka_unit_test(test_effort_while_more_is_known_than_can_be_moved),
		cmocka_unit_test(test_effort_for_what_is_new),
		cmocka_unit_test(test_effort_after_much_was_moved),
		cmocka_unit_test(test_effort_after_little_was_moved),
		cmocka_unit_test(test_effort_until_every_page_was_seen),
		cmocka_unit_test(test_effort_check_that_is_broken_off),
		cmocka_unit_test(test_effort_while_much_is_moved_for_ever),
		cmocka_unit_test(test_horizon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
