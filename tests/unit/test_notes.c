/* SPDX-License-Identifier: Apache-2.0 */
/* test_notes.c - the sentences that tell an operator why pages do not move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mover_watch.h"
#include "notes.h"

#define S 1000000000ull
#define MIB ((uint64_t)1 << 20)

/* 20 s in: two tiers, fast memory full of one target's memory, and more of it below. */
struct world {
	struct notes notes;
	struct engine_status status;
};

static int
setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct engine_status *status = &world->status;

	status->tier_count = 2;
	status->tiers[0] = (struct sluice_tier){.total_bytes = 500 * MIB, .free_bytes = 10 * MIB};
	status->tiers[1] = (struct sluice_tier){
		.total_bytes = 1000 * MIB, .free_bytes = 800 * MIB, .room_bytes = 800 * MIB};
	status->round.heat.resident_bytes[0] = 450 * MIB;
	status->round.heat.resident_bytes[1] = 200 * MIB;
	status->round.promoted_bytes = status->round.demoted_bytes = 300 * MIB;
	status->sampling.samples = 1000000;
	status->target_count = 1;
	notes_look(&world->notes, S, &status->round, &status->sampling);
	notes_look(&world->notes, 12 * S, &status->round, &status->sampling);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

static void
says(struct world *world, const char *text)
{
	world->status.note[0] = '\0';
	notes_write(&world->notes, 20 * S, &world->status);
	if (text ? !strstr(world->status.note, text) : world->status.note[0] != '\0')
		fail_msg("'%s' instead of '%s'", world->status.note, text ? text : "");
}

static void
full(void **state)
{
	struct world *world = *state;
	struct engine_status *status = &world->status;

	says(world, "nothing below is hotter");
	status->round.refused_bytes[REFUSED_PAYBACK] = 5 * MIB;
	says(world, "would cost more than it saves");
	status->round.promoted_bytes += 20 * MIB; /* they change places: no word */
	says(world, NULL);
	status->round.heat.resident_bytes[0] = 4 * MIB;
	says(world, "fast memory is full: 486 MiB of it is not the targets'");
	status->tiers[0].room_bytes = 100 * MIB;
	says(world, NULL);
	status->round.heat.resident_bytes[1] = 0;
	says(world, "all that may be moved is in fast memory");
}

static void
moves_that_fail(void **state)
{
	struct world *world = *state;
	struct engine_status *status = &world->status;

	status->tiers[0].room_bytes = 100 * MIB;
	status->round.outcome_pages[MOVE_BUSY] = 1000;
	says(world, "pinned, or in use by the kernel");
	status->round.outcome_pages[MOVE_NOMEM] = 2000;
	says(world, "no free page");
	status->round.outcome_pages[MOVE_FAILED] = 3000;
	says(world, "refuses most moves");
	status->round.outcome_pages[MOVE_MOVED] = 10000;
	says(world, NULL);
	status->round.refused_bytes[REFUSED_BUDGET] = 100 * MIB;
	status->round.planned_bytes = 50 * MIB;
	says(world, "lets through");
	/* Of long ago is not of now. */
	notes_look(&world->notes, 23 * S, &status->round, &status->sampling);
	notes_look(&world->notes, 34 * S, &status->round, &status->sampling);
	status->note[0] = '\0';
	notes_write(&world->notes, 44 * S, status);
	assert_string_equal(status->note, "");
}

static void
trust(void **state)
{
	struct world *world = *state;
	struct engine_status *status = &world->status;

	status->tiers[0].room_bytes = 100 * MIB;
	status->sampling.samples += 3000;
	status->sampling.lost += 1000;
	says(world, "dropped 25 % of the samples");
	/* What was said before stays in front, and nothing is cut in the middle. */
	memset(status->note, 'x', 230);
	status->note[230] = '\0';
	notes_write(&world->notes, 20 * S, status);
	assert_int_equal(strlen(status->note), 230);
	snprintf(status->note, sizeof(status->note), "first");
	notes_write(&world->notes, 20 * S, status);
	assert_ptr_equal(strstr(status->note, "first; the kernel dropped"), status->note);
}

