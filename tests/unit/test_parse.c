/* SPDX-License-Identifier: Apache-2.0 */
/* test_parse.c - numbers with units: all of the text is understood, or none of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/parse.h"

static void
whole_numbers(void **unused)
{
	static const char *const bad[] = {"",   " ",  "-1",   "+1", "1.0",
					  "1 ", " 1", "0x10", "1k", "one"};
	struct sluice_err err = {0};
	uint64_t value = 7;

	(void)unused;
	assert_int_equal(parse_u64("0", 0, 9, &value, &err), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &value, &err), 0);
	assert_true(value == UINT64_MAX);
	value = 7;
	assert_int_equal(parse_u64("18446744073709551616", 0, UINT64_MAX, &value, &err), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999999", 0, UINT64_MAX, &value, &err),
			 -ERANGE);
	assert_int_equal(parse_u64("99", 100, 60000, &value, &err), -ERANGE);
	assert_non_null(strstr(err.msg, "100 and 60000"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse_u64(bad[i], 0, UINT64_MAX, &value, NULL), -EINVAL);
	assert_int_equal(value, 7);
}

static void
sizes(void **unused)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"4096", 4096},       {"0", 0},
		    {"17B", 17},          {"1K", 1024},
		    {"1k", 1024},         {"1KB", 1024},
		    {"12KiB", 12288},     {"700M", 700ull << 20},
		    {"1.5G", 3ull << 29}, {".5G", 1ull << 29},
		    {"2TiB", 2ull << 40}, {"18446744073709551615", UINT64_MAX}};
	static const char *const bad[] = {"",     "M",    "1 M", "1X",  "12 parsecs", "1MM",
					  "-1M",  "1e9",  "1Ki", "nan", "1.2.3",      "inf",
					  "0x10", "1M/s", "1iB", "."};
	struct sluice_err err = {0};
	uint64_t bytes = 7;

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(parse_size(good[i].text, &bytes, &err), 0);
		assert_true(bytes == good[i].bytes);
	}
	bytes = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse_size(bad[i], &bytes, &err), -EINVAL);
	assert_int_equal(parse_size("16E", &bytes, &err), -ERANGE);
	assert_int_equal(parse_size("18446744073709551616", &bytes, &err), -ERANGE);
	assert_int_equal(bytes, 7);
	assert_int_equal(parse_size("12 parsecs", &bytes, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_non_null(strstr(err.msg, "12 parsecs"));
}

static void
rates(void **unused)
{
	uint64_t bps = 7;

	(void)unused;
	assert_int_equal(parse_rate("200M", &bps, NULL), 0);
	assert_true(bps == 200ull << 20);
	assert_int_equal(parse_rate("200MB/s", &bps, NULL), 0);
	assert_true(bps == 200ull << 20);
	assert_int_equal(parse_rate("1GiB/s", &bps, NULL), 0);
	assert_true(bps == 1ull << 30);
	bps = 7;
	assert_int_equal(parse_rate("200M/sec", &bps, NULL), -EINVAL);
	assert_int_equal(parse_rate("/s", &bps, NULL), -EINVAL);
	assert_int_equal(bps, 7);
}

static void
durations(void **unused)
{
	uint64_t ms = 7;

	(void)unused;
	assert_int_equal(parse_duration_ms("500ms", &ms, NULL), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(parse_duration_ms("0.5s", &ms, NULL), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(parse_duration_ms("2m", &ms, NULL), 0);
	assert_int_equal(ms, 120000);
	assert_int_equal(parse_duration_ms("1h", &ms, NULL), 0);
	assert_int_equal(ms, 3600000);
	ms = 7;
	assert_int_equal(parse_duration_ms("10", &ms, NULL), -EINVAL);
	assert_int_equal(parse_duration_ms("s", &ms, NULL), -EINVAL);
	assert_int_equal(parse_duration_ms("10 s", &ms, NULL), -EINVAL);
	assert_int_equal(parse_duration_ms("-1s", &ms, NULL), -EINVAL);
	assert_int_equal(parse_duration_ms("99999999999999999999h", &ms, NULL), -ERANGE);
	assert_int_equal(ms, 7);
}

static void
percentages(void **unused)
{
	double percent = 7;

	(void)unused;
	assert_int_equal(parse_percent("3%", &percent, NULL), 0);
	assert_true(percent > 2.999 && percent < 3.001);
	assert_int_equal(parse_percent("0.5%", &percent, NULL), 0);
	assert_true(percent > 0.499 && percent < 0.501);
	assert_int_equal(parse_percent("100%", &percent, NULL), 0);
	assert_int_equal(parse_percent("100.1%", &percent, NULL), -ERANGE);
	assert_int_equal(parse_percent("3", &percent, NULL), -EINVAL);
	assert_int_equal(parse_percent("%", &percent, NULL), -EINVAL);
	assert_int_equal(parse_percent("3%%", &percent, NULL), -EINVAL);
	assert_true(percent > 99.9 && percent < 100.1);
}

static void
booleans(void **unused)
{
	int value = 7;

	(void)unused;
	assert_int_equal(parse_bool("Yes", &value, NULL), 0);
	assert_int_equal(value, 1);
	assert_int_equal(parse_bool("off", &value, NULL), 0);
	assert_int_equal(value, 0);
	value = 7;
	assert_int_equal(parse_bool("maybe", &value, NULL), -EINVAL);
	assert_int_equal(parse_bool("", &value, NULL), -EINVAL);
	assert_int_equal(value, 7);
}

static void
sizes_for_people(void **unused)
{
	char text[16];

	(void)unused;
	assert_string_equal(format_size(0, text, sizeof(text)), "0 B");
	assert_string_equal(format_size(1023, text, sizeof(text)), "1023 B");
	assert_string_equal(format_size(12288, text, sizeof(text)), "12 KiB");
	assert_string_equal(format_size(3ull << 29, text, sizeof(text)), "1.5 GiB");
	assert_string_equal(format_size((1ull << 30) - 1, text, sizeof(text)), "1 GiB");
	assert_string_equal(format_size(UINT64_MAX, text, sizeof(text)), "16 EiB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(rates),
		cmocka_unit_test(durations),
		cmocka_unit_test(percentages),
		cmocka_unit_test(booleans),
		cmocka_unit_test(sizes_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
