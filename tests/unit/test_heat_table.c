/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_table.c - corners of the region table: times out of order, views that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/heat/table.h"
#include "heat.h"

#define NS_PER_S 1000000000ull
#define PID 42
#define BASE 0x10000000ull

static struct heat *
table_of(uint32_t regions, uint32_t region_max, uint64_t detail_bytes)
{
	struct heat_options options = {.region_max = region_max, .detail_bytes_max = detail_bytes};
	struct heat_span span = {BASE, BASE + (uint64_t)regions * HEAT_REGION_BYTES};
	struct heat *heat;

	assert_int_equal(heat_new(&options, &heat, NULL), 0);
	assert_int_equal(heat_set_spans(heat, PID, &span, 1, NS_PER_S, NULL), 0);
	return heat;
}

static void
place(struct heat *heat, size_t index, uint8_t even, uint8_t odd, uint64_t now_ns)
{
	uint8_t tiers[HEAT_REGION_PAGES];

	for (size_t p = 0; p < HEAT_REGION_PAGES; p++)
		tiers[p] = p % 2 ? odd : even;
	heat_set_residency(heat, index, tiers, 0, now_ns);
}

static void
arm(struct heat *heat, uint64_t bytes, uint64_t time_ns)
{
	struct sample sample = {.addr = BASE,
				.len_bytes = bytes,
				.time_ns = time_ns,
				.pid = PID,
				.kind = SAMPLE_ARMED};

	heat_fold(heat, &sample, 1);
}

/* Pages are watched one by one once it is known which of them are where; as in a round, residency
 * is told again after the first marking. */
static void
place_and_mark(struct heat *heat, uint32_t regions, uint8_t even, uint8_t odd)
{
	for (int time = 0; time < 2; time++) {
		for (size_t i = 0; i < regions; i++)
			place(heat, i, even, odd, NS_PER_S);
		arm(heat, (uint64_t)regions * HEAT_REGION_BYTES, NS_PER_S);
	}
}

static void
touch(struct heat *heat, uint64_t page, uint64_t time_ns)
{
	struct sample sample = {.addr = BASE + page * HEAT_PAGE_BYTES,
				.time_ns = time_ns,
				.pid = PID,
				.kind = SAMPLE_TOUCH};

	heat_fold(heat, &sample, 1);
}

/* All pages of the table touched 10 ms after each of several markings. Returns the time then. */
static uint64_t
heat_up(struct heat *heat, uint32_t regions, uint64_t now_ns)
{
	for (int pass = 0; pass < 8; pass++) {
		arm(heat, (uint64_t)regions * HEAT_REGION_BYTES, now_ns);
		for (uint64_t p = 0; p < (uint64_t)regions * HEAT_REGION_PAGES; p++)
			touch(heat, p, now_ns + 10000000);
		now_ns += NS_PER_S / 10;
	}
	return now_ns;
}

static double
mean_heat(struct heat *heat, uint64_t now_ns)
{
	const struct sluice_region *entries;
	double sum = 0, pages = 0;
	size_t count;

	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		sum += (double)entries[i].heat * entries[i].bytes;
		pages += entries[i].bytes;
	}
	return pages > 0 ? sum / pages : 0;
}

/* The samplers are read after the tick's time was taken, so a marking may lie a little ahead. */
static void
test_marked_after_the_ticks_time(void **state)
{
	struct heat *heat = table_of(2, 8, 1 << 20);
	uint64_t now_ns;
	double before;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		place(heat, i, 1, 1, NS_PER_S);
	now_ns = heat_up(heat, 2, 2 * NS_PER_S);
	mean_heat(heat, now_ns); /* finds the priors that the next view uses */
	now_ns = heat_up(heat, 2, now_ns);
	before = mean_heat(heat, now_ns);
	assert_true(before > 10);
	arm(heat, 2 * HEAT_REGION_BYTES, now_ns + 500000);
	assert_true(mean_heat(heat, now_ns) > before / 2);
	/* And what is moved in that tick was not silent for ages. */
	for (uint64_t p = 0; p < 2 * HEAT_REGION_PAGES; p++)
		heat_page_moved(heat, PID, BASE + p * HEAT_PAGE_BYTES, 1, 0, now_ns);
	assert_true(mean_heat(heat, now_ns) > before / 2);
	/* Nor is it when two markings come in the wrong order. */
	arm(heat, 2 * HEAT_REGION_BYTES, now_ns + 2000000);
	arm(heat, 2 * HEAT_REGION_BYTES, now_ns + 1000000);
	assert_true(mean_heat(heat, now_ns) > before / 2);
	heat_free(heat);
}

