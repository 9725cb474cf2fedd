/* SPDX-License-Identifier: Apache-2.0 */
/* test_mover_fake.c - the fakes keep one account: what the mover says it moved, the memory shows.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/mover/fake_world.h"
#include "engine/mover/memory_registry.h"
#include "engine/mover/mover_registry.h"

#define MIB (1ull << 20)
#define AT 0x10000000ull

static const uint64_t tier_bytes[] = {4 * MIB, 64 * MIB};

static void
moves_are_seen(void **unused)
{
	struct ops_env env = {.sysroot = "", .state_dir = ""};
	struct fake_world *world = fake_world_new(tier_bytes, 2);
	uint64_t addrs[3] = {AT, AT + 4096, AT + 8192}, pinned;
	uint8_t outcomes[3], landed[3], tiers[512];
	struct heat_span spans[4];
	struct sluice_tier list[8];
	uint32_t bytes[3];
	void *memory, *mover;
	size_t count;
	int huge;

	(void)unused;
	fake_world_use(world);
	assert_int_equal(fake_world_map(world, 7, AT, 8 * MIB, 1), 0);
	assert_int_equal(fake_world_map(world, 7, AT + MIB, 4096, 1), -EEXIST);
	assert_int_equal(fake_world_map(world, 7, 0x1000, 4096, 0), 0);
	assert_int_equal(memory_fake.start(&env, &memory, NULL), 0);
	assert_int_equal(mover_fake.start(&env, &mover, NULL), 0);
	assert_int_equal(memory_fake.spans(memory, 7, spans, 4, &count, &pinned, NULL), 0);
	assert_int_equal(count, 2);
	assert_true(spans[0].start == 0x1000 && spans[1].end == AT + 8 * MIB);
	assert_int_equal(mover_fake.move(mover, 7, addrs, 3, 0, outcomes, bytes, landed, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(outcomes[i], MOVE_MOVED);
		assert_int_equal(bytes[i], 4096);
		assert_int_equal(landed[i], 0);
	}
	assert_int_equal(mover_fake.move(mover, 7, addrs, 3, 0, outcomes, bytes, landed, NULL), 0);
	assert_int_equal(outcomes[2], MOVE_ALREADY);
	assert_int_equal(memory_fake.residency(memory, 7, AT, 2 * MIB, tiers, &huge, NULL), 0);
	assert_int_equal(tiers[2], 0);
	assert_int_equal(tiers[3], 1);
	assert_int_equal(memory_fake.tiers(memory, list, 8, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_true(list[0].free_bytes == 4 * MIB - 4 * 4096);
	assert_true(fake_world_resident(world, 7, 0) == 4 * 4096);
	fake_world_free(world);
	assert_int_equal(mover_fake.start(&env, &mover, NULL), -ENOTSUP);
}

static void
every_outcome(void **unused)
{
	struct fake_world *world = fake_world_new(tier_bytes, 2);
	uint64_t addrs[6];
	uint8_t outcomes[6], landed[6];
	uint32_t bytes[6];

	(void)unused;
	for (int i = 0; i < 6; i++)
		addrs[i] = AT + (uint64_t)i * 4096;
	assert_int_equal(fake_world_map(world, 7, AT, 5 * 4096, 1), 0);
	fake_world_fail(world, 7, addrs[0], MOVE_BUSY, 1);
	fake_world_fail(world, 7, addrs[1], MOVE_GONE, 1);
	fake_world_fail(world, 7, addrs[2], MOVE_ELSEWHERE, 1);
	fake_world_fail(world, 7, addrs[3], MOVE_NOMEM, 1);
	fake_world_fail(world, 7, addrs[4], MOVE_FAILED, 1);
	assert_int_equal(mover_fake.move(world, 7, addrs, 6, 0, outcomes, bytes, landed, NULL), 0);
	assert_int_equal(outcomes[0], MOVE_BUSY);
	assert_int_equal(landed[0], 1);
	assert_int_equal(outcomes[1], MOVE_GONE);
	assert_int_equal(landed[1], HEAT_TIER_ABSENT);
	assert_int_equal(outcomes[2], MOVE_ELSEWHERE);
	assert_int_equal(landed[2], 1);
	assert_int_equal(outcomes[3], MOVE_NOMEM);
	assert_int_equal(outcomes[4], MOVE_FAILED);
	assert_int_equal(outcomes[5], MOVE_GONE); /* not mapped */
	assert_int_equal(mover_fake.move(world, 7, addrs, 6, 0, outcomes, bytes, landed, NULL), 0);
	assert_int_equal(outcomes[0], MOVE_MOVED);
	assert_int_equal(outcomes[1], MOVE_GONE);
	assert_int_equal(outcomes[3], MOVE_MOVED);
	fake_world_free(world);
}