static void
owners(void **state)
{
	struct world *world = *state;
	struct engine_status *status = &world->status;
	struct engine_target *target = &status->targets[0];

	target->pinned_bytes = 64 * MIB;
	memset(status->round.heat.resident_bytes, 0, sizeof(status->round.heat.resident_bytes));
	says(world, "nothing may be moved: the owners placed or locked all of it (64 MiB)");
	notes_target(target);
	assert_non_null(strstr(target->note, "placed by its owner"));
	snprintf(target->note, sizeof(target->note), "known");
	notes_target(target);
	assert_string_equal(target->note, "known");
	target->note[0] = '\0';
	target->resident_bytes[1] = MIB;
	notes_target(target);
	assert_string_equal(target->note, "");
}

static void
silence(void **state)
{
	struct world *world = *state;

	world->status.target_count = 0; /* nobody to tell of */
	says(world, NULL);
	world->status.target_count = 1;
	notes_write(&world->notes, 3 * S, &world->status); /* too early to tell */
	assert_string_equal(world->status.note, "");
}

static int fake_result;
static int stops;

static int
fake_move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
	  uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	(void)addrs;
	(void)count;
	(void)tier;
	(void)outcomes;
	(void)bytes;
	(void)landed;
	assert_ptr_equal(self, &stops);
	return fake_result ? sluice_fail(reterr, fake_result, "not for %d", pid) : 0;
}

static void
fake_stop(void *self)
{
	assert_ptr_equal(self, &stops);
	stops++;
}

static void
refused_moves(void **state)
{
	static const struct mover_ops ops = {.name = "fake", .move = fake_move, .stop = fake_stop};
	struct mover_watch *watch = mover_watch_new(&ops, &stops);
	const struct mover_ops *watched = mover_watch_ops(watch);
	struct sluice_err err = {0, ""};
	uint64_t now_ns;

	(void)state;
	assert_string_equal(watched->name, "fake");
	fake_result = 0;
	assert_int_equal(watched->move(watch, 5, NULL, 0, 0, NULL, NULL, NULL, &err), 0);
	assert_string_equal(mover_watch_refusal(watch, 5, clock_now_ns(), S), "");
	fake_result = -EPERM;
	assert_int_equal(watched->move(watch, 5, NULL, 0, 0, NULL, NULL, NULL, &err), -EPERM);
	assert_string_equal(err.msg, "not for 5");
	now_ns = clock_now_ns();
	assert_string_equal(mover_watch_refusal(watch, 5, now_ns, S), "not for 5");
	assert_string_equal(mover_watch_refusal(watch, 6, now_ns, S), "");
	assert_string_equal(mover_watch_refusal(watch, 5, now_ns + 2 * S, S), "");
	fake_result = -ESRCH; /* it has ended: no refusal */
	assert_int_equal(watched->move(watch, 6, NULL, 0, 0, NULL, NULL, NULL, NULL), -ESRCH);
	assert_string_equal(mover_watch_refusal(watch, 6, now_ns, S), "");
	/* More processes than are kept: the newest are. */
	fake_result = -EPERM;
	for (int pid = 100; pid < 130; pid++)
		watched->move(watch, pid, NULL, 0, 0, NULL, NULL, NULL, NULL);
	now_ns = clock_now_ns();
	assert_string_equal(mover_watch_refusal(watch, 129, now_ns, 60 * S), "not for 129");
	assert_string_equal(mover_watch_refusal(watch, 5, now_ns, 60 * S), "");
	watched->stop(watch);
	assert_int_equal(stops, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(full),   TEST(moves_that_fail), TEST(trust),
		TEST(owners), TEST(silence),         cmocka_unit_test(refused_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
