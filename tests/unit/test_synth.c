/* SPDX-License-Identifier: Apache-2.0 */
/* test_synth.c - patterns: rates add up, draws follow them, words are read, seeds repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "synth.h"

#define PAGES 5000u
#define DRAWS 400000u

static const char *const texts[] = {"hot",
				    "hot:part=3%,share=99%",
				    "zipf",
				    "zipf:s=0.7,clustered",
				    "zipf:s=1.3",
				    "window:period=7",
				    "strided:stride=7",
				    "uniform",
				    "phases:period=3,part=0.2",
				    "scan"};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static struct synth
synth_of(const char *text, uint64_t pages, uint64_t seed)
{
	struct synth_choice choice;
	struct synth synth;
	struct sluice_err err = {0, ""};

	if (synth_parse(text, &choice, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(synth_init(&synth, &choice, pages, 1000, seed, &err), 0);
	return synth;
}

static void
test_rates_add_up(void **state)
{
	static const double times[] = {0, 1.3, 6.99, 1234.5};

	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		for (size_t t = 0; t < 4; t++) {
			struct synth synth = synth_of(texts[i], PAGES, 3 + t);
			double sum = 0;

			for (uint64_t p = 0; p < PAGES; p++)
				sum += synth_rate(&synth, p, times[t]);
			if (fabs(sum - 1000) > 1e-3)
				fail_msg("%s at %g: %g", texts[i], times[t], sum);
		}
	}
}

/* Draws against rates by chi-squared over the pages where enough is expected: about one per degree
 * of freedom. */
static void
test_draws_follow_rates(void **state)
{
	uint32_t *counts = calloc(PAGES, sizeof(*counts));

	(void)state;
	assert_non_null(counts);
	for (size_t i = 0; i < TEXTS; i++) {
		struct synth synth = synth_of(texts[i], PAGES, 11);
		uint64_t random = 5;
		double chi = 0, freedom = 0;

		memset(counts, 0, PAGES * sizeof(*counts));
		for (unsigned int k = 0; k < DRAWS; k++) {
			uint64_t page = synth_draw(&synth, 4.2, &random);

			assert_true(page < PAGES);
			counts[page]++;
		}
		for (uint64_t p = 0; p < PAGES; p++) {
			double want = synth_rate(&synth, p, 4.2) / 1000 * DRAWS;

			if (want == 0)
				assert_int_equal(counts[p], 0);
			if (want < 5)
				continue;
			chi += (counts[p] - want) * (counts[p] - want) / want;
			freedom++;
		}
		assert_true(freedom > 30);
		if (fabs(chi / freedom - 1) > 6 * sqrt(2 / freedom))
			fail_msg("%s: %g over %g", texts[i], chi, freedom);
	}
	free(counts);
}

/* Large patterns too, and what is rare: the sum of Zipf's rates by an integral. */
static void
test_large(void **state)
{
	struct synth synth = synth_of("zipf:s=0.9,clustered", 1u << 20, 1);
	double sum = 0;

	(void)state;
	for (uint64_t p = 0; p < 1u << 20; p++)
		sum += synth_rate(&synth, p, 0);
	assert_true(fabs(sum - 1000) < 1e-2);
	synth = synth_of("zipf", SYNTH_PAGES_MAX, 1);
	for (uint64_t random = 1, i = 0; i < 1000; i++)
		assert_true(synth_draw(&synth, 0, &random) < SYNTH_PAGES_MAX);
}

static void
test_seeds(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		struct synth a = synth_of(texts[i], PAGES, 1), b = synth_of(texts[i], PAGES, 1);
		uint64_t ra = 9, rb = 9;

		for (int k = 0; k < 100; k++)
			assert_int_equal(synth_draw(&a, 1, &ra), synth_draw(&b, 1, &rb));
	}
	/* Another seed, another place. */
	{
		struct synth a = synth_of("hot", PAGES, 1), b = synth_of("hot", PAGES, 2);
		int differ = 0;

		for (uint64_t p = 0; p < PAGES; p++)
			differ += synth_rate(&a, p, 0) != synth_rate(&b, p, 0);
		assert_true(differ > 100);
	}
}

static void
test_moves_with_time(void **state)
{
	struct synth window = synth_of("window:period=10,part=10%", PAGES, 1);
	struct synth phases = synth_of("phases:period=10", PAGES, 1);

	(void)state;
	assert_true(synth_rate(&window, 100, 0) > 10 * synth_rate(&window, 100, 5));
	assert_true(synth_rate(&window, PAGES / 2 + 100, 5) > 10 * synth_rate(&window, 100, 5));
	assert_true(fabs(synth_rate(&window, 100, 0) - synth_rate(&window, 100, 10)) < 1e-9);
	for (uint64_t p = 0; p < PAGES; p++) /* within a phase nothing moves */
		assert_true(synth_rate(&phases, p, 10.1) == synth_rate(&phases, p, 19.9));
}

static void
test_words(void **state)
{
	static const char *const bad[] = {"",
					  "hut",
					  "hot:",
					  "hot:part",
					  "hot:part=2",
					  "hot:s=1",
					  "zipf:s=x",
					  "zipf:clustered=1",
					  "hot:,",
					  "strided:stride=1",
					  "window:period=nan"};
	struct synth_choice choice, again;
	struct sluice_err err;
	char text[128];

	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		assert_int_equal(synth_parse(texts[i], &choice, &err), 0);
		synth_text(&choice, text, sizeof(text));
		assert_int_equal(synth_parse(text, &again, &err), 0);
		assert_memory_equal(&choice, &again, sizeof(choice));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.msg[0] = '\0';
		if (strcmp(bad[i], "hot:") == 0 || strcmp(bad[i], "hot:,") == 0)
			continue; /* no settings are fine */
		if (synth_parse(bad[i], &choice, &err) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		assert_true(err.msg[0] != '\0');
	}
}

static void
test_poisson(void **state)
{
	static const double means[] = {0.01, 1, 7.5, 63, 65, 1e4};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		uint64_t random = 3;
		double sum = 0, squares = 0, n = 50000;

		for (int k = 0; k < 50000; k++) {
			double x = (double)synth_poisson(means[i], &random);

			sum += x;
			squares += (x - means[i]) * (x - means[i]);
		}
		assert_true(fabs(sum / n - means[i]) < 6 * sqrt(means[i] / n));
		assert_true(fabs(squares / n / means[i] - 1) < 0.1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_add_up),    cmocka_unit_test(test_draws_follow_rates),
		cmocka_unit_test(test_large),           cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_moves_with_time), cmocka_unit_test(test_words),
		cmocka_unit_test(test_poisson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
