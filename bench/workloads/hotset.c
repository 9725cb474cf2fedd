/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotset: the program that tiering is measured with. It touches its arena once in address order,
 * then accesses it at random by a pattern, and says each second how fast that went and what share
 * of the hot set, and of all accesses, lies in fast memory. See README.md.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hotset_access.h"
#include "hotset_options.h"
#include "hotset_watch.h"
#include "wl_time.h"

#define SCAN_EVERY_S 2
#define NEVER (-1.0)
#define SIGNAL_TOUCHED SIGUSR1

/* When the hot set got into fast memory, counted from the access phase's start or the jump. */
struct reach {
	double at_95_s, at_98_s;
	double min_after_98; /* of the hot set's share in fast memory */
};

/* Accesses done by an instant of the access phase. */
struct sample {
	double t_s;
	uint64_t count;
};

struct run {
	const struct hotset_options *options;
	FILE *out;
	sigset_t signals;
	unsigned char *base;
	struct pattern before, after; /* a jump */
	bool jumped;

	struct watch *watch;
	struct watch_view view;
	double look_s;    /* how long the last look took */
	double scanned_s; /* when the pages outside the hot set were looked at */
	bool complained;

	_Atomic uint64_t touched; /* pages */
	atomic_bool stop_touch;
	int touch_error; /* set before SIGNAL_TOUCHED comes */
	double touch_s;

	double look_due_s;      /* when pages are next asked about, in the access phase */
	double start_s, jump_s; /* of the access phase, of the jump */
	double access_s;        /* how long it took */
	uint64_t accesses;
	struct reach reach, reach_jump;
	double best_rate;
	struct sample *samples; /* one a line; the first is 0, 0 */
	size_t nr_samples, room_samples;
};

static int
failed(const char *what, int r, const char *advice)
{
	fprintf(stderr, "hotset: %s: %s%s\n", what, strerror(-r), advice);
	return EXIT_FAILURE;
}

/* The residency now, with the pages outside the hot set where it is time for those. */
static void
look(struct run *run)
{
	double start = time_now_s();
	bool scan = run->scanned_s == 0 || start - run->scanned_s > SCAN_EVERY_S - 0.5;
	int r = watch_look(run->watch, run->jumped ? &run->after : &run->before, scan, &run->view);

	if (r < 0) {
		if (!run->complained)
			failed("cannot ask where pages lie", r, "; shares are as last known");
		run->complained = true;
		return;
	}
	if (scan)
		run->scanned_s = start;
	run->look_s = time_now_s() - start;
}

static void
print_share(FILE *out, const char *key, double share)
{
	if (share < 0)
		fprintf(out, ",\"%s\":null", key);
	else
		fprintf(out, ",\"%s\":%.4f", key, share);
}

static void
print_seconds(FILE *out, const char *key, double seconds)
{
	if (seconds < 0)
		fprintf(out, ",\"%s\":null", key);
	else
		fprintf(out, ",\"%s\":%.3f", key, seconds);
}

static void
print_line(const struct run *run, const char *phase, double now, double t_s, double rate)
{
	if (run->options->quiet)
		return;
	fprintf(run->out,
		"{\"name\":\"%s\",\"t_s\":%.3f,\"mono_s\":%.3f,\"phase\":\"%s\","
		"\"accesses_per_s\":%.0f",
		run->options->name, t_s, now, phase, rate);
	print_share(run->out, "hot_fast_share", run->view.hot_fast_share);
	print_share(run->out, "access_fast_share", run->view.access_fast_share);
	print_share(run->out, "access_best_share", run->view.access_best_share);
	fprintf(run->out, ",\"hot_missing\":%llu,\"jumped\":%s,\"look_ms\":%.2f}\n",
		(unsigned long long)run->view.hot_missing, run->jumped ? "true" : "false",
		run->look_s * 1000);
	fflush(run->out);
}

static void
reach_note(struct reach *reach, double share, double t_s)
{
	if (share >= 0.95 && reach->at_95_s < 0)
		reach->at_95_s = t_s;
	if (share >= 0.98 && reach->at_98_s < 0) {
		reach->at_98_s = t_s;
		reach->min_after_98 = share;
	}
	if (reach->at_98_s >= 0 && share < reach->min_after_98)
		reach->min_after_98 = share;
}

static void
print_reach(FILE *out, const struct reach *reach, const char *prefix)
{
	char key[64];

	snprintf(key, sizeof(key), "%sreached_95_s", prefix);
	print_seconds(out, key, reach->at_95_s);
	snprintf(key, sizeof(key), "%sreached_98_s", prefix);
	print_seconds(out, key, reach->at_98_s);
	snprintf(key, sizeof(key), "%smin_after_98", prefix);
	print_share(out, key, reach->min_after_98);
}

