/* SPDX-License-Identifier: Apache-2.0 */
/* test_governor.c - safety rule 2: what leaves a tier that is short cures the shortage, and only
 * what is over makes room for promotions. A huge page goes as a whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan.h"

#define MIB (1u << 20)

/* Two regions of 2 MiB each, the second in tier 1. */
struct scene {
	struct sluice_tier tiers[2];
	struct sluice_region regions[2];
	struct sluice_view view;
	struct sluice_plan plan;
};

static void
scene_begin(struct scene *scene, uint32_t first_tier, uint64_t room_bytes, uint64_t shortage_bytes)
{
	*scene = (struct scene){
		.tiers = {{.total_bytes = 512 * MIB,
			   .room_bytes = room_bytes,
			   .shortage_bytes = shortage_bytes,
			   .latency_ns = 100},
			  {.total_bytes = 512 * MIB, .room_bytes = 256 * MIB, .latency_ns = 300}},
		.view = {.size = sizeof(scene->view),
			 .tier_count = 2,
			 .tier_stride = sizeof(scene->tiers[0]),
			 .region_stride = sizeof(scene->regions[0]),
			 .region_count = 2,
			 .tiers = scene->tiers,
			 .regions = scene->regions},
	};
	for (uint32_t i = 0; i < 2; i++)
		scene->regions[i] = (struct sluice_region){.addr = i * 2 * MIB,
							   .span_bytes = 2 * MIB,
							   .bytes = 2 * MIB,
							   .pid = 1,
							   .tier = i ? 1 : first_tier};
	assert_int_equal(plan_init(&scene->plan, 8, NULL), 0);
	plan_begin(&scene->plan, &scene->view);
}

/* Bytes admitted of a promotion of 2 MiB, asked for after a demotion of 2 MiB. */
static uint32_t
promoted_beside(uint64_t shortage_bytes)
{
	struct governor governor = {
		.budget_bytes = 64 * MIB, .page_move_ns = 1000, .horizon_ms = 300000};
	uint64_t refused[ROUND_REFUSALS] = {0};
	struct scene scene;
	uint32_t bytes;

	scene_begin(&scene, 0, 0, shortage_bytes);
	assert_int_equal(plan_ask(&scene.plan, 0, 1, 0), 0);
	assert_int_equal(plan_ask(&scene.plan, 1, 0, 1000), 0);
	governor_admit(&governor, &scene.plan, refused);
	assert_int_equal(scene.plan.moves[0].bytes, 2 * MIB);
	bytes = scene.plan.moves[1].bytes;
	assert_int_equal(refused[REFUSED_ROOM], 2 * MIB - bytes);
	plan_destroy(&scene.plan);
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

/* Bytes admitted of a promotion that wins so many accesses a second from memory of that latency, 0:
 * unknown, when a page takes so long to move. */
static uint32_t
promoted_from(uint32_t latency_ns, uint64_t page_move_ns, float gain)
{
	struct governor governor = {
		.budget_bytes = 64 * MIB, .page_move_ns = page_move_ns, .horizon_ms = 300000};
	uint64_t refused[ROUND_REFUSALS] = {0};
	struct scene scene;
	uint32_t bytes;

	scene_begin(&scene, 1, 8 * MIB, 0);
	scene.tiers[1].latency_ns = latency_ns;
	assert_int_equal(plan_ask(&scene.plan, 1, 0, gain), 0);
	governor_admit(&governor, &scene.plan, refused);
	bytes = scene.plan.moves[0].bytes;
	assert_int_equal(refused[REFUSED_PAYBACK], 2 * MIB - bytes);
	plan_destroy(&scene.plan);
	return bytes;
}

/* Twice the price of moving there and back against gain for five minutes. */
static void
test_latency(void **state)
{
	(void)state;
	/* A copy that takes so long tells that the memory is slow: 78 us a line. */
	assert_int_equal(promoted_from(0, 5000000, 1), 2 * MIB);
	assert_int_equal(promoted_from(0, 5000000, 0.8f), 0);
	/* Slower than firmware says, which may tell of a machine that is not there. */
	assert_int_equal(promoted_from(300, 5000000, 1), 2 * MIB);
	assert_int_equal(promoted_from(300, 5000000, 0.8f), 0);
	/* Else what firmware tells stands: 200 ns, and a line is copied in 156. */
	assert_int_equal(promoted_from(300, 10000, 0.7f), 2 * MIB);
	assert_int_equal(promoted_from(300, 10000, 0.6f), 0);
}

static void
test_no_horizon(void **state)
{
	struct governor governor = {
		.budget_bytes = 64 * MIB, .page_move_ns = 1000, .horizon_ms = 0};
	uint64_t refused[ROUND_REFUSALS] = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, 1, 8 * MIB, 0);
	assert_int_equal(plan_ask(&scene.plan, 1, 0, 1000), 0);
	assert_int_equal(governor_admit(&governor, &scene.plan, refused), 0);
	plan_destroy(&scene.plan);
	scene_begin(&scene, 1, 8 * MIB, 0);
	governor.horizon_ms = 300000;
	assert_int_equal(plan_ask(&scene.plan, 1, 0, 1000), 0);
	assert_int_equal(governor_admit(&governor, &scene.plan, refused), 2 * MIB);
	plan_destroy(&scene.plan);
}

/* Two regions of tier 1, 2 MiB each, go to tier 0; admitted and refused bytes. */
struct admitted {
	uint32_t first, second;
	uint64_t room, budget;
};

