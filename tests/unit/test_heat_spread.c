/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_spread.c - how far pages of a region differ is known from the pages that told
 * something; how many others there are says nothing of it.
 */
#include "heat_world.h"
#include "sample_order.h"

#define REGIONS 64u
#define SIGMA 1.5 /* octaves by which pages' rates differ */

static double rates[REGIONS * 512];

static struct sample touches[REGIONS * 512];

static double
normal(void)
{
	return sqrt(-2 * log(uniform01())) * cos(2 * 3.14159265358979 * uniform01());
}

/* Gaps of the first pages of each region; the others are never marked, or marked and silent so far.
 * Returns the variance that is learned. */
static float
learn(uint32_t told, uint32_t marked)
{
	struct heat_stats stats;

	begin(REGIONS, 1u << 20, 0);
	for (size_t p = 0; p < REGIONS * PAGES; p++)
		rates[p] = exp2(3 + SIGMA * normal());
	for (int pass = 0; pass < 16; pass++) {
		uint64_t armed_ns = now_ns;
		size_t count = 0;

		for (uint64_t r = 0; r < REGIONS; r++)
			tell(SAMPLE_ARMED, r * PAGES, marked, 0, 0);
		for (uint64_t p = 0; p < REGIONS * PAGES; p++) {
			if (p % PAGES >= told)
				continue;
			touches[count++] =
				(struct sample){.kind = SAMPLE_TOUCH,
						.pid = PID,
						.addr = BASE + p * HEAT_PAGE_BYTES,
						.time_ns = armed_ns + (uint64_t)(-log(uniform01()) /
										 rates[p] * 1e9)};
		}
		samples_order(touches, count);
		heat_fold(heat, touches, count);
		now_ns = armed_ns + 4 * NS_PER_S;
		look();
	}
	heat_get_stats(heat, &stats);
	heat_free(heat);
	return stats.within_var;
}

static void
test_all_told(void **state)
{
	(void)state;
	assert_about((double)learn(512, 512), SIGMA * SIGMA, 1.15);
}

/* A quarter of the pages was touched. */
static void
test_a_part_told(void **state)
{
	(void)state;
	assert_about((double)learn(128, 512), SIGMA * SIGMA, 1.15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_told),
		cmocka_unit_test(test_a_part_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