/* A table that is full of regions in two tiers, some of them in detail, shows all of them. */
static void
see_to_the_end(uint64_t detail_bytes)
{
	struct heat *heat = table_of(200, 200, detail_bytes);
	uint64_t now_ns = 2 * NS_PER_S, last = 0, bytes = 0;
	const struct sluice_region *entries;
	size_t count = 0;

	for (size_t i = 0; i < 200; i++)
		place(heat, i, 0, 1, NS_PER_S);
	/* Gaps of many lengths, so that each region in detail has pages of many kinds. */
	for (int pass = 0; pass < 3; pass++) {
		arm(heat, 200 * HEAT_REGION_BYTES, now_ns);
		for (uint64_t p = 0; p < 40 * HEAT_REGION_PAGES; p++)
			touch(heat, p, now_ns + (1000000ull << p % 13));
		now_ns += 10 * NS_PER_S;
		entries = heat_view(heat, now_ns, &count);
	}
	for (size_t i = 0; i < count; i++) {
		bytes += entries[i].bytes;
		last = entries[i].addr > last ? entries[i].addr : last;
	}
	assert_int_equal(last, BASE + 199 * HEAT_REGION_BYTES);
	assert_int_equal(bytes, 200 * HEAT_REGION_BYTES);
	heat_free(heat);
}

static void
test_full_table_is_seen_to_its_end(void **state)
{
	(void)state;
	see_to_the_end(0);
	see_to_the_end(2048);
	see_to_the_end(40 * 2048);
}

/* A region of which nothing was heard keeps its entries for a while. They go on standing for the
 * pages that they were made of, also of those that were silent meanwhile. */
static void
test_entries_keep_their_pages(void **state)
{
	enum { REGIONS = 16 };
	struct heat *heat = table_of(REGIONS, REGIONS, 1 << 20);
	uint64_t addrs[HEAT_REGION_PAGES], now_ns;
	size_t count;

	(void)state;
	place_and_mark(heat, REGIONS, 0, 1);
	now_ns = heat_up(heat, REGIONS, 2 * NS_PER_S);
	/* Regions fall silent one after the other. */
	for (uint64_t i = REGIONS; i > 0; i--) {
		arm(heat, i * HEAT_REGION_BYTES, now_ns);
		now_ns += NS_PER_S / 5;
	}
	for (int look = 0; look < 20; look++) {
		const struct sluice_region *entries = heat_view(heat, now_ns, &count);
		uint64_t pages = 0;

		for (size_t i = 0; i < count; i++) {
			size_t asked = heat_entry_pages(heat, i, addrs, HEAT_REGION_PAGES);

			assert_int_equal(asked * HEAT_PAGE_BYTES, entries[i].bytes);
			pages += asked;
		}
		assert_int_equal(pages, REGIONS * HEAT_REGION_PAGES);
		now_ns += NS_PER_S / 4;
	}
	heat_free(heat);
}

/* When there is no room for an entry for each kind of page a region is shown as a whole, by how
 * many pages it has in each tier: pages that moved are where they are now. */
static void
test_moved_pages_are_counted(void **state)
{
	struct heat *heat = table_of(1, 1, 2048);
	const struct region *region;

	(void)state;
	place(heat, 0, 1, 1, NS_PER_S);
	arm(heat, HEAT_REGION_BYTES, NS_PER_S);
	for (uint64_t p = 0; p < HEAT_REGION_PAGES; p += 2)
		heat_page_moved(heat, PID, BASE + p * HEAT_PAGE_BYTES, 1, 0, 2 * NS_PER_S);
	heat_page_moved(heat, PID, BASE, 0, 0, 2 * NS_PER_S);
	heat_page_moved(heat, PID, BASE + HEAT_PAGE_BYTES, 1, HEAT_TIER_ABSENT, 2 * NS_PER_S);
	region = &heat->regions[0];
	assert_int_equal(region->resident[0], HEAT_REGION_PAGES / 2);
	assert_int_equal(region->resident[1], HEAT_REGION_PAGES / 2 - 1);
	heat_free(heat);
}

/* A region without detail that moved is not offered again as if it were where it was, and is left
 * alone for a while: plans stood still behind such regions until their residency was read anew. */
static void
test_moved_without_detail(void **state)
{
	struct heat *heat = table_of(1, 1, 2048);
	const struct sluice_region *entries;
	size_t count;

	(void)state;
	place(heat, 0, 0, 0, NS_PER_S);
	for (uint64_t p = 0; p < HEAT_REGION_PAGES; p++)
		heat_page_moved(heat, PID, BASE + p * HEAT_PAGE_BYTES, 0, 1, 2 * NS_PER_S);
	entries = heat_view(heat, 3 * NS_PER_S, &count);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].tier, 1);
	assert_int_equal(entries[0].bytes, HEAT_REGION_BYTES);
	assert_true(entries[0].age_ms < 10000);
	heat_free(heat);
}

/* The first view finds the spreads that estimates need, and has estimates of all regions by them,
 * however long they have been silent. */
static void
test_known_from_the_first_view_on(void **state)
{
	struct heat *heat = table_of(4, 8, 1 << 20);
	struct heat_stats stats;
	uint64_t now_ns;

	(void)state;
	place_and_mark(heat, 4, 0, 1);
	now_ns = heat_up(heat, 4, 2 * NS_PER_S) + 100 * NS_PER_S;
	assert_true(mean_heat(heat, now_ns) > 0);
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.unknown_bytes, 0);
	heat_free(heat);
}

