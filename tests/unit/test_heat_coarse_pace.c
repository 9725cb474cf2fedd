/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heat_coarse_pace.c - what marks took two processes for at different paces, a coarse tracker
 * sees as alike.
 */
#include "coarse_pace.h"

#include "heat_world.h"

/* Two processes of which nothing was seen yet. */
static struct pace *
two_paces(void)
{
	begin(1, 1u << 20, 0);
	heat->paces[0] = (struct pace){.pid = PID};
	heat->paces[1] = (struct pace){.pid = PID + 1};
	heat->pace_count = 2;
	heat->paceless = 0;
	return heat->paces;
}

/* For so many seconds, ten times in each. */
static void
see(struct pace *pace, double seconds, float events, float expected)
{
	for (int i = 0; i < seconds * 10; i++)
		coarse_pace_seen(pace, events / 10, expected / 10,
				 pace->coarse_tick + (uint64_t)TICKS_PER_S / 10);
}

static void
test_scale(void **state)
{
	struct pace *paces = two_paces();

	(void)state;
	assert_about(coarse_pace_scale(heat, PID), 1, 1.01);
	assert_true(coarse_pace_scale(heat, PID + 2) <= 0);
	see(&paces[0], 20, 60, 60);
	assert_about(coarse_pace_scale(heat, PID), 1, 1.05);
	/* Followed within seconds. */
	see(&paces[0], 10, 180, 60);
	assert_about(coarse_pace_scale(heat, PID), 3, 1.2);
	assert_about(coarse_pace_scale(heat, PID + 1), 1, 1.01);
	heat_free(heat);
}

static void
test_beyond(void **state)
{
	struct pace *paces = two_paces();
	float common;

	(void)state;
	/* It sees a tenth of all; marks had one process four times too slow beside the other. */
	see(&paces[0], 60, 40, 100);
	see(&paces[1], 60, 10, 100);
	common = coarse_pace_common(heat);
	assert_about(coarse_pace_beyond(heat, &paces[0], common) -
			     coarse_pace_beyond(heat, &paces[1], common),
		     2, 1.1);
	/* Marks that know by now. */
	paces[0].mean = 2;
	common = coarse_pace_common(heat);
	assert_true(fabsf(coarse_pace_beyond(heat, &paces[0], common)) < 0.1f);
	assert_true(fabsf(coarse_pace_beyond(heat, &paces[1], common)) < 0.1f);
	/* One that rests is left alone, and moves nobody else. */
	paces[1].coarse[COARSE_SLOW].seen = 0;
	common = coarse_pace_common(heat);
	assert_true(fabsf(coarse_pace_beyond(heat, &paces[0], common)) < 0.1f);
	assert_true(fabsf(coarse_pace_beyond(heat, &paces[1], common)) <= 0);
	heat_free(heat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
