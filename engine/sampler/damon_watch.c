/* SPDX-License-Identifier: Apache-2.0 */
/* damon_watch.c - see damon_watch.h. */
#include "damon_watch.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "damon_plan.h"
#include "log.h"
#include "perf_ring.h"
#include "procfs.h"
#include "tlb_flush.h"

#define RING_BYTES (256u << 10)
#define CHECK_NS_GUESS 2000
#define CHECK_NS_MOST 20000          /* rather cost too much than be blind for minutes */
#define LOOK_AFTER_NS 1000000000u    /* is it still running */
#define RETUNE_AFTER_NS 20000000000u /* DAMON forgets its regions then */
/* Visits may cost each CPU of targets so much of what looking may cost, but come in time for
 * DAMON's longest aggregation; what is rarer than SELDOM comes once to each, LEAD before its end.
 */
#define FLUSH_SHARE 0.33
#define FLUSH_MOST_NS 8e9
#define FLUSH_SELDOM_NS 1e9
#define FLUSH_LEAD_NS 30000000u
#define TOO_MUCH 1.5 /* times what it may take: not to be waited out */

struct damon_watch {
	struct ops_env env;
	struct damon_sysfs *sysfs;
	struct damon_format format;
	struct perf_rings *rings;
	struct tlb_flush *flush; /* NULL: nobody was visited yet */
	int flush_works, visits; /* a visit flushes TLBs here; and there are targets to visit */
	void (*each)(void *ctx, const struct damon_found *found);
	void *ctx;
	double effort, check_ns;

	struct damon_plan plan; /* of the run under way */
	int is_running;
	uint64_t found, found_at_start;
	uint64_t started_ns, cpu_ns_at_start, looked_ns;
	uint64_t aggregated_ns; /* time of the last aggregation, 0 none yet */
	double sample_s;        /* as measured: timers and the looks themselves make it longer */
};

/* Text of a file of the event, in either place where tracefs may be mounted. */
static int
event_file(const char *sysroot, const char *name, char *text, size_t capacity)
{
	static const char *const roots[] = {"sys/kernel/tracing", "sys/kernel/debug/tracing"};
	char path[128];
	int r = -ENOENT;

	for (int i = 0; r < 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/events/damon/damon_aggregated/%s", roots[i], name);
		r = procfs_text(sysroot, 0, path, text, capacity);
	}
	return r < 0 ? r : r == 0 ? -EIO : 0;
}

static int
event_open(const char *sysroot, struct damon_format *ret_format, uint64_t *ret_id,
	   struct sluice_err *reterr)
{
	char text[4096];
	int r = event_file(sysroot, "id", text, sizeof(text));

	if (r == 0) {
		*ret_id = strtoull(text, NULL, 10);
		r = event_file(sysroot, "format", text, sizeof(text));
	}
	if (r < 0)
		return sluice_fail(
			reterr, r == -ENOENT ? -ENOTSUP : r,
			"DAMON's tracepoint damon:damon_aggregated cannot be read (%s); mount "
			"tracefs: mount -t tracefs none /sys/kernel/tracing",
			strerror(-r));
	r = damon_format_parse(text, ret_format);
	if (r < 0)
		return sluice_fail(
			reterr, -ENOTSUP,
			"this kernel's damon_aggregated tracepoint has other fields than "
			"Sluice knows");
	return 0;
}

int
damon_watch_probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct damon_format format;
	struct sluice_err err;
	uint64_t id;
	int r = damon_sysfs_probe(env->sysroot, sentence, OPS_SENTENCE_BYTES);

	if (r < 0)
		return r;
	r = event_open(env->sysroot, &format, &id, &err);
	if (r < 0)
		snprintf(sentence, OPS_SENTENCE_BYTES, "%s", err.msg);
	return r;
}

void
damon_watch_free(struct damon_watch *watch)
{
	if (!watch)
		return;
	tlb_flush_free(watch->flush);
	damon_sysfs_close(watch->sysfs);
	perf_rings_free(watch->rings);
	free(watch);
}

