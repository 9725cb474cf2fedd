/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_slide.c - cycles of scans, and what goes to the slowest tier. */
#include "policies/slide.c"

#include "policy_promises.h"

static void
swaps_out_what_no_scan_found(void **state)
{
	struct sluice_tier tiers[3] = {{.total_bytes = GIB, .room_bytes = GIB / 2},
				       {.total_bytes = GIB, .room_bytes = GIB / 2},
				       {.total_bytes = GIB, .room_bytes = GIB / 2}};
	struct sluice_region regions[5];
	void *self = start("with", NULL);

	(void)state;
	regions[0] = piece(0, 2 * MIB, 0, 1);
	regions[1] = piece(0, 2 * MIB, 1000, 1.1);
	regions[2] = piece(1, 2 * MIB, 0, 1);
	regions[3] = piece(2, 2 * MIB, 1000, 1.1); /* comes back by itself, not by us */
	regions[4] = piece(2, 2 * MIB, 0, 1);
	spread(regions, 5);
	for (int cycle = 0; cycle < 2; cycle++) {
		for (int scan = 0; scan < 3; scan++) {
			view_now_ms += 1000;
			assert_int_equal(decide(self, tiers, 3, regions, 5, GIB, NULL), 0);
			assert_int_equal(plan.count, scan < 2 ? 0 : 2);
		}
		assert_int_equal(planned(0), 2);
		assert_int_equal(planned(2), 2);
	}
	sluice_policy.fini(self);
}

static void
T_is_how_many_scans(void **state)
{
	struct sluice_tier tiers[2];
	static struct sluice_region regions[1000];
	void *self = start("with", "loop", "4", "T", "3", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 1000; i++)
		regions[i] = piece(0, PAGE, 0.6931472, 1.1); /* each scan finds half of them */
	spread(regions, 1000);
	for (int scan = 0; scan < 4; scan++)
		decide_after(1000, self, tiers, regions, 1000);
	assert_in_range(plan.count, 688 - 60, 688 + 60); /* 0, 1 or 2 of 4: 11 of 16 */
	sluice_policy.fini(self);
}

/* What came in the middle of a cycle has not had its scans. */
static void
judges_the_new_later(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[2] = {piece(0, 2 * MIB, 0, 1), piece(0, 2 * MIB, 0, 1)};
	void *self = start("with", NULL);

	(void)state;
	two_tiers(tiers, 0, GIB);
	spread(regions, 2);
	decide_after(1000, self, tiers, regions, 1);
	for (int scan = 0; scan < 2; scan++)
		decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(plan.count, 1);
	assert_int_equal(planned(0), 1);
	for (int scan = 0; scan < 3; scan++)
		decide_after(1000, self, tiers, regions, 2);
	assert_int_equal(planned(1), 1);
	sluice_policy.fini(self);
}

static void
keeps_a_share_of_each_process(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region regions[20];
	void *self = start("with", "dram_percent", "70", "loop", "1", NULL);
	int gone[2] = {0};

	(void)state;
	two_tiers(tiers, 0, GIB);
	for (int i = 0; i < 20; i++) {
		regions[i] = piece(i == 12, 2 * MIB, 0, 1);
		regions[i].pid = 1 + i / 10;
	}
	spread(regions, 20);
	decide_after(1000, self, tiers, regions, 20);
	for (int i = 0; i < 20; i++)
		gone[i / 10] += planned(i) == 1;
	assert_int_equal(gone[0], 3);
	assert_int_equal(gone[1], 2); /* one was there already */
	sluice_policy.fini(self);
}

static void
acts_below_its_threshold_only(void **state)
{
	struct sluice_tier tiers[2];
	struct sluice_region region = piece(0, 2 * MIB, 0, 1);
	void *self = start("with", "sysmem_threshold", "20", "loop", "1", NULL);

	(void)state;
	two_tiers(tiers, GIB / 4, GIB);
	decide_after(1000, self, tiers, &region, 1);
	assert_int_equal(plan.count, 0);
	two_tiers(tiers, GIB / 8, GIB);
	decide_after(1000, self, tiers, &region, 1);
	assert_int_equal(plan.count, 1);
	sluice_policy.fini(self);
	assert_string_equal(
		start_fails("with", "T", "4", NULL),
		"'T = 4' is more than loop = 3 scans can find: all memory would be cold; "
		"lower T");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swaps_out_what_no_scan_found),
		cmocka_unit_test(T_is_how_many_scans),
		cmocka_unit_test(judges_the_new_later),
		cmocka_unit_test(keeps_a_share_of_each_process),
		cmocka_unit_test(acts_below_its_threshold_only),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(decides_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
