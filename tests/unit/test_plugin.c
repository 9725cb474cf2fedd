/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plugin.c - good policies load with their settings; each kind of bad one is refused with the
 * documented error and a sentence that says what to do, before any of its code runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
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

#include "plugin.h"
#include "policy_process.h"

#define GOOD TEST_BUILD "/policies-test"
#define BAD TEST_BUILD "/policies-bad"

static const char *const folders[] = {TEST_BUILD "/nowhere", GOOD, BAD, NULL};
static char scratch[] = TEST_BUILD "/test-plugin-XXXXXX";

static int
move(struct sluice_plan *plan, uint64_t i, uint32_t tier, float gain)
{
	(void)plan;
	(void)i;
	(void)tier;
	(void)gain;
	return 0;
}

static const struct sluice_host host = {.size = sizeof(host), .move = move};
static struct sluice_err err;

/* Load with no settings, and expect it to fail. */
static int
refusal(const char *name)
{
	struct plugin *plugin = (struct plugin *)&host;
	int r;

	memset(&err, 0, sizeof(err));
	r = plugin_load(name, folders, NULL, 0, &host, &plugin, &err);
	assert_ptr_equal(plugin, &host); /* untouched on failure */
	assert_int_equal(r, err.code);
	assert_int_equal(plugin_load(name, folders, NULL, 0, &host, &plugin, NULL), r);
	return r;
}

#define assert_says(text)                                                                          \
	do {                                                                                       \
		if (!strstr(err.msg, text))                                                        \
			fail_msg("'%s' is not in: %s", text, err.msg);                             \
	} while (0)

static const char *
scratch_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void
scratch_write(const char *name, const void *data, size_t size, mode_t mode)
{
	int fd;

	unlink(scratch_path(name)); /* it may be a link by now */
	fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The bytes of the good policy. */
static char *
good_bytes(size_t *ret_size)
{
	FILE *file = fopen(GOOD "/good.so", "r");
	struct stat st;
	char *bytes;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*ret_size = (size_t)st.st_size;
	bytes = malloc(*ret_size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *ret_size, file), *ret_size);
	fclose(file);
	return bytes;
}

static void
good_one_gets_its_settings(void **state)
{
	static const struct plugin_setting settings[] = {{"size", "8"}, {"size", "9"}};
	struct plugin *first = NULL, *second = NULL;
	const struct sluice_policy *policy;

	(void)state;
	assert_int_equal(plugin_load("good", folders, NULL, 0, &host, &first, &err), 0);
	assert_int_equal(plugin_load(GOOD "/good.so", NULL, settings, 2, &host, &second, &err), 0);
	assert_string_equal(plugin_path(first), GOOD "/good.so");
	assert_string_equal(plugin_self(first), "blue 7");
	assert_string_equal(plugin_self(second), "blue 9");
	policy = plugin_policy(first);
	assert_string_equal(policy->name, "good");
	assert_int_equal(policy->decide(plugin_self(first), NULL, NULL, &err), -ECANCELED);
	assert_string_equal(err.msg, "2: blue 7");
	plugin_unload(first);
	assert_int_equal(plugin_policy(second)->decide(plugin_self(second), NULL, NULL, &err),
			 -ECANCELED);
	assert_string_equal(err.msg, "1: blue 9"); /* the first had its fini() */
	plugin_unload(second);
	plugin_unload(NULL);
}

/* The file that was checked is the one that is loaded, whatever descriptor it has. */
static void
each_file_is_itself(void **state)
{
	static const char *const names[] = {"good", "churn", "good", "churn"};
	struct plugin *plugin;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(plugin_load(names[i], folders, NULL, 0, &host, &plugin, &err), 0);
		assert_string_equal(plugin_policy(plugin)->name, names[i]);
		plugin_unload(plugin);
	}
}

static void
shipped_ones_load(void **state)
{
	static const char *const shipped[] = {TEST_BUILD "/policies", NULL};
	static const char *const names[] = {"auto", "hotness", "watermark", "skeleton"};
	struct plugin *plugin;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		if (plugin_load(names[i], shipped, NULL, 0, &host, &plugin, &err) < 0)
			fail_msg("%s", err.msg);
		plugin_unload(plugin);
	}
}

static void
settings_are_checked(void **state)
{
	struct plugin_setting setting = {"colour", "red"};
	struct plugin *plugin = NULL;

	(void)state;
	assert_int_equal(plugin_load("good", folders, &setting, 1, &host, &plugin, &err), -EINVAL);
	assert_string_equal(err.msg,
			    "the policy 'good' has no setting 'colour'; it knows: color, size");
	assert_int_equal(plugin_load("churn", folders, &setting, 1, &host, &plugin, &err), -EINVAL);
	assert_string_equal(err.msg,
			    "the policy 'churn' has no setting 'colour'; it has none at all");
	setting.key = "color";
	assert_int_equal(plugin_load("good", folders, &setting, 1, &host, &plugin, &err), -ERANGE);
	assert_string_equal(err.msg,
			    "the policy 'good' does not start: red is not a color of mine");
	setting.value = "silent";
	assert_int_equal(plugin_load("good", folders, &setting, 1, &host, &plugin, &err), -EIO);
	assert_says("does not start: its init() returned -5");
	setting.value = "positive";
	assert_int_equal(plugin_load("good", folders, &setting, 1, &host, &plugin, &err), -EINVAL);
	assert_says("returned 5");
	assert_null(plugin);
}

