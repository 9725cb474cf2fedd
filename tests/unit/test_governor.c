/* SPDX-License-Identifier: Apache-2.0 */
/* test_governor.c - safety rule 2: what leaves a tier that is short cures the shortage, and only
 * what is over makes room for promotions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan.h"

#define MIB (1u << 20)

/* Bytes admitted of a promotion of 2 MiB, asked for after a demotion of 2 MiB. */
static uint32_t
promoted_beside(uint64_t shortage_bytes)
{
	struct sluice_tier tiers[2] = {
		{.total_bytes = 512 * MIB, .shortage_bytes = shortage_bytes, .latency_ns = 100},
		{.total_bytes = 512 * MIB, .room_bytes = 256 * MIB, .latency_ns = 300},
	};
	struct sluice_region regions[2] = {
		{.addr = 0, .span_bytes = 2 * MIB, .bytes = 2 * MIB, .pid = 1, .tier = 0},
		{.addr = 2 * MIB, .span_bytes = 2 * MIB, .bytes = 2 * MIB, .pid = 1, .tier = 1},
	};
	struct sluice_view view = {
		.size = sizeof(view),
		.tier_count = 2,
		.tier_stride = sizeof(tiers[0]),
		.region_stride = sizeof(regions[0]),
		.region_count = 2,
		.tiers = tiers,
		.regions = regions,
	};
	struct governor governor = {
		.budget_bytes = 64 * MIB, .page_move_ns = 1000, .horizon_ms = 300000};
	uint64_t refused[ROUND_REFUSALS] = {0};
	struct sluice_plan plan;
	uint32_t bytes;

	assert_int_equal(plan_init(&plan, 8, NULL), 0);
	plan_begin(&plan, &view);
	assert_int_equal(plan_ask(&plan, 0, 1, 0), 0);
	assert_int_equal(plan_ask(&plan, 1, 0, 1000), 0);
	governor_admit(&governor, &plan, refused);
	assert_int_equal(plan.moves[0].bytes, 2 * MIB);
	bytes = plan.moves[1].bytes;
	assert_int_equal(refused[REFUSED_ROOM], 2 * MIB - bytes);
	plan_destroy(&plan);
	return bytes;
}

static void
test_shortage_comes_first(void **state)
{
	(void)state;
	assert_int_equal(promoted_beside(0), 2 * MIB);
	assert_int_equal(promoted_beside(1 * MIB), 1 * MIB);
	assert_int_equal(promoted_beside(2 * MIB), 0);
	assert_int_equal(promoted_beside(9 * MIB), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shortage_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
