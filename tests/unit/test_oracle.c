/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle on problems that can be solved by hand, and what must hold of any: free >= the bound
 * >= moving >= static, every epoch fits, costs of nothing and costs beyond everything.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/oracle/instance.h"
#include "bench/oracle/oracle_select.h"
#include "bench/workloads/wl_rng.h"

static struct oracle_options options;

static int
set_up(void **state)
{
	(void)state;
	oracle_default_options(&options);
	return 0;
}

static void
check_near(double a, double b)
{
	if (fabs(a - b) > 1e-6 * (1 + fabs(a) + fabs(b)))
		fail_msg("%.12g is not %.12g", a, b);
}

static void
solve(const struct oracle_problem *problem, struct oracle_answer *fixed,
      struct oracle_answer *moving, struct oracle_answer *unpaid)
{
	struct oracle_answer again;
	struct sluice_err err = {0};

	*fixed = *moving = *unpaid = (struct oracle_answer){0};
	if (oracle_static(problem, fixed, &err) < 0 ||
	    oracle_moving(problem, &options, moving, &err) < 0 ||
	    oracle_free(problem, unpaid, &err) < 0) {
		fail_msg("%s", err.msg);
		abort(); /* not reached, which lint does not know */
	}
	/* oracle_price() refuses what does not fit in each epoch. */
	assert_int_equal(oracle_price(problem, moving->placement, &again, &err), 0);
	assert_true(again.value == moving->value && again.up_bytes == moving->up_bytes);
	assert_int_equal(oracle_price(problem, fixed->placement, &again, &err), 0);
	assert_true(again.value == fixed->value && again.down_bytes == fixed->down_bytes);
	assert_int_equal(oracle_price(problem, unpaid->placement, &again, &err), 0);
	assert_true(again.saved == unpaid->value);
}

static void
clear(struct oracle_answer *fixed, struct oracle_answer *moving, struct oracle_answer *unpaid)
{
	oracle_answer_clear(fixed);
	oracle_answer_clear(moving);
	oracle_answer_clear(unpaid);
}

/* Item 0 is worth much twice, then item 1: the third epoch's gain of 19 pays for 5 of moving, one
 * of 4 does not. */
static void
test_by_hand(void **state)
{
	static const uint32_t bytes[] = {4096, 4096};
	static const float up[] = {3, 3}, down[] = {2, 2};
	static float rows[3][2] = {{10, 0}, {10, 0}, {1, 20}};
	const float *saved[] = {rows[0], rows[1], rows[2]};
	const uint64_t initial[] = {1};
	struct oracle_problem problem = {2, 3, 8191, bytes, saved, up, down, initial};
	struct oracle_answer fixed, moving, unpaid;
	(void)state;

	solve(&problem, &fixed, &moving, &unpaid);
	check_near(moving.value, 35);
	check_near(moving.bound, 35);
	check_near(fixed.value, 21);
	check_near(unpaid.value, 40);
	assert_int_equal(oracle_bit(moving.placement, 0), 1);
	assert_int_equal(oracle_bit(moving.placement + 2, 1), 1);
	clear(&fixed, &moving, &unpaid);

	rows[2][1] = 5;
	solve(&problem, &fixed, &moving, &unpaid);
	check_near(moving.value, 21);
	check_near(moving.bound, 21);
	assert_int_equal(moving.up_bytes + moving.down_bytes, 0);
	clear(&fixed, &moving, &unpaid);

	/* Memory that is better off slow leaves, if that pays. */
	rows[0][0] = rows[1][0] = rows[2][0] = -1;
	rows[2][1] = 0;
	solve(&problem, &fixed, &moving, &unpaid);
	check_near(moving.value, -2);
	check_near(unpaid.value, 0);
	clear(&fixed, &moving, &unpaid);
}

static void
test_no_room_and_room_for_all(void **state)
{
	struct pattern pattern = {.name = PATTERN_RANDOM,
				  .item_count = 70,
				  .epoch_count = 20,
				  .item_bytes = 4096,
				  .fast_percent = 0,
				  .hot_percent = 20,
				  .accesses = 1e5,
				  .delta_ns = 100,
				  .move_ns = 1e6,
				  .seed = 3};
	struct oracle_answer fixed, moving, unpaid;
	struct instance instance;
	(void)state;

	assert_int_equal(instance_make(&pattern, &instance, NULL), 0);
	solve(&instance.problem, &fixed, &moving, &unpaid);
	assert_true(fixed.value == 0 && moving.value == 0 && unpaid.value == 0);
	check_near(moving.bound, 0);
	clear(&fixed, &moving, &unpaid);
	instance_free(&instance);

	pattern.fast_percent = 100;
	assert_int_equal(instance_make(&pattern, &instance, NULL), 0);
	solve(&instance.problem, &fixed, &moving, &unpaid);
	check_near(moving.value, unpaid.value - 70 * (double)instance.up[0]);
	check_near(moving.value, moving.bound);
	clear(&fixed, &moving, &unpaid);
	instance_free(&instance);
}

