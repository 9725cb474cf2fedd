/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of the workloads. If hotset does not access the pages it says it does, with the
 * probabilities it says, then every figure measured with it is wrong: so the random order must be
 * a bijection, the table-free Zipf sampler must follow Zipf's law, and what is reported for each
 * place must be what is drawn.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/workloads/wl_parse.c"
#include "bench/workloads/wl_pattern.c"
#include "bench/workloads/wl_zipf.c"

#define MIB (UINT64_C(1) << 20)

static void
test_shuffle_is_a_bijection(void **state)
{
	static const uint64_t counts[] = {1, 2, 3, 4, 5, 7, 8, 100, 4096, 4097, 179200};
	(void)state;

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct shuffle s;
			uint64_t n = counts[c];
			char *seen = calloc(n, 1);

			assert_non_null(seen);
			shuffle_init(&s, n, seed);
			for (uint64_t i = 0; i < n; i++) {
				uint64_t at = shuffle_at(&s, n, i);

				assert_true(at < n);
				assert_int_equal(seen[at], 0);
				seen[at] = 1;
			}
			free(seen);
		}
	}
}

/* The popular pages must not be neighbours: of the first 25600 of 179200, in random order, one in
 * seven has its right neighbour among them too, and each seventh of the arena holds a seventh. */
static void
test_shuffle_scatters(void **state)
{
	enum { N = 179200, HOT = 25600 };
	(void)state;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct shuffle s;
		char *hot = calloc(N + 1, 1);
		unsigned neighbours = 0, parts[7] = {0};

		assert_non_null(hot);
		shuffle_init(&s, N, seed);
		for (uint64_t i = 0; i < HOT; i++)
			hot[shuffle_at(&s, N, i)] = 1;
		for (unsigned page = 0; page < N; page++) {
			neighbours += hot[page] && hot[page + 1];
			parts[page / (N / 7)] += (unsigned)hot[page];
		}
		free(hot);
		assert_in_range(neighbours, HOT / 7 * 8 / 10, HOT / 7 * 12 / 10);
		for (unsigned i = 0; i < 7; i++)
			assert_in_range(parts[i], HOT / 7 * 9 / 10, HOT / 7 * 11 / 10);
	}
}

static void
test_zipf_fixed_point_functions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		double f = i / 1000.0;
		uint64_t q = (uint64_t)ldexp(f, 64);

		assert_true(fabs(ldexp((double)zipf_log2(q), -64) - log2(1 + f)) < 3e-8);
		assert_true(fabs(ldexp((double)zipf_exp2(q), -64) - (exp2(f) - 1)) < 1e-8);
	}
	assert_int_equal(zipf_log2(0), 0);
	assert_int_equal(zipf_exp2(0), 0);
	assert_int_equal(zipf_log2(UINT64_MAX), UINT64_MAX);
	assert_int_equal(zipf_exp2(UINT64_MAX), UINT64_MAX);
}

/* Of @draws, the count in each of a few ranges must be within 5 standard deviations and @slack of
 * what an independent term-by-term sum says. */
static void
check_zipf(uint64_t n, double s, double slack)
{
	enum { DRAWS = 4000000, ENDS = 12 };
	static const uint64_t ends[ENDS] = {1,  2,   3,    4,     6,      10,
					    30, 100, 1000, 10000, 100000, UINT64_MAX};
	uint64_t got[ENDS] = {0}, rng = rng_seed(42, n);
	double expected[ENDS] = {0}, total = 0;
	struct zipf z;

	assert_int_equal(zipf_init(&z, n, s), 0);
	for (unsigned i = 0; i < DRAWS; i++) {
		uint64_t place = zipf_draw(&z, z.n, &rng);
		unsigned range = 0;

		assert_true(place < n);
		while (place >= ends[range])
			range++;
		got[range]++;
	}
	for (uint64_t k = 1; k <= n; k++) {
		unsigned range = 0;

		while (k > ends[range])
			range++;
		expected[range] += pow((double)k, -s);
		total += pow((double)k, -s);
	}
	for (unsigned range = 0; range < ENDS; range++) {
		double p = expected[range] / total, mean = p * DRAWS;
		double far = 5 * sqrt(mean * (1 - p)) + slack * mean + 1;

		if (fabs((double)got[range] - mean) > far)
			fail_msg("n %llu, s %g: %llu draws up to rank %llu, expected %.0f +- %.0f",
				 (unsigned long long)n, s, (unsigned long long)got[range],
				 (unsigned long long)ends[range], mean, far);

		uint64_t from = range ? ends[range - 1] : 0;

		assert_true(fabs(zipf_mass(&z, from, ends[range]) - p) < 1e-9);
	}
}

