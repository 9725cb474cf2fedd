/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - the table of options, its layers, and the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "options.h"
#include "setup.h"

static int
setup_options(void **state)
{
	*state = options_new();
	return *state ? 0 : -1;
}

static int
teardown_options(void **state)
{
	options_free(*state);
	return 0;
}

/* Reads text as a file; path is filled in. */
static int
read_text(struct options *options, const char *text, char path[64], struct sluice_err *err)
{
	int fd, r;

	strcpy(path, "/tmp/sluice-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err->msg[0] = '\0';
	r = config_read(path, options, err);
	unlink(path);
	return r;
}

/* The text is refused, at that line, with that word in the sentence. */
static void
refused(void **state, const char *text, int line, int code, const char *word)
{
	struct options *options = options_new();
	struct sluice_err err = {0, ""};
	char path[64], start[96];

	(void)state;
	assert_int_equal(read_text(options, text, path, &err), code);
	snprintf(start, sizeof(start), "%s:%d: ", path, line);
	if (strncmp(err.msg, start, strlen(start)) != 0 || !strstr(err.msg, word))
		fail_msg("'%s' does not begin with '%s' or lacks '%s'", err.msg, start, word);
	options_free(options);
}

static void
test_values_of_a_file(void **state)
{
	struct options *options = *state;
	struct sluice_err err = {0, ""};
	char path[64];

	assert_int_equal(read_text(options,
				   "# comment\n"
				   "rate = 10MB/s\n"
				   "watermark=4.5%\n"
				   "interval = 250ms ; why\n"
				   "dry-run = yes\n"
				   "policy-dir = /a\n"
				   "policy-dir = /b\n"
				   "policy-set = x=1\n"
				   "\n"
				   "[policy]\n"
				   "y = 2 = 3\n",
				   path, &err),
			 0);
	assert_true(options_number(options, OPTION_RATE) == 10.0 * (1 << 20));
	assert_true(options_number(options, OPTION_WATERMARK) == 4.5);
	assert_true(options_number(options, OPTION_INTERVAL) == 250);
	assert_true(options_number(options, OPTION_DRY_RUN) == 1);
	assert_int_equal(options_count(options, OPTION_POLICY_DIR), 2);
	assert_string_equal(options_text(options, OPTION_POLICY_DIR, 1), "/b");
	assert_int_equal(options_count(options, OPTION_POLICY_SET), 2);
	assert_string_equal(options_text(options, OPTION_POLICY_SET, 1), "y=2 = 3");
	assert_int_equal(options_layer(options, OPTION_RATE), LAYER_FILE);
	assert_int_equal(options_layer(options, OPTION_TRACKING), LAYER_DEFAULT);
}

static void
test_bad_files(void **state)
{
	char longer[600];

	refused(state, "rate = 1M\nfrob = 3\n", 2, -EINVAL, "unknown key 'frob'");
	refused(state, "\n\nwatermark = 3 parsecs\n", 3, -EINVAL, "watermark");
	refused(state, "watermark = 3\n", 1, -EINVAL, "watermark");
	refused(state, "watermark = 60%\n", 1, -ERANGE, "0% to 50%");
	refused(state, "interval = 1\n", 1, -EINVAL, "interval");
	refused(state, "interval = 50ms\n", 1, -ERANGE, "100ms to 60000ms");
	refused(state, "rate = 1K\n", 1, -ERANGE, "64 KiB");
	refused(state, "dry-run = perhaps\n", 1, -EINVAL, "dry-run");
	refused(state, "log-level = loud\n", 1, -EINVAL, "debug");
	refused(state, "socket = here\n", 1, -EINVAL, "absolute");
	refused(state, "rate = 1M\nrate = 2M\n", 2, -EEXIST, "twice");
	refused(state, "[engine]\nrate = 1M\n", 2, -EINVAL, "[engine]");
	refused(state, "policy-set = x\n", 1, -EINVAL, "KEY=VALUE");
	refused(state, "no value here\n", 1, -EINVAL, "key = value");
	refused(state, "no value here\nfrob = 1\n", 1, -EINVAL, "key = value");
	refused(state, "frob = 1\nno value here\n", 1, -EINVAL, "unknown key");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "policy = ", 9);
	longer[sizeof(longer) - 2] = '\n';
	longer[sizeof(longer) - 1] = '\0';
	refused(state, longer, 1, -E2BIG, "too long");
}