static void
set_costs(struct instance *instance, float up, float down)
{
	for (uint32_t i = 0; i < instance->problem.item_count; i++) {
		instance->up[i] = up;
		instance->down[i] = down;
	}
}

static const struct pattern middling = {.item_count = 400,
					.epoch_count = 60,
					.item_bytes = 2u << 20,
					.fast_percent = 25,
					.hot_percent = 20,
					.period = 20,
					.accesses = 1e6,
					.delta_ns = 100,
					.move_ns = 190000,
					.noise_percent = 30};

/* Nothing to pay: as free. May not move: as it is. May go down only: what is fast and of worth. */
static void
test_costs_of_nothing_and_of_everything(void **state)
{
	struct oracle_answer fixed, moving, unpaid;
	struct pattern pattern = middling;
	struct instance instance;
	(void)state;

	for (unsigned name = 0; name < PATTERNS; name++) {
		double stays = 0;

		pattern.name = (enum pattern_name)name;
		pattern.seed = name;
		assert_int_equal(instance_make(&pattern, &instance, NULL), 0);
		set_costs(&instance, 0, 0);
		solve(&instance.problem, &fixed, &moving, &unpaid);
		check_near(moving.value, unpaid.value);
		check_near(moving.bound, unpaid.bound);
		clear(&fixed, &moving, &unpaid);

		set_costs(&instance, INFINITY, INFINITY);
		instance.initial[0] = 0xf0f0f0f0;
		for (uint32_t t = 0; t < pattern.epoch_count; t++) {
			for (uint32_t i = 0; i < 64; i++) {
				if (oracle_bit(instance.initial, i))
					stays += (double)instance.rows[t][i];
			}
		}
		solve(&instance.problem, &fixed, &moving, &unpaid);
		check_near(moving.value, stays);
		check_near(fixed.value, stays);
		check_near(moving.bound, stays);
		assert_int_equal(moving.up_bytes + moving.down_bytes, 0);
		clear(&fixed, &moving, &unpaid);

		/* Dear, not impossible, and nothing is fast yet: one placement for all time. */
		memset(instance.initial, 0, oracle_words(400) * sizeof(uint64_t));
		set_costs(&instance, 0, 1e20f);
		solve(&instance.problem, &fixed, &moving, &unpaid);
		assert_true(moving.value >= fixed.value && moving.down_bytes == 0);
		clear(&fixed, &moving, &unpaid);
		instance_free(&instance);
	}
}

/* Prices alone find what large instances are solved by: within 1 % on every pattern, all ratios, a
 * wide range of costs; and all is in order. */
static void
test_order_and_gap(void **state)
{
	static const double fasts[] = {50, 20, 6}, moves[] = {2000, 190000, 2e6};
	struct oracle_answer fixed, moving, unpaid;
	struct instance instance;
	double worst = 0, sum = 0;
	unsigned count = 0;
	(void)state;

	options.exact_cells_max = 0;
	for (unsigned n = 0; n < PATTERNS * 9; n++) {
		struct pattern pattern = middling;
		double gap;

		pattern.name = (enum pattern_name)(n / 9);
		pattern.fast_percent = fasts[n % 3];
		pattern.move_ns = moves[n / 3 % 3];
		pattern.seed = n;
		assert_int_equal(instance_make(&pattern, &instance, NULL), 0);
		solve(&instance.problem, &fixed, &moving, &unpaid);
		gap = (moving.bound - moving.value) / moving.bound;
		if (gap > 0.01)
			fail_msg("%s, %g %% fast, %g ns: gap %.3f %%", pattern_names[pattern.name],
				 pattern.fast_percent, pattern.move_ns, 100 * gap);
		assert_true(unpaid.bound >= moving.bound * (1 - 1e-9));
		assert_true(moving.bound >= moving.value && moving.value >= fixed.value);
		assert_true(fixed.value >= 0 && fixed.bound >= fixed.value);
		worst = gap > worst ? gap : worst;
		sum += gap;
		count++;
		clear(&fixed, &moving, &unpaid);
		instance_free(&instance);
	}
	print_message("%u instances: mean gap %.4f %%, greatest %.4f %%\n", count,
		      100 * sum / count, 100 * worst);
}

/* Sizes from 4 KiB to 2 MiB: bytes are counted, small items fill what is left, and the gap stays
 * small when many fit. */
