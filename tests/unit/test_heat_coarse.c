/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_coarse.c - a coarse tracker sees a part of what happens, and which part changes with
 * the program and with how often TLBs are flushed. Memory that only it knows must not look colder
 * than what is watched page by page, and only what grows hotter than the rest is an alarm.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heat.h"
#include "sample_order.h"

#define MS 1000000ull
#define PID 42
#define BASE 0x10000000ull
#define REGIONS 64u
#define WATCHED 40u /* the first ones; the rest lies in fast memory, where nothing is marked */
#define RATE 5.0    /* accesses per second of each page */
#define LOOK_S 0.25

static struct heat *heat;
static uint64_t now_ns;

/* Every fourth of the watched regions is hot, so that regions do differ. */
static double
rate_of(uint64_t region)
{
	return region < WATCHED && region % 4 == 0 ? 20 * RATE : RATE;
}

static double
uniform01(void)
{
	return (rand() + 1.0) / (RAND_MAX + 2.0);
}

static void
begin(void)
{
	struct heat_options options = {.region_max = REGIONS, .detail_bytes_max = 1u << 20};
	struct heat_span span = {BASE, BASE + (uint64_t)REGIONS * HEAT_REGION_BYTES};
	uint8_t tiers[HEAT_REGION_PAGES];

	srand(1);
	now_ns = 10000 * MS;
	assert_int_equal(heat_new(&options, &heat, NULL), 0);
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, now_ns, NULL), 0);
	for (size_t i = 0; i < REGIONS; i++) {
		memset(tiers, i < WATCHED, sizeof(tiers));
		heat_set_residency(heat, i, tiers, 0, now_ns);
	}
}

#define WATCHED_PAGES ((uint64_t)WATCHED * HEAT_REGION_PAGES)

static struct sample touches[WATCHED_PAGES];

static void
watch_once(void)
{
	struct sample armed = {.kind = SAMPLE_ARMED,
			       .pid = PID,
			       .addr = BASE,
			       .len_bytes = (uint64_t)WATCHED * HEAT_REGION_BYTES,
			       .time_ns = now_ns};

	heat_fold(heat, &armed, 1);
	for (uint64_t p = 0; p < WATCHED_PAGES; p++)
		touches[p] = (struct sample){
			.kind = SAMPLE_TOUCH,
			.pid = PID,
			.addr = BASE + p * HEAT_PAGE_BYTES,
			.time_ns = now_ns + (uint64_t)(-log(uniform01()) /
						       rate_of(p / HEAT_REGION_PAGES) * 1e9)};
	samples_order(touches, WATCHED_PAGES);
	heat_fold(heat, touches, WATCHED_PAGES);
}

/* The coarse tracker looks at all regions; of one it sees `times` as much. */
static void
look(double seen_share, size_t hot, double times)
{
	now_ns += (uint64_t)(LOOK_S * 1e9);
	for (size_t i = 0; i < REGIONS; i++) {
		double mean = rate_of(i) * LOOK_S * seen_share * (i == hot ? times : 1);
		double events = 0, left = exp(-mean);

		for (double at = uniform01(); at > left; at *= uniform01())
			events++;
		struct sample sample = {.kind = SAMPLE_RATE,
					.pid = PID,
					.addr = BASE + i * HEAT_REGION_BYTES,
					.len_bytes = HEAT_REGION_BYTES,
					.time_ns = now_ns,
					.events = (float)events,
					.exposure_s = (float)LOOK_S};

		heat_fold(heat, &sample, 1);
	}
}

static void
learn(double seen_share)
{
	size_t count;

	for (int pass = 0; pass < 10; pass++) {
		watch_once();
		for (int i = 0; i < 12; i++)
			look(seen_share, REGIONS, 1);
		heat_view(heat, now_ns, &count);
	}
}