static void
missing_is_told_with_what_is_there(void **state)
{
	static const char *const empty[] = {TEST_BUILD "/nowhere", NULL};
	struct plugin *plugin = NULL;

	(void)state;
	assert_int_equal(refusal("hottest"), -ENOENT);
	assert_says("there is no policy 'hottest' in " TEST_BUILD "/nowhere, " GOOD ", " BAD);
	assert_says("bad-name, boasts, churn, function, good,");
	assert_int_equal(refusal("./hottest.so"), -ENOENT);
	assert_says("no policy file './hottest.so'");
	assert_int_equal(refusal(""), -ENOENT);
	assert_int_equal(plugin_load("good", empty, NULL, 0, &host, &plugin, &err), -ENOENT);
	assert_says("there is: none");
	assert_int_equal(plugin_load("good", NULL, NULL, 0, &host, &plugin, &err), -ENOENT);
	assert_says("in no folder at all");
}

static void
flaws_are_found_on_the_data(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *sentence;
	} flaws[] = {
		{"no-symbol", -ENOEXEC, "not a policy: it exports no 'sluice_policy'"},
		{"function", -ENOEXEC, "its 'sluice_policy' is not data"},
		{"unresolved", -ENOEXEC, "does not load: undefined symbol: nobody_has_this"},
		{"other-abi", -EPROTO, "was built for ABI 2, this Sluice speaks 1; rebuild it"},
		{"too-small", -EPROTO, "where at least 56 are needed; rebuild it"},
		{"boasts", -EPROTO, "says that it has 112 bytes"},
		{"no-name", -EINVAL, "lacks the required member 'name'"},
		{"no-summary", -EINVAL, "lacks the required member 'summary'"},
		{"no-init", -EINVAL, "lacks the required member 'init'"},
		{"no-decide", -EINVAL, "lacks the required member 'decide'"},
		{"bad-name", -EINVAL,
		 "calls itself 'Bad Name'; a name has 1 to 63 of a-z, 0-9 and '-'"},
		{"other-name", -EINVAL, "its file must be 'somebody.so'"},
		{"no-fallback", -EINVAL, "no fallback or no help for its parameter 'key'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		assert_int_equal(refusal(flaws[i].name), flaws[i].code);
		assert_says(flaws[i].sentence);
		assert_says(flaws[i].name);
	}
}

static void
other_files_are_not_loaded(void **state)
{
	static const char *const here[] = {scratch, NULL};
	struct plugin *plugin = NULL;
	char *bytes, path[512];
	size_t size;

	(void)state;
	scratch_write("text.so", "#!/bin/sh\n", 10, 0644);
	assert_int_equal(refusal(scratch_path("text.so")), -ENOEXEC);
	assert_says("is not a shared object");
	/* And by name: a bad file in an earlier folder is told, not passed over. */
	assert_int_equal(plugin_load("text", here, NULL, 0, &host, &plugin, &err), -ENOEXEC);
	scratch_write("empty.so", "", 0, 0644);
	assert_int_equal(refusal(scratch_path("empty.so")), -ENOEXEC);
	assert_int_equal(mkdir(scratch_path("folder.so"), 0755), 0);
	assert_int_equal(refusal(scratch_path("folder.so")), -ENOEXEC);
	assert_says("is a folder or a special file");
	assert_int_equal(mkfifo(scratch_path("fifo.so"), 0644), 0);
	assert_int_equal(refusal(scratch_path("fifo.so")), -ENOEXEC); /* and does not hang */
	assert_int_equal(refusal("/proc/self/exe"), -ENOEXEC);        /* a program */

	/* Cut anywhere, it is an error and not a crash. */
	bytes = good_bytes(&size);
	for (size_t cut = 0; cut < size; cut += 509) {
		scratch_write("good.so", bytes, cut, 0644);
		if (plugin_load(scratch_path("good.so"), NULL, NULL, 0, &host, &plugin, &err) == 0)
			plugin_unload(plugin); /* only section headers were lost */
		else
			assert_int_equal(err.code, -ENOEXEC);
		plugin = NULL;
	}
	scratch_write("good.so", bytes, size / 4, 0644);
	assert_int_equal(refusal(scratch_path("good.so")), -ENOEXEC);
	assert_says("is cut short");
	bytes[18] ^= 1; /* e_machine */
	scratch_write("good.so", bytes, size, 0644);
	assert_int_equal(refusal(scratch_path("good.so")), -ENOEXEC);
	assert_says("another kind of machine");
	bytes[18] ^= 1;

	/* A link to a good file is fine. */
	snprintf(path, sizeof(path), "%s", scratch_path("good.so"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(GOOD "/good.so", path), 0);
	assert_int_equal(plugin_load(path, NULL, NULL, 0, &host, &plugin, &err), 0);
	plugin_unload(plugin);
	free(bytes);
}

static void
nobody_else_may_write(void **state)
{
	struct plugin *plugin = NULL;
	char *bytes, path[512];
	size_t size;

	(void)state;
	bytes = good_bytes(&size);
	scratch_write("good.so", bytes, size, 0664);
	assert_int_equal(refusal(scratch_path("good.so")), -EACCES);
	assert_says("is writable by its group or by everybody");
	assert_says("chmod go-w");
	scratch_write("good.so", bytes, size, 0646);
	assert_int_equal(refusal(scratch_path("good.so")), -EACCES);
	scratch_write("good.so", bytes, size, 0644);
	assert_int_equal(plugin_load(scratch_path("good.so"), NULL, NULL, 0, &host, &plugin, &err),
			 0);
	plugin_unload(plugin);

	/* Nor the folders on the way, unless sticky. */
	snprintf(path, sizeof(path), "%s", scratch_path("good.so"));
	assert_int_equal(chmod(scratch, 0777), 0);
	assert_int_equal(refusal(path), -EACCES);
	assert_says(scratch);
	unlink(TEST_BUILD "/test-plugin-link.so");
	assert_int_equal(symlink(path, TEST_BUILD "/test-plugin-link.so"), 0);
	assert_int_equal(refusal(TEST_BUILD "/test-plugin-link.so"), -EACCES);
	assert_int_equal(unlink(TEST_BUILD "/test-plugin-link.so"), 0);
	assert_int_equal(chmod(scratch, 01777), 0);
	assert_int_equal(plugin_load(path, NULL, NULL, 0, &host, &plugin, &err), 0);
	plugin_unload(plugin);
	assert_int_equal(chmod(scratch, 0755), 0);

	/* Nor belong to a stranger; only root can give files away. */
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_int_equal(refusal(path), -EACCES);
		assert_says("belongs to user 12345");
		assert_says("chown root");
	} else {
		assert_int_equal(chmod(path, 0), 0);
		assert_int_equal(refusal(path), -EACCES);
	}
	free(bytes);
}

