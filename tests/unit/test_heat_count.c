/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_count.c - accesses that are drawn, one of so many, as hardware counters do it. */
#include "heat_world.h"

#define STEP_S 0.1

static void
draw(uint64_t page, double stands_for, uint64_t late_ns)
{
	struct sample sample = {.kind = SAMPLE_COUNT,
				.pid = PID,
				.addr = BASE + page * HEAT_PAGE_BYTES + page % HEAT_PAGE_BYTES,
				.time_ns = now_ns - late_ns,
				.events = (float)stands_for};

	heat_fold(heat, &sample, 1);
}

static void
say(double odds)
{
	struct sample sample = {
		.kind = SAMPLE_COUNTING, .pid = PID, .time_ns = now_ns, .events = (float)odds};

	heat_fold(heat, &sample, 1);
}

/* Accesses of pages by their rates, one of `odds` drawn; told every second, or as it is given. */
static void
count_for(double seconds, double odds, uint64_t pages, double (*rate_of)(uint64_t page))
{
	for (int step = 0; step * STEP_S < seconds; step++) {
		if (step % 10 == 0)
			say(odds);
		now_ns += (uint64_t)(STEP_S * 1e9);
		for (uint64_t p = 0; p < pages; p++) {
			unsigned int n = poisson(rate_of(p) * STEP_S / odds);

			/* In the midst of the step, mixed as they come. */
			while (n--)
				draw(p, odds, (uint64_t)(uniform01() * 1e8));
		}
		if (step % 10 == 9)
			look();
	}
	say(odds);
}

static double
four_rates(uint64_t page)
{
	static const double rates[] = {50, 400, 3000, 20000};

	return rates[page / PAGES % 4];
}

static void
test_rates(void **state)
{
	(void)state;
	for (int detail = 0; detail < 2; detail++) {
		begin(8, detail ? 1u << 20 : 0, 0);
		count_for(10, 1000, 8 * PAGES, four_rates);
		for (uint64_t r = 0; r < 8; r++)
			assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL),
				     four_rates(r * PAGES), 1.5);
		heat_free(heat);
	}
}

/* Single pages, from one draw in two seconds to 400 a second: a memory of 15 draws and a clock that
 * is told now and then must not bend them. */
static double
five_among_cold(uint64_t page)
{
	static const double rates[] = {5e2, 4e3, 3e4, 2e5, 4e5};

	return page % 100 || page >= 500 ? 10 : rates[page / 100];
}

static void
test_single_pages(void **state)
{
	double sums[5] = {0};

	(void)state;
	begin(1, 1u << 20, 0);
	count_for(20, 1000, PAGES, five_among_cold);
	for (int pass = 0; pass < 8; pass++) {
		count_for(2, 1000, PAGES, five_among_cold);
		for (uint64_t k = 0; k < 5; k++)
			sums[k] += log2(heat_of(k * 100, k * 100 + 1, NULL)) / 8;
	}
	for (uint64_t k = 1; k < 5; k++)
		assert_about(exp2(sums[k]), five_among_cold(k * 100), 1.5);
	assert_about(heat_of(1, 90, NULL), 10, 5);
	heat_free(heat);
}

static double
alike(uint64_t page)
{
	(void)page;
	return 1000;
}

static void
test_uniform_stays_uniform(void **state)
{
	double ratio;

	(void)state;
	begin(16, 1u << 20, 0);
	count_for(10, 2000, 16 * PAGES, alike);
	assert_about(heat_of(0, 16 * PAGES, &ratio), 1000, 1.25);
	assert_true(ratio < 2);
	heat_free(heat);
}

/* Odds that change, in what is said and then in what comes late; and events of another kind. */
static void
test_odds_change(void **state)
{
	(void)state;
	begin(8, 1u << 20, 0);
	count_for(5, 1000, 8 * PAGES, four_rates);
	count_for(5, 8000, 8 * PAGES, four_rates);
	count_for(3, 250, 8 * PAGES, four_rates);
	for (uint64_t r = 0; r < 8; r++)
		assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL), four_rates(r * PAGES), 1.5);
	heat_free(heat);

	/* Of half of the accesses one of 500 is drawn, of the others one of 2000. */
	begin(2, 1u << 20, 0);
	for (int step = 0; step < 100; step++) {
		say(1000);
		now_ns += 100 * MS;
		for (uint64_t p = 0; p < 2 * PAGES; p++) {
			unsigned int often = poisson(1000 * STEP_S / 500);
			unsigned int rarely = poisson(1000 * STEP_S / 2000);

			while (often--)
				draw(p, 500, 0);
			while (rarely--)
				draw(p, 2000, 0);
		}
		look();
	}
	assert_about(heat_of(0, 2 * PAGES, NULL), 2000, 1.25);
	heat_free(heat);
}

/* While nothing is drawn nothing grows cold: after it is said, or the tracker has died. */
static void
test_pauses(void **state)
{
	double before, after;

	(void)state;
	begin(4, 1u << 20, 0);
	count_for(10, 1000, 4 * PAGES, four_rates);
	before = heat_of(3 * PAGES, 4 * PAGES, NULL);
	say(0);
	now_ns += 1000 * NS_PER_S;
	after = heat_of(3 * PAGES, 4 * PAGES, NULL);
	assert_about(after, before, 1.1);
	/* What was still in a ring. */
	draw(3 * PAGES, 1000, 1000 * NS_PER_S);
	assert_about(heat_of(3 * PAGES, 4 * PAGES, NULL), before, 1.1);
	count_for(1, 1000, 4 * PAGES, four_rates);
	assert_about(heat_of(3 * PAGES, 4 * PAGES, NULL), before, 1.25);
	/* Without a word, time goes on for some seconds and no more. */
	now_ns += 1000 * NS_PER_S;
	say(1000);
	assert_true(heat_of(0, PAGES, NULL) > four_rates(0) / 8);
	heat_free(heat);
}

