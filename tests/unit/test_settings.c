/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_settings.c - kernel settings are put back: at the end, after a kill at any moment, and never
 * from under another run (safety rule 7). Under a made-up /proc and /sys.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/sampler/settings.h"

#define BALANCING "/proc/sys/kernel/numa_balancing"
#define RATE "/proc/sys/kernel/numa_balancing_promote_rate_limit_MBps"
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

static char root[64], state[96];

static void
put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *c = full + 1; *c; c++) {
		if (*c == '/') {
			*c = '\0';
			mkdir(full, 0755);
			*c = '/';
		}
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *
get(const char *path)
{
	static char text[256];
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static int
records(void)
{
	char dir[128];
	struct dirent *entry;
	int count = 0;
	DIR *list;

	snprintf(dir, sizeof(dir), "%s/settings", state);
	list = opendir(dir);
	assert_non_null(list);
	while ((entry = readdir(list)))
		count += entry->d_name[0] != '.';
	closedir(list);
	return count;
}

static int
setup(void **unused)
{
	(void)unused;
	strcpy(root, "/tmp/sluice-settings-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(state, sizeof(state), "%s/run/sluice", root);
	put("/run/x", "");
	put(BALANCING, "1\n");
	put(RATE, "65536\n");
	put(THP, "always [madvise] never\n");
	put("/proc/sys/kernel/random/boot_id", "one\n");
	return 0;
}

static int
teardown(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void
restores_the_first_value(void **unused)
{
	struct settings *settings;
	struct sluice_err err = {0};
	char value[SETTINGS_VALUE_BYTES];

	(void)unused;
	assert_int_equal(settings_open(root, state, &settings, &err), 0);
	assert_int_equal(settings_set(settings, BALANCING, "2", &err), 0);
	assert_int_equal(settings_set(settings, BALANCING, "3", &err), 0);
	assert_int_equal(settings_set(settings, RATE, "0", &err), 0);
	assert_string_equal(get(BALANCING), "3\n");
	assert_int_equal(records(), 2);
	assert_int_equal(settings_get(settings, RATE, value, sizeof(value), &err), 0);
	assert_string_equal(value, "0");
	settings_close(settings);
	assert_string_equal(get(BALANCING), "1\n");
	assert_string_equal(get(RATE), "65536\n");
	assert_int_equal(records(), 0);
}

static void
chosen_word(void **unused)
{
	struct settings *settings;
	char value[SETTINGS_VALUE_BYTES];

	(void)unused;
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	assert_int_equal(settings_get(settings, THP, value, sizeof(value), NULL), 0);
	assert_string_equal(value, "madvise");
	assert_int_equal(settings_set(settings, THP, "never", NULL), 0);
	settings_close(settings);
	assert_string_equal(get(THP), "madvise\n");
}

static void
somebody_elses_change_stays(void **unused)
{
	struct settings *settings;

	(void)unused;
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	assert_int_equal(settings_set(settings, BALANCING, "2", NULL), 0);
	put(BALANCING, "0\n");
	settings_close(settings);
	assert_string_equal(get(BALANCING), "0\n");
	assert_int_equal(records(), 0);
}

/* Run `body` in a process that is killed the hard way afterwards. */
static void
killed(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		body();
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void
change_two(void)
{
	struct settings *settings;

	if (settings_open(root, state, &settings, NULL) ||
	    settings_set(settings, BALANCING, "2", NULL) || settings_set(settings, RATE, "0", NULL))
		_exit(1);
}

static void
next_start_restores_after_a_kill(void **unused)
{
	struct settings *settings;
	size_t count = 77;

	(void)unused;
	killed(change_two);
	assert_string_equal(get(BALANCING), "2\n");
	assert_int_equal(records(), 2);
	assert_int_equal(settings_restore_stale(root, state, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(get(BALANCING), "1\n");
	assert_string_equal(get(RATE), "65536\n");
	assert_int_equal(records(), 0);

	killed(change_two);
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	assert_string_equal(get(BALANCING), "1\n");
	assert_int_equal(settings_set(settings, BALANCING, "2", NULL), 0);
	settings_close(settings);
	assert_string_equal(get(BALANCING), "1\n");
}

static void
killed_after_we_opened(void **unused)
{
	struct settings *settings;

	(void)unused;
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	killed(change_two);
	assert_int_equal(settings_set(settings, BALANCING, "3", NULL), 0);
	settings_close(settings);
	assert_string_equal(get(BALANCING), "1\n");
}

static void
another_boot_is_forgotten(void **unused)
{
	(void)unused;
	killed(change_two);
	put("/proc/sys/kernel/random/boot_id", "two\n");
	put(BALANCING, "3\n");
	assert_int_equal(settings_restore_stale(root, state, NULL, NULL), 0);
	assert_string_equal(get(BALANCING), "3\n");
	assert_int_equal(records(), 0);
}

static void
a_running_owner_keeps_its_setting(void **unused)
{
	struct settings *first, *second;
	struct sluice_err err = {0};
	size_t count = 77;

	(void)unused;
	assert_int_equal(settings_open(root, state, &first, NULL), 0);
	assert_int_equal(settings_set(first, BALANCING, "2", NULL), 0);
	assert_int_equal(settings_restore_stale(root, state, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_string_equal(get(BALANCING), "2\n");
	assert_int_equal(settings_open(root, state, &second, &err), 0);
	assert_int_equal(settings_set(second, BALANCING, "0", &err), -EBUSY);
	assert_non_null(strstr(err.msg, "another running Sluice"));
	assert_int_equal(settings_set(second, RATE, "0", NULL), 0);
	settings_close(first);
	assert_string_equal(get(BALANCING), "1\n");
	assert_string_equal(get(RATE), "0\n");
	assert_int_equal(settings_set(second, BALANCING, "0", NULL), 0);
	settings_close(second);
	assert_string_equal(get(BALANCING), "1\n");
	assert_string_equal(get(RATE), "65536\n");
}

static void
bad_input(void **unused)
{
	struct settings *settings;
	struct sluice_err err = {0};
	char value[SETTINGS_VALUE_BYTES];

	(void)unused;
	assert_int_equal(settings_restore_stale(root, state, NULL, NULL), 0); /* no folder yet */
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	assert_int_equal(settings_set(settings, "/etc/passwd", "x", &err), -EINVAL);
	assert_int_equal(settings_set(settings, "/sys/../etc/passwd", "x", &err), -EINVAL);
	assert_int_equal(settings_set(settings, BALANCING, "2\n3", &err), -EINVAL);
	assert_int_equal(settings_set(settings, "/proc/sys/kernel/none", "2", &err), -ENOENT);
	assert_int_equal(
		settings_get(settings, "/sys/kernel/debug/sched/none", value, sizeof(value), &err),
		-ENOENT);
	assert_non_null(strstr(err.msg, "debugfs"));
	assert_int_equal(records(), 0);
	settings_close(settings);
	settings_close(NULL);
}

static void
damaged_and_foreign_records(void **unused)
{
	static const char *const texts[] = {
		"", "garbage", "sluice-setting 1\n",
		"sluice-setting 1\n/etc/passwd\nx\n1\n1\none\n",
		"sluice-setting 1\n/proc/sys/kernel/numa_balancing\n2\nabc\n1\none\n"};
	struct settings *settings;
	struct sluice_err err = {0};
	char path[128];

	(void)unused;
	assert_int_equal(settings_open(root, state, &settings, NULL), 0);
	settings_close(settings);
	snprintf(path, sizeof(path), "/run/sluice/settings/proc!sys!kernel!numa_balancing");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(path, texts[i]);
		assert_true(settings_open(root, state, &settings, &err) < 0);
		assert_non_null(strstr(err.msg, "remove it"));
		assert_string_equal(get(BALANCING), "1\n");
	}
	snprintf(path, sizeof(path), "%s/settings", state);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(settings_open(root, state, &settings, &err), -EPERM);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(restores_the_first_value),
		TEST(chosen_word),
		TEST(somebody_elses_change_stays),
		TEST(next_start_restores_after_a_kill),
		TEST(killed_after_we_opened),
		TEST(another_boot_is_forgotten),
		TEST(a_running_owner_keeps_its_setting),
		TEST(bad_input),
		TEST(damaged_and_foreign_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
