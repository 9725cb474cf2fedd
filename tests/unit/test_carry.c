/* SPDX-License-Identifier: Apache-2.0 */
/* test_carry.c - a plan on its way: room and rate hold for huge pages too, a target that goes takes
 * only its own moves along, and samplers hear of a move that does not take place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"
#include "memory_registry.h"
#include "mover_registry.h"
#include "round.h"
#include "still_sampler.h"

#define MS 1000000ull
#define BASE 0x40000000ull
#define REGION ((uint64_t)HEAT_REGION_BYTES)

static uint64_t time_ns;
static int promotes_only_pid; /* 0: all; -1: none */
static void (*order)(const struct sluice_view *view, struct sluice_plan *plan); /* or all at once */
static int marks_left; /* so often the eye tells that the kernel marked all pages */
static int moving[2], moving_fails, announcements;
static char trouble[sizeof(((struct sluice_err *)0)->msg)]; /* the last that a tick told of */

static uint64_t
clock_of_test(void *ctx)
{
	(void)ctx;
	return time_ns;
}

/* The i-th of the regions in a tier; view->region_count: there are not so many. */
static uint64_t
nth_in_tier(const struct sluice_view *view, uint32_t tier, uint64_t nth)
{
	for (uint64_t i = 0; i < view->region_count; i++) {
		if (sluice_view_region(view, i)->tier == tier && nth-- == 0)
			return i;
	}
	return view->region_count;
}

/* One down, one up, and so on. */
static void
ask_pairs(const struct sluice_view *view, struct sluice_plan *plan)
{
	for (uint64_t n = 0; n < view->region_count; n++) {
		for (uint32_t tier = 0; tier < 2; tier++) {
			uint64_t i = nth_in_tier(view, tier, n);

			if (i < view->region_count)
				round_host()->move(plan, i, !tier, 1e6f);
		}
	}
}

/* Regions of two processes in turn, to the other tier. */
static void
ask_in_turn(const struct sluice_view *view, struct sluice_plan *plan)
{
	uint64_t half = view->region_count / 2;

	for (uint64_t n = 0; n < 2 * half; n++) {
		uint64_t i = n / 2 + n % 2 * half;

		round_host()->move(plan, i, !sluice_view_region(view, i)->tier, 1e6f);
	}
}

/* Swaps: demotes all of tier 0, promotes all of tier 1, with a gain that always pays. */
static int
swap_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	(void)self, (void)reterr;
	if (order && promotes_only_pid >= 0) {
		order(view, plan);
		return 0;
	}
	for (uint32_t tier = 0; tier < 2; tier++) {
		for (uint64_t i = 0; i < view->region_count; i++) {
			const struct sluice_region *region = sluice_view_region(view, i);

			if (region->tier == tier && promotes_only_pid >= 0 &&
			    (!promotes_only_pid || region->pid == promotes_only_pid))
				round_host()->move(plan, i, !tier, 1e6f);
		}
	}
	return 0;
}

static const struct sluice_policy swap_policy = {.name = "swap", .decide = swap_decide};

static int
eye_moving(void *self, int on, struct sluice_err *reterr)
{
	int *is_moving = self;

	announcements += on;
	if (on && is_moving == &moving[1] && moving_fails)
		return sluice_fail(reterr, -EBUSY, "not now");
	*is_moving = on;
	return 0;
}

/* The kernel marks while pages are being moved, and just before they are. */
static int
eye_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	 struct sluice_err *reterr)
{
	(void)capacity, (void)reterr;
	*ret_count = 0;
	if (self != &moving[1] || !moving[1] || marks_left == 0)
		return 0;
	marks_left--;
	*samples = (struct sample){.kind = SAMPLE_ARMED,
				   .pid = 7,
				   .addr = BASE,
				   .len_bytes = 4 * REGION,
				   .time_ns = now_ns};
	*ret_count = 1;
	return 0;
}