static struct admitted
promoted_in_units(uint32_t unit_bytes, uint64_t room_bytes, uint64_t budget_bytes)
{
	struct governor governor = {
		.budget_bytes = budget_bytes, .page_move_ns = 1000, .horizon_ms = 300000};
	uint64_t refused[ROUND_REFUSALS] = {0};
	struct scene scene;
	struct admitted ret;
	uint64_t sum;

	scene_begin(&scene, 1, room_bytes, 0);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(plan_ask(&scene.plan, i, 0, 1000), 0);
		scene.plan.moves[i].unit_bytes = unit_bytes;
	}
	sum = governor_admit(&governor, &scene.plan, refused);
	ret = (struct admitted){scene.plan.moves[0].bytes, scene.plan.moves[1].bytes,
				refused[REFUSED_ROOM], refused[REFUSED_BUDGET]};
	plan_destroy(&scene.plan);
	assert_int_equal(sum, ret.first + ret.second);
	assert_int_equal(ret.first + ret.second + ret.room + ret.budget, 4 * MIB);
	assert_int_equal(refused[REFUSED_PAYBACK], 0);
	return ret;
}

static void
test_huge_pages_are_not_cut(void **state)
{
	struct admitted is;

	(void)state;
	/* Room for one and a half. */
	is = promoted_in_units(2 * MIB, 3 * MIB, 64 * MIB);
	assert_true(is.first == 2 * MIB && is.second == 0 && is.room == 2 * MIB);
	is = promoted_in_units(HEAT_PAGE_BYTES, 3 * MIB, 64 * MIB);
	assert_true(is.first == 2 * MIB && is.second == 1 * MIB && is.room == 1 * MIB);
	is = promoted_in_units(2 * MIB, 1 * MIB, 64 * MIB);
	assert_true(is.first == 0 && is.second == 0 && is.room == 4 * MIB);
	/* A budget for one and a half, and for less than one, which lets one through all the same,
	 * where it has room. */
	is = promoted_in_units(2 * MIB, 64 * MIB, 3 * MIB);
	assert_true(is.first == 2 * MIB && is.second == 0 && is.budget == 2 * MIB);
	is = promoted_in_units(2 * MIB, 64 * MIB, 1 * MIB);
	assert_true(is.first == 2 * MIB && is.second == 0 && is.budget == 2 * MIB);
	is = promoted_in_units(2 * MIB, 1 * MIB, 1 * MIB);
	assert_true(is.first == 0 && is.second == 0 && is.budget == 0);
	is = promoted_in_units(HEAT_PAGE_BYTES, 64 * MIB, 1 * MIB);
	assert_true(is.first == 1 * MIB && is.second == 0 && is.budget == 3 * MIB);
	is = promoted_in_units(2 * MIB, 64 * MIB, 0);
	assert_true(is.first == 0 && is.second == 0 && is.budget == 4 * MIB);
}

/* Of a demotion in favour of promotions that do not pay as much is dropped as whole units allow;
 * what remains still makes the room that is needed. */
static void
test_demotions_are_dropped_in_units(void **state)
{
	struct sluice_tier tiers[2] = {
		{.total_bytes = 512 * MIB, .latency_ns = 100},
		{.total_bytes = 512 * MIB, .room_bytes = 256 * MIB, .latency_ns = 300},
	};
	struct sluice_region regions[3] = {
		{.addr = 0, .span_bytes = 2 * MIB, .bytes = 2 * MIB, .pid = 1, .tier = 0},
		{.addr = 2 * MIB, .span_bytes = 2 * MIB, .bytes = 1 * MIB, .pid = 1, .tier = 1},
		{.addr = 4 * MIB, .span_bytes = 2 * MIB, .bytes = 1 * MIB, .pid = 1, .tier = 1},
	};
	struct sluice_view view = {
		.size = sizeof(view),
		.tier_count = 2,
		.tier_stride = sizeof(tiers[0]),
		.region_stride = sizeof(regions[0]),
		.region_count = 3,
		.tiers = tiers,
		.regions = regions,
	};
	struct governor governor = {
		.budget_bytes = 64 * MIB, .page_move_ns = 1000, .horizon_ms = 300000};

	(void)state;
	for (int huge = 0; huge < 2; huge++) {
		uint64_t refused[ROUND_REFUSALS] = {0};
		struct sluice_plan plan;

		assert_int_equal(plan_init(&plan, 8, NULL), 0);
		plan_begin(&plan, &view);
		assert_int_equal(plan_ask(&plan, 0, 1, 0), 0);
		assert_int_equal(plan_ask(&plan, 1, 0, 1000), 0);
		assert_int_equal(plan_ask(&plan, 2, 0, 0), 0); /* wins nothing */
		plan.moves[0].unit_bytes = huge ? 2 * MIB : HEAT_PAGE_BYTES;
		governor_admit(&governor, &plan, refused);
		assert_int_equal(plan.moves[0].bytes, huge ? 2 * MIB : 1 * MIB);
		assert_int_equal(plan.moves[1].bytes, 1 * MIB);
		assert_int_equal(plan.moves[2].bytes, 0);
		assert_int_equal(refused[REFUSED_PAYBACK], huge ? 1 * MIB : 2 * MIB);
		plan_destroy(&plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shortage_comes_first),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_no_horizon),
		cmocka_unit_test(test_huge_pages_are_not_cut),
		cmocka_unit_test(test_demotions_are_dropped_in_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
