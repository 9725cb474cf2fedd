/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_cost.c - what it costs to ask a policy that runs in a process of its own.
 *
 *     decide-cost [--json] [--policy NAME|FILE] [--policy-set KEY=VALUE] [--policy-dir DIR]
 *                 [--limit-us N] [--limit-ms N]
 *
 * Two figures: the round trip (a view of one region, nothing to decide; back to back, and after a
 * pause as between two decisions), and a decision over 1 TiB and over 16 TiB in regions of 2 MiB,
 * with the view in shared memory (as the service has it), copied, and in-process for comparison.
 * Exit status 1: a round trip takes more than 50 us (median), a decision over 1 TiB more than 20
 * ms, or one over 16 TiB more than 16 times that. Real time of this machine; median of many.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "plugin.h"
#include "policy_process.h"
#include "reserve.h"
#include "round.h"

#define TIB_REGIONS (1u << 19)
#define ROUND_TRIPS 20000u
#define PAUSED_TRIPS 300u
#define DECISIONS 15u
#define MIB (1ull << 20)

static const char *policy = "auto", *folders[2];
static double limit_us = 50, limit_ms = 20;
static struct plugin_setting settings[PLUGIN_SETTINGS_MAX];
static size_t setting_count;
static int json;

static void
die(const struct sluice_err *err)
{
	fprintf(stderr, "decide-cost: %s\n", err->msg);
	exit(2);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double median, high; /* 99 % are not above it */
};

static struct spread
spread_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return (struct spread){values[count / 2], values[count * 99 / 100]};
}

/* One quarter is in fast memory, which is full; heat is skewed, and seldom where it belongs. */
static struct sluice_view
make_view(struct sluice_region *regions, uint64_t count, struct sluice_tier tiers[2])
{
	uint64_t seed = 88172645463325252u;

	for (uint64_t i = 0; i < count; i++) {
		float heat;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		heat = 1e5f / (float)(1 + seed % 100000);
		regions[i] = (struct sluice_region){.addr = 0x100000000ull + i * 2 * MIB,
						    .span_bytes = 2 * MIB,
						    .bytes = 2 * MIB,
						    .pid = 1000,
						    .tier = seed >> 40 & 3 ? 1 : 0,
						    .heat = heat,
						    .heat_low = heat * 0.8f,
						    .heat_high = heat * 1.2f,
						    .age_ms = 3600000};
	}
	tiers[0] = (struct sluice_tier){.total_bytes = count / 4 * 2 * MIB, .latency_ns = 90};
	tiers[1] = (struct sluice_tier){.total_bytes = count * 2 * MIB,
					.free_bytes = count / 4 * 2 * MIB,
					.room_bytes = count / 4 * 2 * MIB,
					.latency_ns = 250,
					.kind = 3};
	return (struct sluice_view){.size = sizeof(struct sluice_view),
				    .tier_count = 2,
				    .tier_stride = sizeof(tiers[0]),
				    .region_stride = sizeof(regions[0]),
				    .region_count = count,
				    .budget_bytes = 200 * MIB,
				    .tiers = tiers,
				    .regions = regions};
}

static double
decide_us(struct policy_process *process, struct sluice_view *view, struct sluice_plan *plan)
{
	enum policy_fault fault;
	struct sluice_err err;
	uint64_t began;
	double us;

	view->now_ms += 1000;
	plan_begin(plan, view);
	began = clock_now_ns();
	if (policy_process_decide(process, view, plan, &fault, &err) < 0)
		die(&err);
	us = (double)(clock_now_ns() - began) / 1e3;
	return us;
}

static struct policy_process *
start(const char *name, size_t entry_max, size_t view_bytes)
{
	struct policy_process_options options = {
		.entry_max = entry_max, .view_bytes = view_bytes, .decide_ms = 10000};
	struct policy_process *process = NULL;
	struct sluice_err err;

	int own = strcmp(name, policy) == 0;

	if (policy_process_new(&options, name, folders, settings, own ? setting_count : 0, &process,
			       &err) < 0 ||
	    policy_process_start(process, 0, &err) < 0)
		die(&err);
	return process;
}

static void
round_trips(struct spread *ret_busy, struct spread *ret_paused)
{
	static double us[ROUND_TRIPS];
	struct timespec pause = {0, 5000000};
	struct policy_process *process = start("skeleton", 1, 0);
	struct sluice_region region;
	struct sluice_tier tiers[2];
	struct sluice_view view = make_view(&region, 1, tiers);
	struct sluice_plan plan;
	struct sluice_err err;

	if (plan_init(&plan, 1, &err) < 0)
		die(&err);
	for (size_t i = 0; i < ROUND_TRIPS; i++)
		us[i] = decide_us(process, &view, &plan);
	*ret_busy = spread_of(us, ROUND_TRIPS);
	for (size_t i = 0; i < PAUSED_TRIPS; i++) {
		nanosleep(&pause, NULL);
		us[i] = decide_us(process, &view, &plan);
	}
	*ret_paused = spread_of(us, PAUSED_TRIPS);
	plan_destroy(&plan);
	policy_process_free(process);
}

struct decision {
	struct spread shared_ms, copied_ms, here_ms;
	size_t moves;
};