static void
test_zipf_follows_zipfs_law(void **state)
{
	static const double exponents[] = {0.01, 0.5, 0.8, 0.99, 0.9998, 1, 1.0002, 1.2, 2};
	(void)state;

	for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
		check_zipf(179200, exponents[i], 0.003);
		check_zipf(1000, exponents[i], 0.003);
		check_zipf(3, exponents[i], 0.003);
		check_zipf(1, exponents[i], 0);
	}
	check_zipf(179200, 3, 0.01);
}

static void
test_zipf_limits(void **state)
{
	struct zipf z = {.n = 77};
	(void)state;

	assert_int_equal(zipf_init(&z, 0, 1), -ERANGE);
	assert_int_equal(zipf_init(&z, ZIPF_RANKS_MAX + 1, 1), -ERANGE);
	assert_int_equal(zipf_init(&z, 10, 0), -ERANGE);
	assert_int_equal(zipf_init(&z, 10, 3.01), -ERANGE);
	assert_int_equal(zipf_init(&z, 10, (double)NAN), -ERANGE);
	assert_int_equal(z.n, 77);
	assert_int_equal(zipf_init(&z, ZIPF_RANKS_MAX, 0.01), 0);

	uint64_t rng = 1;
	unsigned upper = 0;

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t place = zipf_draw(&z, z.n, &rng);

		assert_true(place < ZIPF_RANKS_MAX);
		upper += place >= ZIPF_RANKS_MAX / 2;
	}
	assert_in_range(upper, 4700, 5300);
}

/* For every pattern: places are a bijection onto pages, before and after a jump, probabilities add
 * up to 1, and what is drawn falls on each page as often as its place's probability says. */
static void
check_pattern(const char *text, uint64_t pages, uint64_t hot, double share, uint64_t turn)
{
	enum { EACH = 400 };
	struct pattern_choice choice;
	struct pattern p;
	uint64_t rng = 7, draws = pages * EACH;

	assert_int_equal(pattern_parse(text, &choice), 0);
	assert_int_equal(pattern_init(&p, &choice, pages, hot, share, 3), 0);
	p.turn = turn;

	uint32_t *drawn = calloc(pages, sizeof(*drawn));
	char *seen = calloc(pages, 1);
	double mass = 0;

	assert_non_null(drawn);
	assert_non_null(seen);
	for (uint64_t i = 0; i < draws; i++) {
		uint64_t page = 0;

		switch (p.kind) { /* as the access loops do, with a constant */
		case PATTERN_BLOCK:
			page = pattern_draw(&p, PATTERN_BLOCK, &rng);
			break;
		case PATTERN_STRIDE:
			page = pattern_draw(&p, PATTERN_STRIDE, &rng);
			break;
		case PATTERN_ZIPF:
			page = pattern_draw(&p, PATTERN_ZIPF, &rng);
			break;
		case PATTERN_UNIFORM:
			page = pattern_draw(&p, PATTERN_UNIFORM, &rng);
			break;
		}
		assert_true(page < pages);
		drawn[page]++;
	}
	for (uint64_t place = 0; place < pages; place++) {
		uint64_t page = pattern_page(&p, p.kind, place);
		double one = pattern_mass(&p, place, place + 1), mean = one * (double)draws;

		assert_true(page < pages);
		assert_int_equal(seen[page], 0);
		seen[page] = 1;
		mass += one;
		if (fabs(drawn[page] - mean) > 6 * sqrt(mean) + 0.005 * mean + 1)
			fail_msg("%s: page %llu drawn %u times, expected %.0f", text,
				 (unsigned long long)page, drawn[page], mean);
	}
	assert_true(fabs(mass - 1) < 1e-9);
	assert_true(fabs(pattern_mass(&p, 0, pages) - 1) < 1e-9);
	free(drawn);
	free(seen);
}

