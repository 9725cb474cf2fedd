/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_kinds.c - a view takes pages of which the same is known as one, and leaves alone what
 * nothing was heard of: it must come out as if each page had been looked at.
 */
#include "heat_world.h"

#define REGIONS 150u /* more than two stretches of the table */
#define DETAIL_BYTES (REGIONS * PAGES * 4)

static struct heat *
other_world(struct heat *first)
{
	begin(REGIONS, DETAIL_BYTES, 0);
	return first;
}

static void
touch(uint64_t page, double gap_s)
{
	struct sample sample = {.kind = SAMPLE_TOUCH,
				.pid = PID,
				.addr = BASE + page * HEAT_PAGE_BYTES,
				.time_ns = now_ns + (uint64_t)(gap_s * 1e9)};

	heat_fold(heat, &sample, 1);
}

/* Regions that are even, mixed, drawn, silent, in two tiers, and marked in two parts. */
static void
live(int passes)
{
	for (int pass = 0; pass < passes; pass++) {
		tell(SAMPLE_COUNTING, 0, 0, 100, 0);
		tell(SAMPLE_ARMED, 0, 90 * PAGES, 0, 0);
		for (uint64_t page = 0; page < 90 * PAGES; page++) {
			double rate = (page / PAGES) % 3 == 1 && page % 8 == 0 ? 40 : 0.4;
			double gap_s = -log(uniform01()) / rate;

			if (gap_s < 1)
				touch(page, gap_s);
		}
		now_ns += NS_PER_S;
		tell(SAMPLE_ARMED, 20 * PAGES + 200, 100, 0, 0);
		for (int draw = 0; draw < 3000; draw++) {
			uint64_t page = (100 + (uint64_t)rand() % 20) * PAGES +
					(uint64_t)rand() % (draw % 2 ? PAGES : 32);

			tell(SAMPLE_COUNT, page, 0, 100, 0);
		}
		heat_page_moved(heat, PID, BASE + (uint64_t)(30 + pass) * HEAT_REGION_BYTES, 1, 0,
				now_ns);
		now_ns += NS_PER_S / 2;
		look();
	}
}

static void
assert_alike(float a, float b)
{
	if (isinf(a) || isinf(b))
		assert_true(isinf(a) && isinf(b));
	else
		assert_true(fabsf(a - b) <= 2e-3f * fmaxf(a, b));
}

static void
test_kinds_are_pages(void **state)
{
	const struct sluice_region *merged, *plain;
	struct heat *first;
	size_t merged_count, plain_count, differing = 0, other = 0;
	int64_t more_bytes = 0;

	(void)state;
	begin(REGIONS, DETAIL_BYTES, 0);
	live(8);
	merged = heat_view(heat, now_ns, &merged_count);
	first = other_world(heat);
	heat->unmerged = 1;
	live(8);
	plain = heat_view(heat, now_ns, &plain_count);
	assert_int_equal(heat->region_count, first->region_count);
	for (uint32_t i = 0; i < REGIONS; i++) {
		const struct region *a = &first->regions[i], *b = &heat->regions[i];

		/* A page on the edge of a half octave may fall on either side. */
		differing += a->entry_count != b->entry_count;
		assert_true(fabsf(a->prior_mean - b->prior_mean) < 1e-3f);
		assert_true(fabsf(a->prior_var - b->prior_var) < 1e-3f * fabsf(b->prior_var));
	}
	assert_true(differing <= REGIONS / 20);
	assert_true(merged_count > 3 * REGIONS);
	for (size_t i = 0; i < merged_count && !differing; i++) {
		if (merged[i].bytes != plain[i].bytes) {
			/* Such pages, all of one kind, and the order of the two entries with them.
			 */
			other++;
			more_bytes += (int64_t)merged[i].bytes - (int64_t)plain[i].bytes;
			continue;
		}
		assert_alike(merged[i].heat, plain[i].heat);
		assert_alike(merged[i].heat_low, plain[i].heat_low);
		assert_alike(merged[i].heat_high, plain[i].heat_high);
	}
	assert_true(other <= 2);
	assert_int_equal(more_bytes, 0);
	heat_free(first);
	heat_free(heat);
}