/* Of the regions that are not hot. */
static double
heat_from(size_t first, size_t end)
{
	const struct sluice_region *entries;
	double sum = 0, bytes = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		size_t region = (size_t)((entries[i].addr - BASE) / HEAT_REGION_BYTES);

		if (region < first || region >= end || rate_of(region) > RATE)
			continue;
		sum += (double)entries[i].heat * entries[i].bytes;
		bytes += entries[i].bytes;
	}
	return sum / bytes;
}

static void
test_both_on_one_scale(void **state)
{
	static const double shares[] = {1, 0.3, 0.1};

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double watched, unwatched;

		begin();
		learn(shares[i]);
		watched = heat_from(0, WATCHED);
		unwatched = heat_from(WATCHED, REGIONS);
		assert_true(watched > RATE / 1.5 && watched < RATE * 1.5);
		assert_true(unwatched > watched / 2 && unwatched < watched * 2);
		heat_free(heat);
	}
}

/* All memory seems three times as hot at once: that is the program's pace, or the tracker's sight.
 */
static void
test_more_of_all_is_no_alarm(void **state)
{
	(void)state;
	begin();
	learn(0.1);
	assert_int_equal(heat_alarms(heat), 0);
	for (int i = 0; i < 40; i++)
		look(0.3, REGIONS, 1);
	assert_true(heat_alarms(heat) < 4);
	heat_free(heat);
}

static void
test_more_of_one_is_an_alarm(void **state)
{
	uint64_t before;

	(void)state;
	begin();
	learn(0.3);
	before = heat_alarms(heat);
	for (int i = 0; i < 20; i++)
		look(0.3, 3, 30);
	assert_true(heat_alarms(heat) > before);
	heat_free(heat);
}

/* Cold memory that is not watched just now grows hot: the coarse tracker's word counts at once,
 * without a new look page by page. */
static void
test_word_counts_until_watched(void **state)
{
	const struct sluice_region *entries = NULL;
	uint64_t addr = BASE + 3ull * HEAT_REGION_BYTES;
	size_t count = 0;

	(void)state;
	begin();
	learn(0.3);
	for (int i = 0; i < 40; i++) {
		look(0.3, 3, 30);
		if (i % 4 == 3)
			entries = heat_view(heat, now_ns, &count);
	}
	for (size_t i = 0; i < count; i++) {
		if (entries[i].addr == addr)
			assert_true(entries[i].heat_low > 3 * RATE);
	}
	heat_free(heat);
}

/* Ever more is seen of all memory, in ranges of which none is cold all over, so that the scale does
 * not follow: what was learned page by page stays. */
static void
test_word_of_all_is_none(void **state)
{
	const struct sluice_region *entries = NULL;
	const uint64_t cold = BASE + 3ull * HEAT_REGION_BYTES;
	struct sample sample = {.kind = SAMPLE_RATE,
				.pid = PID,
				.len_bytes = 4 * HEAT_REGION_BYTES,
				.exposure_s = (float)LOOK_S};
	size_t count = 0, found = 0;

	(void)state;
	begin();
	learn(0.05);
	now_ns += 3000 * MS; /* so that its word could count */
	for (int i = 0; i < 40; i++) {
		now_ns += (uint64_t)(LOOK_S * 1e9);
		sample.time_ns = now_ns;
		sample.events = (float)(RATE * LOOK_S * 6 * 0.05 * exp2(i / 12.0));
		for (uint64_t r = 0; r < REGIONS; r += 4) {
			sample.addr = BASE + r * HEAT_REGION_BYTES;
			heat_fold(heat, &sample, 1);
		}
	}
	assert_true(heat_alarms(heat) > 0);
	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		if (entries[i].addr != cold)
			continue;
		assert_true(entries[i].heat < 3 * RATE);
		found++;
	}
	assert_true(found > 0);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_on_one_scale),
		cmocka_unit_test(test_more_of_all_is_no_alarm),
		cmocka_unit_test(test_more_of_one_is_an_alarm),
		cmocka_unit_test(test_word_counts_until_watched),
		cmocka_unit_test(test_word_of_all_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