/* Nothing but huge pages, and nothing but gaps to know them by: 8 hot ones, 16 warm ones, and 8
 * that are never touched. */
static void
test_huge_pages(void **state)
{
	struct heat *heat = table_of(32, 32, 1 << 20);
	const struct sluice_region *entries;
	uint8_t tiers[HEAT_REGION_PAGES] = {0};
	uint64_t now_ns = 2 * NS_PER_S;
	struct heat_stats stats;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 32; i++)
		heat_set_residency(heat, i, tiers, 1, NS_PER_S);
	for (int pass = 0; pass < 12; pass++) {
		arm(heat, 32 * HEAT_REGION_BYTES, now_ns);
		for (uint64_t i = 0; i < 24; i++)
			touch(heat, i * HEAT_REGION_PAGES,
			      now_ns + (i < 8 ? NS_PER_S / 100 : NS_PER_S));
		now_ns += 4 * NS_PER_S;
		entries = heat_view(heat, now_ns, &count);
	}
	heat_get_stats(heat, &stats);
	assert_int_equal(stats.unknown_bytes, 0);
	assert_int_equal(count, 32);
	for (size_t i = 0; i < 32; i++) {
		double pages = HEAT_REGION_PAGES;

		assert_int_equal(heat_entry_unit(heat, i), HEAT_REGION_BYTES);
		if (i < 8)
			assert_true(entries[i].heat > 50 / pages && entries[i].heat < 200 / pages);
		else if (i < 24)
			assert_true(entries[i].heat > 0.5 / pages && entries[i].heat < 2 / pages);
		else
			assert_true(entries[i].heat_high < 0.5 / pages);
	}
	heat_free(heat);
}

/* Mappings that come, go and grow, of three processes: the table is rebuilt where it is, and what
 * is known of a region stays with it. Each region is told by where most of its pages are. */
static void
test_spans_at_random(void **state)
{
	struct heat_options options = {.region_max = 600, .detail_bytes_max = 64 << 10};
	struct heat *heat;

	(void)state;
	srand(1);
	assert_int_equal(heat_new(&options, &heat, NULL), 0);
	for (int round = 0; round < 300; round++) {
		int32_t pid = PID + rand() % 3;
		struct heat_span spans[16];
		size_t count = 0, told = 0, known = 0;
		uint64_t at = BASE + (uint64_t)(rand() % 8) * HEAT_REGION_BYTES;
		uint32_t before[3] = {0}, after[3] = {0};

		for (uint32_t i = 0; i < heat->region_count; i++)
			before[heat->regions[i].pid - PID]++;
		for (int i = rand() % 12; i > 0; i--) {
			spans[count].start = at;
			at += (uint64_t)(1 + rand() % 6000) * HEAT_PAGE_BYTES;
			spans[count++].end = at;
			at += (uint64_t)(rand() % 5) * HEAT_PAGE_BYTES;
		}
		assert_int_equal(heat_set_spans(heat, pid, spans, count, NS_PER_S, NULL), 0);
		for (uint32_t i = 0; i < heat->region_count; i++) {
			const struct region *region = &heat->regions[i];

			after[region->pid - PID]++;
			if (i)
				assert_true(region[-1].pid < region->pid ||
					    (region[-1].pid == region->pid &&
					     region_end(&region[-1]) <= region->addr));
			assert_int_equal(table_find(heat, region->pid, region->addr), i);
			/* What was written there is of its own address, if anything. */
			told += region->suspicion != 0;
			known += region->suspicion == (region->addr >> 12 & 0x7fff) + 1;
			heat->regions[i].suspicion = (uint16_t)((region->addr >> 12 & 0x7fff) + 1);
			if (rand() % 8 == 0)
				table_detail(heat, i);
		}
		assert_int_equal(told, known);
		for (int p = 0; p < 3; p++) {
			if (p != pid - PID)
				assert_int_equal(before[p], after[p]);
		}
		for (size_t s = 0; s < count; s++)
			assert_true(table_find(heat, pid, spans[s].end - 1) >= 0);
	}
	for (int32_t pid = PID; pid < PID + 3; pid++)
		assert_int_equal(heat_set_spans(heat, pid, NULL, 0, NS_PER_S, NULL), 0);
	assert_int_equal(heat->region_count, 0);
	assert_int_equal(heat->detail_most, heat->detail_free_count);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marked_after_the_ticks_time),
		cmocka_unit_test(test_spans_at_random),
		cmocka_unit_test(test_full_table_is_seen_to_its_end),
		cmocka_unit_test(test_entries_keep_their_pages),
		cmocka_unit_test(test_moved_pages_are_counted),
		cmocka_unit_test(test_moved_without_detail),
		cmocka_unit_test(test_known_from_the_first_view_on),
		cmocka_unit_test(test_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
