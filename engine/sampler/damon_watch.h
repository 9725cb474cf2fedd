/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damon_watch.h - a kdamond of ours at an effort, and what it finds: what the trackers that are
 * made of DAMON have in common.
 *
 * Its findings come by the damon_aggregated tracepoint, through the same rings as other perf
 * events. The other way, update_schemes_tried_regions, makes the reader wait for an aggregation and
 * then open four files a region. Intervals and the number of regions follow from what looking may
 * cost and what one look is measured to cost here. One thread.
 */
#ifndef SAMPLER_DAMON_WATCH_H
#define SAMPLER_DAMON_WATCH_H

#include "damon_event.h"
#include "damon_sysfs.h"
#include "ops.h"

struct damon_watch;

/* A region of one aggregation, and what it says of its pages, as a SAMPLE_RATE does. */
struct damon_found {
	uint64_t target, start, end, time_ns;
	float events, exposure_s;
};

/* As a sampler's probe: somebody else's DAMON, no tracepoint, no rights. */
int damon_watch_probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES]);
/* each is called by damon_watch_drain(), and when a run ends. */
int damon_watch_new(const struct ops_env *env,
		    void (*each)(void *ctx, const struct damon_found *found), void *ctx,
		    struct damon_watch **ret, struct sluice_err *reterr);
/* Puts all back; NULL is fine. */
void damon_watch_free(struct damon_watch *watch);

/* What looking may cost, as a share of a CPU; 0 pauses at the next restart. Returns whether one is
 * wanted: a little more or less is left to damon_watch_wants(). */
int damon_watch_effort(struct damon_watch *watch, double cpu_share);
/* Starts over, with a plan for so many bytes; nothing to watch, or no effort: pauses. */
int damon_watch_restart(struct damon_watch *watch, const struct damon_targets *targets,
			uint64_t bytes, uint64_t now_ns, struct sluice_err *reterr);
/* Looks now and then whether it has ended, or another plan would fit better by now: 1 restart it.
 */
int damon_watch_wants(struct damon_watch *watch, uint64_t (*bytes)(void *ctx), void *ctx,
		      uint64_t now_ns);
/* Hands over what was found. Returns how many findings were lost. */
uint64_t damon_watch_drain(struct damon_watch *watch);

int damon_watch_is_running(const struct damon_watch *watch);
uint64_t damon_watch_interval_ns(const struct damon_watch *watch); /* of aggregation, as planned */
uint64_t damon_watch_cpu_ns(struct damon_watch *watch);            /* of kdamonds */
uint64_t damon_watch_thread_cpu_ns(const struct damon_watch *watch);

#endif