/* Each page is in one entry, that which its own evidence says, and the sums are those of entries.
 */
static void
test_entries_have_their_pages(void **state)
{
	const struct sluice_region *entries;
	uint64_t addrs[HEAT_REGION_PAGES], bytes[8] = {0};
	double rate[8] = {0};
	struct heat_stats stats;
	size_t count;

	(void)state;
	begin(REGIONS, DETAIL_BYTES, 0);
	live(8);
	for (int quiet = 0; quiet < 3; quiet++) {
		now_ns += NS_PER_S / 4;
		look();
	}
	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		size_t pages = heat_entry_pages(heat, i, addrs, HEAT_REGION_PAGES);

		assert_int_equal(pages * HEAT_PAGE_BYTES, entries[i].bytes);
		bytes[entries[i].tier] += entries[i].bytes;
		rate[entries[i].tier] += (double)pages * (double)entries[i].heat;
	}
	heat_get_stats(heat, &stats);
	for (int tier = 0; tier < 2; tier++) {
		assert_int_equal(bytes[tier], stats.resident_bytes[tier]);
		assert_about(stats.access_rate[tier], rate[tier], 1.0001);
	}
	heat_free(heat);
}

/* Mappings come and go; what is left has the entries that it had, and nothing is counted twice. */
static void
test_spans_keep_entries(void **state)
{
	struct heat_span spans[] = {{BASE, BASE + 40ull * HEAT_REGION_BYTES},
				    {BASE + 60ull * HEAT_REGION_BYTES,
				     BASE + (uint64_t)REGIONS * HEAT_REGION_BYTES + 65536}};
	struct heat_span other = {BASE, BASE + 10ull * HEAT_REGION_BYTES};
	const struct sluice_region *entries;
	struct sluice_region kept, last;
	struct heat_stats stats;
	uint64_t bytes = 0;
	size_t count;

	(void)state;
	begin(REGIONS + 20, DETAIL_BYTES, 0);
	spans[1].end -= HEAT_REGION_BYTES;
	live(4);
	entries = heat_view(heat, now_ns, &count);
	kept = entries[0];
	last = entries[count - 1];
	assert_int_equal(heat_set_spans(heat, PID, spans, 2, now_ns, NULL), 0);
	assert_int_equal(heat_set_spans(heat, PID - 1, &other, 1, now_ns, NULL), 0);
	assert_int_equal(heat_entry_pages(heat, 0, (uint64_t[1]){0}, 1), 0);
	assert_memory_equal(&entries[0], &kept, sizeof(kept));
	assert_memory_equal(&entries[count - 1], &last, sizeof(last));
	entries = heat_view(heat, now_ns, &count);
	for (size_t i = 0; i < count; i++) {
		uint64_t region = (entries[i].addr - BASE) / HEAT_REGION_BYTES;

		assert_int_equal(entries[i].pid, PID);
		assert_true(region < 40 || region >= 60);
		assert_true(i == 0 || entries[i].addr >= entries[i - 1].addr);
		bytes += entries[i].bytes;
	}
	assert_memory_equal(&entries[0], &kept, sizeof(kept));
	heat_get_stats(heat, &stats);
	assert_int_equal(bytes, stats.resident_bytes[0] + stats.resident_bytes[1]);
	assert_int_equal(heat_set_spans(heat, PID, NULL, 0, now_ns, NULL), 0);
	heat_view(heat, now_ns, &count);
	heat_get_stats(heat, &stats);
	assert_int_equal(count, 0);
	assert_int_equal(stats.resident_bytes[0] + stats.resident_bytes[1], 0);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_are_pages),
		cmocka_unit_test(test_entries_have_their_pages),
		cmocka_unit_test(test_spans_keep_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
