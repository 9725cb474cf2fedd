/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_trackers.c - `sluice-bench trackers`: how right each tracker is, how soon, and at what
 * price. Each of them watches each workload twice in one go: awake, as the engine is while it does
 * not know the program, which is what precision, recall and delay are of; then steady, in turn with
 * not at all, which is what the price is of.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "sampler_registry.h"
#include "settings.h"
#include "trackers_row.h"
#include "watching.h"

#define VERB "trackers"
#define NS_PER_S 1000000000ull
#define STEP_NS (NS_PER_S / 2)
#define HALF_NS NS_PER_S
#define SETTLE_NS (NS_PER_S / 4)
#define PAIRS_MOST 64
#define RECALL_WANTED 0.9
#define NAMES_MAX 32
#define STATE_DIR "/run/sluice"
#define BALANCING "/proc/sys/kernel/numa_balancing"

static const char help[] =
	"Usage: sluice-bench trackers [OPTION]...\n\n"
	"Runs programs of which it is known what is hot under each tracker that works here, as "
	"root.\n"
	"Kernel settings are put back at the end, and after a kill -9 by `sluice restore`.\n\n"
	"  --trackers LIST    damon,hintfault+damon: these; + puts some together (default: all\n"
	"                     that work, and the best one that sees pages with each sentinel)\n"
	"  --workloads LIST   these of the ones below (default: all)\n"
	"  --seconds N        how long each is watched awake, then for the price (10)\n"
	"  --mib N            size of the programs; an eighth of that is hot (256)\n"
	"  --awake N          percent of a CPU that tracking may cost awake (40)\n"
	"  --steady N         and steady (1)\n"
	"  --state-dir DIR    where settings are written down (" STATE_DIR ")\n"
	"  --result FILE      for sluice-report: tables, and recall over time\n"
	"  --json             one line for each: {\"workload\", \"tracker\", \"precision\", "
	"\"recall\",\n"
	"                     \"delay_90_s\", \"cpu_percent\", \"slowdown_percent\", "
	"\"metadata_bytes\",\n"
	"                     \"awake_cpu_percent\", \"awake_slowdown_percent\", \"samples\", "
	"\"lost\"}\n"
	"  --list             the trackers that work here, one a line\n"
	"  --help             this text\n\n"
	"Precision and recall are of the hottest pages, by the mean of the last third of the time\n"
	"awake; delay_90_s until recall was 90 % first, after the move if the program moves. CPU "
	"time\n"
	"is ours, the kernel's threads' and what faults took from the program. null: unknown.\n\n"
	"Workloads:\n";

static volatile sig_atomic_t ended;

static void
on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

struct plan {
	struct ops_env env;
	const char *trackers[NAMES_MAX];
	size_t tracker_count;
	const struct tracked_kind *kinds[NAMES_MAX];
	size_t kind_count;
	uint64_t seconds, mib, awake, steady;
	int node; /* where the programs' memory is; -1: anywhere */
};

/* The kernel's own NUMA balancing marks pages too: without it nobody watches, and a tracker that
 * starts finds no marks of others. NULL: this kernel has none. Put back by settings_close(). */
