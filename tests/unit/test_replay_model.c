/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay_model.c - the machine of a replay: curves, stalls that were worked out by hand, what
 * moving costs, and texts of tiers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "model.h"

#define GIB (1ull << 30)

static void
near(double got, double want, double share)
{
	if (!(fabs(got - want) <= share * fabs(want)))
		fail_msg("%g is not %g", got, want);
}

static struct model
machine(const char *tiers)
{
	struct sluice_err err = {0, ""};
	struct model model;

	if (model_parse_tiers(tiers, 64 * GIB, &model, &err) < 0)
		fail_msg("%s", err.msg);
	return model;
}

static void
test_curve(void **state)
{
	struct model model = machine("dram:25% cxl:75%");
	const struct model_kind *dram = &model.tiers[0].kind, *cxl = &model.tiers[1].kind;

	(void)state;
	near(model_times(dram, 0), 1, 0);
	near(model_times(dram, 0.3), 1.07, 1e-9);
	near(model_times(dram, 0.45), (1.07 + 1.2) / 2, 1e-9); /* half way between two points */
	near(model_times(dram, 1), 3.1, 1e-9);
	near(model_times(dram, 7), 3.1, 1e-9);
	/* A ramp and a cliff. */
	near(model_times(cxl, 0.9), 1.14, 1e-9);
	near(model_times(cxl, 1), 5.4, 1e-9);
	for (const struct model_kind *kind = model_kinds; kind->name; kind++) {
		for (double load = 0; load < 1; load += 0.01)
			assert_true(model_times(kind, load + 0.01) >= model_times(kind, load));
		assert_true(model_times(kind, 1) > 2);
		assert_true(strlen(kind->source) > 10);
	}
}

/* Ten million dependent reads of idle memory, and as many with four at once. */
static void
test_idle_stall(void **state)
{
	struct model model = machine("dram:25% cxl:75%");
	struct model_others others[MODEL_TIERS_MAX] = {{0, 0}};
	struct model_demand demand[MODEL_TIERS_MAX] = {{0}};
	struct model_result result;

	(void)state;
	demand[0] = (struct model_demand){.reads = 1e7, .read_stalls = 1e7};
	model_epoch(&model, demand, others, 1e9, 1, &result);
	/* 640 MB in two seconds are a 600th of what DRAM can do. */
	near(result.stall_ns, 1e7 * 100, 0.002);
	near(result.wall_ns, 2e9, 0.002);
	demand[0].read_stalls = 1e7 / 4;
	model_epoch(&model, demand, others, 1e9, 1, &result);
	near(result.stall_ns, 1e7 * 100 / 4, 0.002);
	/* The same by eight threads takes an eighth of the time. */
	model_epoch(&model, demand, others, 1e9, 8, &result);
	near(result.wall_ns, 1e9 + 1e7 * 100 / 4 / 8, 0.002);

	demand[0] = (struct model_demand){0};
	demand[1] = (struct model_demand){.writes = 1e6, .write_stalls = 1e6};
	model_epoch(&model, demand, others, 1e9, 1, &result);
	near(result.stall_ns, 1e6 * 250, 0.01);
}

/* What a tier cannot serve takes as long as its bandwidth says, and no less. */
static void
test_saturated(void **state)
{
	struct model model = machine("dram:25% cxl:75%");
	struct model_others others[MODEL_TIERS_MAX] = {{0, 0}};
	struct model_demand demand[MODEL_TIERS_MAX] = {{0}};
	struct model_result result;
	double bytes = 53e9; /* two seconds of reads from CXL */

	(void)state;
	demand[1] = (struct model_demand){.reads = bytes / 64, .read_stalls = bytes / 64 / 100};
	model_epoch(&model, demand, others, 1e8, 16, &result);
	near(result.wall_ns, 2e9, 0.01);
	near(result.load[1], 1, 0.01);
	/* Writes go the other way meanwhile: each is a read and a write, and the reads decide. */
	demand[1].writes = demand[1].reads / 2;
	demand[1].reads /= 2;
	model_epoch(&model, demand, others, 1e8, 16, &result);
	near(result.wall_ns, 2e9, 0.01);
	/* Half of DRAM's time is free for the program when somebody else takes it all. */
	demand[1] = (struct model_demand){0};
	demand[0] = (struct model_demand){.reads = 205e9 / 64, .read_stalls = 1};
	others[0].read_bps = 205e9;
	model_epoch(&model, demand, others, 1e8, 16, &result);
	near(result.wall_ns, 2e9, 0.01);
}