static const struct sampler_ops eye = {
	.name = "eye",
	.add = still_add,
	.remove = still_remove,
	.read = eye_read,
	.get_stats = still_get_stats,
	.moving = eye_moving,
};

static struct round *
round_of(struct fake_world *world, uint64_t rate_bps)
{
	struct round_options options;
	struct round_parts parts = {
		.sampler_ops = {&eye, &eye},
		.samplers = {&moving[0], &moving[1]},
		.sampler_count = 2,
		.memory_ops = &memory_fake,
		.mover_ops = &mover_fake,
		.policy = &swap_policy,
		.clock_ns = clock_of_test,
	};
	struct ops_env env = {.sysroot = ""};
	struct round *round;

	fake_world_use(world);
	time_ns = 10000 * MS;
	order = NULL;
	promotes_only_pid = moving_fails = marks_left = moving[0] = moving[1] = 0;
	assert_int_equal(memory_fake.start(&env, &parts.memory, NULL), 0);
	assert_int_equal(mover_fake.start(&env, &parts.mover, NULL), 0);
	round_default_options(&options);
	options.rate_bps = rate_bps;
	options.region_max = 256;
	options.detail_bytes_max = 1 << 20;
	options.watermark_percent = 0;
	assert_int_equal(round_new(&options, &parts, &round, NULL), 0);
	return round;
}

static void
tick(struct round *round)
{
	int32_t ended[8];
	size_t count;
	struct sluice_err err = {0, ""};

	time_ns += 50 * MS;
	assert_true(round_tick(round, time_ns, ended, 8, &count, &err) > 0);
	if (err.msg[0])
		memcpy(trouble, err.msg, sizeof(trouble));
}

/* Known for a while before anything is planned; from then on all is promoted. */
static void
add_and_wait(struct round *round, int32_t pid)
{
	promotes_only_pid = -1;
	assert_int_equal(round_add(round, pid, time_ns, NULL), 0);
	for (int i = 0; i < 60; i++)
		tick(round);
	promotes_only_pid = 0;
}

/* Demotions that were to make room fail, so there is room for one huge page, not for eight. */
static void
test_huge_pages_keep_to_the_room(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){9 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 8 * REGION, 0), 0);
	assert_int_equal(fake_world_map(world, 7, BASE + 8 * REGION, 8 * REGION, 1), 0);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(fake_world_make_huge(world, 7, BASE + i * REGION), 0);
	for (uint64_t i = 0; i < 8; i++)
		fake_world_fail(world, 7, BASE + i * REGION, MOVE_BUSY, 1000);
	add_and_wait(round, 7);
	for (int i = 0; i < 100 && fake_world_resident(world, 7, 0) == 8 * REGION; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 0), 9 * REGION);
	{
		struct round_stats stats;

		round_get_stats(round, &stats);
		assert_int_equal(stats.promoted_bytes, REGION);
		assert_int_equal(stats.outcome_pages[MOVE_NOMEM], 0);
	}
	round_free(round);
	fake_world_free(world);
}

/* One huge page at a time, and then a pause that makes up for it. */
static void
test_huge_pages_keep_to_the_rate(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 4 * REGION);

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 16 * REGION, 1), 0);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(fake_world_make_huge(world, 7, BASE + i * REGION), 0);
	add_and_wait(round, 7);
	for (int i = 0; i < 100 && fake_world_resident(world, 7, 0) == 0; i++)
		tick(round);
	assert_in_range(fake_world_resident(world, 7, 0), REGION, 2 * REGION);
	round_free(round);
	fake_world_free(world);
}

