/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_pool.c - memory many times as large as there is room for single pages: all of it is
 * learned, as regions at least, and the room goes to where pages differ around the cut line.
 */
#include "heat_world.h"

#define REGIONS 96u
#define POOL 12u /* regions in detail */
#define COLD 0.3
#define HOT 30.0

/* One region in eight is hot; pages of one in twelve are hot by one in two. */
static double
rate_of(uint64_t page)
{
	uint64_t region = page / PAGES;

	if (region % 12 == 5)
		return page % 2 ? COLD : HOT;
	return region % 8 == 0 ? HOT : COLD;
}

static void
watch(int passes)
{
	for (int pass = 0; pass < passes; pass++) {
		for (uint64_t region = 0; region < REGIONS; region++) {
			tell(SAMPLE_ARMED, region * PAGES, PAGES, 0, 0);
			for (uint64_t p = 0; p < PAGES; p++) {
				uint64_t page = region * PAGES + p;
				struct sample touch = {.kind = SAMPLE_TOUCH,
						       .pid = PID,
						       .addr = BASE + page * HEAT_PAGE_BYTES,
						       .time_ns = now_ns +
								  (uint64_t)(-log(uniform01()) /
									     rate_of(page) * 1e9)};

				heat_fold(heat, &touch, 1);
			}
			now_ns += NS_PER_S / 16;
			if (region % 16 == 15)
				look();
		}
		now_ns += 10 * NS_PER_S;
		look();
	}
}

static void
begin_pool(void)
{
	uint8_t tiers[HEAT_REGION_PAGES];

	begin(REGIONS, POOL * sizeof(struct detail), 0);
	memset(tiers, 0, sizeof(tiers));
	for (size_t i = 0; i < REGIONS / 8; i++) /* an eighth is fast memory */
		heat_set_residency(heat, REGIONS - 1 - i, tiers, 0, now_ns);
}

static void
assert_known(void)
{
	struct heat_stats stats;

	heat_get_stats(heat, &stats);
	assert_int_equal(stats.unknown_bytes, 0);
	assert_true(stats.regions_in_detail <= POOL);
	for (uint64_t region = 0; region < REGIONS; region++) {
		double heat_now = heat_of(region * PAGES, (region + 1) * PAGES, NULL);

		if (region % 12 != 5)
			assert_about(heat_now, rate_of(region * PAGES), 2.5);
	}
}

static void
test_all_is_learned(void **state)
{
	(void)state;
	begin_pool();
	watch(3);
	assert_known();
	/* And stays known, though nobody looks for long. */
	now_ns += 300 * NS_PER_S;
	for (int i = 0; i < 2; i++)
		look();
	assert_known();
	heat_free(heat);
}

static void
test_mixed_regions_keep_their_detail(void **state)
{
	uint32_t mixed = 0;

	(void)state;
	begin_pool();
	watch(8);
	for (uint64_t region = 5; region < REGIONS; region += 12) {
		double ratio = 0;

		if (heat->regions[region].detail == NO_DETAIL)
			continue;
		heat_of(region * PAGES, (region + 1) * PAGES, &ratio);
		mixed += ratio > 10;
	}
	assert_int_equal(mixed, REGIONS / 12);
	heat_free(heat);
}

/* A region that is told to go without has the same mean and spread in the next view. */
static void
test_dropped_detail_is_kept_as_a_whole(void **state)
{
	struct region *region;

	(void)state;
	begin(REGIONS, REGIONS * sizeof(struct detail), 0);
	watch(6);
	region = &heat->regions[5];
	for (int which = 0; which < 2; which++, region = &heat->regions[8]) {
		float mean = region->prior_mean, var = region->prior_var;

		assert_true(region->detail != NO_DETAIL);
		table_drop_detail(heat, (uint32_t)(region - heat->regions));
		look();
		assert_true(region->prior_var >= 0);
		assert_true(fabsf(region->prior_mean - mean) < 0.5f);
		assert_true(fabsf(region->prior_var - var) < 0.3f * var + 0.6f);
	}
	assert_true(heat->regions[5].prior_var > heat->regions[8].prior_var + 1);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_learned),
		cmocka_unit_test(test_mixed_regions_keep_their_detail),
		cmocka_unit_test(test_dropped_detail_is_kept_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
