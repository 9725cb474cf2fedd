/* SPDX-License-Identifier: Apache-2.0 */
/* test_procfs.c - lines of /proc, whatever other people's processes put into them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/procfs.h"
#include "fake_root.h"

static void
maps_lines(void **unused)
{
	static const char *const bad[] = {
		"",
		"garbage",
		"Rss:   12 kB",
		"7f00-7e00 rw-p 00000000 00:00 0",
		"1000-1000 rw-p 00000000 00:00 0",
		"1001-2000 rw-p 00000000 00:00 0",
		"1000-2000 rwzp 00000000 00:00 0",
		"1000-2000 rw",
		"1000-2000 rw-p",
		"1000-2000 rw-p 0 0:0",
		"1000-2000 rw-p 0 0:0 x",
		"fffffffffffffffff000-ffffffffffffffffff000 rw-p 00000000 00:00 0",
		"-1000-2000 rw-p 00000000 00:00 0",
	};
	struct procfs_map map;

	(void)unused;
	assert_int_equal(procfs_map_parse("55de846cb000-55de846cd000 r--p 00000000 fe:01 2490421 "
					  "                   /usr/bin/a name",
					  &map),
			 1);
	assert_true(map.start == 0x55de846cb000 && map.end == 0x55de846cd000);
	assert_string_equal(map.perms, "r--p");
	assert_int_equal(map.inode, 2490421);
	assert_string_equal(map.name, "/usr/bin/a name");
	assert_int_equal(procfs_map_parse("7f0000000000-7f0000200000 rw-p 00000000 00:00 0 ", &map),
			 1);
	assert_string_equal(map.name, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(procfs_map_parse(bad[i], &map), 0);
}

static void
lines_of_any_length(void **unused)
{
	static char text[40000];
	struct procfs_lines lines;
	char *line;
	int r;

	(void)unused;
	/* "first", a line of 30,000 characters, an empty one, a last one without its newline */
	memset(text, 'x', sizeof(text));
	memcpy(text, "first\n", 6);
	memcpy(text + 30006, "\n\nlast", 7);
	fake_put("proc/7/maps", text);
	assert_int_equal(procfs_lines_open(&lines, fake_root, 7, "maps"), 0);
	assert_string_equal(procfs_lines_next(&lines, &r), "first");
	line = procfs_lines_next(&lines, &r);
	assert_true(strlen(line) > 4000 && strlen(line) < 30000);
	assert_string_equal(procfs_lines_next(&lines, &r), "");
	assert_string_equal(procfs_lines_next(&lines, &r), "last");
	assert_null(procfs_lines_next(&lines, &r));
	assert_int_equal(r, 0);
	assert_null(procfs_lines_next(&lines, &r));
	procfs_lines_close(&lines);
	fake_put("proc/7/maps", "");
	assert_int_equal(procfs_lines_open(&lines, fake_root, 7, "maps"), 0);
	assert_null(procfs_lines_next(&lines, &r));
	assert_int_equal(procfs_lines_open(&lines, fake_root, 8, "maps"), -ENOENT);
}

static void
states(void **unused)
{
	(void)unused;
	assert_int_equal(procfs_state(fake_root, 7), -ESRCH);
	assert_int_equal(procfs_state(fake_root, 0), -ESRCH);
	assert_int_equal(procfs_state(fake_root, -1), -ESRCH);
	fake_put("proc/7/stat", "7 (a) Z) S 1 7 7 0 -1 4194304 100 0");
	assert_int_equal(procfs_state(fake_root, 7), 0);
	fake_put("proc/7/stat", "7 (a) Z 1 7 7 0 -1 4194304 100 0");
	assert_int_equal(procfs_state(fake_root, 7), -ESRCH);
	fake_put("proc/7/stat", "7 (a) R 1 7 7 0 -1 4194308 100 0"); /* it is exiting */
	assert_int_equal(procfs_state(fake_root, 7), -ESRCH);
	fake_put("proc/7/stat", "7 (kswapd0) S 2 0 0 0 -1 2166784 0 0");
	assert_int_equal(procfs_state(fake_root, 7), -EINVAL);
	fake_put("proc/7/stat", "garbage");
	assert_int_equal(procfs_state(fake_root, 7), -EBADMSG);
	fake_put("proc/7/stat", "");
	assert_int_equal(procfs_state(fake_root, 7), -ESRCH);
	assert_int_equal(procfs_state("", getpid()), 0);
}

