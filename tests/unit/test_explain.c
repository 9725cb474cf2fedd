/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_explain.c - what is said of a page is what was decided on it: asked for, admitted, refused
 * and why, and where it stands among the others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explain_json.h"
#include "fake_world.h"
#include "journal.h"
#include "memory_registry.h"
#include "mover_registry.h"
#include "round.h"
#include "still_sampler.h"

#define MS 1000000ull
#define REGION HEAT_REGION_BYTES
#define BASE 0x40000000ull
#define PID 7

static uint64_t time_ns;
static struct sluice_err err;
static int asks_wrong; /* for what is not there, too */

/* Asks for the first slow region with a gain that pays, for the second with one that does not. */
static int
some_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	(void)self;
	(void)reterr;
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *region = sluice_view_region(view, i);

		if (region->tier == 1 && region->addr == BASE + 4 * REGION)
			round_host()->move(plan, i, 0, 1e9f);
		if (region->tier == 1 && region->addr == BASE + 5 * REGION)
			round_host()->move(plan, i, 0, 0);
	}
	if (asks_wrong)
		assert_int_equal(round_host()->move(plan, view->region_count, 0, 1), -EINVAL);
	return 0;
}

static const struct sluice_policy some_policy = {.name = "some", .decide = some_decide};
static const struct sampler_ops eye = {
	.name = "eye",
	.add = still_add,
	.remove = still_remove,
	.read = still_read,
	.get_stats = still_get_stats,
};

static struct round *
round_of(struct fake_world *world, int dry_run)
{
	struct round_parts parts = {.sampler_ops = {&eye},
				    .sampler_count = 1,
				    .memory_ops = &memory_fake,
				    .mover_ops = &mover_fake,
				    .policy = &some_policy};
	struct ops_env env = {.sysroot = ""};
	struct round_options options;
	struct round *round;

	fake_world_use(world);
	time_ns = 10000 * MS;
	assert_int_equal(memory_fake.start(&env, &parts.memory, NULL), 0);
	assert_int_equal(mover_fake.start(&env, &parts.mover, NULL), 0);
	round_default_options(&options);
	options.region_max = 256;
	options.detail_bytes_max = 1 << 20;
	options.watermark_percent = 0;
	options.dry_run = dry_run;
	assert_int_equal(round_new(&options, &parts, &round, NULL), 0);
	return round;
}

static void
run(struct round *round, unsigned int ticks)
{
	for (unsigned int i = 0; i < ticks; i++) {
		int32_t ended[8];
		size_t count;

		time_ns += 100 * MS;
		assert_true(round_tick(round, time_ns, ended, 8, &count, &err) > 0);
	}
}

static void
assert_why(const struct round_explanation *round, const char *part)
{
	struct engine_explanation explanation = {
		.policy = "some", .now_ns = time_ns, .round = *round};
	char why[512];

	explain_why(&explanation, why, sizeof(why));
	if (!strstr(why, part))
		fail_msg("'%s' is not in: %s", part, why);
}

static void
pages_are_explained(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 1);
	struct round_explanation told;

	(void)state;
	assert_int_equal(fake_world_map(world, PID, BASE, 4 * REGION, 0), 0);
	assert_int_equal(fake_world_map(world, PID, BASE + 4 * REGION, 4 * REGION, 1), 0);
	assert_int_equal(round_explain(round, PID, BASE, &told, &err), -EAGAIN);
	assert_int_equal(round_add(round, PID, time_ns, NULL), 0);
	run(round, 30);

	/* In fast memory, and nothing is known of it. */
	assert_int_equal(round_explain(round, PID, BASE + 5 * 4096, &told, &err), 0);
	assert_int_equal(told.entry.tier, 0);
	assert_int_equal(told.entry.addr, BASE);
	assert_int_equal(told.exact, 1);
	assert_int_equal(told.line_count, 0);
	assert_int_equal(told.tier_count, 2);
	assert_int_equal(told.hotter_bytes, 0);
	assert_int_equal(told.fast_bytes, 64 * REGION);
	assert_why(&told, "nothing of it was watched yet");

	/* Asked for, and admitted; but this is a dry run. */
	assert_int_equal(round_explain(round, PID, BASE + 4 * REGION, &told, &err), 0);
	assert_int_equal(told.entry.tier, 1);
	assert_true(told.line_count >= 2);
	assert_int_equal(told.lines[0].from, 1);
	assert_int_equal(told.lines[0].to, 0);
	assert_int_equal(told.lines[0].refused, 0);
	assert_int_equal(told.lines[0].asked_bytes, REGION);
	assert_int_equal(told.lines[0].admitted_bytes, REGION);
	assert_true(told.lines[0].time_ns > told.lines[1].time_ns);
	assert_int_equal(told.lines[0].time_ns, told.decided_ns);
	assert_why(&told, "dry run");

	/* Asked for, and refused. */
	assert_int_equal(round_explain(round, PID, BASE + 6 * REGION - 1, &told, &err), 0);
	assert_true(told.line_count >= 1);
	assert_int_equal(told.lines[0].refused, 1u << REFUSED_PAYBACK);
	assert_int_equal(told.lines[0].admitted_bytes, 0);
	assert_why(&told, "would not pay back twice");

	assert_int_equal(round_explain(round, PID, BASE + 8 * REGION, &told, &err), -EFAULT);
	assert_int_equal(round_explain(round, PID + 1, BASE, &told, &err), -EFAULT);
	round_free(round);
	fake_world_free(world);
}

