/* SPDX-License-Identifier: Apache-2.0 */
/* test_drain.c - nodes that leave are emptied: where pages go, within the watermarks, while
 * samplers know of it; what cannot be moved is told; nothing comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_world.h"
#include "log.h"
#include "memory_registry.h"
#include "mover_registry.h"
#include "round.h"
#include "still_sampler.h"

#define MS 1000000ull
#define MIB ((uint64_t)1 << 20)
#define BASE 0x40000000ull

static uint64_t time_ns;
static int moving, moving_fails, moves_unannounced;

static uint64_t
clock_of_test(void *ctx)
{
	(void)ctx;
	return time_ns;
}

/* Wants everything in tier 1, the one that leaves in most tests. */
static int
down_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	(void)self, (void)reterr;
	for (uint64_t i = 0; i < view->region_count; i++) {
		if (sluice_view_region(view, i)->tier == 0)
			round_host()->move(plan, i, 1, 0);
	}
	return 0;
}

static const struct sluice_policy down_policy = {.name = "down", .decide = down_decide};

static int
eye_moving(void *self, int on, struct sluice_err *reterr)
{
	(void)self;
	if (on && moving_fails)
		return sluice_fail(reterr, -EBUSY, "not now");
	moving = on;
	return 0;
}

static const struct sampler_ops eye = {
	.name = "eye",
	.add = still_add,
	.remove = still_remove,
	.read = still_read,
	.get_stats = still_get_stats,
	.moving = eye_moving,
};

static int
watched_move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
	     uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	moves_unannounced += !moving;
	return mover_fake.move(self, pid, addrs, count, tier, outcomes, bytes, landed, reterr);
}

static const struct mover_ops watched_mover = {.name = "watched", .move = watched_move};

static struct round *
round_of(struct fake_world *world, double watermark_percent, int dry_run)
{
	struct round_options options;
	struct round_parts parts = {
		.sampler_ops = {&eye},
		.samplers = {&still_add},
		.sampler_count = 1,
		.memory_ops = &memory_fake,
		.memory = world,
		.mover_ops = &watched_mover,
		.mover = world,
		.policy = &down_policy,
		.clock_ns = clock_of_test,
	};
	struct round *round;

	fake_world_use(world);
	time_ns = 10000 * MS;
	moving = moving_fails = moves_unannounced = 0;
	round_default_options(&options);
	options.rate_bps = 1ull << 30;
	options.region_max = 256;
	options.detail_bytes_max = 1 << 20;
	options.watermark_percent = watermark_percent;
	options.dry_run = dry_run;
	assert_int_equal(round_new(&options, &parts, &round, NULL), 0);
	return round;
}

static struct round_drain
ticks(struct round *round, int count)
{
	struct round_drain drain;
	int32_t ended[8];
	size_t ended_count;

	while (count-- > 0) {
		time_ns += 100 * MS;
		assert_true(round_tick(round, time_ns, ended, 8, &ended_count, NULL) > 0);
		for (size_t i = 0; i < ended_count; i++)
			round_remove(round, ended[i]);
	}
	round_get_drain(round, &drain);
	return drain;
}

static void
test_all_goes_and_stays_away(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * MIB, 64 * MIB}, 2);
	struct round *round = round_of(world, 3, 0);
	struct round_drain drain;

	(void)state;
	fake_world_map(world, 7, BASE, 9 * MIB + 4096, 1);
	fake_world_map(world, 7, BASE + 32 * MIB, 2 * MIB, 1);
	fake_world_make_huge(world, 7, BASE + 32 * MIB);
	fake_world_map(world, 8, BASE, MIB, 1);
	fake_world_fail(world, 7, BASE, MOVE_BUSY, 1);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	assert_int_equal(round_add(round, 8, time_ns, NULL), 0);
	ticks(round, 3);
	fake_world_leave(world, 1);
	round_drain(round, 1);
	drain = ticks(round, 20);
	assert_true(drain.complete && drain.knows_left);
	assert_int_equal(drain.left_bytes, 0);
	assert_int_equal(drain.moved_bytes, 12 * MIB + 4096);
	assert_int_equal(fake_world_resident(world, 7, 1) + fake_world_resident(world, 8, 1), 0);
	assert_int_equal(moves_unannounced, 0);
	/* The kernel moves what is left: samplers are prepared until the node is gone. */
	assert_int_equal(moving, 1);
	/* The policy wants all of it back, again and again. */
	ticks(round, 50);
	assert_int_equal(fake_world_resident(world, 7, 1) + fake_world_resident(world, 8, 1), 0);
	round_free(round);
	fake_world_free(world);
}

