/* SPDX-License-Identifier: Apache-2.0 */
/* test_hint_windows.c - the time that a program stood in our faults is taken off its gaps, of the
 * window that marked the page last. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hint_windows.h"

#define FAULT_NS 1000u

static void
test_stall_is_taken_off(void **state)
{
	struct hint_windows windows = {0};

	(void)state;
	hint_windows_marked(&windows, 7, 0x1000, 0x9000, 100000);
	/* The first touch has waited for its own fault; the fourth for four. */
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x1000, 110000, FAULT_NS),
			 110000 - FAULT_NS);
	hint_windows_touched(&windows, 7, 7, 0x2000, 112000, FAULT_NS);
	hint_windows_touched(&windows, 7, 7, 0x3000, 114000, FAULT_NS);
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x4000, 116000, FAULT_NS),
			 116000 - 4 * FAULT_NS);
	/* A fault takes no longer than since the last one, and all no more than half of the gap. */
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x5000, 116500, 10 * FAULT_NS),
			 116500 - 4 * FAULT_NS - 500);
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x6000, 190000, 100 * FAULT_NS),
			 145000);
	/* Of an address that no window holds, or another process, nothing is known. */
	assert_int_equal(hint_windows_touched(&windows, 8, 8, 0x1000, 118000, FAULT_NS), 118000);
}

/* The same pages marked again: the touches between belong to the first marking, later ones must not
 * be dated before the second. */
static void
test_the_newest_window_counts(void **state)
{
	struct hint_windows windows = {0};

	(void)state;
	hint_windows_marked(&windows, 7, 0x1000, 0x101000, 100000);
	for (uint64_t i = 0; i < 200; i++)
		hint_windows_touched(&windows, 7, 7, 0x1000 + (i % 200) * 0x1000, 110000 + i * 2000,
				     FAULT_NS);
	hint_windows_marked(&windows, 7, 0x1000, 0x101000, 600000);
	assert_in_range(hint_windows_touched(&windows, 7, 7, 0x1000, 610000, FAULT_NS), 600001,
			610000);
	/* Also after a touch in an older one that is larger. */
	hint_windows_marked(&windows, 7, 0x1000, 0x11000, 700000);
	hint_windows_touched(&windows, 7, 7, 0x50000, 701000, FAULT_NS);
	assert_in_range(hint_windows_touched(&windows, 7, 7, 0x1000, 702000, FAULT_NS), 700001,
			702000);
}

/* PAGES pages are marked at once and accessed as often as each other, each access one in `rest_ns`
 * of those that go on meanwhile. A fault takes 700 ns; 3000 is what it is thought to. Returns the
 * mean of the gaps that are found, in ns. */
#define PAGES 4096u

static double
mean_gap(struct hint_windows *windows, double rest_ns)
{
	uint64_t now_ns = 1000000;
	double sum = 0;

	memset(windows, 0, sizeof(*windows));
	hint_windows_marked(windows, 7, 0x1000, 0x1000 + PAGES * 0x1000ull, now_ns);
	for (uint32_t left = PAGES; left; left--) {
		double at = (rand() + 1.0) / (RAND_MAX + 2.0);

		now_ns += 700 + (uint64_t)(-log(at) * rest_ns * PAGES / left);
		sum += (double)(hint_windows_touched(windows, 7, 7, left * 0x1000ull, now_ns,
						     3000) -
				1000000);
	}
	return sum / PAGES;
}

/* Where hot pages fault one after another, what a fault takes is seen, and gaps are far shorter
 * than they seem; where accesses take most of the time, nothing is learned. */
static void
test_price_is_learned(void **state)
{
	struct hint_windows windows;
	double gap;

	(void)state;
	srand(1);
	gap = mean_gap(&windows, 100);
	assert_in_range(windows.process[0].price_ns, 650, 800);
	/* 410 us; with the faults 1.84 ms. */
	assert_true(gap > 410e3 / 2 && gap < 410e3 * 1.5);
	gap = mean_gap(&windows, 20000);
	assert_int_equal(windows.process[0].price_ns, 0);
	assert_true(gap > 82e6 / 1.2 && gap < 82e6 * 1.2);
}

/* What is evenly spaced is a sweep, whose accesses take time; a price is not for ever; and what one
 * process stood in faults is no other's gap, nor one thread's another's. */
static void
test_price_is_of_faults(void **state)
{
	struct hint_windows windows = {0};
	uint64_t now_ns = 1000000, price_ns;

	(void)state;
	hint_windows_marked(&windows, 7, 0x1000, 0x10000000, now_ns);
	for (int i = 0; i < 2000; i++)
		hint_windows_touched(&windows, 7, 7, 0x1000, now_ns += 10700, 1000);
	assert_int_equal(windows.process[0].price_ns, 0);

	mean_gap(&windows, 100);
	price_ns = windows.process[0].price_ns;
	assert_true(price_ns > 0);
	now_ns = 10000000000;
	hint_windows_marked(&windows, 7, 0x1000, 0x10000000, now_ns);
	hint_windows_marked(&windows, 8, 0x1000, 0x10000000, now_ns);
	for (int i = 0; i < 999; i++)
		hint_windows_touched(&windows, 7, 7, 0x1000, now_ns += price_ns, 3000);
	assert_int_equal(hint_windows_touched(&windows, 8, 8, 0x1000, now_ns, 3000), now_ns - 3000);
	/* A second thread, of which it is not known whether it stood still meanwhile. */
	assert_true(hint_windows_touched(&windows, 7, 9, 0x2000, now_ns, 3000) >=
		    now_ns - (now_ns - 10000000000) / 2);

	now_ns += 61000000000;
	hint_windows_touched(&windows, 7, 7, 0x1000, now_ns, 3000);
	assert_int_equal(windows.process[0].price_ns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall_is_taken_off),
		cmocka_unit_test(test_the_newest_window_counts),
		cmocka_unit_test(test_price_is_learned),
		cmocka_unit_test(test_price_is_of_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