static void
huge_pages_and_a_full_tier(void **unused)
{
	struct fake_world *world = fake_world_new(tier_bytes, 2);
	uint64_t addrs[3] = {AT, AT + 2 * MIB, AT + 4 * MIB};
	uint8_t outcomes[3], landed[3];
	uint32_t bytes[3];

	(void)unused;
	assert_int_equal(fake_world_map(world, 7, AT, 8 * MIB, 1), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_world_make_huge(world, 7, addrs[i]), 0);
	assert_int_equal(fake_world_make_huge(world, 7, AT + 4096), -EINVAL);
	assert_int_equal(mover_fake.move(world, 7, addrs, 3, 0, outcomes, bytes, landed, NULL), 0);
	assert_int_equal(outcomes[1], MOVE_MOVED);
	assert_int_equal(bytes[1], 2 * MIB);
	assert_int_equal(fake_world_tier_of(world, 7, AT + 4 * MIB - 4096), 0);
	assert_int_equal(outcomes[2], MOVE_NOMEM);
	assert_int_equal(landed[2], 1);
	assert_true(fake_world_free_bytes(world, 0) == 0);
	assert_int_equal(fake_world_unmap(world, 7, AT), 0);
	assert_true(fake_world_free_bytes(world, 0) == 4 * MIB);
	fake_world_free(world);
}

static void
processes_that_refuse(void **unused)
{
	struct fake_world *world = fake_world_new(tier_bytes, 2);
	uint64_t addrs[1] = {AT};
	uint8_t outcomes[1], landed[1];
	uint32_t bytes[1];

	(void)unused;
	assert_int_equal(mover_fake.move(world, 7, addrs, 1, 0, outcomes, bytes, landed, NULL),
			 -ESRCH);
	assert_int_equal(outcomes[0], MOVE_GONE);
	fake_world_map(world, 7, AT, 4096, 1);
	fake_world_refuse(world, 7, -EPERM);
	assert_int_equal(mover_fake.move(world, 7, addrs, 1, 0, outcomes, bytes, landed, NULL),
			 -EPERM);
	assert_int_equal(outcomes[0], MOVE_FAILED);
	fake_world_refuse(world, 7, 0);
	assert_int_equal(mover_fake.move(world, 7, addrs, 1, 0, outcomes, bytes, landed, NULL), 0);
	assert_int_equal(mover_fake.move(world, 7, addrs, 1, 2, outcomes, bytes, landed, NULL),
			 -EINVAL);
	assert_int_equal(fake_world_calls(world), 3);
	fake_world_free(world);
}

/* The real mover against ourselves: on any machine pages are where they are. */
static void
pages_of_this_process(void **unused)
{
	struct ops_env env = {.sysroot = "", .state_dir = ""};
	char sentence[OPS_SENTENCE_BYTES];
	struct sluice_err err = {0};
	uint64_t addrs[3];
	uint8_t outcomes[3], landed[3];
	uint32_t bytes[3];
	void *mover;

	(void)unused;
	if (mover_pages.probe(&env, sentence) < 0)
		skip(); /* a sandbox without move_pages */
	if (mover_pages.start(&env, &mover, &err) < 0)
		skip(); /* a machine that shows no memory nodes */
	addrs[0] = (uint64_t)(uintptr_t)outcomes & ~4095ull;
	addrs[1] = 4096; /* nothing is mapped there */
	assert_int_equal(
		mover_pages.move(mover, 1 << 29, addrs, 2, 0, outcomes, bytes, landed, &err),
		-ESRCH);
	assert_int_equal(outcomes[1], MOVE_GONE);
	assert_int_equal(mover_pages.move(mover, 0, addrs, 2, 0, outcomes, bytes, landed, &err),
			 -EINVAL);
	assert_int_equal(mover_pages.move(mover, 7, addrs, 513, 0, outcomes, bytes, landed, &err),
			 -EINVAL);
	assert_int_equal(
		mover_pages.move(mover, getpid(), addrs, 2, 0, outcomes, bytes, landed, &err), 0);
	assert_true(outcomes[0] == MOVE_ALREADY || outcomes[0] == MOVE_MOVED);
	assert_int_equal(landed[0], 0);
	assert_int_equal(bytes[0], 4096);
	assert_int_equal(outcomes[1], MOVE_GONE);
	mover_pages.stop(mover);
}

static void
registry(void **unused)
{
	(void)unused;
	assert_ptr_equal(mover_at(0), &mover_pages);
	assert_null(mover_at(mover_count()));
	assert_ptr_equal(mover_by_name("fake"), &mover_fake);
	assert_null(mover_by_name("none"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_are_seen),
		cmocka_unit_test(every_outcome),
		cmocka_unit_test(huge_pages_and_a_full_tier),
		cmocka_unit_test(processes_that_refuse),
		cmocka_unit_test(pages_of_this_process),
		cmocka_unit_test(registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