struct listed {
	size_t good, bad;
	char last[64];
	int hidden, skipped;
};

static void
on_listed(void *ctx, const char *path, const struct policy_card *policy, const char *problem)
{
	struct listed *listed = ctx;
	const char *name = strrchr(path, '/') + 1;

	assert_true((policy == NULL) == (problem != NULL));
	assert_true(strcmp(name, listed->last) >= 0); /* by name */
	snprintf(listed->last, sizeof(listed->last), "%s", name);
	if (policy)
		listed->good++;
	else
		listed->bad++;
	if (problem && strstr(problem, "hidden by the policy of the same name"))
		listed->hidden++;
	if (problem && strstr(problem, "not looked at"))
		listed->skipped++;
}

static void
lists_good_and_bad(void **state)
{
	static const char *const twice[] = {GOOD, BAD, GOOD, TEST_BUILD "/nowhere", NULL};
	static const char *const not_a_folder[] = {GOOD "/good.so", NULL};
	static const struct policy_process_options options = {.entry_max = 1};
	struct listed listed = {0};

	(void)state;
	assert_int_equal(policy_process_list(&options, twice, on_listed, &listed, &err), 0);
	assert_int_equal(listed.good, 3);
	assert_int_equal(listed.bad, 13 + 3);
	assert_int_equal(listed.hidden, 3);
	assert_int_equal(policy_process_list(&options, not_a_folder, on_listed, &listed, &err),
			 -ENOTDIR);
	assert_says("cannot read the policy folder");
	assert_int_equal(policy_process_list(&options, NULL, on_listed, &listed, &err), 0);
}

/* Each may take its time, but all of them together no more than whoever lists can spare. */
static void
lists_endless(void **state)
{
	static const char *const endless[] = {TEST_BUILD "/policies-endless", NULL};
	static const struct policy_process_options options = {
		.entry_max = 1, .decide_ms = 1, .list_ms = 1200};
	struct listed listed = {0};

	(void)state;
	assert_int_equal(policy_process_list(&options, endless, on_listed, &listed, &err), 0);
	assert_int_equal(listed.good, 0);
	assert_int_equal(listed.bad, 4);
	/* One takes a second of CPU time, or of the clock up to four. */
	assert_in_range(listed.skipped, 2, 3);
}

static int
make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) && chmod(scratch, 0755) == 0 ? 0 : -1;
}

static int
remove_scratch(void **state)
{
	static const char *const names[] = {"text.so", "empty.so", "fifo.so", "good.so"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(scratch_path(names[i]));
	rmdir(scratch_path("folder.so"));
	return rmdir(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_one_gets_its_settings),
		cmocka_unit_test(each_file_is_itself),
		cmocka_unit_test(shipped_ones_load),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(missing_is_told_with_what_is_there),
		cmocka_unit_test(flaws_are_found_on_the_data),
		cmocka_unit_test(other_files_are_not_loaded),
		cmocka_unit_test(nobody_else_may_write),
		cmocka_unit_test(lists_good_and_bad),
		cmocka_unit_test(lists_endless),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
