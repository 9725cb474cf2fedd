/* SPDX-License-Identifier: Apache-2.0 */
/* test_growth.c - tracking rests while a program fills its memory, and only then: not for ever when
 * a program takes and gives back memory all the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "round.h"
#include "still_sampler.h"

#define MS 1000000ull
#define MIB ((uint64_t)1 << 20)
#define BASE 0x40000000ull
#define TARGETS 2

static uint64_t resident_now[TARGETS];
static uint64_t time_ns;

static int
spans(void *self, int32_t pid, struct heat_span *list, size_t capacity, size_t *ret_count,
      uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	(void)self, (void)pid, (void)capacity, (void)reterr;
	list[0] = (struct heat_span){BASE, BASE + 64 * MIB};
	*ret_count = 1;
	*ret_pinned_bytes = 0;
	return 0;
}

static int
resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	(void)self, (void)reterr;
	*ret_bytes = resident_now[pid - 1];
	return 0;
}

static int
residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	  struct sluice_err *reterr)
{
	(void)self, (void)pid, (void)addr, (void)reterr;
	memset(tiers, 0, len_bytes / HEAT_PAGE_BYTES);
	*ret_huge = 0;
	return 0;
}

static int
tiers(void *self, struct sluice_tier *list, size_t capacity, size_t *ret_count,
      struct sluice_err *reterr)
{
	(void)self, (void)capacity, (void)reterr;
	memset(list, 0, 2 * sizeof(*list));
	*ret_count = 2;
	return 0;
}

static int
decide_nothing(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	(void)self, (void)view, (void)plan, (void)reterr;
	return 0;
}

static const struct sampler_ops eye = {.name = "eye",
				       .add = still_add,
				       .remove = still_remove,
				       .read = still_read,
				       .get_stats = still_get_stats};
static const struct memory_ops memory = {.name = "growing",
					 .spans = spans,
					 .resident = resident,
					 .residency = residency,
					 .tiers = tiers};
static const struct mover_ops mover = {.name = "none"};
static const struct sluice_policy policy = {.name = "none", .decide = decide_nothing};

static struct round *
round_of(size_t targets)
{
	struct round_options options;
	struct round_parts parts = {
		.sampler_ops = {&eye},
		.samplers = {resident_now},
		.sampler_count = 1,
		.memory_ops = &memory,
		.mover_ops = &mover,
		.policy = &policy,
	};
	struct round *round;

	time_ns = 10000 * MS;
	round_default_options(&options);
	options.region_max = 256;
	options.detail_bytes_max = 1 << 20;
	assert_int_equal(round_new(&options, &parts, &round, NULL), 0);
	for (size_t i = 0; i < targets; i++)
		assert_int_equal(round_add(round, (int32_t)i + 1, time_ns, NULL), 0);
	return round;
}

/* Time passes until resident memory is looked at again. Returns the effort then. */
static double
look(struct round *round)
{
	struct round_stats stats;
	int32_t ended[4];
	size_t count;

	for (int i = 0; i < 5; i++) {
		time_ns += 50 * MS;
		assert_true(round_tick(round, time_ns, ended, 4, &count, NULL) > 0);
	}
	round_get_stats(round, &stats);
	return stats.effort;
}

static void
test_rests_while_memory_is_filled(void **state)
{
	struct round *round = round_of(2);

	(void)state;
	/* One fills its memory, the other gives some back meanwhile. */
	resident_now[0] = 1000 * MIB;
	resident_now[1] = 1000 * MIB;
	for (int i = 0; i < 8; i++)
		look(round);
	for (int i = 0; i < 20; i++) {
		resident_now[0] += 100 * MIB;
		resident_now[1] -= 10 * MIB;
		assert_true(look(round) <= 0);
	}
	for (int i = 0; i < 4; i++)
		look(round);
	assert_true(look(round) > 0);
	round_free(round);
}

/* Looks with tracking, of 100, while memory goes up and down by so much, in so many looks. */
static int
looks_with_tracking(uint64_t by_bytes, int up, int down)
{
	struct round *round = round_of(1);
	int with = 0;

	resident_now[0] = 1000 * MIB;
	for (int i = 0; i < 20 + 100; i++) {
		int at = i % (up + down);

		if (at < up)
			resident_now[0] += by_bytes / (uint64_t)up;
		else
			resident_now[0] -= by_bytes / (uint64_t)down;
		with += look(round) > 0 && i >= 20;
	}
	round_free(round);
	return with;
}

static void
test_ups_and_downs_do_not_stop_it(void **state)
{
	(void)state;
	assert_true(looks_with_tracking(0, 1, 1) == 100);
	assert_true(looks_with_tracking(100 * MIB, 1, 1) > 90);
	assert_true(looks_with_tracking(120 * MIB, 2, 2) > 90);
	assert_true(looks_with_tracking(1000 * MIB, 1, 1) > 20);
	assert_true(looks_with_tracking(1000 * MIB, 2, 1) > 20);
	assert_true(looks_with_tracking(1000 * MIB, 1, 3) > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rests_while_memory_is_filled),
		cmocka_unit_test(test_ups_and_downs_do_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
