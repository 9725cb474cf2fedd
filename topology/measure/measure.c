/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - the run: which pairs, memory for each node, the steps of the schedule. See measure.h.
 */
#include "measure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "now.h"
#include "passes.h"
#include "place.h"
#include "streams.h"

#define HUGE_ENOUGH 0.9

struct run {
	const struct measure_options *options;
	measure_tick tick;
	void *ctx;
	struct schedule schedule;
	struct measure_result *result;
	struct measure_progress progress;
	uint64_t start_ns;
	struct arena arena; /* of the memory node at hand */
	struct crew *crew;  /* of crew_node's CPUs, or NULL */
	uint32_t crew_node;
	size_t crew_all; /* CPUs that the node has */
};

static int
run_tick(void *ctx)
{
	struct run *run = ctx;

	run->progress.elapsed_ms = (now_ns() - run->start_ns) / 1000000u;
	return run->tick(run->ctx, &run->progress);
}

/* Adds a sentence to a note, unless it says so already. */
__attribute__((format(printf, 2, 3))) static void
note(struct measure_outcome *outcome, const char *format, ...)
{
	size_t used = strlen(outcome->note);
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!strstr(outcome->note, text) && used < sizeof(outcome->note))
		snprintf(outcome->note + used, sizeof(outcome->note) - used, "%s%s",
			 used ? "; " : "", text);
}

static int
check_pair(const struct schedule_pair *pair, struct sluice_err *reterr)
{
	size_t count, all;
	int cpu;
	int r = place_cpus(pair->cpu_node, &cpu, 1, &count, &all, reterr);

	if (r < 0 && r != -EPERM)
		return r == -ENODEV ? sluice_fail(reterr, -EINVAL,
						  "pair %" PRIu32 ":%" PRIu32 ": node %" PRIu32
						  " has no CPUs to measure from",
						  pair->cpu_node, pair->memory_node, pair->cpu_node)
				    : r;
	if (place_node_bytes(pair->memory_node, NULL) == 0)
		return sluice_fail(reterr, -EINVAL,
				   "pair %" PRIu32 ":%" PRIu32 ": node %" PRIu32
				   " has no memory to measure",
				   pair->cpu_node, pair->memory_node, pair->memory_node);
	return 0;
}

/* Each CPU node with each memory node. */
static int
all_pairs(struct schedule_pair **ret, size_t *ret_count, struct sluice_err *reterr)
{
	uint32_t *cpu_nodes = NULL, *memory_nodes = NULL;
	size_t cpu_count = 0, memory_count = 0;
	struct schedule_pair *pairs = NULL;
	int r = place_cpu_nodes(&cpu_nodes, &cpu_count, reterr);

	if (r == 0)
		r = place_memory_nodes(&memory_nodes, &memory_count, reterr);
	if (r == 0) {
		pairs = calloc(cpu_count * memory_count, sizeof(*pairs));
		if (!pairs)
			r = sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; r == 0 && i < cpu_count * memory_count; i++)
		pairs[i] = (struct schedule_pair){cpu_nodes[i % cpu_count],
						  memory_nodes[i / cpu_count]};
	free(cpu_nodes);
	free(memory_nodes);
	if (r == 0) {
		*ret = pairs;
		*ret_count = cpu_count * memory_count;
	}
	return r;
}

static int
make_schedule(struct run *run, struct sluice_err *reterr)
{
	const struct measure_options *options = run->options;
	const struct schedule_pair *pairs = options->pairs;
	struct schedule_pair *all = NULL;
	size_t count = options->pair_count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = check_pair(&pairs[i], reterr);
	if (r == 0 && count == 0) {
		r = all_pairs(&all, &count, reterr);
		pairs = all;
	}
	if (r == 0) {
		run->progress.time_ms =
			options->time_ms ? options->time_ms : count * MEASURE_PAIR_MS;
		r = schedule_make(pairs, count, run->progress.time_ms, &run->schedule, reterr);
	}
	free(all);
	return r;
}

