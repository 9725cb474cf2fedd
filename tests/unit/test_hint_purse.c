/* SPDX-License-Identifier: Apache-2.0 */
/* test_hint_purse.c - hint faults cost what they may, though pages are marked long before. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hint_purse.h"

#define MS 1000000ull
#define S (1000 * MS)
#define FAULT_NS 10000u
#define WINDOW 512.0

static struct hint_purse purse;

/* Every 50 ms, for so long, as many pages are marked as the purse allows, in windows; that part of
 * them faults after two seconds, in ticks of 50 ms. Returns what faults cost, as share of a CPU. */
static double
live(double effort, unsigned int seconds, double faulting)
{
	double waiting[40] = {0}, faults = 0, left_over = 0;
	uint64_t now_ns = S;

	hint_purse_init(&purse, effort, FAULT_NS, now_ns);
	for (unsigned int tick = 0; tick < seconds * 20; tick++, now_ns += 50 * MS) {
		double due = waiting[tick % 40] * faulting + left_over;

		left_over = due - floor(due);
		hint_purse_fill(&purse, now_ns);
		hint_purse_touched(&purse, (uint64_t)due, (uint64_t)due);
		faults += floor(due);
		waiting[tick % 40] = 0;
		for (int windows = 0;
		     windows < 8 && hint_purse_left(&purse) > hint_purse_most(&purse) / 2;
		     windows++) {
			hint_purse_marked(&purse, WINDOW);
			waiting[tick % 40] += WINDOW;
		}
	}
	return faults * FAULT_NS / 1e9 / seconds;
}

/* What waits is reckoned with: it is not marked again and again until the first of it faults. */
static void
test_pages_that_wait(void **state)
{
	double cost = live(0.01, 300, 1);

	(void)state;
	assert_true(cost > 0.005 && cost < 0.02);
	cost = live(0.1, 300, 1);
	assert_true(cost > 0.05 && cost < 0.2);
}

/* Where few of the marked pages are ever touched, many are marked. */
static void
test_idle_memory(void **state)
{
	double cost = live(0.01, 300, 0.02);

	(void)state;
	assert_true(cost > 0.001 && cost < 0.02);
	assert_true(live(0.01, 300, 0) <= 0);
	assert_true(hint_purse_left(&purse) >= hint_purse_most(&purse));
}

/* A burst of faults is paid for; forgiven when we must look again; and not for ever. */
static void
test_debts(void **state)
{
	double debt;

	(void)state;
	hint_purse_init(&purse, 0.01, FAULT_NS, S);
	hint_purse_fill(&purse, 2 * S);
	hint_purse_touched(&purse, 5000, 5000); /* 50 ms, of which 10 are there */
	assert_true(hint_purse_left(&purse) < -35e6);
	hint_purse_fill(&purse, 4 * S);
	assert_true(hint_purse_left(&purse) < -15e6);
	debt = hint_purse_left(&purse);
	hint_purse_effort(&purse, 0.005); /* at this pace, as long */
	assert_true(fabs(hint_purse_left(&purse) - debt / 2) < 1);
	hint_purse_effort(&purse, 0.4);
	assert_true(hint_purse_left(&purse) >= 0);
	hint_purse_effort(&purse, 0.01);
	hint_purse_touched(&purse, 1000000, 1000000);
	hint_purse_fill(&purse, 5 * S);
	hint_purse_fill(&purse, 21 * S);
	assert_true(hint_purse_left(&purse) > 0);
}

/* When effort falls, what was marked before is no debt at the new pace. */
static void
test_effort_falls(void **state)
{
	(void)state;
	(void)live(0.4, 60, 1);
	hint_purse_effort(&purse, 0.01);
	hint_purse_fill(&purse, 61 * S + 500 * MS);
	hint_purse_touched(&purse, 10000, 10000);
	assert_true(hint_purse_left(&purse) > 0);
	hint_purse_touched(&purse, 200000, 200000); /* more than can have waited */
	assert_true(hint_purse_left(&purse) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_that_wait),
		cmocka_unit_test(test_idle_memory),
		cmocka_unit_test(test_debts),
		cmocka_unit_test(test_effort_falls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