/* The mean over the last third of the access phase, or the little more that samples give. */
static double
rate_last_third(const struct run *run)
{
	struct sample from = {0, 0};

	for (size_t i = 0; i < run->nr_samples; i++)
		if (run->samples[i].t_s <= run->access_s * 2 / 3)
			from = run->samples[i];
	if (run->access_s <= from.t_s)
		return 0;
	return (double)(run->accesses - from.count) / (run->access_s - from.t_s);
}

static void
print_summary(const struct run *run)
{
	const struct hotset_options *o = run->options;
	FILE *out = run->out;
	double rate = rate_last_third(run);

	fprintf(out,
		"{\"summary\":true,\"name\":\"%s\",\"pattern\":\"%s\",\"arena\":\"0x%llx\","
		"\"size_bytes\":%llu,\"hot_bytes\":%llu,\"hot_share\":%.4f,\"write_percent\":%g,"
		"\"threads\":%llu,\"seed\":%llu",
		o->name, o->pattern_text, (unsigned long long)(uintptr_t)run->base,
		(unsigned long long)run->before.pages * ARENA_PAGE,
		(unsigned long long)run->before.hot_pages * ARENA_PAGE,
		pattern_mass(&run->before, 0, run->before.hot_pages), o->write_percent,
		(unsigned long long)o->threads, (unsigned long long)o->seed);
	print_seconds(out, "touch_s", run->touch_s);
	print_seconds(out, "access_s", run->access_s);
	fprintf(out, ",\"accesses\":%llu,\"accesses_per_s\":%.0f,\"accesses_per_s_best\":%.0f",
		(unsigned long long)run->accesses, rate,
		run->best_rate > 0 ? run->best_rate : rate);
	print_share(out, "hot_fast_share", run->view.hot_fast_share);
	print_share(out, "access_fast_share", run->view.access_fast_share);
	print_share(out, "access_best_share", run->view.access_best_share);
	print_reach(out, &run->reach, "");
	print_seconds(out, "jumped_at_s", run->jumped ? run->jump_s - run->start_s : NEVER);
	print_reach(out, &run->reach_jump, "jump_");
	fputs("}\n", out);
	fflush(out);
}

static void *
touch_thread(void *argument)
{
	struct run *run = argument;
	int r = 0;

	/* A policy is the thread's own, and ends with it. */
	if (run->options->has_start_on)
		r = arena_bind((unsigned)run->options->start_on);
	for (uint64_t page = 0; r == 0 && page < run->before.pages; page++) {
		if (atomic_load_explicit(&run->stop_touch, memory_order_relaxed))
			break;
		*(volatile uint64_t *)(void *)(run->base + page * ARENA_PAGE) = page;
		atomic_store_explicit(&run->touched, page + 1, memory_order_relaxed);
	}
	if (run->options->has_start_on && r == 0)
		arena_unbind();
	run->touch_error = r;
	kill(getpid(), SIGNAL_TOUCHED);
	return NULL;
}

/* Touches every page once in address order. *@ret_end: a signal asked for the end. */
static int
touch_phase(struct run *run, bool *ret_end)
{
	double start = time_now_s(), last = start;
	uint64_t last_touched = 0;
	bool end = false, done = false;
	pthread_t thread;
	int r = -pthread_create(&thread, NULL, touch_thread, run);

	if (r < 0)
		return r;
	for (unsigned tick = 1; !done;) {
		int signal = time_wait(start + tick, &run->signals);
		double now = time_now_s();
		uint64_t touched = atomic_load(&run->touched);

		done = signal == SIGNAL_TOUCHED;
		if (signal && !done) {
			end = true;
			atomic_store(&run->stop_touch, true);
			continue;
		}
		if (done)
			run->scanned_s = 0; /* the access phase starts from a full look */
		else
			tick = (unsigned)(now - start) + 1;
		look(run);
		print_line(run, "touch", now, now - start,
			   (double)(touched - last_touched) / (now - last));
		last = now;
		last_touched = touched;
	}
	pthread_join(thread, NULL);
	run->touch_s = time_now_s() - start;
	*ret_end = end;
	return run->touch_error;
}

static int
samples_add(struct run *run, double t_s, uint64_t count)
{
	if (run->nr_samples == run->room_samples) {
		size_t room = run->room_samples ? 2 * run->room_samples : 1024;
		struct sample *samples = realloc(run->samples, room * sizeof(*samples));

		if (!samples)
			return -ENOMEM;
		run->samples = samples;
		run->room_samples = room;
	}
	run->samples[run->nr_samples++] = (struct sample){t_s, count};
	return 0;
}

/* What is done at each line of the access phase, and at its end. To ask where pages lie takes the
 * machine a while, so that stays once a second where lines come more often. */