static struct settings *
balancing_off(const struct plan *plan)
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
watch_steady(const struct plan *plan, struct watching *watching, const struct tracked *tracked,
	     double effort, double *ret_free, struct trackers_row *row, struct sluice_err *reterr)
{
	double slow[PAIRS_MOST], free_speed[PAIRS_MOST], on_s = 0, cost_s = 0;
	size_t pairs = plan->seconds / 4 < 3 ? 3 : plan->seconds / 4, n;
	int r = 0;

	pairs = pairs > PAIRS_MOST ? PAIRS_MOST : pairs;
	for (n = 0; r == 0 && !ended && n < pairs; n++) {
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
watch_awake(const struct plan *plan, struct watching *watching, struct tracked *tracked,
	    const struct tracked_kind *kind, struct trackers_row *row, struct sluice_err *reterr)
{
	uint64_t began_ns = clock_now_ns(), length_ns = plan->seconds * NS_PER_S;
	double from_s = 0, third_s = (double)plan->seconds * 2 / 3;
	double precision = 0, recall = 0, precisions = 0, recalls = 0;
	int r = 0, has_moved = 0;

	row->delay_90_s = (double)NAN;
	for (uint64_t at_ns = STEP_NS; r == 0 && !ended && at_ns <= length_ns; at_ns += STEP_NS) {
		struct watching_score score;
		double t_s;

		r = watching_run(watching, began_ns + at_ns, reterr);
		if (r < 0)
			break;
		watching_judge(watching, tracked, &score);
		t_s = (double)(clock_now_ns() - began_ns) / 1e9;
		trackers_row_point(row, t_s, score.recall);
		if (isnan(row->delay_90_s) && score.recall >= RECALL_WANTED &&
		    (has_moved || !kind->moves))
			row->delay_90_s = t_s - from_s;
		if (t_s >= third_s) {
			recall += score.recall;
			recalls++;
			precision += isnan(score.precision) ? 0 : score.precision;
			precisions += !isnan(score.precision);
		}
		if (kind->moves && !has_moved && at_ns >= length_ns / 2) {
			tracked_move(tracked);
			from_s = t_s;
			has_moved = 1;
		}
	}
	row->precision = precisions > 0 ? precision / precisions : (double)NAN;
	row->recall = recalls > 0 ? recall / recalls : (double)NAN;
	return r;
}

static int
watch(const struct plan *plan, const char *name, struct tracked *tracked,
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

/* 0, or 1 when something failed. */
static int
measure_all(const struct plan *plan, int json, struct trackers_table *table)
{
	int failed = 0;

	for (size_t k = 0; k < plan->kind_count && !ended; k++) {
		for (size_t t = 0; t < plan->tracker_count && !ended; t++) {
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
					    strerror(-r));
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
			} else if (ended) {
				trackers_table_drop(table);
			} else {
				trackers_row_print(row, json);
			}
		}
	}
	return failed;
}

static int
works(const struct ops_env *env, const struct sampler_ops *ops, int tell)
{
	char sentence[OPS_SENTENCE_BYTES] = "";
	int r;

	if (ops->for_tests)
		return 0;
	r = ops->probe(env, sentence);
	if (r < 0 && tell)
		fprintf(stderr, "sluice-bench trackers: without %s: %s\n", ops->name, sentence);
	return r == 0;
}

/* All that work, and the best that sees pages with each sentinel. */
static void
find_trackers(struct plan *plan, int tell)
{
	static char together[NAMES_MAX][64];
	const struct sampler_ops *best = NULL;

	for (size_t i = 0; sampler_at(i) && plan->tracker_count < NAMES_MAX; i++) {
		const struct sampler_ops *ops = sampler_at(i);

		if (!works(&plan->env, ops, tell))
			continue;
		plan->trackers[plan->tracker_count++] = ops->name;
		if (ops->page_granular && !best)
			best = ops;
	}
	for (size_t i = 0; best && sampler_at(i) && plan->tracker_count < NAMES_MAX; i++) {
		const struct sampler_ops *ops = sampler_at(i);

		if (ops == best || !ops->sentinel || !works(&plan->env, ops, 0))
			continue;
		snprintf(together[plan->tracker_count], sizeof(together[0]), "%s+%s", best->name,
			 ops->name);
		plan->trackers[plan->tracker_count] = together[plan->tracker_count];
		plan->tracker_count++;
	}
}

static int
read_trackers(struct plan *plan, char *list)
{
	for (char *name = strsep(&list, ","); name; name = strsep(&list, ",")) {
		char copy[128], *rest = copy;

		snprintf(copy, sizeof(copy), "%s", name);
		for (char *one = strsep(&rest, "+"); one; one = strsep(&rest, "+")) {
			const struct sampler_ops *ops = sampler_by_name(one);

			if (!ops || ops->for_tests)
				return bench_usage(VERB, "there is no tracker '%s'", one);
		}
		if (plan->tracker_count == NAMES_MAX)
			return bench_usage(VERB, "more than %d trackers", NAMES_MAX);
		plan->trackers[plan->tracker_count++] = name;
	}
	return 0;
}

static int
read_workloads(struct plan *plan, char *list)
{
	for (char *name = strsep(&list, ","); name; name = strsep(&list, ",")) {
		size_t k = 0;

		while (k < tracked_kind_count && strcmp(tracked_kinds[k].name, name) != 0)
			k++;
		if (k == tracked_kind_count || plan->kind_count == NAMES_MAX)
			return bench_usage(VERB, "there is no workload '%s'", name);
		plan->kinds[plan->kind_count++] = &tracked_kinds[k];
	}
	return 0;
}

static int
print_help(void)
{
	fputs(help, stdout);
	for (size_t k = 0; k < tracked_kind_count; k++)
		printf("  %-10s %s\n", tracked_kinds[k].name, tracked_kinds[k].summary);
	return EXIT_SUCCESS;
}

/* Slow memory, since that is what trackers are to find hot pages in. */
static int
slowest_node(const struct sluice_topology *topology)
{
	size_t tiers = sluice_topology_tier_count(topology);

	for (size_t i = 0; tiers > 1 && i < sluice_topology_node_count(topology); i++) {
		if (sluice_topology_node(topology, i)->tier == tiers - 1)
			return (int)sluice_topology_node(topology, i)->id;
	}
	return -1;
}

static int
run(struct plan *plan, int json, int list, const char *result)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sluice_topology *topology = NULL;
	struct trackers_table *table = NULL;
	struct sluice_err err = {0, ""};
	int status = EXIT_FAILURE, r;

	r = sluice_topology_load(NULL, &topology, &err);
	if (r == 0)
		r = settings_restore_stale("", plan->env.state_dir, NULL, &err);
	if (r < 0) {
		fprintf(stderr, "sluice-bench trackers: %s\n", err.msg);
		goto end;
	}
	plan->env.sysroot = "";
	plan->env.topology = topology;
	plan->node = slowest_node(topology);
	if (!plan->tracker_count)
		find_trackers(plan, !list);
	for (size_t k = 0; !plan->kind_count && k < tracked_kind_count; k++)
		plan->kinds[k] = &tracked_kinds[k];
	if (!plan->kind_count)
		plan->kind_count = tracked_kind_count;
	if (list) {
		for (size_t t = 0; t < plan->tracker_count; t++)
			printf("%s\n", plan->trackers[t]);
		status = EXIT_SUCCESS;
		goto end;
	}
	if (!plan->tracker_count) {
		fprintf(stderr,
			"sluice-bench trackers: no tracker works here; see sluice doctor\n");
		goto end;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	table = trackers_table_new();
	if (!json)
		trackers_table_head();
	status = table ? measure_all(plan, json, table) : EXIT_FAILURE;
	if (result && trackers_table_write(table, result) < 0) {
		fprintf(stderr, "sluice-bench trackers: cannot write %s\n", result);
		status = EXIT_FAILURE;
	}
	if (ended)
		status = EXIT_FAILURE;
end:
	trackers_table_free(table);
	sluice_topology_free(topology);
	return status;
}

int
bench_trackers(int argc, char **argv)
{
	static const struct option options[] = {{"trackers", required_argument, NULL, 't'},
						{"workloads", required_argument, NULL, 'w'},
						{"seconds", required_argument, NULL, 's'},
						{"mib", required_argument, NULL, 'm'},
						{"awake", required_argument, NULL, 'a'},
						{"steady", required_argument, NULL, 'y'},
						{"state-dir", required_argument, NULL, 'd'},
						{"result", required_argument, NULL, 'r'},
						{"json", no_argument, NULL, 'j'},
						{"list", no_argument, NULL, 'l'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct plan plan = {.seconds = 10, .mib = 256, .awake = 40, .steady = 1};
	const char *result = NULL;
	int json = 0, list = 0, option, status = 0;

	plan.env.state_dir = STATE_DIR;
	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 't':
			status = read_trackers(&plan, optarg);
			break;
		case 'w':
			status = read_workloads(&plan, optarg);
			break;
		case 's':
			status = bench_number(VERB, "--seconds", optarg, 2, 3600, &plan.seconds);
			break;
		case 'm':
			status = bench_number(VERB, "--mib", optarg, 16, 1 << 20, &plan.mib);
			break;
		case 'a':
			status = bench_number(VERB, "--awake", optarg, 1, 100, &plan.awake);
			break;
		case 'y':
			status = bench_number(VERB, "--steady", optarg, 1, 100, &plan.steady);
			break;
		case 'd':
			plan.env.state_dir = optarg;
			break;
		case 'r':
			result = optarg;
			break;
		case 'j':
			json = 1;
			break;
		case 'l':
			list = 1;
			break;
		case 'h':
			return print_help();
		default:
			status = bench_usage(VERB, "what is '%s'?", argv[optind - 1]);
			break;
		}
	}
	if (!status && optind < argc)
		status = bench_usage(VERB, "what is '%s'?", argv[optind]);
	return status ? status : run(&plan, json, list, result);
}