static void
test_patterns_draw_what_they_report(void **state)
{
	static const char *const texts[] = {"block",      "stride:2",  "stride:8",
					    "stride:500", "zipf:0.99", "uniform"};
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		check_pattern(texts[i], 1001, 100, 0.9, 0);
		check_pattern(texts[i], 1001, 100, 0.9, 901);
		check_pattern(texts[i], 1000, 1, 0, 0);
		check_pattern(texts[i], 1000, 999, 1, 1);
	}
	check_pattern("block", 64, 64, 0.5, 0);
	check_pattern("uniform", 1, 1, 0.5, 0);
}

static void
test_pattern_places_its_hot_set(void **state)
{
	struct pattern_choice choice;
	struct pattern p;
	(void)state;

	assert_int_equal(pattern_parse("block", &choice), 0);
	assert_int_equal(pattern_init(&p, &choice, 700 * 256, 100 * 256, 0.9, 1), 0);
	assert_int_equal(pattern_page(&p, p.kind, 0), 600 * 256);
	assert_int_equal(pattern_page(&p, p.kind, 100 * 256 - 1), 700 * 256 - 1);
	assert_int_equal(pattern_page(&p, p.kind, 100 * 256), 0);

	assert_int_equal(pattern_parse("stride:8", &choice), 0);
	assert_int_equal(pattern_init(&p, &choice, 80, 1, 0.9, 1), 0);
	assert_int_equal(p.hot_pages, 10);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(pattern_page(&p, p.kind, i), 8 * i);
}

static void
test_pattern_parse(void **state)
{
	static const char *const bad[] = {
		"",     "blocks", "stride",   "stride:", "stride:x", "stride:8x",
		"zipf", "zipf:",  "zipf:nan", "zipf:-1", "Uniform",  "uniform:1"};
	struct pattern_choice choice = {.stride = 77};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pattern_parse(bad[i], &choice), -EINVAL);
	assert_int_equal(pattern_parse("stride:1", &choice), -ERANGE);
	assert_int_equal(pattern_parse("zipf:9", &choice), -ERANGE);
	assert_int_equal(choice.stride, 77);
	assert_int_equal(pattern_parse("zipf:0.99", &choice), 0);
	assert_int_equal(choice.kind, PATTERN_ZIPF);
	assert_true(choice.exponent == 0.99);

	struct pattern p = {.pages = 77};

	assert_int_equal(pattern_parse("stride:8", &choice), 0);
	assert_int_equal(pattern_init(&p, &choice, 7, 1, 0.9, 1), -ERANGE);
	assert_int_equal(pattern_parse("block", &choice), 0);
	assert_int_equal(pattern_init(&p, &choice, 7, 8, 0.9, 1), -ERANGE);
	assert_int_equal(pattern_init(&p, &choice, 7, 0, 0.9, 1), -ERANGE);
	assert_int_equal(pattern_init(&p, &choice, 7, 1, 1.1, 1), -ERANGE);
	assert_int_equal(p.pages, 77);
}