static int
access_tick(struct run *run, const struct access_crew *crew)
{
	double now = time_now_s(), t_s = now - run->start_s;
	uint64_t count = access_count(crew);
	struct sample last = run->samples[run->nr_samples - 1];
	double seconds = t_s - last.t_s;
	double rate = seconds > 0 ? (double)(count - last.count) / seconds : 0;

	if (now >= run->look_due_s) {
		look(run);
		run->look_due_s = run->start_s + (double)((uint64_t)t_s + 1);
		if (run->jumped)
			reach_note(&run->reach_jump, run->view.hot_fast_share, now - run->jump_s);
		else
			reach_note(&run->reach, run->view.hot_fast_share, t_s);
	}
	print_line(run, "access", now, t_s, rate);
	if (seconds > 0.5 && rate > run->best_rate)
		run->best_rate = rate;
	return samples_add(run, t_s, count);
}

static int
access_phase(struct run *run)
{
	const struct hotset_options *o = run->options;
	const struct access_plan plan = {
		.before = &run->before,
		.after = &run->after,
		.base = run->base,
		.threads = (unsigned)o->threads,
		.write_share = o->write_percent / 100,
		.seed = o->seed,
	};
	const double every_s = (double)o->every_ms / 1000;
	struct access_crew *crew;
	int r = samples_add(run, 0, 0);

	if (r < 0)
		return r;
	reach_note(&run->reach, run->view.hot_fast_share, 0);
	run->start_s = time_now_s();
	r = access_start(&plan, &crew);
	if (r < 0)
		return r;

	for (unsigned tick = 1; r == 0;) {
		double end = o->seconds > 0 ? run->start_s + o->seconds : run->start_s + 1e9;
		double jump = o->has_jump_at && !run->jumped ? run->start_s + o->jump_at_s : end;
		double until = run->start_s + tick * every_s;

		if (end <= until)
			until = end;
		if (jump < until) {
			if (time_wait(jump, &run->signals))
				break;
			access_jump(crew);
			run->jumped = true;
			run->jump_s = time_now_s();
			run->look_due_s = 0;
			continue;
		}
		if (time_wait(until, &run->signals))
			break;
		if (until == end)
			run->look_due_s = 0;
		r = access_tick(run, crew);
		if (until == end)
			break;
		/* A look that took longer than a line skips ticks rather than hurry after. */
		tick = (unsigned)((time_now_s() - run->start_s) / every_s) + 1;
	}
	run->access_s = time_now_s() - run->start_s;
	run->accesses = access_stop(crew);
	return r;
}

static int
run_prepare(struct run *run)
{
	const struct hotset_options *o = run->options;
	int r;

	if (o->has_start_on) {
		r = arena_node_fits((unsigned)o->start_on, o->size);
		if (r == -ENOENT) {
			fprintf(stderr, "hotset: --start-on: node %llu has no memory\n",
				(unsigned long long)o->start_on);
			return EXIT_FAILURE;
		}
		if (r < 0)
			return failed("--start-on: the arena does not fit in what is free there", r,
				      "; give a smaller --size");
	}
	r = arena_map(o->size, o->thp, &run->base);
	if (r < 0)
		return failed("cannot map the arena", r, "; a smaller --size may help");
	if ((uintptr_t)run->base != ARENA_ADDRESS)
		fprintf(stderr, "hotset: the arena is at 0x%llx: its usual place was taken\n",
			(unsigned long long)(uintptr_t)run->base);
	r = watch_new(&run->before, run->base, &o->fast_nodes, o->scan, o->seed, &run->watch);
	if (r < 0)
		return failed("cannot prepare to look where pages lie", r, "");

	/* Before any thread starts, so that they all have them blocked. */
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGTERM);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGNAL_TOUCHED);
	r = -pthread_sigmask(SIG_BLOCK, &run->signals, NULL);
	return r < 0 ? failed("cannot block signals", r, "") : 0;
}

static int
run_phases(struct run *run)
{
	bool end = false;
	int r = touch_phase(run, &end);

	if (r < 0)
		return failed("cannot touch the arena", r, "");
	if (!end)
		r = access_phase(run);
	if (r < 0)
		return failed("cannot access the arena", r, "");
	print_summary(run);
	return ferror(run->out) ? failed("cannot write the report", -EIO, "") : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct reach never = {NEVER, NEVER, NEVER};
	struct hotset_options options;
	struct run run = {.options = &options, .reach = never, .reach_jump = never};
	int status = options_read(&options, argc, argv);

	if (status < 0)
		status = options_patterns(&options, &run.before, &run.after);
	else
		return status;
	if (status)
		return status;

	run.view = (struct watch_view){NEVER, NEVER, NEVER, 0};
	run.out = options.report ? fopen(options.report, "we") : stdout;
	if (!run.out)
		return failed(options.report, -errno,
			      "; --report needs a file that can be written");
	status = run_prepare(&run);
	if (status == 0)
		status = run_phases(&run);
	watch_free(run.watch);
	free(run.samples);
	if (options.report && fclose(run.out) && status == 0)
		status = failed(options.report, -errno, "");
	return status;
}