/* Half of a region, in no order, is in a tier that the plan does not touch. */
static void
test_pages_of_a_third_tier_stay(void **state)
{
	struct fake_world *world =
		fake_world_new((uint64_t[]){64 * REGION, 64 * REGION, 64 * REGION}, 3);
	struct round *round = round_of(world, 1ull << 30);
	struct round_stats stats;

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, REGION, 2), 0);
	for (uint64_t p = 0; p < HEAT_REGION_PAGES; p += 2)
		fake_world_place(world, 7, BASE + p * HEAT_PAGE_BYTES, HEAT_PAGE_BYTES, 1);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	for (int i = 0; i < 100 && fake_world_resident(world, 7, 0) == 0; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 0), REGION / 2);
	assert_int_equal(fake_world_resident(world, 7, 2), REGION / 2);
	round_get_stats(round, &stats);
	assert_int_equal(stats.promoted_bytes, REGION / 2);
	assert_int_equal(stats.outcome_pages[MOVE_ALREADY], 0);
	round_free(round);
	fake_world_free(world);
}

/* What the plan had noted for a target that went must not swallow what is asked for later. */
static void
test_plan_after_a_target_went(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 4 * REGION, 1), 0);
	assert_int_equal(fake_world_map(world, 8, BASE, 4 * REGION, 1), 0);
	promotes_only_pid = -1;
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	assert_int_equal(round_add(round, 8, time_ns, NULL), 0);
	for (int i = 0; i < 60; i++)
		tick(round);
	/* A plan of 8 moves, none of which can be carried out, and then 7 goes. */
	moving_fails = 1;
	promotes_only_pid = 0;
	for (int i = 0; i < 90; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 8, 0), 0);
	round_remove(round, 7);
	moving_fails = 0;
	for (int i = 0; i < 90 && fake_world_resident(world, 8, 0) == 0; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 8, 0), 4 * REGION);
	assert_int_equal(fake_world_resident(world, 7, 0), 0);
	round_free(round);
	fake_world_free(world);
}

/* Pages that were marked and then moved are not marked any more: nobody will tell of their next
 * access, and they must not look cold. */
static void
test_marked_then_moved(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);
	struct round_stats stats;

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 4 * REGION, 1), 0);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	marks_left = 1;
	for (int i = 0; i < 100 && fake_world_resident(world, 7, 0) == 0; i++)
		tick(round);
	assert_int_equal(marks_left, 0);
	promotes_only_pid = -1;
	for (int i = 0; i < 600; i++)
		tick(round);
	round_get_stats(round, &stats);
	assert_true(fake_world_resident(world, 7, 0) > 0);
	assert_true(stats.heat.unknown_bytes >= fake_world_resident(world, 7, 0));
	round_free(round);
	fake_world_free(world);
}

static void
test_a_sampler_that_cannot(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 4 * REGION, 1), 0);
	moving_fails = 1;
	trouble[0] = '\0';
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	for (int i = 0; i < 90; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 0), 0);
	assert_false(moving[0]);
	assert_string_equal(trouble, "nothing is moved: eye: not now");
	round_free(round);
	fake_world_free(world);
}

/* What the sampler had prepared is undone by somebody else while a plan is carried out. */
static void
test_a_sampler_that_cannot_any_more(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 4 * REGION);
	uint64_t moved;

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 4 * REGION, 1), 0);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	for (int i = 0; i < 100 && fake_world_resident(world, 7, 0) == 0; i++)
		tick(round);
	moved = fake_world_resident(world, 7, 0);
	assert_true(moved > 0 && moved < 4 * REGION);
	assert_true(moving[0] && moving[1]);
	moving_fails = 1;
	for (int i = 0; i < 10; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 0), moved);
	assert_false(moving[0] || moving[1]);
	round_free(round);
	fake_world_free(world);
}

static uint64_t
rounds_of(const struct round *round)
{
	struct round_stats stats;

	round_get_stats(round, &stats);
	return stats.rounds;
}

/* A plan that was cut to what may be moved in an interval is carried out before that is over, as a
 * quarter second was saved up: then the next is made at once, unless nothing came of this one. */