/* The watermark is kept, and what has no room is told. */
static void
test_no_room(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){10 * MIB, 64 * MIB}, 2);
	struct round *round = round_of(world, 20, 0);
	struct round_drain drain;

	(void)state;
	fake_world_map(world, 7, BASE, 16 * MIB, 1);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	fake_world_leave(world, 1);
	round_drain(round, 1);
	drain = ticks(round, 20);
	assert_true(drain.complete && drain.knows_left);
	assert_int_equal(drain.moved_bytes, 8 * MIB);
	assert_int_equal(drain.left_bytes, 8 * MIB);
	assert_int_equal(drain.no_room_bytes, 8 * MIB);
	assert_int_equal(fake_world_free_bytes(world, 0), 2 * MIB);
	round_free(round);
	fake_world_free(world);
}

/* Slower tiers are asked first, faster ones when these are full. */
static void
test_where_to(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * MIB, 64 * MIB, 4 * MIB}, 3);
	struct round *round = round_of(world, 0, 0);

	(void)state;
	fake_world_map(world, 7, BASE, 6 * MIB, 1);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	fake_world_leave(world, 1);
	round_drain(round, 1);
	assert_int_equal(ticks(round, 20).left_bytes, 0);
	assert_int_equal(fake_world_resident(world, 7, 2), 4 * MIB);
	assert_int_equal(fake_world_resident(world, 7, 0), 2 * MIB);
	round_free(round);
	fake_world_free(world);
}

/* Pages that stay busy are left and told; a target that ends meanwhile is none of our business. */
static void
test_what_stays(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * MIB, 64 * MIB}, 2);
	struct round *round = round_of(world, 0, 0);
	struct round_drain drain;

	(void)state;
	fake_world_map(world, 7, BASE, 2 * MIB, 1);
	fake_world_map(world, 8, BASE, 2 * MIB, 1);
	fake_world_fail(world, 8, BASE + 4096, MOVE_BUSY, 1000);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	assert_int_equal(round_add(round, 8, time_ns, NULL), 0);
	fake_world_leave(world, 1);
	fake_world_refuse(world, 7, -ESRCH);
	round_drain(round, 1);
	drain = ticks(round, 20);
	assert_true(drain.complete && drain.knows_left);
	assert_int_equal(drain.left_bytes, 4096);
	assert_int_equal(drain.no_room_bytes, 0);
	assert_int_equal(drain.moved_bytes, 2 * MIB - 4096);
	round_drain(round, 0);
	drain = ticks(round, 1);
	assert_int_equal(drain.under_way, 0);
	assert_int_equal(moving, 0);
	round_free(round);
	fake_world_free(world);
}

/* Nothing may be moved: then that is the end of it, and we do not claim to know what is left. */
static void
test_not_allowed(void **state)
{
	struct round_drain drain;

	(void)state;
	for (int dry_run = 0; dry_run < 2; dry_run++) {
		struct fake_world *world = fake_world_new((uint64_t[]){64 * MIB, 64 * MIB}, 2);
		struct round *round = round_of(world, 0, dry_run);

		fake_world_map(world, 7, BASE, 2 * MIB, 1);
		assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
		fake_world_leave(world, 1);
		moving_fails = !dry_run;
		round_drain(round, 1);
		drain = ticks(round, dry_run ? 1 : 50);
		assert_true(drain.complete && !drain.knows_left);
		assert_int_equal(drain.refused, !dry_run);
		assert_int_equal(drain.moved_bytes, 0);
		assert_int_equal(fake_world_resident(world, 7, 1), 2 * MIB);
		round_free(round);
		fake_world_free(world);
	}
}

/* Memory that we may not look at: how much is left of it there is not known. */
static void
test_what_cannot_be_seen(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * MIB, 64 * MIB}, 2);
	struct round *round = round_of(world, 0, 0);
	struct round_drain drain;

	(void)state;
	fake_world_map(world, 7, BASE, 2 * MIB, 1);
	fake_world_map(world, 8, BASE, 2 * MIB, 1);
	assert_int_equal(round_add(round, 7, time_ns, NULL), 0);
	assert_int_equal(round_add(round, 8, time_ns, NULL), 0);
	ticks(round, 1);
	fake_world_refuse(world, 8, -EPERM);
	fake_world_leave(world, 1);
	round_drain(round, 1);
	drain = ticks(round, 50);
	assert_true(drain.complete && !drain.knows_left && !drain.refused);
	assert_int_equal(drain.moved_bytes, 2 * MIB);
	round_free(round);
	fake_world_free(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_goes_and_stays_away),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_where_to),
		cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_what_cannot_be_seen),
	};

	log_set_level(LOG_LEVEL_ERROR); /* refusals are told again and again */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
