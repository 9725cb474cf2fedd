/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_damon.c - access rates of regions of each target's memory by DAMON: it looks at one page
 * of each region at every sampling interval, and splits and merges regions so that each is about
 * even.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "damon_ranges.h"
#include "damon_watch.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "scan_walk.h"

#define TARGETS_MAX 256
#define PENDING_MAX 16384
/* Ranges of one target, and about so many of all: each costs looks. With fewer than three the gaps
 * between heap, mappings and stack would be closed, terabytes. */
#define RANGES_MOST 8
#define RANGES_LEAST 3
#define ALL_RANGES_MOST 32
/* Mappings are looked at so often, and watched anew when such a part is not watched; rarely, as
 * DAMON forgets its regions then. */
#define MAPS_EVERY_NS 2000000000u
#define OUTSIDE_PART 16
#define ANEW_AFTER_NS 5000000000u

struct watched {
	struct damon_range ranges[RANGES_MOST];
	size_t count;
};

struct damon {
	struct ops_env env;
	struct damon_watch *watch;
	int32_t targets[TARGETS_MAX];
	size_t target_count;
	int changed; /* targets or effort: restart at the next read */
	int32_t running[TARGETS_MAX];
	size_t running_count;
	struct watched watched[TARGETS_MAX]; /* in the order of running[] */
	uint64_t maps_read_ns, ran_ns;
	struct heat_span *spans; /* SCAN_SPANS_MAX, of the target under way */
	struct sample *pending;
	size_t pending_count, pending_next;
	struct sampler_stats stats;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int r = damon_watch_probe(env, sentence);

	if (r < 0)
		return r;
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
	damon_watch_free(damon->watch);
	free(damon->pending);
	free(damon->spans);
	free(damon);
}

static void
on_found(void *ctx, const struct damon_found *found)
{
	struct damon *damon = ctx;

	if (found->target >= damon->running_count)
		return;
	if (damon->pending_count == PENDING_MAX) {
		damon->stats.lost++;
		return;
	}
	damon->pending[damon->pending_count++] = (struct sample){
		.kind = SAMPLE_RATE,
		.addr = found->start,
		.len_bytes = found->end - found->start,
		.time_ns = found->time_ns,
		.pid = damon->running[found->target],
		.events = found->events,
		.exposure_s = found->exposure_s,
	};
	damon->stats.samples++;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct damon *damon = calloc(1, sizeof(*damon));
	int r;

	if (!damon)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	damon->pending = calloc(PENDING_MAX, sizeof(*damon->pending));
	damon->spans = calloc(SCAN_SPANS_MAX, sizeof(*damon->spans));
	if (!damon->pending || !damon->spans) {
		stop(damon);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	damon->env = *env;
	r = damon_watch_new(env, on_found, damon, &damon->watch, reterr);
	if (r < 0) {
		stop(damon);
		return r;
	}
	*ret_self = damon;
	return 0;
}

static void
drain(struct damon *damon)
{
	memmove(damon->pending, damon->pending + damon->pending_next,
		(damon->pending_count - damon->pending_next) * sizeof(*damon->pending));
	damon->pending_count -= damon->pending_next;
	damon->pending_next = 0;
	damon->stats.lost += damon_watch_drain(damon->watch);
}

static uint64_t
resident_bytes(void *ctx)
{
	const struct damon *damon = ctx;
	uint64_t total = 0;

	for (size_t i = 0; i < damon->target_count; i++) {
		uint64_t bytes;

		if (procfs_resident(damon->env.sysroot, damon->targets[i], &bytes) == 0)
			total += bytes;
	}
	return total;
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

/* One of which nothing can be read has ended, or will. */
static void
read_maps(struct damon *damon, int32_t pid, struct watched *ret)
{
	size_t most = ALL_RANGES_MOST / damon->target_count, spans = 0;

	most = most < RANGES_LEAST ? RANGES_LEAST : most > RANGES_MOST ? RANGES_MOST : most;
	ret->count = 0;
	if (scan_spans_read(damon->env.sysroot, pid, damon->spans, SCAN_SPANS_MAX, &spans) == 0)
		ret->count = damon_ranges_make(damon->spans, spans, ret->ranges, most);
}

/* Whether much of a target's memory was mapped since. */
static int
maps_changed(struct damon *damon, uint64_t now_ns)
{
	struct watched now;

	if (!damon->running_count || !damon->target_count ||
	    now_ns - damon->maps_read_ns < MAPS_EVERY_NS || now_ns - damon->ran_ns < ANEW_AFTER_NS)
		return 0;
	damon->maps_read_ns = now_ns;
	for (size_t i = 0; i < damon->running_count; i++) {
		read_maps(damon, damon->running[i], &now);
		if (damon_ranges_outside(now.ranges, now.count, damon->watched[i].ranges,
					 damon->watched[i].count) >
		    damon_ranges_bytes(now.ranges, now.count) / OUTSIDE_PART)
			return 1;
	}
	return 0;
}

static int
run(struct damon *damon, uint64_t now_ns, struct sluice_err *reterr)
{
	struct damon_target list[TARGETS_MAX];
	struct damon_targets targets = {.target = list, .count = damon->target_count};

	for (size_t i = 0; i < damon->target_count; i++) {
		read_maps(damon, damon->targets[i], &damon->watched[i]);
		list[i] = (struct damon_target){.pid = damon->targets[i],
						.ranges = damon->watched[i].ranges,
						.range_count = damon->watched[i].count};
	}
	damon->maps_read_ns = damon->ran_ns = now_ns;
	return damon_watch_restart(damon->watch, &targets, resident_bytes(damon), now_ns, reterr);
}

static int
restart(struct damon *damon, uint64_t now_ns, struct sluice_err *reterr)
{
	int r;

	drain(damon);
	drop_ended(damon);
	damon->changed = 0;
	r = run(damon, now_ns, reterr);
	/* One of them may have ended just now. */
	if (r < 0 && r != -EBUSY) {
		drop_ended(damon);
		r = run(damon, now_ns, reterr);
	}
	if (r < 0)
		return r;
	memcpy(damon->running, damon->targets, sizeof(damon->running));
	damon->running_count = damon_watch_is_running(damon->watch) ? damon->target_count : 0;
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

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct damon *damon = self;
	size_t count;
	int r;

	damon->changed |= damon_watch_wants(damon->watch, resident_bytes, damon, now_ns) ||
			  maps_changed(damon, now_ns);
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

	damon->changed |= damon_watch_effort(damon->watch, cpu_share);
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	struct damon *damon = self;

	damon->stats.kernel_cpu_ns = damon_watch_cpu_ns(damon->watch);
	damon->stats.thread_cpu_ns = damon_watch_thread_cpu_ns(damon->watch);
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