static void
test_missing_file(void **state)
{
	struct sluice_err err = {0, ""};

	assert_int_equal(config_read("/nonexistent/sluice.conf", *state, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/sluice.conf"));
}

static void
test_layers(void **state)
{
	struct options *options = *state;
	struct sluice_err err = {0, ""};
	char path[64];

	assert_int_equal(options_set(options, LAYER_COMMAND, "rate", "1M", NULL), 0);
	assert_int_equal(options_set(options, LAYER_COMMAND, "rate", "2M", NULL), 0);
	assert_int_equal(options_set(options, LAYER_COMMAND, "policy-set", "a=command", NULL), 0);
	/* The file comes later, and yet below. */
	assert_int_equal(read_text(options, "rate = 9M\npolicy-set = a=file\npolicy-set = b=file\n",
				   path, &err),
			 0);
	assert_string_equal(options_text(options, OPTION_RATE, 0), "2M");
	assert_true(options_number(options, OPTION_RATE) == 2.0 * (1 << 20));
	assert_int_equal(options_layer(options, OPTION_RATE), LAYER_COMMAND);
	assert_int_equal(options_count(options, OPTION_POLICY_SET), 2);
	assert_string_equal(options_text(options, OPTION_POLICY_SET, 0), "a=command");
	assert_string_equal(options_text(options, OPTION_POLICY_SET, 1), "b=file");
	/* Wrong below is wrong all the same. */
	assert_int_equal(read_text(options, "rate = 9 parsecs\n", path, &err), -EINVAL);
}

static void
test_longest_folder(void **state)
{
	struct options *options = *state;
	struct sluice_err err = {0, ""};
	char longest[256];

	/* One limit for all who open files below it, rather than one in each. */
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[241] = '\0';
	assert_int_equal(options_set(options, LAYER_COMMAND, "state-dir", longest, &err), -ERANGE);
	assert_non_null(strstr(err.msg, "state-dir: '/xxx"));
	assert_non_null(strstr(err.msg, "has 241 bytes; 240 are allowed"));
	assert_int_equal(options_set(options, LAYER_COMMAND, "sysroot", longest, NULL), -ERANGE);
	longest[240] = '\0';
	assert_int_equal(options_set(options, LAYER_COMMAND, "state-dir", longest, NULL), 0);
	assert_int_equal(options_set(options, LAYER_COMMAND, "sysroot", longest, NULL), 0);
}

static void
test_failure_changes_nothing(void **state)
{
	struct options *options = *state;

	assert_int_equal(options_set(options, LAYER_COMMAND, "rate", "3M", NULL), 0);
	assert_int_equal(options_set(options, LAYER_COMMAND, "rate", "bad", NULL), -EINVAL);
	assert_string_equal(options_text(options, OPTION_RATE, 0), "3M");
	assert_int_equal(options_set(options, LAYER_COMMAND, "none", "1", NULL), -ENOENT);
	for (int i = 0; i < 8; i++) {
		char folder[16];

		snprintf(folder, sizeof(folder), "/f%d", i);
		assert_int_equal(options_set(options, LAYER_COMMAND, "policy-dir", folder, NULL),
				 0);
	}
	assert_int_equal(options_set(options, LAYER_COMMAND, "policy-dir", "/f8", NULL), -E2BIG);
	assert_int_equal(options_count(options, OPTION_POLICY_DIR), 8);
}

static void
test_arguments(void **state)
{
	struct options *options = *state;
	char *argv[] = {"--rate", "1M", "--interval=2s", "--dry-run", "--", "--rated", "--rate"};
	struct sluice_err err = {0, ""};
	int i = 0;

	assert_int_equal(options_take_argument(options, 7, argv, &i, &err), 1);
	assert_int_equal(i, 1);
	i = 2;
	assert_int_equal(options_take_argument(options, 7, argv, &i, &err), 1);
	assert_int_equal(i, 2);
	assert_true(options_number(options, OPTION_INTERVAL) == 2000);
	i = 3;
	assert_int_equal(options_take_argument(options, 7, argv, &i, &err), 1);
	assert_int_equal(i, 3);
	assert_true(options_number(options, OPTION_DRY_RUN) == 1);
	for (i = 4; i < 6; i++) {
		int before = i;

		assert_int_equal(options_take_argument(options, 7, argv, &i, &err), 0);
		assert_int_equal(i, before);
	}
	assert_int_equal(options_take_argument(options, 7, argv, &i, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "--rate BYTES/s"));
}

static void
test_every_default_is_allowed(void **state)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *text = options_text(*state, (enum option_id)id, 0);

		assert_ptr_equal(option_find(option_table[id].name), &option_table[id]);
		assert_true(strlen(option_table[id].help) > 0);
		if (text)
			assert_int_equal(options_set(*state, LAYER_COMMAND, option_table[id].name,
						     text, NULL),
					 0);
	}
}