/* A slow tier that is full takes bandwidth from the fast one. */
static void
test_shared_queue(void **state)
{
	struct model model = machine("dram:25% cxl:75%");
	struct model_others others[MODEL_TIERS_MAX] = {{0, 0}, {26.5e9, 0}};
	struct model_demand demand[MODEL_TIERS_MAX] = {{0}};
	struct model_result calm, full;

	(void)state;
	demand[0] = (struct model_demand){.reads = 1e9, .read_stalls = 1e7};
	model_epoch(&model, demand, others, 1e9, 16, &full);
	others[1].read_bps = 0.8 * 26.5e9;
	model_epoch(&model, demand, others, 1e9, 16, &calm);
	near(full.load[0], fmin(calm.load[0] / 0.19, 1), 0.05);
	assert_true(full.wall_ns > calm.wall_ns);
}

static void
test_moves(void **state)
{
	(void)state;
	near(model_move_ns(&model_costs, 0, 0), 0, 0);
	near(model_move_ns(&model_costs, 1, 0), 4000 + 1200, 0);
	near(model_move_ns(&model_costs, 512, 0), 4000 + 512 * 1200, 0);
	near(model_move_ns(&model_costs, 0, 1), 4000 + 190000, 0);
	/* A call for each page is several times dearer; a huge page is cheaper than its pages. */
	assert_true(512 * model_move_ns(&model_costs, 1, 0) >
		    3 * model_move_ns(&model_costs, 512, 0));
	assert_true(model_move_ns(&model_costs, 0, 1) < model_move_ns(&model_costs, 512, 0) / 2);
}

static void
test_cpu_time(void **state)
{
	struct model model = machine("dram:25% cxl:75%");
	struct model_demand all = {.reads = 1e7, .read_stalls = 1e7};

	(void)state;
	near(model_cpu_ns(&model, &all, 2e9, 1), 1e9, 1e-9);
	near(model_cpu_ns(&model, &all, 1e9, 1), 0.05e9, 1e-9); /* never nothing */
}

static void
test_tiers(void **state)
{
	struct model model = machine("dram:25% cxl:75%");

	(void)state;
	assert_int_equal(model.tier_count, 2);
	assert_int_equal(model.tiers[0].bytes, 16 * GIB);
	/* Room for what changes places. */
	assert_true(model.tiers[1].bytes > 51 * GIB && model.tiers[1].bytes < 54 * GIB);
	model = machine("dram:8G@80ns,100GB/s remote:50% pmem:100G@400ns");
	assert_int_equal(model.tier_count, 3);
	near(model.tiers[0].kind.read_ns, 80, 0);
	near(model.tiers[0].kind.read_bps, 100e9, 1e-9);
	near(model.tiers[2].kind.read_ns, 400, 0);
	near(model.tiers[2].kind.write_ns, 1200, 1e-9); /* stores stay three times as dear */
}

static void
wrong(const char *tiers, const char *says)
{
	struct sluice_err err = {0, ""};
	struct model model = {.tier_count = 77};

	assert_int_equal(model_parse_tiers(tiers, 64 * GIB, &model, &err), -EINVAL);
	assert_int_equal(model.tier_count, 77);
	if (!strstr(err.msg, says))
		fail_msg("'%s': '%s' does not say '%s'", tiers, err.msg, says);
}

static void
test_wrong_tiers(void **state)
{
	(void)state;
	wrong("", "two tiers");
	wrong("dram:25%", "two tiers");
	wrong("dram cxl", "KIND:SIZE");
	wrong("dram:25% tape:75%", "'tape'");
	wrong("dram:0% cxl:75%", "no share");
	wrong("dram:x% cxl:75%", "no share");
	wrong("dram:1K cxl:75%", "2 MiB");
	wrong("dram:25%@fast cxl:75%", "'fast'");
	wrong("dram:25%@-3ns cxl:75%", "'-3ns'");
	wrong("dram:25%@nanns cxl:75%", "'nanns'");
	wrong("cxl:25% dram:75%", "from fast to slow");
	wrong("dram:1G dram:1G dram:1G dram:1G dram:1G", "4 tiers at most");
	wrong("dram:1234567890123456789012345678901234567890123456789012345678901234567890",
	      "no tier");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curve),     cmocka_unit_test(test_idle_stall),
		cmocka_unit_test(test_saturated), cmocka_unit_test(test_shared_queue),
		cmocka_unit_test(test_moves),     cmocka_unit_test(test_cpu_time),
		cmocka_unit_test(test_tiers),     cmocka_unit_test(test_wrong_tiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
