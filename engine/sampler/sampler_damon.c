/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_damon.c - access rates of regions by DAMON: it looks at one page of each region at every
 * sampling interval, and splits and merges regions so that each is about even.
 *
 * Its findings come by the damon_aggregated tracepoint, through the same rings as other perf
 * events. The other way, update_schemes_tried_regions, makes the reader wait for an aggregation
 * and then open four files a region.
 *
 * Intervals and the number of regions follow from what sampling may cost (set_effort) and what one
 * look is measured to cost here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "damon_event.h"
#include "damon_plan.h"
#include "damon_sysfs.h"
#include "log.h"
#include "perf_ring.h"
#include "procfs.h"
#include "sampler_registry.h"

#define TARGETS_MAX 256
#define PENDING_MAX 16384
#define RING_BYTES (256u << 10)
#define CHECK_NS_GUESS 2000
#define CHECK_NS_MOST 20000          /* rather cost too much than be blind for minutes */
#define LOOK_AFTER_NS 1000000000u    /* is it still running */
#define RETUNE_AFTER_NS 20000000000u /* DAMON forgets its regions then */
#define TOO_MUCH 1.5                 /* times what it may take: not to be waited out */

struct damon {
	struct ops_env env;
	struct damon_sysfs *sysfs;
	struct damon_format format;
	struct perf_rings *rings;
	int32_t targets[TARGETS_MAX];
	size_t target_count;
	int changed; /* targets or effort: restart at the next read */
	double effort, check_ns;

	struct damon_plan plan; /* of the run under way */
	int32_t running[TARGETS_MAX];
	size_t running_count;
	uint64_t started_ns, cpu_ns_at_start, samples_at_start, looked_ns;
	uint64_t aggregated_ns; /* time of the last aggregation, 0 none yet */
	double sample_s;        /* as measured: timers and the looks themselves make it longer */

	struct sample *pending;
	size_t pending_count, pending_next;
	struct sampler_stats stats;
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

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct damon_format format;
	struct sluice_err err;
	uint64_t id;
	int r = damon_sysfs_probe(env->sysroot, sentence, OPS_SENTENCE_BYTES);

	if (r < 0)
		return r;
	r = event_open(env->sysroot, &format, &id, &err);
	if (r < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES, "%s", err.msg);
		return r;
	}
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "samples regions of all tiers through DAMON; coarser than pages, cheap for much "
		 "memory");
	return 0;
}