static int
make_result(struct run *run, struct sluice_err *reterr)
{
	struct measure_result *result = calloc(1, sizeof(*result));

	if (result)
		result->outcomes = calloc(run->schedule.pair_count, sizeof(*result->outcomes));
	if (!result || !result->outcomes) {
		free(result);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	result->count = run->progress.pairs = run->schedule.pair_count;
	result->time_ms = run->progress.time_ms;
	for (size_t i = 0; i < result->count; i++) {
		result->outcomes[i].cpu_node = run->schedule.pairs[i].cpu_node;
		result->outcomes[i].memory_node = run->schedule.pairs[i].memory_node;
	}
	run->result = result;
	return 0;
}

/* Memory on the step's node. -ECANCELED, or why there is none. */
static int
set_up(struct run *run, uint32_t node, uint64_t until_ns, struct sluice_err *reterr)
{
	uint64_t bytes =
		run->options->node_bytes_max ? run->options->node_bytes_max : MEASURE_NODE_BYTES;
	int r;

	arena_clear(&run->arena);
	r = place_room(node, ARENA_BYTES_MIN, bytes, &bytes, reterr);
	if (r < 0)
		return r;
	return arena_new(node, (size_t)bytes, until_ns, run_tick, run, &run->arena, reterr);
}

static int
gather_crew(struct run *run, uint32_t node, struct sluice_err *reterr)
{
	size_t count = 0;
	int *cpus, r;

	if (run->crew && run->crew_node == node)
		return 0;
	crew_free(run->crew);
	run->crew = NULL;
	cpus = calloc(CREW_MAX, sizeof(*cpus));
	if (!cpus)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	r = place_cpus(node, cpus, CREW_MAX, &count, &run->crew_all, reterr);
	if (r == 0)
		r = crew_new(cpus, count, &run->crew, reterr);
	free(cpus);
	run->crew_node = node;
	return r;
}

/* What is worth knowing of how the pair is measured. */
static void
note_conditions(struct run *run, struct measure_outcome *outcome)
{
	outcome->bytes = run->arena.bytes;
	outcome->huge_share = run->arena.huge_share;
	if (crew_count(run->crew) < run->crew_all)
		note(outcome, "only %zu of the %zu CPUs of node %" PRIu32 " may be used here",
		     crew_count(run->crew), run->crew_all, run->crew_node);
	if (run->arena.huge_share < HUGE_ENOUGH)
		note(outcome,
		     "%.0f %% of the memory is on small pages, so the latency has address "
		     "translation in it",
		     100 - run->arena.huge_share * 100);
	if (!streams_can_flush())
		note(outcome, "caches cannot be emptied on this architecture, and may have helped");
}

static int
measure_step(struct run *run, struct measure_outcome *outcome, uint32_t what, uint64_t until_ns)
{
	struct measure_figure *figure = &outcome->figures[what];
	int r;

	if (what == MEASURE_LATENCY)
		r = latency_measure(run->crew, &run->arena, until_ns, run_tick, run, figure);
	else
		r = bandwidth_measure(run->crew, &run->arena, (enum measure_what)what, until_ns,
				      run_tick, run, figure);
	if (r == -ETIMEDOUT)
		note(outcome, "too little time for all figures");
	else if (r < 0 && r != -ECANCELED)
		note(outcome, "%s", strerror(-r));
	else if (r == 0 && figure->spread_percent > MEASURE_NOISY_PERCENT)
		note(outcome, "noisy: passes differ by more than %.0f %%", MEASURE_NOISY_PERCENT);
	return r == -ECANCELED ? r : 0;
}

/* Pages may have moved while they were measured: then the figures are of some other memory. */
static void
end_pair(struct run *run, struct measure_outcome *outcome)
{
	struct sluice_err err = {0, ""};

	if (arena_check(&run->arena, &err) < 0) {
		memset(outcome->figures, 0, sizeof(outcome->figures));
		note(outcome, "%s", err.msg);
	}
	outcome->done = true;
	run->progress.pairs_done = ++run->result->done;
}

/* All pairs from `step` to before `end` are unknown, for one reason. */
static void
give_up(struct run *run, size_t step, size_t end, const char *why)
{
	for (; step < end; step++) {
		struct measure_outcome *outcome =
			&run->result->outcomes[run->schedule.steps[step].pair];

		note(outcome, "%s", why);
		if (!outcome->done)
			run->progress.pairs_done = ++run->result->done;
		outcome->done = true;
	}
}

static const char *
step_name(uint32_t what)
{
	static const char *const names[] = {
		[MEASURE_LATENCY] = "latency", [MEASURE_READ] = "read",
		[MEASURE_WRITE] = "write",     [MEASURE_MIXED] = "mixed",
		[SCHEDULE_SETUP] = "set-up",
	};

	return names[what];
}

/* One step; the next one's index, or -ECANCELED. */
static int
run_step(struct run *run, size_t *step)
{
	const struct schedule_step *now = &run->schedule.steps[*step];
	const struct schedule_pair *pair = &run->schedule.pairs[now->pair];
	struct measure_outcome *outcome = &run->result->outcomes[now->pair];
	uint64_t start_ns = now_ns(), end_ns = run->start_ns + run->progress.time_ms * 1000000u;
	uint64_t until_ns = start_ns + schedule_slice_ns(&run->schedule, *step,
							 end_ns > start_ns ? end_ns - start_ns : 0);
	struct sluice_err err = {0, ""};
	size_t next = *step + 1;
	int r = 0;

	run->progress.cpu_node = pair->cpu_node;
	run->progress.memory_node = pair->memory_node;
	run->progress.doing = step_name(now->what);
	if (run_tick(run))
		return -ECANCELED;
	if (now->what == SCHEDULE_SETUP) {
		r = set_up(run, pair->memory_node, until_ns, &err);
		if (r < 0)
			next = schedule_next_memory(&run->schedule, *step);
	} else {
		if (now->what == MEASURE_LATENCY) {
			r = gather_crew(run, pair->cpu_node, &err);
			if (r < 0)
				next = schedule_next_pair(&run->schedule, *step);
			else
				note_conditions(run, outcome);
		}
		if (r == 0 && measure_step(run, outcome, now->what, until_ns) < 0)
			return -ECANCELED;
		if (r == 0 && next == schedule_next_pair(&run->schedule, *step))
			end_pair(run, outcome);
	}
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		give_up(run, *step, next, err.msg);
	*step = next;
	return 0;
}

int
measure_run(const struct measure_options *options, measure_tick tick, void *ctx,
	    struct measure_result **ret, struct sluice_err *reterr)
{
	struct run run = {.options = options, .tick = tick, .ctx = ctx, .start_ns = now_ns()};
	size_t step = 0;
	int r = place_probe(reterr);

	if (r == 0)
		r = make_schedule(&run, reterr);
	if (r == 0)
		r = make_result(&run, reterr);
	while (r == 0 && step < run.schedule.step_count) {
		r = run_step(&run, &step);
		if (r == -ECANCELED) {
			struct measure_outcome *outcome =
				&run.result->outcomes[run.schedule.steps[step].pair];

			/* Half of a pair could pass for all of it. */
			memset(outcome->figures, 0, sizeof(outcome->figures));
			run.result->interrupted = true;
		}
	}
	arena_clear(&run.arena);
	crew_free(run.crew);
	schedule_clear(&run.schedule);
	if (!run.result)
		return r;
	run.result->elapsed_ms = (now_ns() - run.start_ns) / 1000000u;
	*ret = run.result;
	return 0;
}

const char *
measure_what_name(enum measure_what what)
{
	static const char *const names[MEASURE_COUNT] = {
		[MEASURE_LATENCY] = "read_latency_ns",
		[MEASURE_READ] = "read_bw_mbps",
		[MEASURE_WRITE] = "write_bw_mbps",
		[MEASURE_MIXED] = "mixed_bw_mbps",
	};

	return names[what];
}

const char *
measure_stores(void)
{
	return streams_stores();
}

void
measure_free(struct measure_result *result)
{
	if (!result)
		return;
	free(result->outcomes);
	free(result);
}
