/* SPDX-License-Identifier: Apache-2.0 */
/* test_hint_windows.c - the time that a program stood in our faults is taken off its gaps, of the
 * window that marked the page last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hint_windows.h"

#define FAULT_NS 1000u

static void
test_stall_is_taken_off(void **state)
{
	struct hint_windows windows = {0};

	(void)state;
	hint_windows_marked(&windows, 7, 0x1000, 0x9000, 100000);
	/* The first touch has waited for nobody; the fourth for three faults. */
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x1000, 110000, FAULT_NS),
			 110000 - FAULT_NS);
	hint_windows_touched(&windows, 7, 7, 0x2000, 112000, FAULT_NS);
	hint_windows_touched(&windows, 7, 7, 0x3000, 114000, FAULT_NS);
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x4000, 116000, FAULT_NS),
			 116000 - 4 * FAULT_NS);
	/* Never more than half of the gap. */
	assert_int_equal(hint_windows_touched(&windows, 7, 7, 0x5000, 117000, 10 * FAULT_NS),
			 108500);
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall_is_taken_off),
		cmocka_unit_test(test_the_newest_window_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
