/* SPDX-License-Identifier: Apache-2.0 */
/* trackers_measure.c - see trackers_measure.h. */
#include "trackers_measure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "clock.h"
#include "settings.h"
#include "watching.h"

#define NS_PER_S 1000000000ull
#define STEP_NS (NS_PER_S / 2)
#define HALF_NS NS_PER_S
#define SETTLE_NS (NS_PER_S / 4)
#define PAIRS_MOST 64
#define RECALL_WANTED 0.9
#define BALANCING "/proc/sys/kernel/numa_balancing"

/* The kernel's own NUMA balancing marks pages too: without it nobody watches, and a tracker that
 * starts finds no marks of others. NULL: this kernel has none. Put back by settings_close(). */
static struct settings *
balancing_off(const struct trackers_plan *plan)
{
	struct settings *settings = NULL;

	if (settings_open("", plan->env.state_dir, &settings, NULL) < 0)
		return NULL;
	if (settings_set(settings, BALANCING, "0", NULL) == 0)
		return settings;
	settings_close(settings);
	return NULL;
}

/* Accesses a second of the program for so long, at this effort. */
static int
speed_at(struct watching *watching, const struct tracked *tracked, double effort, uint64_t ns,
	 double *ret, struct sluice_err *reterr)
{
	uint64_t before, began_ns;
	int r;

	watching_set_effort(watching, effort, effort);
	r = watching_run(watching, clock_now_ns() + SETTLE_NS, reterr);
	before = tracked_count(tracked);
	began_ns = clock_now_ns();
	if (r == 0)
		r = watching_run(watching, began_ns + ns, reterr);
	*ret = (double)(tracked_count(tracked) - before) /
	       ((double)(clock_now_ns() - began_ns + 1) / 1e9);
	return r;
}