static void
test_parse_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"4096B", 4096},
		{"1k", 1024},
		{"700M", 700 * MIB},
		{"700MB", 700 * MIB},
		{"700MiB", 700 * MIB},
		{"1.5G", 1536 * MIB},
		{".5G", 512 * MIB},
		{"2T", 2 * MIB * MIB},
		{"1e3", 1000},
	};
	static const char *const bad[] = {"",    "M",   "-1",  "+1",   " 1",  "1 M",   "1Q",
					  "1MM", "nan", "inf", "0x10", "1Mi", "700iB", "1MiBx"};
	uint64_t bytes = 77;
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wl_parse_size(bad[i], &bytes), -EINVAL);
	assert_int_equal(wl_parse_size("8192T", &bytes), -ERANGE);
	assert_int_equal(wl_parse_size("1e300", &bytes), -ERANGE);
	assert_int_equal(wl_parse_size("1e999", &bytes), -ERANGE);
	assert_int_equal(bytes, 77);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(wl_parse_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void
test_parse_numbers(void **state)
{
	uint64_t count = 77;
	double number = 77;
	(void)state;

	assert_int_equal(parse_count("", 0, 9, &count), -EINVAL);
	assert_int_equal(parse_count("-1", 0, 9, &count), -EINVAL);
	assert_int_equal(parse_count("3.5", 0, 9, &count), -EINVAL);
	assert_int_equal(parse_count("10", 0, 9, &count), -ERANGE);
	assert_int_equal(parse_count("0", 1, 9, &count), -ERANGE);
	assert_int_equal(parse_count("18446744073709551616", 0, UINT64_MAX, &count), -ERANGE);
	assert_int_equal(count, 77);
	assert_int_equal(parse_count("9", 0, 9, &count), 0);
	assert_int_equal(count, 9);

	assert_int_equal(parse_number("", 0, 1, &number), -EINVAL);
	assert_int_equal(parse_number("0.5x", 0, 1, &number), -EINVAL);
	assert_int_equal(parse_number("nan", 0, 1, &number), -EINVAL);
	assert_int_equal(parse_number("1.01", 0, 1, &number), -ERANGE);
	assert_true(number == 77);
	assert_int_equal(parse_number("0.9", 0, 1, &number), 0);
	assert_true(number == 0.9);
}

static void
test_parse_nodes(void **state)
{
	static const char *const bad[] = {"", "\n", ",", "0,", "a", "0-", "3-1", "0 1", "0,,1"};
	struct nodeset set = {{77}};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_nodes(bad[i], &set), -EINVAL);
	assert_int_equal(parse_nodes("1024", &set), -ERANGE);
	assert_int_equal(parse_nodes("0-99999999999999999999", &set), -ERANGE);
	assert_int_equal(set.bits[0], 77);
	assert_int_equal(parse_nodes("0,2-3,1023\n", &set), 0);
	for (unsigned node = 0; node < 1100; node++)
		assert_int_equal(nodeset_has(&set, node),
				 node == 0 || node == 2 || node == 3 || node == 1023);
}

static void
test_parse_name(void **state)
{
	const char *name = NULL;
	(void)state;

	assert_int_equal(parse_name("", &name), -EINVAL);
	assert_int_equal(parse_name("a\"b", &name), -EINVAL);
	assert_int_equal(parse_name("a b", &name), -EINVAL);
	assert_int_equal(
		parse_name("0123456789012345678901234567890123456789012345678901234567890123",
			   &name),
		-ERANGE);
	assert_null(name);
	assert_int_equal(parse_name("hot-1.b", &name), 0);
	assert_string_equal(name, "hot-1.b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shuffle_is_a_bijection),
		cmocka_unit_test(test_shuffle_scatters),
		cmocka_unit_test(test_zipf_fixed_point_functions),
		cmocka_unit_test(test_zipf_follows_zipfs_law),
		cmocka_unit_test(test_zipf_limits),
		cmocka_unit_test(test_patterns_draw_what_they_report),
		cmocka_unit_test(test_pattern_places_its_hot_set),
		cmocka_unit_test(test_pattern_parse),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_numbers),
		cmocka_unit_test(test_parse_nodes),
		cmocka_unit_test(test_parse_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