static void
starts(void **unused)
{
	uint64_t ticks = 1;

	(void)unused;
	fake_put("proc/7/stat",
		 "7 (a) 9 9) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 123456 10 20\n");
	assert_int_equal(procfs_started(fake_root, 7, &ticks), 0);
	assert_int_equal(ticks, 123456);
	fake_put("proc/7/stat", "7 (a) S 1 7 7 0 -1 4194304 100 0");
	assert_int_equal(procfs_started(fake_root, 7, &ticks), -EBADMSG);
	assert_int_equal(procfs_started(fake_root, 8, &ticks), -ESRCH);
	assert_int_equal(ticks, 123456);
	assert_int_equal(procfs_started("", getpid(), &ticks), 0);
	assert_true(ticks > 0);
}

static void
small_files(void **unused)
{
	int64_t number = 7;
	uint64_t bytes = 7;
	char text[8] = "as was";

	(void)unused;
	assert_int_equal(procfs_line(fake_root, 0, "sys/none", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "as was");
	fake_put("sys/one", "on \t\nmore\n");
	assert_int_equal(procfs_line(fake_root, 0, "sys/one", text, sizeof(text)), 2);
	assert_string_equal(text, "on");
	assert_int_equal(procfs_line(fake_root, 0, "/sys/one", text, 2), 1);
	assert_string_equal(text, "o");
	assert_int_equal(procfs_text(fake_root, 0, "sys/one", text, sizeof(text)), 7);
	assert_string_equal(text, "on \t\nmo");
	fake_put("sys/one", "");
	assert_int_equal(procfs_line(fake_root, 0, "sys/one", text, sizeof(text)), 0);
	fake_put("proc/7/statm", ""); /* the process has ended */
	assert_int_equal(procfs_line(fake_root, 7, "statm", text, sizeof(text)), -ESRCH);
	assert_int_equal(procfs_resident(fake_root, 7, &bytes), -ESRCH);
	fake_put("proc/7/statm", "100 30 5 1 0 40 0\n");
	assert_int_equal(procfs_resident(fake_root, 7, &bytes), 0);
	assert_int_equal(bytes, 30 * 4096);

	assert_int_equal(procfs_number(fake_root, 0, "sys/one", &number), -EBADMSG);
	fake_put("sys/one", "12 parsecs\n");
	assert_int_equal(procfs_number(fake_root, 0, "sys/one", &number), -EBADMSG);
	fake_put("sys/one", "99999999999999999999\n");
	assert_int_equal(procfs_number(fake_root, 0, "sys/one", &number), -EBADMSG);
	assert_int_equal(number, 7);
	fake_put("sys/one", "-12\n");
	assert_int_equal(procfs_number(fake_root, 0, "sys/one", &number), 0);
	assert_int_equal(number, -12);
}

static void
names(void **unused)
{
	char comm[32] = "as it was";

	(void)unused;
	assert_int_equal(procfs_comm(fake_root, 7, comm, sizeof(comm)), -ENOENT);
	assert_int_equal(procfs_comm(fake_root, 0, comm, sizeof(comm)), -ESRCH);
	fake_put("proc/7/comm", "");
	assert_int_equal(procfs_comm(fake_root, 7, comm, sizeof(comm)), -ESRCH);
	assert_string_equal(comm, "as it was");
	fake_put("proc/7/comm", "a) b%s\n");
	assert_int_equal(procfs_comm(fake_root, 7, comm, sizeof(comm)), 0);
	assert_string_equal(comm, "a) b%s");
	assert_int_equal(procfs_comm(fake_root, 7, comm, 3), 0);
	assert_string_equal(comm, "a)");
}

static void
numbers(void **unused)
{
	uint64_t number = 7;

	(void)unused;
	assert_int_equal(procfs_number_parse("VmLck:\t    4096 kB", "VmLck:", &number), 1);
	assert_int_equal(number, 4096);
	assert_int_equal(procfs_number_parse("VmLck: kB", "VmLck:", &number), 0);
	assert_int_equal(procfs_number_parse("VmLck: -1", "VmLck:", &number), 0);
	assert_int_equal(procfs_number_parse("VmLck: 99999999999999999999999", "VmLck:", &number),
			 0);
	assert_int_equal(procfs_number_parse("Vm", "VmLck:", &number), 0);
	assert_int_equal(number, 4096);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(maps_lines), TEST(lines_of_any_length), TEST(states),  TEST(names),
		TEST(starts),     TEST(small_files),         TEST(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
