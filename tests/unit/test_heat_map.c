/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_map.c - pictures of traces that say impossible things: nothing breaks, and what is
 * drawn is finite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

#include "heat_map.h"
#include "heat_views.h"
#include "trace_files.h"
#include "trace_info.h"

static struct sluice_trace_reader *
trace_of(const char *name, const struct sluice_trace_sample *samples, size_t count)
{
	struct sluice_trace_writer_options options = {.size = sizeof(options), .waits = 1};
	struct sluice_trace_reader *reader;
	struct sluice_trace_writer *writer;
	int fd = memory_file(NULL, 0), copy = dup(fd);

	assert_int_equal(sluice_trace_writer_new(fd, &options, &writer, NULL), 0);
	sluice_trace_write_process(writer, 1, 7, name);
	for (size_t i = 0; i < count; i++)
		sluice_trace_write_samples(writer, samples[i].time_ns, &samples[i], 1);
	assert_int_equal(sluice_trace_writer_finish(writer, NULL, NULL), 0);
	assert_int_equal(sluice_trace_open_fd(copy, "test", &reader, NULL), 0);
	return reader;
}

static const struct sluice_trace_sample impossible[] = {
	{.addr = 0x1000,
	 .len_bytes = 4096,
	 .time_ns = 1000000000,
	 .pid = 7,
	 .kind = SLUICE_TRACE_EXACT,
	 .events = FLT_MAX,
	 .exposure_s = 1e-9f},
	{.addr = 0x2000,
	 .len_bytes = 4096,
	 .time_ns = 1000000000,
	 .pid = 7,
	 .kind = SLUICE_TRACE_RATE,
	 .events = 1,
	 .exposure_s = 1},
	/* More than there is, armed and seen. */
	{.addr = 0,
	 .len_bytes = UINT64_MAX - 4095,
	 .time_ns = 1100000000,
	 .pid = 7,
	 .kind = SLUICE_TRACE_ARMED},
	{.addr = 0,
	 .len_bytes = UINT64_MAX - 4095,
	 .time_ns = 1200000000,
	 .pid = 7,
	 .kind = SLUICE_TRACE_SEEN},
	{.addr = UINT64_MAX - 4095,
	 .time_ns = UINT64_MAX,
	 .pid = 7,
	 .kind = SLUICE_TRACE_COUNT,
	 .events = FLT_MAX},
};

static void
draws_the_impossible(void **state)
{
	struct sluice_trace_reader *reader =
		trace_of("n\xff", impossible, sizeof(impossible) / sizeof(impossible[0]));
	struct heat_map *map = NULL;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);
	json_t *json, *row;
	size_t i;

	(void)state;
	assert_int_equal(heat_map_new(reader, 0, 16, 8, &map, NULL), 0);
	assert_true(isfinite(map->rate_max));
	for (uint32_t r = 0; r < map->rows; r++) {
		for (uint32_t c = 0; c < map->columns; c++) {
			float shade = heat_map_shade(map, r, c);

			assert_true(isfinite(map->rate[r * map->columns + c]));
			assert_true((shade >= 0 && shade <= 1) || shade == -1);
		}
	}
	heat_html_print(map, stream);
	heat_text_print(map, stream);
	assert_int_equal(fclose(stream), 0);
	assert_null(strstr(text, "inf"));
	assert_null(strstr(text, "nan"));
	json = heat_json(map);
	assert_non_null(json);
	json_array_foreach (json_object_get(json, "rates"), i, row)
		assert_int_equal(json_array_size(row), 8);
	assert_int_equal(i, map->rows);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(json, "ranges"), 0), "name")),
			    "n?");
	json_decref(json);
	free(text);
	heat_map_free(map);
	sluice_trace_close(reader);
}

static void
tells_names_of_any_bytes(void **state)
{
	struct sluice_trace_reader *reader = trace_of("n\xff", impossible, 2);
	json_t *info = NULL, *process;

	(void)state;
	assert_int_equal(trace_info_read(reader, "file\xff", &info, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(info, "file")), "file?");
	process = json_array_get(json_object_get(info, "processes"), 0);
	assert_string_equal(json_string_value(json_object_get(process, "name")), "n?");
	json_decref(info);
	sluice_trace_close(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_the_impossible),
		cmocka_unit_test(tells_names_of_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