static int
smaller_first(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
median(double *values, size_t count)
{
	if (count == 0)
		return (double)NAN;
	qsort(values, count, sizeof(*values), smaller_first);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Pairs of a while without tracking and one with it, of the same program, in turn first: what else
 * the machine does hits both alike, and the median leaves out what it hits alone. */
static int
watch_steady(const struct trackers_plan *plan, struct watching *watching,
	     const struct tracked *tracked, double effort, double *ret_free,
	     struct trackers_row *row, struct sluice_err *reterr)
{
	double slow[PAIRS_MOST], free_speed[PAIRS_MOST], on_s = 0, cost_s = 0;
	size_t pairs = plan->seconds / 4 < 3 ? 3 : plan->seconds / 4, n;
	int r = 0;

	pairs = pairs > PAIRS_MOST ? PAIRS_MOST : pairs;
	for (n = 0; r == 0 && !*plan->ended && n < pairs; n++) {
		double speed[2] = {1, 1};

		for (size_t half = 0; r == 0 && half < 2; half++) {
			int on = half != n % 2;
			struct watching_cost before, after;
			double began_s = bench_now_s();

			watching_cost(watching, &before);
			r = speed_at(watching, tracked, on ? effort : 0, HALF_NS, &speed[on],
				     reterr);
			watching_cost(watching, &after);
			if (!on)
				continue;
			on_s += bench_now_s() - began_s;
			cost_s += after.cpu_s - before.cpu_s + after.target_s - before.target_s;
		}
		free_speed[n] = speed[0];
		slow[n] = 100 * (1 - speed[1] / speed[0]);
	}
	row->cpu_percent = 100 * cost_s / on_s;
	row->slowdown_percent = median(slow, n);
	*ret_free = median(free_speed, n);
	return r;
}

static int
watch_awake(const struct trackers_plan *plan, struct watching *watching, struct tracked *tracked,
	    const struct tracked_kind *kind, struct trackers_row *row, struct sluice_err *reterr)
{
	uint64_t began_ns = clock_now_ns(), length_ns = plan->seconds * NS_PER_S;
	double from_s = 0, third_s = (double)plan->seconds * 2 / 3;
	double precision = 0, recall = 0, precisions = 0, recalls = 0;
	int r = 0, has_jumped = 0;

	row->delay_90_s = row->jumped_s = (double)NAN;
	for (uint64_t at_ns = STEP_NS; r == 0 && !*plan->ended && at_ns <= length_ns;
	     at_ns += STEP_NS) {
		struct watching_score score;
		double t_s;

		r = watching_run(watching, began_ns + at_ns, reterr);
		if (r < 0)
			break;
		watching_judge(watching, tracked, &score);
		t_s = (double)(clock_now_ns() - began_ns) / 1e9;
		trackers_row_point(row, t_s, score.recall);
		if (isnan(row->delay_90_s) && score.recall >= RECALL_WANTED &&
		    (has_jumped || kind->moves != TRACKED_JUMPS))
			row->delay_90_s = t_s - from_s;
		if (t_s >= third_s) {
			recall += score.recall;
			recalls++;
			precision += isnan(score.precision) ? 0 : score.precision;
			precisions += !isnan(score.precision);
		}
		if (kind->moves == TRACKED_SLIDES)
			tracked_move(tracked);
		if (kind->moves == TRACKED_JUMPS && !has_jumped && at_ns >= length_ns / 2) {
			tracked_move(tracked);
			row->jumped_s = from_s = t_s;
			has_jumped = 1;
		}
	}
	row->precision = precisions > 0 ? precision / precisions : (double)NAN;
	row->recall = recalls > 0 ? recall / recalls : (double)NAN;
	return r;
}

static int
watch(const struct trackers_plan *plan, const char *name, struct tracked *tracked,
      const struct tracked_kind *kind, struct settings *off, struct trackers_row *row,
      struct sluice_err *reterr)
{
	double awake = (double)plan->awake / 100, steady = (double)plan->steady / 100;
	double during, unwatched = (double)NAN, began_s, awake_s;
	struct watching *watching = NULL;
	struct watching_cost cost;
	uint64_t count;
	int r;

	settings_close(off);
	r = watching_start(&plan->env, name, tracked_pid(tracked), &watching, reterr);
	if (r < 0)
		return r;
	watching_set_effort(watching, awake, steady);
	count = tracked_count(tracked);
	began_s = bench_now_s();
	r = watch_awake(plan, watching, tracked, kind, row, reterr);
	awake_s = bench_now_s() - began_s;
	during = (double)(tracked_count(tracked) - count) / awake_s;
	watching_cost(watching, &cost);
	row->awake_cpu_percent = 100 * (cost.cpu_s + cost.target_s) / awake_s;
	if (r == 0)
		r = watch_steady(plan, watching, tracked, steady, &unwatched, row, reterr);
	watching_cost(watching, &cost);
	row->metadata_bytes = cost.metadata_bytes;
	row->samples = cost.samples;
	row->lost = cost.lost;
	row->awake_slowdown_percent = 100 * (1 - during / unwatched);
	watching_stop(watching);
	return r;
}

int
trackers_measure(const struct trackers_plan *plan, int json, struct trackers_table *table)
{
	int failed = 0;

	for (size_t k = 0; k < plan->kind_count && !*plan->ended; k++) {
		for (size_t t = 0; t < plan->tracker_count && !*plan->ended; t++) {
			struct trackers_row *row =
				trackers_table_row(table, plan->kinds[k]->name, plan->trackers[t]);
			struct settings *off = balancing_off(plan);
			struct tracked *tracked = NULL;
			struct sluice_err err = {0, ""};
			int r = row ? tracked_start(plan->kinds[k], plan->mib << 20, plan->node,
						    &tracked)
				    : -ENOMEM;

			if (r < 0) {
				settings_close(off);
				sluice_fail(&err, r, "the program does not start: %s",
					    r == -EOPNOTSUPP
						    ? "the kernel gives it no huge pages (see "
						      "/sys/kernel/mm/transparent_hugepage/enabled)"
						    : strerror(-r));
			} else {
				r = watch(plan, plan->trackers[t], tracked, plan->kinds[k], off,
					  row, &err);
			}
			tracked_stop(tracked);
			if (r < 0) {
				fprintf(stderr, "sluice-bench trackers: %s under %s: %s\n",
					plan->kinds[k]->name, plan->trackers[t], err.msg);
				trackers_table_drop(table);
				failed = 1;
			} else if (*plan->ended) {
				trackers_table_drop(table);
			} else {
				trackers_row_print(row, json);
			}
		}
	}
	return failed;
}