static struct spread
isolated_ms(const char *name, uint64_t count, int shared, size_t *ret_moves)
{
	size_t bytes = count * sizeof(struct sluice_region);
	struct policy_process *process = start(name, count, shared ? bytes : 0);
	struct sluice_region *regions =
		shared ? policy_process_view_memory(process) : reserve(bytes);
	struct sluice_tier tiers[2];
	struct sluice_view view = make_view(regions, count, tiers);
	double ms[DECISIONS];
	struct sluice_plan plan;
	struct sluice_err err;

	if (plan_init(&plan, count, &err) < 0)
		die(&err);
	(void)decide_us(process, &view, &plan); /* pages are touched for the first time */
	for (size_t i = 0; i < DECISIONS; i++)
		ms[i] = decide_us(process, &view, &plan) / 1e3;
	*ret_moves = plan.count;
	plan_destroy(&plan);
	policy_process_free(process);
	if (!shared)
		release(regions, bytes);
	return spread_of(ms, DECISIONS);
}

static struct spread
in_process_ms(const char *name, uint64_t count)
{
	size_t bytes = count * sizeof(struct sluice_region);
	struct sluice_region *regions = reserve(bytes);
	struct sluice_tier tiers[2];
	struct sluice_view view = make_view(regions, count, tiers);
	double ms[DECISIONS + 1];
	struct plugin *plugin = NULL;
	struct sluice_plan plan;
	struct sluice_err err;

	if (plan_init(&plan, count, &err) < 0 ||
	    plugin_load(name, folders, settings, setting_count, round_host(), &plugin, &err) < 0)
		die(&err);
	for (size_t i = 0; i <= DECISIONS; i++) {
		uint64_t began;

		view.now_ms += 1000;
		plan_begin(&plan, &view);
		began = clock_now_ns();
		if (plugin_policy(plugin)->decide(plugin_self(plugin), &view, &plan, &err) < 0)
			die(&err);
		ms[i] = (double)(clock_now_ns() - began) / 1e6;
	}
	plan_destroy(&plan);
	plugin_unload(plugin);
	release(regions, bytes);
	return spread_of(ms + 1, DECISIONS);
}

static struct decision
decisions(uint64_t count)
{
	struct decision all;

	all.here_ms = in_process_ms(policy, count);
	all.copied_ms = isolated_ms(policy, count, 0, &all.moves);
	all.shared_ms = isolated_ms(policy, count, 1, &all.moves);
	return all;
}

static void
print_decision(const char *size, const struct decision *d)
{
	printf("decision over %-7s %8.2f ms (99 %%: %.2f), copied %.2f ms, in-process %.2f ms; "
	       "%zu moves\n",
	       size, d->shared_ms.median, d->shared_ms.high, d->copied_ms.median, d->here_ms.median,
	       d->moves);
}

static void
read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = 1;
		} else if (i + 1 < argc && strcmp(argv[i], "--policy") == 0) {
			policy = argv[++i];
		} else if (i + 1 < argc && strcmp(argv[i], "--policy-dir") == 0) {
			folders[0] = argv[++i];
		} else if (i + 1 < argc && strcmp(argv[i], "--policy-set") == 0 &&
			   strchr(argv[i + 1], '=') && setting_count < PLUGIN_SETTINGS_MAX) {
			char *equals = strchr(argv[++i], '=');

			*equals = '\0';
			settings[setting_count++] = (struct plugin_setting){argv[i], equals + 1};
		} else if (i + 1 < argc && strcmp(argv[i], "--limit-us") == 0) {
			limit_us = strtod(argv[++i], NULL);
		} else if (i + 1 < argc && strcmp(argv[i], "--limit-ms") == 0) {
			limit_ms = strtod(argv[++i], NULL);
		} else {
			fprintf(stderr, "usage: decide-cost [--json] [--policy NAME|FILE] "
					"[--policy-set KEY=VALUE] [--policy-dir DIR] "
					"[--limit-us N] [--limit-ms N]\n");
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct spread busy, paused;
	struct decision one, sixteen;
	int bad;

	folders[0] = SLUICE_BUILD_POLICIES;
	read_arguments(argc, argv);
	round_trips(&busy, &paused);
	one = decisions(TIB_REGIONS);
	sixteen = decisions(16ull * TIB_REGIONS);
	bad = busy.median > limit_us || paused.median > limit_us ||
	      one.shared_ms.median > limit_ms || sixteen.shared_ms.median > 16 * limit_ms;
	if (json) {
		printf("{\"policy\": \"%s\", \"round_trip_us\": {\"back_to_back\": %.3f, "
		       "\"after_pause\": %.3f}, \"decide_ms\": {\"tib_1\": %.3f, \"tib_16\": "
		       "%.3f}, "
		       "\"copied_ms\": {\"tib_1\": %.3f, \"tib_16\": %.3f}, \"in_process_ms\": "
		       "{\"tib_1\": %.3f, \"tib_16\": %.3f}}\n",
		       policy, busy.median, paused.median, one.shared_ms.median,
		       sixteen.shared_ms.median, one.copied_ms.median, sixteen.copied_ms.median,
		       one.here_ms.median, sixteen.here_ms.median);
	} else {
		printf("round trip %8.2f us back to back (99 %%: %.2f), %.2f us after a pause of 5 "
		       "ms (99 %%: %.2f)\n",
		       busy.median, busy.high, paused.median, paused.high);
		print_decision("1 TiB", &one);
		print_decision("16 TiB", &sixteen);
		printf("%s: 16 TiB takes %.1f times as long as 1 TiB\n", policy,
		       sixteen.shared_ms.median / one.shared_ms.median);
	}
	if (bad)
		fprintf(stderr, "decide-cost: above a limit of %.0f us, %.0f ms, %.0f ms\n",
			limit_us, limit_ms, 16 * limit_ms);
	return bad;
}