int
damon_watch_new(const struct ops_env *env, void (*each)(void *ctx, const struct damon_found *found),
		void *ctx, struct damon_watch **ret, struct sluice_err *reterr)
{
	struct damon_watch *watch = calloc(1, sizeof(*watch));
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	uint64_t id;
	int r;

	if (!watch)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	watch->env = *env;
	watch->each = each;
	watch->ctx = ctx;
	watch->effort = 0.01;
	watch->check_ns = CHECK_NS_GUESS;
	watch->flush_works = !env->sysroot[0] && tlb_flush_works("");
	r = event_open(env->sysroot, &watch->format, &id, reterr);
	attr.config = id;
	if (r == 0)
		r = perf_rings_new(RING_BYTES, &watch->rings, reterr);
	if (r == 0)
		r = perf_rings_add(watch->rings, 0, &attr, "damon:damon_aggregated", reterr);
	if (r == 0 && perf_rings_enable(watch->rings, 1) < 0)
		r = sluice_fail(reterr, -EIO, "the tracepoint damon_aggregated cannot be enabled");
	if (r == 0)
		r = damon_sysfs_open(env->sysroot, env->state_dir, &watch->sysfs, reterr);
	if (r < 0) {
		damon_watch_free(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

/* All regions of one aggregation come together, then there is a pause. */
static void
measure_interval(struct damon_watch *watch, uint64_t time_ns)
{
	uint64_t half_ns = watch->plan.aggregate_us * 500,
		 passed_ns = time_ns - watch->aggregated_ns;

	if (watch->aggregated_ns && passed_ns < half_ns)
		return;
	if (watch->aggregated_ns && passed_ns < 16 * half_ns)
		watch->sample_s = (double)passed_ns / 1e9 / DAMON_CHECKS;
	watch->aggregated_ns = time_ns;
}

static void
on_record(void *ctx, unsigned int event, const void *payload, size_t bytes)
{
	struct damon_watch *watch = ctx;
	struct damon_record record;
	struct damon_found found;
	struct sample rate;
	uint64_t time_ns;
	uint32_t size;

	(void)event;
	/* PERF_SAMPLE_TIME, then PERF_SAMPLE_RAW: its size and the tracepoint's record. */
	if (bytes < 12)
		return;
	memcpy(&time_ns, payload, 8);
	memcpy(&size, (const char *)payload + 8, 4);
	if (size > bytes - 12 ||
	    damon_record_decode(&watch->format, (const char *)payload + 12, size, &record) < 0)
		return;
	if (record.kdamond != damon_sysfs_kdamond(watch->sysfs))
		return;
	measure_interval(watch, time_ns);
	damon_rate(record.nr_accesses, DAMON_CHECKS, watch->sample_s, &rate);
	found = (struct damon_found){.target = record.target,
				     .start = record.start,
				     .end = record.end,
				     .time_ns = time_ns,
				     .events = rate.events,
				     .exposure_s = rate.exposure_s};
	watch->found++;
	watch->each(watch->ctx, &found);
}

/* Between two visits of targets, by what they may cost. 0: none are made. */
static double
flush_every_ns(const struct damon_watch *watch)
{
	return watch->visits ? fmin(TLB_FLUSH_NS / (watch->effort * FLUSH_SHARE), FLUSH_MOST_NS)
			     : 0;
}

/* Where a visit comes once to an aggregation, it is so long before its last look: what is accessed
 * in that time is seen. Were it as long as a look, memory of five accesses a second would be seen
 * as surely as the hottest, which then looked a third as hot as it is. */
static void
flush_in_time(struct damon_watch *watch)
{
	uint64_t aggregate_ns = (uint64_t)(watch->sample_s * 1e9) * DAMON_CHECKS;

	if (watch->visits && flush_every_ns(watch) > FLUSH_SELDOM_NS)
		tlb_flush_next(watch->flush, watch->aggregated_ns + aggregate_ns - FLUSH_LEAD_NS);
}

uint64_t
damon_watch_drain(struct damon_watch *watch)
{
	uint64_t before_ns = watch->aggregated_ns, lost;

	lost = perf_rings_drain(watch->rings, on_record, watch);
	if (watch->aggregated_ns != before_ns)
		flush_in_time(watch);
	return lost;
}

/* What a look costs, from the kdamond's CPU time, once there is enough of it. There are fewer looks
 * than planned, mostly: regions that are alike are merged. Returns whether it takes far more than
 * it may. */
static int
measure(struct damon_watch *watch, uint64_t now_ns)
{
	uint64_t ran_ns = now_ns - watch->started_ns;
	double cpu_ns = (double)(damon_sysfs_cpu_ns(watch->sysfs) - watch->cpu_ns_at_start);
	double looks = (double)(watch->found - watch->found_at_start) * DAMON_CHECKS;

	if (ran_ns < RETUNE_AFTER_NS / 4 || looks < 1000 || cpu_ns <= 0)
		return 0;
	watch->check_ns = cpu_ns / looks < 100             ? 100
			  : cpu_ns / looks > CHECK_NS_MOST ? CHECK_NS_MOST
							   : cpu_ns / looks;
	return cpu_ns > TOO_MUCH * watch->effort * (double)ran_ns;
}

static void
flush_for(struct damon_watch *watch, const struct damon_targets *targets, uint64_t every_ns)
{
	int32_t pids[TLB_FLUSH_PIDS];
	size_t count = 0;

	for (size_t i = 0; i < targets->count && count < TLB_FLUSH_PIDS; i++) {
		if (targets->target[i].pid > 0)
			pids[count++] = targets->target[i].pid;
	}
	/* Physical memory is nobody's. */
	if (!watch->flush && count && watch->flush_works && tlb_flush_new(&watch->flush) < 0)
		log_debug("damon", "no thread to flush TLBs with");
	watch->visits = watch->flush && count;
	if (watch->flush)
		tlb_flush_watch(watch->flush, pids, count, every_ns);
}

int
damon_watch_restart(struct damon_watch *watch, const struct damon_targets *targets, uint64_t bytes,
		    uint64_t now_ns, struct sluice_err *reterr)
{
	struct damon_plan plan;
	double flush_ns;
	int r;

	if (!targets->count || watch->effort <= 0) {
		damon_sysfs_pause(watch->sysfs);
		flush_for(watch, targets, 0);
		watch->is_running = 0;
		return 0;
	}
	flush_for(watch, targets, 0);
	flush_ns = flush_every_ns(watch);
	damon_plan_make(bytes, watch->effort, watch->check_ns, flush_ns, &plan);
	/* Also when it fails now: damon_watch_wants() finds that it does not run, and asks again.
	 */
	watch->is_running = 1;
	watch->looked_ns = now_ns;
	r = damon_sysfs_run(watch->sysfs, &plan, targets, reterr);
	if (r < 0)
		return r;
	watch->plan = plan;
	watch->sample_s = (double)plan.sample_us / 1e6;
	watch->aggregated_ns = 0;
	watch->started_ns = watch->looked_ns = now_ns;
	watch->cpu_ns_at_start = damon_sysfs_cpu_ns(watch->sysfs);
	watch->found_at_start = watch->found;
	flush_for(watch, targets, (uint64_t)flush_ns);
	log_debug("damon",
		  "looks every %llu us at %u to %u regions; a look costs %.0f ns; flushes every "
		  "%.0f ms",
		  (unsigned long long)plan.sample_us, plan.regions_min, plan.regions_max,
		  watch->check_ns, flush_ns / 1e6);
	return 0;
}

int
damon_watch_wants(struct damon_watch *watch, uint64_t (*bytes)(void *ctx), void *ctx,
		  uint64_t now_ns)
{
	struct damon_plan wanted;

	if (!watch->is_running || watch->effort <= 0 || now_ns - watch->looked_ns < LOOK_AFTER_NS)
		return 0;
	watch->looked_ns = now_ns;
	if (!damon_sysfs_runs(watch->sysfs))
		return 1;
	if (!measure(watch, now_ns) && now_ns - watch->started_ns < RETUNE_AFTER_NS)
		return 0;
	damon_plan_make(bytes(ctx), watch->effort, watch->check_ns, flush_every_ns(watch), &wanted);
	return damon_plan_differs(&watch->plan, &wanted);
}

int
damon_watch_effort(struct damon_watch *watch, double cpu_share)
{
	int was_on = watch->effort > 0;

	watch->effort = cpu_share;
	return was_on != (cpu_share > 0);
}

int
damon_watch_is_running(const struct damon_watch *watch)
{
	return watch->is_running;
}

uint64_t
damon_watch_interval_ns(const struct damon_watch *watch)
{
	return watch->plan.aggregate_us * 1000;
}

uint64_t
damon_watch_cpu_ns(struct damon_watch *watch)
{
	return damon_sysfs_cpu_ns(watch->sysfs);
}

uint64_t
damon_watch_thread_cpu_ns(const struct damon_watch *watch)
{
	return tlb_flush_cpu_ns(watch->flush);
}