/* Memory that was hot and is drawn no more is cold after some seconds, and what came instead hot.
 */
static int moved;

static double
hot_moves(uint64_t page)
{
	return (page / PAGES == 1) == moved ? 20000 : 20;
}

static void
test_heat_moves(void **state)
{
	(void)state;
	moved = 0;
	begin(2, 1u << 20, 0);
	count_for(10, 1000, 2 * PAGES, hot_moves);
	assert_about(heat_of(0, PAGES, NULL), 20000, 1.25);
	moved = 1;
	count_for(4, 1000, 2 * PAGES, hot_moves);
	assert_true(heat_of(0, PAGES, NULL) < 2000);
	/* Long silence before still counts a little. */
	assert_about(heat_of(PAGES, 2 * PAGES, NULL), 20000, 2);
	heat_free(heat);
}

static double
by_region(uint64_t page)
{
	return page / PAGES % 2 ? 300 : 20;
}

static void
test_huge_pages(void **state)
{
	double means[2] = {0, 0};

	(void)state;
	begin(16, 0, 1);
	count_for(10, 5000, 16 * PAGES, by_region);
	for (uint64_t r = 0; r < 16; r++) {
		means[r % 2] += log2(heat_of(r * PAGES, (r + 1) * PAGES, NULL)) / 8;
		assert_about(heat_of(r * PAGES, (r + 1) * PAGES, NULL), by_region(r * PAGES), 2.5);
	}
	for (uint64_t r = 0; r < 2; r++)
		assert_about(exp2(means[r]), by_region(r * PAGES), 1.25);
	heat_free(heat);
}

/* Of memory that was never drawn, and of processes of which nothing is, nothing is kept. */
static void
test_strangers(void **state)
{
	struct heat_stats stats;
	struct sample stranger = {.kind = SAMPLE_COUNTING, .pid = PID + 1, .events = 10};

	(void)state;
	begin(1, 1u << 20, 0);
	draw(0, 1000, 0); /* before COUNTING */
	stranger.time_ns = now_ns;
	heat_fold(heat, &stranger, 1);
	say(1000);
	draw(5 * PAGES, 1000, 0);
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.samples_lost, 3);
	assert_int_equal(stats.regions_in_detail, 0);
	/* The process is gone, and with it its clock. */
	assert_int_equal(heat_set_spans(heat, PID, NULL, 0, now_ns, NULL), 0);
	assert_int_equal(heat->counter_count, 0);
	heat_free(heat);
}

/* A region that comes late was not watched before. */
static void
test_new_memory(void **state)
{
	struct heat_span span = {BASE, BASE + 2 * HEAT_REGION_BYTES};
	uint8_t tiers[HEAT_REGION_PAGES];

	(void)state;
	begin(2, 1u << 20, 0);
	span.end = BASE + HEAT_REGION_BYTES;
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, now_ns, NULL), 0);
	count_for(20, 1000, PAGES, alike);
	span.end = BASE + 2 * HEAT_REGION_BYTES;
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, now_ns, NULL), 0);
	memset(tiers, 1, sizeof(tiers));
	heat_set_residency(heat, 1, tiers, 0, now_ns);
	count_for(2, 1000, 2 * PAGES, alike);
	assert_about(heat_of(PAGES, 2 * PAGES, NULL), 1000, 1.25);
	heat_free(heat);
}

/* Draws that stand for four times what the process's odds say: the heat is that of all, the
 * certainty that of the draws. */
static void
test_weighted_draws(void **state)
{
	double draws_each = 0, touches = 0;

	(void)state;
	for (int detail = 0; detail < 2; detail++) {
		begin(4, detail ? 1u << 20 : 0, 0);
		for (int step = 0; step < 400; step++) {
			if (step % 10 == 0)
				say(100);
			now_ns += (uint64_t)(STEP_S * 1e9);
			for (uint64_t p = 0; p < 4 * PAGES; p++) {
				for (unsigned int n = poisson(0.2 * STEP_S); n > 0; n--) {
					draw(p, 400, 0);
					draws_each += detail / (4.0 * (double)PAGES);
				}
			}
			if (step % 10 == 9)
				look();
		}
		assert_about(heat_of(0, 4 * PAGES, NULL), 0.2 * 400, 1.3);
		for (uint64_t p = 0; detail && p < 4 * PAGES; p++)
			touches += heat->details[heat->regions[p / PAGES].detail]
					   .page[p % PAGES]
					   .touches /
				   (4.0 * (double)PAGES);
		heat_free(heat);
	}
	/* The first of each may come before anything was told. */
	assert_in_range((long)(touches * 100), (long)(draws_each * 80), (long)(draws_each * 130));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_single_pages),
		cmocka_unit_test(test_uniform_stays_uniform),
		cmocka_unit_test(test_odds_change),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_heat_moves),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_new_memory),
		cmocka_unit_test(test_weighted_draws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
