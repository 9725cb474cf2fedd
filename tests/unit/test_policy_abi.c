/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_abi.c - pins the layout of policy.h. If anything here breaks, policies that people
 * have built no longer fit: append members instead, or raise SLUICE_POLICY_ABI and say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sluice/policy.h"

#define AT(type, member, offset) assert_int_equal(offsetof(struct type, member), offset)

static void
layout_is_what_it_was(void **state)
{
	(void)state;
	assert_int_equal(SLUICE_POLICY_ABI, 1);
	if (sizeof(void *) != 8)
		skip(); /* the figures below are those of 64-bit machines */

	assert_int_equal(sizeof(struct sluice_region), 40);
	AT(sluice_region, addr, 0);
	AT(sluice_region, span_bytes, 8);
	AT(sluice_region, bytes, 12);
	AT(sluice_region, pid, 16);
	AT(sluice_region, tier, 20);
	AT(sluice_region, heat, 24);
	AT(sluice_region, heat_low, 28);
	AT(sluice_region, heat_high, 32);
	AT(sluice_region, age_ms, 36);

	assert_int_equal(sizeof(struct sluice_tier), 48);
	AT(sluice_tier, total_bytes, 0);
	AT(sluice_tier, free_bytes, 8);
	AT(sluice_tier, room_bytes, 16);
	AT(sluice_tier, shortage_bytes, 24);
	AT(sluice_tier, latency_ns, 32);
	AT(sluice_tier, kind, 36);
	AT(sluice_tier, access_rate, 40);
	AT(sluice_tier, loaded_latency_ns, 44);

	assert_int_equal(sizeof(struct sluice_view), 56);
	AT(sluice_view, size, 0);
	AT(sluice_view, tier_count, 4);
	AT(sluice_view, tier_stride, 8);
	AT(sluice_view, region_stride, 12);
	AT(sluice_view, region_count, 16);
	AT(sluice_view, budget_bytes, 24);
	AT(sluice_view, now_ms, 32);
	AT(sluice_view, tiers, 40);
	AT(sluice_view, regions, 48);

	assert_int_equal(sizeof(struct sluice_host), 16);
	AT(sluice_host, move, 8);
	assert_int_equal(sizeof(struct sluice_param), 24);

	assert_int_equal(sizeof(struct sluice_policy), 56);
	AT(sluice_policy, abi, 0);
	AT(sluice_policy, size, 4);
	AT(sluice_policy, name, 8);
	AT(sluice_policy, summary, 16);
	AT(sluice_policy, params, 24);
	AT(sluice_policy, init, 32);
	AT(sluice_policy, decide, 40);
	AT(sluice_policy, fini, 48);

	assert_int_equal(sizeof(struct sluice_err), 512);
	AT(sluice_err, msg, 4);
}

/* A plugin asks before it reads what an older engine may not have. */
static void
has_tells_by_size(void **state)
{
	struct sluice_view view;

	(void)state;
	view.size = offsetof(struct sluice_view, regions);
	assert_true(SLUICE_HAS(view.size, &view, tiers));
	assert_false(SLUICE_HAS(view.size, &view, regions));
	view.size = sizeof(view);
	assert_true(SLUICE_HAS(view.size, &view, regions));
}

/* Appending to a struct with padding at its end would not change its size. */
static void
no_padding_to_grow_into(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct sluice_region, age_ms) + 4, sizeof(struct sluice_region));
	assert_int_equal(offsetof(struct sluice_tier, loaded_latency_ns) + 4,
			 sizeof(struct sluice_tier));
	assert_int_equal(offsetof(struct sluice_view, regions) + sizeof(void *),
			 sizeof(struct sluice_view));
	assert_int_equal(offsetof(struct sluice_policy, fini) + sizeof(void *),
			 sizeof(struct sluice_policy));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_what_it_was),
		cmocka_unit_test(has_tells_by_size),
		cmocka_unit_test(no_padding_to_grow_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
