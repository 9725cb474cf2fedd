/* SPDX-License-Identifier: Apache-2.0 */
/* test_fault_queue.c - whatever goes in, when, it comes out in order, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_queue.h"

#define EPOCHS 20u
#define FAULTS 100000u

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
in_order(void **state)
{
	static uint8_t is_in[FAULTS];
	struct fault_queue queue;
	struct fault fault;
	uint64_t seed = 88172645463325252u;
	uint32_t pushed = 0, popped = 0;
	double now = 0, last = 0;

	(void)state;
	assert_int_equal(fault_queue_init(&queue, EPOCHS), 0);
	assert_int_equal(fault_queue_pop(&queue, EPOCHS, &fault), 0);
	fault_queue_destroy(&queue);
	assert_int_equal(fault_queue_init(&queue, EPOCHS), 0);
	for (now = 0; now < EPOCHS; now += 0.013) {
		double end = now + 0.013;

		for (int i = 0; i < 64 && pushed < FAULTS; i++) {
			double u = (double)(next_random(&seed) >> 11) / 9007199254740992.0;

			/* Most soon, some far away, some at the very end. */
			fault = (struct fault){now + u * u * u * (EPOCHS - now), pushed, 7};
			if (fault.work >= EPOCHS)
				continue;
			assert_int_equal(fault_queue_push(&queue, fault), 0);
			is_in[pushed++] = 1;
		}
		while (fault_queue_pop(&queue, end, &fault)) {
			assert_true(fault.work >= last && fault.work < end);
			assert_true(fault.page < FAULTS && is_in[fault.page]);
			assert_int_equal(fault.version, 7);
			is_in[fault.page] = 0;
			last = fault.work;
			popped++;
			/* What is pushed meanwhile, right behind it, comes in its turn. */
			if (popped % 5 == 0 && pushed < FAULTS) {
				fault = (struct fault){last, pushed, 7};
				assert_int_equal(fault_queue_push(&queue, fault), 0);
				is_in[pushed++] = 1;
			}
		}
	}
	while (fault_queue_pop(&queue, EPOCHS, &fault))
		popped++;
	assert_true(pushed > 90000);
	assert_int_equal(popped, pushed);
	fault_queue_destroy(&queue);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