static void
test_unequal_sizes(void **state)
{
	struct oracle_answer fixed, moving, unpaid;
	struct pattern pattern = middling;
	struct instance instance;
	(void)state;

	pattern.item_bytes = 0;
	pattern.item_count = 1000;
	for (unsigned name = 0; name < PATTERNS; name++) {
		uint64_t used = 0;

		pattern.name = (enum pattern_name)name;
		assert_int_equal(instance_make(&pattern, &instance, NULL), 0);
		/* The same heat by byte, so that size by itself is neither good nor bad. */
		for (uint32_t t = 0; t < pattern.epoch_count; t++) {
			for (uint32_t i = 0; i < pattern.item_count; i++)
				instance.rows[t][i] *= (float)instance.bytes[i] / (2u << 20);
		}
		solve(&instance.problem, &fixed, &moving, &unpaid);
		if (moving.bound - moving.value > 0.01 * moving.bound)
			fail_msg("%s: value %g, bound %g", pattern_names[name], moving.value,
				 moving.bound);
		assert_true(unpaid.bound >= moving.bound * (1 - 1e-9));
		assert_true(moving.value >= fixed.value);
		for (uint32_t i = 0; i < pattern.item_count; i++)
			used += oracle_bit(unpaid.placement, i) ? instance.bytes[i] : 0;
		if (name != PATTERN_SCAN) /* where few items are of any worth */
			assert_true(used > instance.problem.capacity_bytes / 100 * 99);
		clear(&fixed, &moving, &unpaid);
		instance_free(&instance);
	}
}

static int
falling(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

/* The cut, against sorting; many keys alike among them. */
static void
test_select(void **state)
{
	enum { N = 3000 };
	static float key[N], sorted[N], scratch[N];
	static uint64_t row[(N + 63) / 64];
	(void)state;

	for (uint64_t seed = 0; seed < 60; seed++) {
		uint64_t rng = rng_seed(seed, 0);
		uint32_t count = 1 + (uint32_t)(rng_next(&rng) % N),
			 kinds = seed % 3 ? 1u << 24 : 5;
		uint32_t take = (uint32_t)(rng_next(&rng) % (count + 2)), taken = 0, positive = 0;
		struct select_price price;
		double sum = 0, best = 0;

		for (uint32_t i = 0; i < count; i++)
			key[i] = sorted[i] =
				(float)((int64_t)(rng_next(&rng) % kinds) - (kinds >> 2));
		qsort(sorted, count, sizeof(float), falling);
		price = select_price(key, NULL, count, take, scratch, NULL);
		select_take(key, NULL, count, take, scratch, NULL, row);
		for (uint32_t i = 0; i < count; i++) {
			positive += sorted[i] > 0;
			best += i < take && sorted[i] > 0 ? (double)sorted[i] : 0;
			sum += oracle_bit(row, i) ? (double)key[i] : 0;
			taken += (uint32_t)oracle_bit(row, i);
		}
		assert_true(sum == best);
		assert_true(taken <= take);
		if (positive > take) {
			assert_true(price.low == sorted[take]);
			assert_true(price.high == (take && sorted[take - 1] > sorted[take]
							   ? sorted[take - 1]
							   : sorted[take]));
		} else {
			assert_true(price.low == 0);
		}
	}
}

static void
refused(const struct oracle_problem *problem, const char *part)
{
	struct oracle_answer answer = {.value = 7};
	struct sluice_err err = {0};

	assert_int_equal(oracle_check(problem, &err), -EINVAL);
	if (!strstr(err.msg, part))
		fail_msg("'%s' is not in: %s", part, err.msg);
	assert_int_equal(oracle_moving(problem, &options, &answer, NULL), -EINVAL);
	assert_int_equal(oracle_static(problem, &answer, NULL), -EINVAL);
	assert_int_equal(oracle_free(problem, &answer, NULL), -EINVAL);
	assert_true(answer.value == 7);
}

static void
test_refusals(void **state)
{
	struct instance instance;
	struct oracle_problem *p = &instance.problem;
	struct oracle_answer answer;
	struct sluice_err err = {0};
	uint64_t placement[2] = {3, 1};
	(void)state;

	assert_int_equal(instance_new(2, 2, &instance, NULL), 0);
	instance.bytes[0] = instance.bytes[1] = 4096;
	p->capacity_bytes = 4096;
	assert_int_equal(oracle_price(p, placement, &answer, &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "epoch 0"));
	placement[0] = 5;
	assert_int_equal(oracle_price(p, placement, &answer, &err), -EINVAL);

	instance.initial[0] = 3;
	refused(p, "8192 bytes in fast memory, which holds 4096");
	instance.initial[0] = 4;
	refused(p, "bits beyond item 1");
	instance.initial[0] = 0;
	instance.rows[1][1] = NAN;
	refused(p, "in epoch 1 item 1 saves");
	instance.rows[1][1] = INFINITY;
	refused(p, "in epoch 1 item 1 saves");
	instance.rows[1][1] = 0;
	instance.up[1] = -1;
	refused(p, "costs are 0 or more");
	instance.up[1] = NAN;
	refused(p, "costs are 0 or more");
	instance.up[1] = 0;
	instance.bytes[0] = 0;
	refused(p, "no size");
	p->epoch_count = 0;
	refused(p, "at least one of each");
	p->epoch_count = 2;
	instance_free(&instance);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_by_hand, set_up),
		cmocka_unit_test_setup(test_no_room_and_room_for_all, set_up),
		cmocka_unit_test_setup(test_costs_of_nothing_and_of_everything, set_up),
		cmocka_unit_test_setup(test_order_and_gap, set_up),
		cmocka_unit_test_setup(test_unequal_sizes, set_up),
		cmocka_unit_test_setup(test_select, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
