/* SPDX-License-Identifier: Apache-2.0 */
/* test_man.c - the man pages name every option, its default, and every exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "options.h"

static char *
read_page(const char *name)
{
	char path[512];
	char *text = calloc(1, 1 << 18);
	FILE *file;

	snprintf(path, sizeof(path), "%s/../../deploy/man/%s", TEST_DATA, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 18) - 1, file) > 1000);
	fclose(file);
	return text;
}

static void
wants(const char *page, const char *name, const char *text)
{
	if (!strstr(page, text))
		fail_msg("%s lacks '%s'", name, text);
}

/* "Fl Fl name" as a word of its own: "policy" is not there because "policy-dir" is. */
static void
wants_option(const char *page, const char *name, const char *option)
{
	char text[64];
	size_t len = (size_t)snprintf(text, sizeof(text), "Fl Fl %s", option);

	for (const char *at = page; (at = strstr(at, text)) != NULL; at++) {
		if (at[len] == ' ' || at[len] == '\n')
			return;
	}
	fail_msg("%s lacks --%s", name, option);
}

static void
test_every_option(void **state)
{
	char *conf = read_page("sluice.conf.5"), *daemon = read_page("sluiced.8"),
	     *sluice = read_page("sluice.1");
	char text[128];

	(void)state;
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];
		const char *entry, *end, *said;

		snprintf(text, sizeof(text), "\n.It Sy %s No = ", row->name);
		wants(conf, "sluice.conf.5", text);
		entry = strstr(conf, text) + 1;
		end = strstr(entry, "\n.It ");
		if (!end)
			end = strstr(entry, "\n.El");
		if (row->fallback && row->fallback[0]) {
			snprintf(text, sizeof(text), "\n.Ql %s", row->fallback);
			said = strstr(entry, text);
			if (!said || said > end)
				fail_msg("sluice.conf.5: %s: the default is %s", row->name,
					 row->fallback);
		}
		wants_option(daemon, "sluiced.8", row->name);
		wants_option(sluice, "sluice.1", row->name);
	}
	free(conf);
	free(daemon);
	free(sluice);
}

static void
test_no_option_too_many(void **state)
{
	char *conf = read_page("sluice.conf.5");
	int count = 0;

	(void)state;
	for (char *at = conf; (at = strstr(at, "\n.It Sy ")) != NULL; at++) {
		char name[64];

		assert_int_equal(sscanf(at, "\n.It Sy %63s", name), 1);
		if (!option_find(name))
			fail_msg("sluice.conf.5 explains '%s', which there is not", name);
		count++;
	}
	assert_int_equal(count, OPTION_COUNT);
	free(conf);
}

static void
test_every_exit_status(void **state)
{
	char *page = read_page("sluice.1");
	char text[256];

	(void)state;
	for (const struct exit_status_row *row = exit_status_table; row->meaning; row++) {
		snprintf(text, sizeof(text), "\n.It %d\n%s\n", row->status, row->meaning);
		wants(page, "sluice.1", text);
	}
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_no_option_too_many),
		cmocka_unit_test(test_every_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