static void
stop(void *self)
{
	struct damon *damon = self;

	if (!damon)
		return;
	damon_sysfs_close(damon->sysfs);
	perf_rings_free(damon->rings);
	free(damon->pending);
	free(damon);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct damon *damon = calloc(1, sizeof(*damon));
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

	if (damon)
		damon->pending = calloc(PENDING_MAX, sizeof(*damon->pending));
	if (!damon || !damon->pending) {
		free(damon);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	damon->env = *env;
	damon->effort = 0.01;
	damon->check_ns = CHECK_NS_GUESS;
	r = event_open(env->sysroot, &damon->format, &id, reterr);
	attr.config = id;
	if (r == 0)
		r = perf_rings_new(RING_BYTES, &damon->rings, reterr);
	if (r == 0)
		r = perf_rings_add(damon->rings, 0, &attr, "damon:damon_aggregated", reterr);
	if (r == 0 && perf_rings_enable(damon->rings, 1) < 0)
		r = sluice_fail(reterr, -EIO, "the tracepoint damon_aggregated cannot be enabled");
	if (r == 0)
		r = damon_sysfs_open(env->sysroot, env->state_dir, &damon->sysfs, reterr);
	if (r < 0) {
		stop(damon);
		return r;
	}
	*ret_self = damon;
	return 0;
}

/* All regions of one aggregation come together, then there is a pause. */
static void
measure_interval(struct damon *damon, uint64_t time_ns)
{
	uint64_t half_ns = damon->plan.aggregate_us * 500,
		 passed_ns = time_ns - damon->aggregated_ns;

	if (damon->aggregated_ns && passed_ns < half_ns)
		return;
	if (damon->aggregated_ns && passed_ns < 16 * half_ns)
		damon->sample_s = (double)passed_ns / 1e9 / DAMON_CHECKS;
	damon->aggregated_ns = time_ns;
}

static void
on_record(void *ctx, unsigned int event, const void *payload, size_t bytes)
{
	struct damon *damon = ctx;
	struct damon_record record;
	struct sample *sample;
	uint64_t time_ns;
	uint32_t size;

	(void)event;
	/* PERF_SAMPLE_TIME, then PERF_SAMPLE_RAW: its size and the tracepoint's record. */
	if (bytes < 12)
		return;
	memcpy(&time_ns, payload, 8);
	memcpy(&size, (const char *)payload + 8, 4);
	if (size > bytes - 12 ||
	    damon_record_decode(&damon->format, (const char *)payload + 12, size, &record) < 0)
		return;
	if (record.kdamond != damon_sysfs_kdamond(damon->sysfs) ||
	    record.target >= damon->running_count)
		return;
	measure_interval(damon, time_ns);
	if (damon->pending_count == PENDING_MAX) {
		damon->stats.lost++;
		return;
	}
	sample = &damon->pending[damon->pending_count++];
	*sample = (struct sample){
		.addr = record.start,
		.len_bytes = record.end - record.start,
		.time_ns = time_ns,
		.pid = damon->running[record.target],
	};
	damon_rate(record.nr_accesses, DAMON_CHECKS, damon->sample_s, sample);
	damon->stats.samples++;
}

static void
drain(struct damon *damon)
{
	memmove(damon->pending, damon->pending + damon->pending_next,
		(damon->pending_count - damon->pending_next) * sizeof(*damon->pending));
	damon->pending_count -= damon->pending_next;
	damon->pending_next = 0;
	damon->stats.lost += perf_rings_drain(damon->rings, on_record, damon);
}

static uint64_t
resident_bytes(const struct damon *damon)
{
	uint64_t total = 0;

	for (size_t i = 0; i < damon->target_count; i++) {
		uint64_t bytes;

		if (procfs_resident(damon->env.sysroot, damon->targets[i], &bytes) == 0)
			total += bytes;
	}
	return total;
}

/* What a look costs, from the kdamond's CPU time, once there is enough of it. There are fewer looks
 * than planned, mostly: regions that are alike are merged. Returns whether it takes far more than
 * it may. */
static int
measure(struct damon *damon, uint64_t now_ns)
{
	uint64_t ran_ns = now_ns - damon->started_ns;
	double cpu_ns = (double)(damon_sysfs_cpu_ns(damon->sysfs) - damon->cpu_ns_at_start);
	double looks = (double)(damon->stats.samples - damon->samples_at_start) * DAMON_CHECKS;

	if (ran_ns < RETUNE_AFTER_NS / 4 || looks < 1000 || cpu_ns <= 0)
		return 0;
	damon->check_ns = cpu_ns / looks < 100             ? 100
			  : cpu_ns / looks > CHECK_NS_MOST ? CHECK_NS_MOST
							   : cpu_ns / looks;
	return cpu_ns > TOO_MUCH * damon->effort * (double)ran_ns;
}

/* Processes that ended make the kernel refuse the whole list. */
static void
drop_ended(struct damon *damon)
{
	for (size_t i = damon->target_count; i-- > 0;) {
		if (procfs_state(damon->env.sysroot, damon->targets[i]) < 0)
			damon->targets[i] = damon->targets[--damon->target_count];
	}
}

static int
restart(struct damon *damon, uint64_t now_ns, struct sluice_err *reterr)
{
	struct damon_plan plan;
	int r;

	drain(damon);
	drop_ended(damon);
	damon->changed = 0;
	if (damon->target_count == 0 || damon->effort <= 0) {
		damon_sysfs_pause(damon->sysfs);
		damon->running_count = 0;
		return 0;
	}
	damon_plan_make(resident_bytes(damon), damon->effort, damon->check_ns, &plan);
	r = damon_sysfs_run(damon->sysfs, &plan, damon->targets, damon->target_count, reterr);
	/* One of them may have ended just now. */
	if (r < 0 && r != -EBUSY) {
		drop_ended(damon);
		if (damon->target_count == 0)
			return 0;
		r = damon_sysfs_run(damon->sysfs, &plan, damon->targets, damon->target_count,
				    reterr);
	}
	if (r < 0)
		return r;
	damon->plan = plan;
	damon->sample_s = (double)plan.sample_us / 1e6;
	damon->aggregated_ns = 0;
	damon->started_ns = damon->looked_ns = now_ns;
	damon->cpu_ns_at_start = damon_sysfs_cpu_ns(damon->sysfs);
	damon->samples_at_start = damon->stats.samples;
	memcpy(damon->running, damon->targets, sizeof(damon->running));
	damon->running_count = damon->target_count;
	log_debug("damon", "looks every %llu us at up to %u regions; a look costs %.0f ns",
		  (unsigned long long)plan.sample_us, plan.regions_max, damon->check_ns);
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct damon *damon = self;
	int r = procfs_state(damon->env.sysroot, pid);

	if (r == -EINVAL)
		return sluice_fail(reterr, r, "process %d is a kernel thread", pid);
	if (r < 0)
		return sluice_fail(reterr, r, "process %d cannot be watched: %s", pid,
				   strerror(-r));
	for (size_t i = 0; i < damon->target_count; i++) {
		if (damon->targets[i] == pid)
			return 0;
	}
	if (damon->target_count == TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC,
				   "the damon sampler watches %d processes at most", TARGETS_MAX);
	damon->targets[damon->target_count++] = pid;
	damon->changed = 1;
	return 0;
}

static void
remove_target(void *self, int32_t pid)
{
	struct damon *damon = self;

	for (size_t i = 0; i < damon->target_count; i++) {
		if (damon->targets[i] != pid)
			continue;
		damon->targets[i] = damon->targets[--damon->target_count];
		damon->changed = 1;
		return;
	}
}

/* Look after the kdamond now and then: has it ended, does another plan fit better by now? */
static void
look_after(struct damon *damon, uint64_t now_ns)
{
	struct damon_plan wanted;

	if (now_ns - damon->looked_ns < LOOK_AFTER_NS || damon->effort <= 0 ||
	    damon->target_count == 0)
		return;
	damon->looked_ns = now_ns;
	if (!damon_sysfs_runs(damon->sysfs)) {
		damon->changed = 1;
		return;
	}
	if (!measure(damon, now_ns) && now_ns - damon->started_ns < RETUNE_AFTER_NS)
		return;
	damon_plan_make(resident_bytes(damon), damon->effort, damon->check_ns, &wanted);
	damon->changed |= damon_plan_differs(&damon->plan, &wanted);
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct damon *damon = self;
	size_t count;
	int r;

	look_after(damon, now_ns);
	if (damon->changed) {
		r = restart(damon, now_ns, reterr);
		if (r < 0)
			return r;
	}
	if (damon->pending_next == damon->pending_count)
		drain(damon);
	count = damon->pending_count - damon->pending_next;
	if (count > capacity)
		count = capacity;
	memcpy(samples, damon->pending + damon->pending_next, count * sizeof(*samples));
	damon->pending_next += count;
	*ret_count = count;
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	struct damon *damon = self;
	int was_on = damon->effort > 0, is_on = cpu_share > 0;

	damon->effort = cpu_share;
	/* A little more or less is left to look_after(). */
	if (was_on != is_on)
		damon->changed = 1;
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	struct damon *damon = self;

	damon->stats.kernel_cpu_ns = damon_sysfs_cpu_ns(damon->sysfs);
	*ret = damon->stats;
}

const struct sampler_ops sampler_damon = {
	.sentinel = 1,
	.name = "damon",
	.summary = "access rates of regions, by the kernel's DAMON",
	.page_granular = 0,
	.uses = SAMPLER_ACCESSED_BITS,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};
