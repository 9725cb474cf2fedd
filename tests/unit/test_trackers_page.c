/* SPDX-License-Identifier: Apache-2.0 */
/* test_trackers_page.c - scores of trackers become a page: all trackers are on it, unknown figures
 * too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/main/trackers_row.h"
#include "engine/report/report.h"

static const char *const workloads[] = {"block", "jump"};
static const char *const trackers[] = {"one", "two", "three", "four", "five"};

static struct trackers_table *
make_table(void)
{
	struct trackers_table *table = trackers_table_new();

	assert_non_null(table);
	for (size_t w = 0; w < 2; w++) {
		for (size_t t = 0; t < 5; t++) {
			struct trackers_row *row;

			if (w == 1 && t == 2)
				continue; /* that one failed */
			row = trackers_table_row(table, workloads[w], trackers[t]);
			assert_non_null(row);
			row->precision = t == 1 ? (double)NAN : 0.5;
			row->recall = 0.25;
			row->delay_90_s = row->slowdown_percent = (double)NAN;
			row->jumped_s = w ? 1.5 : (double)NAN;
			trackers_row_point(row, 1, 0.1);
			trackers_row_point(row, 2, 0.25);
		}
	}
	return table;
}

static void
a_page(void **unused)
{
	json_t *machine = json_pack("{s:b, s:s}", "emulated", 1, "description", "a test");
	struct trackers_table *table = make_table();
	json_t *result = trackers_table_json(table, machine);
	char path[] = "/tmp/sluice-test-XXXXXX";
	static char page[1 << 20];
	struct sluice_err err = {0, ""};
	int fd = mkstemp(path);
	size_t length;
	FILE *file;

	(void)unused;
	assert_non_null(result);
	assert_true(fd >= 0);
	close(fd);
	if (report_file(path, result, &err) < 0)
		fail_msg("%s", err.msg);
	file = fopen(path, "re");
	assert_non_null(file);
	length = fread(page, 1, sizeof(page) - 1, file);
	page[length] = '\0';
	fclose(file);
	unlink(path);
	for (size_t t = 0; t < 5; t++)
		assert_non_null(strstr(page, trackers[t]));
	assert_non_null(strstr(page, "The hot block jumps"));
	/* Recall and precision at one look; two charts of block, as five are too many for one; one
	 * of jump. */
	assert_int_equal(json_array_size(json_object_get(result, "grids")), 2);
	assert_int_equal(json_array_size(json_object_get(result, "charts")), 3);
	assert_true(json_is_null(json_array_get(
		json_object_get(
			json_array_get(
				json_object_get(json_array_get(json_object_get(result, "grids"), 0),
						"rows"),
				1),
			"values"),
		2)));
	json_decref(result);
	trackers_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_page)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
