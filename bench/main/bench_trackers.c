/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_trackers.c - `sluice-bench trackers`: which trackers watch which programs, and where the
 * results go. trackers_measure.h is how they are measured.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "sampler_registry.h"
#include "sampler_set.h"
#include "settings.h"
#include "trackers_measure.h"

#define VERB "trackers"
#define STATE_DIR "/run/sluice"

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
	"  --report FILE      a page for any browser: recall over time, and all at one look\n"
	"  --result FILE      the same for sluice-report\n"
	"  --json             one line for each: {\"workload\", \"tracker\", \"precision\", "
	"\"recall\",\n"
	"                     \"delay_90_s\", \"cpu_percent\", \"slowdown_percent\", "
	"\"metadata_bytes\",\n"
	"                     \"awake_cpu_percent\", \"awake_slowdown_percent\", \"samples\", "
	"\"lost\"}\n"
	"  --list             the trackers that work here, one a line\n"
	"  --help             this text\n\n"
	"Precision and recall are of the hottest pages, by the mean of the last third of the time\n"
	"awake, against what is hot at the moment; delay_90_s until recall was 90 % first, after "
	"the\n"
	"jump if the program jumps. CPU time is ours, the kernel's threads' and what faults took "
	"from\n"
	"the program. null: unknown.\n\n"
	"Workloads:\n";

static volatile sig_atomic_t ended;

static void
on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static int
works(const struct ops_env *env, const struct sampler_ops *ops, int tell)
{
	char sentence[OPS_SENTENCE_BYTES] = "";
	int r;

	if (ops->for_tests || ops->no_samples)
		return 0;
	r = ops->probe(env, sentence);
	if (r < 0 && tell)
		fprintf(stderr, "sluice-bench trackers: without %s: %s\n", ops->name, sentence);
	return r == 0;
}

/* All that work, and the best that sees pages with each sentinel. */
static void
find_trackers(struct trackers_plan *plan, int tell)
{
	static char together[TRACKERS_NAMES_MAX][64];
	const struct sampler_ops *best = NULL;

	for (size_t i = 0; sampler_at(i) && plan->tracker_count < TRACKERS_NAMES_MAX; i++) {
		const struct sampler_ops *ops = sampler_at(i);

		if (!works(&plan->env, ops, tell))
			continue;
		plan->trackers[plan->tracker_count++] = ops->name;
		if (ops->page_granular && !best)
			best = ops;
	}
	for (size_t i = 0; best && sampler_at(i) && plan->tracker_count < TRACKERS_NAMES_MAX; i++) {
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
read_trackers(struct trackers_plan *plan, char *list)
{
	for (char *name = strsep(&list, ","); name; name = strsep(&list, ",")) {
		struct sampler_set set;
		struct sluice_err err;
		char copy[128], *rest = copy;

		snprintf(copy, sizeof(copy), "%s", name);
		for (char *one = strsep(&rest, "+"); one; one = strsep(&rest, "+")) {
			const struct sampler_ops *ops = sampler_by_name(one);

			if (!ops || ops->for_tests)
				return bench_usage(VERB, "there is no tracker '%s'", one);
		}
		if (sampler_set_parse(name, &set, &err) < 0)
			return bench_usage(VERB, "%s", err.msg);
		if (plan->tracker_count == TRACKERS_NAMES_MAX)
			return bench_usage(VERB, "more than %d trackers", TRACKERS_NAMES_MAX);
		plan->trackers[plan->tracker_count++] = name;
	}
	return 0;
}

static int
read_workloads(struct trackers_plan *plan, char *list)
{
	for (char *name = strsep(&list, ","); name; name = strsep(&list, ",")) {
		size_t k = 0;

		while (k < tracked_kind_count && strcmp(tracked_kinds[k].name, name) != 0)
			k++;
		if (k == tracked_kind_count || plan->kind_count == TRACKERS_NAMES_MAX)
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

/* Where results go beside the lines. */
struct files {
	const char *report, *result;
};

static int
write_files(const struct trackers_table *table, const struct files *files)
{
	json_t *result = trackers_table_json(table, bench_machine());
	struct sluice_err err = {0, ""};
	int r = result ? 0 : sluice_fail(&err, -ENOMEM, "no memory for the result");

	if (r == 0 && files->result &&
	    json_dump_file(result, files->result, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) < 0)
		r = sluice_fail(&err, -EIO, "cannot write %s", files->result);
	if (r == 0 && files->report)
		r = report_file(files->report, result, &err);
	if (r < 0)
		fprintf(stderr, "sluice-bench trackers: %s\n", err.msg);
	json_decref(result);
	return r;
}

static int
run(struct trackers_plan *plan, int json, int list, const struct files *files)
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
	plan->ended = &ended;
	status = table ? trackers_measure(plan, json, table) : EXIT_FAILURE;
	if (table && (files->report || files->result) && write_files(table, files) < 0)
		status = EXIT_FAILURE;
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
						{"report", required_argument, NULL, 'p'},
						{"result", required_argument, NULL, 'r'},
						{"json", no_argument, NULL, 'j'},
						{"list", no_argument, NULL, 'l'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct trackers_plan plan = {.seconds = 10, .mib = 256, .awake = 40, .steady = 1};
	struct files files = {NULL, NULL};
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
			files.result = optarg;
			break;
		case 'p':
			files.report = optarg;
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
	return status ? status : run(&plan, json, list, &files);
}