/* What has moved is told of where it is now, and its way there is remembered. */
static void
moves_are_remembered(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 0);
	struct round_explanation told;

	(void)state;
	assert_int_equal(fake_world_map(world, PID, BASE, 8 * REGION, 1), 0);
	assert_int_equal(round_add(round, PID, time_ns, NULL), 0);
	run(round, 60);
	assert_int_equal(round_explain(round, PID, BASE + 4 * REGION, &told, &err), 0);
	assert_int_equal(told.entry.tier, 0);
	assert_true(told.entry.age_ms < HEAT_NEVER_MOVED_MS);
	assert_true(told.line_count >= 1);
	assert_int_equal(told.lines[told.line_count - 1].to, 0);
	round_free(round);
	fake_world_free(world);
}

/* Invariant 16, where the policy runs in this process. */
static void
a_wrong_ask_loses_the_plan(void **state)
{
	struct fake_world *world = fake_world_new((uint64_t[]){64 * REGION, 64 * REGION}, 2);
	struct round *round = round_of(world, 0);
	struct round_explanation told;
	struct round_stats stats;

	(void)state;
	asks_wrong = 1;
	assert_int_equal(fake_world_map(world, PID, BASE, 8 * REGION, 1), 0);
	assert_int_equal(round_add(round, PID, time_ns, NULL), 0);
	run(round, 60);
	asks_wrong = 0;
	round_get_stats(round, &stats);
	assert_true(stats.rounds > 0);
	assert_int_equal(stats.planned_bytes, 0);
	assert_int_equal(stats.promoted_bytes, 0);
	assert_int_equal(round_explain(round, PID, BASE + 4 * REGION, &told, &err), 0);
	assert_int_equal(told.line_count, 0);
	run(round, 60);
	round_get_stats(round, &stats);
	assert_true(stats.promoted_bytes > 0);
	round_free(round);
	fake_world_free(world);
}

/* A ring: the oldest lines give way, the newest come first. */
static void
the_journal_is_bounded(void **state)
{
	struct journal journal;
	struct journal_line lines[4];
	struct sluice_region region = {.span_bytes = REGION, .bytes = REGION, .pid = PID};
	struct sluice_view view = {.size = sizeof(view),
				   .region_stride = sizeof(region),
				   .region_count = 1,
				   .regions = &region};
	struct plan_move move = {.tier = 1};
	struct sluice_plan plan = {.moves = &move, .count = 1, .capacity = 1, .view = &view};

	(void)state;
	assert_int_equal(journal_init(&journal, &err), 0);
	assert_int_equal(journal_find(&journal, PID, 0, lines, 4), 0);
	for (uint64_t i = 0; i < JOURNAL_LINES + 10; i++) {
		region.addr = i * REGION;
		journal_add(&journal, &plan, i);
	}
	assert_int_equal(journal_find(&journal, PID, 9 * REGION, lines, 4), 0);
	assert_int_equal(journal_find(&journal, PID, 10 * REGION + 4096, lines, 4), 1);
	assert_int_equal(lines[0].time_ns, 10);
	journal_add(&journal, &plan, 1000000);
	assert_int_equal(journal_find(&journal, PID, region.addr, lines, 4), 2);
	assert_int_equal(lines[0].time_ns, 1000000);
	assert_int_equal(journal_find(&journal, PID, region.addr, lines, 1), 1);
	journal_destroy(&journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_explained),
		cmocka_unit_test(moves_are_remembered),
		cmocka_unit_test(a_wrong_ask_loses_the_plan),
		cmocka_unit_test(the_journal_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