static void
test_engine_gets_the_values(void **state)
{
	struct options *options = *state;
	struct setup *setup = calloc(1, sizeof(*setup));
	char long_key[128];

	options_set(options, LAYER_COMMAND, "rate", "7M", NULL);
	options_set(options, LAYER_COMMAND, "watermark", "6%", NULL);
	options_set(options, LAYER_COMMAND, "interval", "3s", NULL);
	options_set(options, LAYER_COMMAND, "payback-horizon", "2m", NULL);
	options_set(options, LAYER_COMMAND, "tracking", "2%", NULL);
	assert_int_equal(options_set(options, LAYER_COMMAND, "tracking_cpu", "1.5%", NULL), 0);
	options_set(options, LAYER_COMMAND, "dry-run", "yes", NULL);
	options_set(options, LAYER_COMMAND, "policy-set", "key=a=b", NULL);
	options_set(options, LAYER_COMMAND, "policy-dir", "/only", NULL);
	assert_int_equal(setup_from_options(options, setup, NULL), 0);
	assert_int_equal(setup->engine.round.rate_bps, 7 << 20);
	assert_true(setup->engine.round.watermark_percent == 6);
	assert_int_equal(setup->engine.round.interval_ms, 3000);
	assert_int_equal(setup->engine.round.payback_horizon_ms, 120000);
	assert_true(setup->engine.round.tracking_percent == 2);
	assert_true(setup->engine.round.ceiling_percent == 1.5);
	assert_int_equal(setup->engine.round.dry_run, 1);
	assert_int_equal(setup->engine.setting_count, 1);
	assert_string_equal(setup->engine.settings[0].key, "key");
	assert_string_equal(setup->engine.settings[0].value, "a=b");
	assert_string_equal(setup->engine.folders[0], "/only");
	assert_null(setup->engine.folders[1]);
	memset(long_key, 'k', sizeof(long_key));
	strcpy(long_key + sizeof(long_key) - 3, "=1");
	options_set(options, LAYER_COMMAND, "policy-set", long_key, NULL);
	assert_int_equal(setup_from_options(options, setup, NULL), -EINVAL);
	free(setup);
}

/* The example says what is built in, line by line, so that uncommenting changes nothing. */
static void
test_example_is_true(void **state)
{
	FILE *file = fopen(TEST_DATA "/../../deploy/sluice.conf", "re");
	char line[256], key[64], value[128];
	int compared = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const struct option_row *row;
		const char *now;

		if (sscanf(line, "#%63[a-z-] = %127[^\n]", key, value) != 2)
			continue;
		row = option_find(key);
		if (!row)
			fail_msg("the example names an unknown key: %s", key);
		now = options_text(*state, (enum option_id)(row - option_table), 0);
		if (getuid() == 0 || now[0] != '/')
			assert_string_equal(now, value);
		compared++;
	}
	fclose(file);
	assert_true(compared >= 10);
	assert_int_equal(config_read(TEST_DATA "/../../deploy/sluice.conf", *state, NULL), 0);
}

int
main(void)
{
#define WITH_OPTIONS(test) cmocka_unit_test_setup_teardown(test, setup_options, teardown_options)
	const struct CMUnitTest tests[] = {
		WITH_OPTIONS(test_values_of_a_file),
		WITH_OPTIONS(test_bad_files),
		WITH_OPTIONS(test_missing_file),
		WITH_OPTIONS(test_layers),
		WITH_OPTIONS(test_longest_folder),
		WITH_OPTIONS(test_failure_changes_nothing),
		WITH_OPTIONS(test_arguments),
		WITH_OPTIONS(test_every_default_is_allowed),
		WITH_OPTIONS(test_engine_gets_the_values),
		WITH_OPTIONS(test_example_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