static void
test_a_cut_plan_goes_on(void **state)
{
	(void)state;
	for (int refused = 0; refused < 2; refused++) {
		struct fake_world *world =
			fake_world_new((uint64_t[]){256 * REGION, 256 * REGION}, 2);
		struct round *round = round_of(world, 32 * REGION);
		uint64_t first, began_ns;

		assert_int_equal(fake_world_map(world, 7, BASE, 128 * REGION, 1), 0);
		add_and_wait(round, 7);
		if (refused)
			assert_int_equal(fake_world_refuse(world, 7, -EPERM), 0);
		for (int i = 0; i < 200 && fake_world_calls(world) == 0; i++)
			tick(round);
		assert_true(fake_world_calls(world) > 0);
		first = rounds_of(round);
		began_ns = time_ns;
		while (rounds_of(round) == first)
			tick(round);
		if (refused)
			assert_true(time_ns - began_ns >= 950 * MS);
		else
			assert_in_range(time_ns - began_ns, 700 * MS, 900 * MS);
		round_free(round);
		fake_world_free(world);
	}
}

/* What left is taken by others before it is free for us: the next that leaves goes first. */
static void
test_others_take_the_room(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){8 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 20 * REGION);
	struct round_stats stats;
	uint64_t first;

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 8 * REGION, 0), 0);
	assert_int_equal(fake_world_map(world, 7, BASE + 8 * REGION, 8 * REGION, 1), 0);
	add_and_wait(round, 7);
	order = ask_pairs;
	for (int i = 0; i < 100 && fake_world_calls(world) == 0; i++)
		tick(round);
	assert_int_equal(fake_world_free_bytes(world, 0), REGION);
	assert_int_equal(fake_world_map(world, 9, BASE, REGION, 0), 0);
	first = rounds_of(round);
	while (rounds_of(round) == first) {
		round_get_stats(round, &stats);
		tick(round);
	}
	assert_int_equal(stats.demoted_bytes, 8 * REGION);
	assert_int_equal(stats.promoted_bytes, 7 * REGION);
	round_free(round);
	fake_world_free(world);
}

/* A call moves pages of one process, and takes as long for a few as for many. */
static void
test_one_process_after_another(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);

	(void)state;
	for (int32_t pid = 7; pid <= 8; pid++) {
		for (uint64_t i = 0; i < 16; i++)
			assert_int_equal(
				fake_world_map(world, pid, BASE + 2 * i * REGION, REGION / 8, 1),
				0);
	}
	promotes_only_pid = -1;
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	add_and_wait(round, 8);
	order = ask_in_turn;
	for (int i = 0; i < 100 && fake_world_resident(world, 8, 0) == 0; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 0), 2 * REGION);
	assert_int_equal(fake_world_resident(world, 8, 0), 2 * REGION);
	assert_in_range(fake_world_calls(world), 4, 6);
	round_free(round);
	fake_world_free(world);
}

/* Only what goes up needs samplers that are prepared. */
static void
test_what_goes_down_is_not_announced(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1ull << 30);

	(void)state;
	assert_int_equal(fake_world_map(world, 7, BASE, 4 * REGION, 0), 0);
	announcements = 0;
	moving_fails = 1;
	add_and_wait(round, 7);
	for (int i = 0; i < 60 && fake_world_resident(world, 7, 1) == 0; i++)
		tick(round);
	assert_int_equal(fake_world_resident(world, 7, 1), 4 * REGION);
	assert_int_equal(announcements, 0);
	round_free(round);
	fake_world_free(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_huge_pages_keep_to_the_room),
		cmocka_unit_test(test_huge_pages_keep_to_the_rate),
		cmocka_unit_test(test_pages_of_a_third_tier_stay),
		cmocka_unit_test(test_plan_after_a_target_went),
		cmocka_unit_test(test_marked_then_moved),
		cmocka_unit_test(test_a_cut_plan_goes_on),
		cmocka_unit_test(test_others_take_the_room),
		cmocka_unit_test(test_one_process_after_another),
		cmocka_unit_test(test_what_goes_down_is_not_announced),
		cmocka_unit_test(test_a_sampler_that_cannot),
		cmocka_unit_test(test_a_sampler_that_cannot_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
