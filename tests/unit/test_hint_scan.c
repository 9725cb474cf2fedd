/* SPDX-License-Identifier: Apache-2.0 */
/* test_hint_scan.c - what numa_balancing is set to, in every order of events that pages may move
 * in; see hint_scan.h for why its tiering bit must not be missing then. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_root.h"
#include "hint_scan.h"

static struct hint_scan scan;
static char state_dir[96];

static int
mode(void)
{
	return atoi(fake_get(HINT_MODE_FILE));
}

static void
set_free_kb(unsigned long free_kb)
{
	char text[128];

	snprintf(text, sizeof(text), "Node 0 MemTotal: 8388608 kB\nNode 0 MemFree: %lu kB\n",
		 free_kb);
	fake_put("/sys/devices/system/node/node0/meminfo", text);
}

static int
setup(void **state)
{
	static const char *const windows[] = {"scan_size_mb", "scan_period_min_ms",
					      "scan_period_max_ms", "scan_delay_ms"};
	char path[128];

	if (fake_root_make(state) < 0)
		return -1;
	fake_put(HINT_MODE_FILE, "1\n");
	fake_put(HINT_RATE_LIMIT_FILE, "65536\n");
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), HINT_SCAN_DIR "%s", windows[i]);
		fake_put(path, "256\n");
	}
	fake_put("/sys/devices/system/node/online", "0\n");
	fake_put("/sys/devices/system/node/node0/cpulist", "0\n");
	fake_put("/sys/devices/system/node/node0/distance", "10\n");
	set_free_kb(102400);
	snprintf(state_dir, sizeof(state_dir), "%s/state", fake_root);
	return hint_scan_open(&scan, fake_root, state_dir, 1, NULL);
}

static int
teardown(void **state)
{
	hint_scan_close(&scan);
	return fake_root_remove(state);
}

static void
test_bit_is_set_while_pages_move(void **state)
{
	(void)state;
	assert_int_equal(mode(), 0);
	assert_int_equal(hint_scan_add(&scan, 7, NULL), 0);
	assert_int_equal(mode(), 0);
	assert_int_equal(hint_scan_moving(&scan, 1, NULL), 0);
	assert_true(mode() & 2);
	hint_scan_mark(&scan, 1);
	assert_int_equal(mode(), 3);
	hint_scan_mark(&scan, 0);
	assert_true(mode() & 2);
	/* The last target goes, another comes, and nobody said that moving is over. */
	hint_scan_remove(&scan, 7);
	assert_false(mode() & 1);
	assert_int_equal(hint_scan_add(&scan, 8, NULL), 0);
	assert_true(mode() & 2);
	/* With much of fast memory free the kernel may be promoting just now: the bit stays. */
	set_free_kb(4u << 20);
	assert_int_equal(hint_scan_moving(&scan, 0, NULL), 0);
	assert_int_equal(mode(), 2);
	set_free_kb(102400);
	hint_scan_mark(&scan, 0);
	assert_int_equal(mode(), 0);
}

static void
test_closing_puts_all_back(void **state)
{
	(void)state;
	assert_int_equal(hint_scan_add(&scan, 7, NULL), 0);
	hint_scan_mark(&scan, 1);
	assert_int_equal(hint_scan_moving(&scan, 1, NULL), 0);
	hint_scan_close(&scan);
	assert_int_equal(mode(), 1);
	assert_int_equal(atoi(fake_get(HINT_RATE_LIMIT_FILE)), 65536);
	assert_int_equal(atoi(fake_get(HINT_SCAN_DIR "scan_size_mb")), 256);
}

static void
test_set_by_somebody_else(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	assert_int_equal(hint_scan_add(&scan, 7, NULL), 0);
	hint_scan_mark(&scan, 1);
	fake_put(HINT_MODE_FILE, "1\n");
	assert_int_equal(hint_scan_moving(&scan, 1, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "somebody else"));
	fake_put(HINT_MODE_FILE, "2\n");
	assert_int_equal(hint_scan_moving(&scan, 1, NULL), 0);
}

static void
test_failures_leave_nothing_behind(void **state)
{
	(void)state;
	assert_int_equal(hint_scan_add(&scan, 7, NULL), 0);
	/* A setting that has gone: nothing can be written. */
	unlink(fake_path(HINT_MODE_FILE));
	assert_int_equal(hint_scan_moving(&scan, 1, NULL), -ENOENT);
	fake_put(HINT_MODE_FILE, "0\n");
	/* A move that was refused is not under way: no bit, no marking for its sake. */
	hint_scan_mark(&scan, 0);
	assert_int_equal(mode(), 0);
	hint_scan_remove(&scan, 7);
	scan.marking = 1;
	unlink(fake_path(HINT_MODE_FILE));
	assert_int_equal(hint_scan_add(&scan, 8, NULL), -ENOENT);
	assert_false(hint_scan_has(&scan, 8));
	fake_put(HINT_MODE_FILE, "0\n");
}

/* Windows that are heard of in the wrong order are no sign of a long wait between them. */
static void
test_windows_out_of_order(void **state)
{
	uint64_t now_ns, wait_ns;

	(void)state;
	assert_int_equal(hint_scan_add(&scan, 7, NULL), 0);
	wait_ns = scan.target[0].wait_ns;
	hint_scan_mark(&scan, 1);
	now_ns = scan.on_since_ns + 1000000000;
	hint_scan_marked(&scan, 7, 1 << 20, now_ns);
	hint_scan_marked(&scan, 7, 1 << 20, now_ns - 1000000);
	assert_true(scan.target[0].wait_ns <= wait_ns);
}

/* A process that was there before us has windows as seldom as the settings of then say, till its
 * first pass ends; then it is told at once that they are to be small. */
static void
test_threads_keep_the_delay_they_were_born_with(void **state)
{
	const double bytes_per_s = 40 << 20;
	uint64_t now_ns;

	(void)state;
	assert_int_equal(hint_scan_add(&scan, getpid(), NULL), 0);
	assert_int_equal(scan.target[0].wait_ns, 256000000);
	hint_scan_mark(&scan, 1);
	hint_scan_pace(&scan, bytes_per_s);
	/* As much as it has, and it is not large. */
	assert_true(scan.window_mb > 2 && scan.window_mb <= 26);
	now_ns = scan.on_since_ns + 1000000;
	for (int i = 0; i < 2; i++)
		hint_scan_marked(&scan, getpid(), 1 << 20, now_ns + (uint64_t)i * 256000000);
	assert_false(scan.wait_fell);
	hint_scan_marked(&scan, getpid(), 1 << 20, now_ns + 256000000 + HINT_PERIOD_NS);
	assert_true(scan.wait_fell);
	hint_scan_pace(&scan, bytes_per_s);
	assert_int_equal(scan.window_mb, 2);
	assert_false(scan.wait_fell);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bit_is_set_while_pages_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closing_puts_all_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_by_somebody_else, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_leave_nothing_behind, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_windows_out_of_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads_keep_the_delay_they_were_born_with,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
