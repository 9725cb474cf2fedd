/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_old_plugins.c - policies that were built long ago, kept as binaries, load and see in today's
 * views what they always saw: in the service's process and in one of their own, and also when
 * elements have grown since.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin.h"
#include "policy_process.h"

#define OLD TEST_BUILD "/policies-old/abi1.so"
#define REGIONS 3u
#define GROWN 64u /* bytes that each element is larger by */

static struct sluice_err err;
static struct sluice_plan plan;
static char tiers[2 * (sizeof(struct sluice_tier) + GROWN)];
static char regions[REGIONS * (sizeof(struct sluice_region) + GROWN)];
static struct sluice_view view;

static struct sluice_region
region_at(uint32_t i)
{
	return (struct sluice_region){.addr = (uint64_t)(7 + i) << 21,
				      .span_bytes = 2u << 20,
				      .bytes = (1 + i) << 12,
				      .pid = 100 + (int32_t)i,
				      .tier = i % 2,
				      .heat = 3,
				      .heat_low = 2,
				      .heat_high = 4,
				      .age_ms = 5000 + i};
}

static float
gain_of(const struct sluice_region *r)
{
	return (float)(r->addr >> 21) + (float)(r->span_bytes >> 12) + (float)(r->bytes >> 12) +
	       (float)r->pid + r->heat + r->heat_low + r->heat_high + (float)r->age_ms;
}

/* What abi1.c wants. */
static void
make_view(size_t grown)
{
	memset(tiers, 0xee, sizeof(tiers));
	memset(regions, 0xee, sizeof(regions));
	view = (struct sluice_view){.size = sizeof(view),
				    .tier_count = 2,
				    .tier_stride = (uint32_t)(sizeof(struct sluice_tier) + grown),
				    .region_stride =
					    (uint32_t)(sizeof(struct sluice_region) + grown),
				    .region_count = REGIONS,
				    .budget_bytes = 64u << 20,
				    .now_ms = 1000000,
				    .tiers = tiers,
				    .regions = regions};
	for (uint32_t t = 0; t < 2; t++) {
		struct sluice_tier tier = {.total_bytes = 1000 + t,
					   .free_bytes = 900 + t,
					   .room_bytes = 800 + t,
					   .shortage_bytes = 700 + t,
					   .latency_ns = 80 + t,
					   .kind = 1 + t};

		memcpy(tiers + t * view.tier_stride, &tier, sizeof(tier));
	}
	for (uint32_t i = 0; i < REGIONS; i++) {
		struct sluice_region region = region_at(i);

		memcpy(regions + i * view.region_stride, &region, sizeof(region));
	}
	plan_begin(&plan, &view);
}

static void
assert_plan(float factor)
{
	assert_int_equal(plan.count, REGIONS);
	for (uint32_t i = 0; i < REGIONS; i++) {
		struct sluice_region region = region_at(i);

		assert_int_equal(plan.moves[i].region, i);
		assert_int_equal(plan.moves[i].tier, 1 - region.tier);
		assert_float_equal(plan.moves[i].gain, factor * gain_of(&region), 0.01);
	}
}

static void
only_here(void)
{
#ifndef __x86_64__
	skip(); /* the binary is for x86-64 */
#endif
}

static void
in_this_process(void **state)
{
	struct plugin *plugin = NULL;

	(void)state;
	only_here();
	if (plugin_load(OLD, NULL, NULL, 0, round_host(), &plugin, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t grown = 0; grown <= GROWN; grown += GROWN) {
		make_view(grown);
		if (plugin_policy(plugin)->decide(plugin_self(plugin), &view, &plan, &err) < 0)
			fail_msg("%s", err.msg);
		assert_plan(2);
	}
	plugin_unload(plugin);
}

static void
in_a_process_of_its_own(void **state)
{
	static const struct policy_process_options options = {.entry_max = 100};
	static const struct plugin_setting setting = {"factor", "3"};
	struct policy_process *process = NULL;
	enum policy_fault fault;

	(void)state;
	only_here();
	if (policy_process_new(&options, OLD, NULL, &setting, 1, &process, &err) < 0 ||
	    policy_process_start(process, 0, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(policy_process_card(process)->name, "abi1");
	for (size_t grown = 0; grown <= GROWN; grown += GROWN) {
		make_view(grown);
		if (policy_process_decide(process, &view, &plan, &fault, &err) < 0)
			fail_msg("%s", err.msg);
		assert_plan(3);
	}
	policy_process_free(process);
}

static int
set_up(void **state)
{
	(void)state;
	return plan_init(&plan, 100, &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_this_process),
		cmocka_unit_test(in_a_process_of_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
