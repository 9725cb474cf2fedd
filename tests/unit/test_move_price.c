/* SPDX-License-Identifier: Apache-2.0 */
/* test_move_price.c - what moving a page costs: calls that were interrupted do not count, old ones
 * ever less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/core/move_price.h"

static void
test_unknown(void **state)
{
	struct move_price price = {0};

	(void)state;
	assert_int_equal(move_price_ns(&price, 2000, 0), 2000);
	/* A call with so few pages costs more than they do. */
	move_price_add(&price, MOVE_PRICE_PAGES - 1, 1000000, 0);
	assert_int_equal(move_price_ns(&price, 2000, 0), 2000);
	move_price_add(&price, 100, 500000, 0);
	assert_int_equal(move_price_ns(&price, 2000, 0), 5000);
	move_price_add(&price, 512, 0, 0);
	move_price_add(&price, 512, 0, 0);
	assert_int_equal(move_price_ns(&price, 2000, 0), 1);
}

/* Four calls in five take up to twenty times as long. */
static void
test_interrupted(void **state)
{
	struct move_price price = {0};

	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		move_price_add(&price, 512, 512 * (i % 5 ? 15000 * (i % 5) : 3000 + i % 3), 0);
		if (i >= MOVE_PRICE_CALLS)
			assert_in_range(move_price_ns(&price, 2000, 0), 3000, 3002);
	}
}

/* It follows when all calls have become dearer. */
static void
test_changed(void **state)
{
	struct move_price price = {0};

	(void)state;
	for (int i = 0; i < 40; i++)
		move_price_add(&price, 512, UINT64_C(512) * 1000, 0);
	for (unsigned int i = 0; i < MOVE_PRICE_CALLS; i++)
		move_price_add(&price, 512, UINT64_C(512) * 9000, 0);
	assert_int_equal(move_price_ns(&price, 2000, 0), 9000);
}

/* A price at which nothing is moved is not for ever. */
static void
test_fades(void **state)
{
	struct move_price price = {0};

	(void)state;
	move_price_add(&price, 64, UINT64_C(64) * 4000000, 5);
	assert_int_equal(move_price_ns(&price, 2000, 5 + MOVE_PRICE_FADES_NS - 1), 4000000);
	assert_int_equal(move_price_ns(&price, 2000, 5 + MOVE_PRICE_FADES_NS), 2000000);
	assert_int_equal(move_price_ns(&price, 2000, 5 + 7 * MOVE_PRICE_FADES_NS), 4000000 >> 7);
	assert_int_equal(move_price_ns(&price, 2000, 5 + 900 * MOVE_PRICE_FADES_NS), 2000);
	for (unsigned int i = 0; i < MOVE_PRICE_CALLS; i++)
		move_price_add(&price, 64, UINT64_C(64) * 4000000, 7);
	move_price_add(&price, 64, UINT64_C(64) * 3000, 7 + MOVE_PRICE_FADES_NS);
	assert_int_equal(move_price_ns(&price, 2000, 7 + MOVE_PRICE_FADES_NS), 3000);
	/* A lower price than the unknown one stays. */
	move_price_add(&price, 64, UINT64_C(64) * 300, 7 + MOVE_PRICE_FADES_NS);
	move_price_add(&price, 64, UINT64_C(64) * 300, 7 + MOVE_PRICE_FADES_NS);
	assert_int_equal(move_price_ns(&price, 2000, 7 + 900 * MOVE_PRICE_FADES_NS), 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_fades),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
