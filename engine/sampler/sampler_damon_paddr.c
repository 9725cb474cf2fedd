/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_damon_paddr.c - access rates of physical memory by DAMON, told of the processes whose
 * pages lie there.
 *
 * DAMON watches all memory of the tiers' nodes, whoever it is of; so targets may come and go, or be
 * hundreds, and it neither starts over nor costs more. Whose the memory is, the targets' page
 * tables tell: pass after pass over their mappings, slice by slice, each page's physical address is
 * looked up in what was found since the pass before. Memory that no target has is looked up by
 * nobody. So what is kept grows with physical memory, by 16 bytes for 2 MiB, and not with
 * processes.
 *
 * What it costs is the kernel's looking, by far the most of it, and our reading of page tables.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "damon_watch.h"
#include "log.h"
#include "pagemap_runs.h"
#include "phys_heat.h"
#include "phys_ranges.h"
#include "phys_slice.h"
#include "sampler_registry.h"
#include "scan_out.h"
#include "scan_purse.h"
#include "scan_walk.h"

#define NAME "damon-paddr"
#define WALK_PART 0.3 /* of the price; the rest is the kernel's looking */
#define PASS_LEAST_NS 300000000u

struct paddr {
	struct ops_env env;
	struct damon_watch *watch;
	struct damon_range ranges[PHYS_RANGES_MAX];
	size_t range_count;
	struct phys_heat *heat;
	int changed; /* whether there are targets, or effort: restart at the next read */

	struct scan_walk walk;
	struct scan_purse purse;
	int passing;
	uint64_t pass_ns, slices; /* of the pass under way, or the last */
	int pagemap_fd;
	int32_t pagemap_pid; /* whose it is */

	struct scan_out out;
	struct sampler_stats stats;
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct damon_range *ranges = calloc(PHYS_RANGES_MAX, sizeof(*ranges));
	struct sluice_err err = {0, ""};
	size_t count;
	int r = ranges ? damon_watch_probe(env, sentence) : -ENOMEM;

	if (r == 0 && (r = phys_ranges_read(env, ranges, &count, &err)) < 0)
		snprintf(sentence, OPS_SENTENCE_BYTES, "%s", err.msg);
	free(ranges);
	if (r < 0)
		return r;
	if (pagemap_tells_pfn(env->sysroot) <= 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "whose memory it is would be told by /proc/PID/pagemap, but physical "
			 "addresses are there for those with CAP_SYS_ADMIN only; run Sluice as "
			 "root");
		return -EACCES;
	}
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "samples regions of the tiers' physical memory through DAMON, of any number of "
		 "targets; coarser than pages. Only when named");
	return 0;
}

static void
stop(void *self)
{
	struct paddr *paddr = self;

	if (!paddr)
		return;
	damon_watch_free(paddr->watch);
	if (paddr->pagemap_fd >= 0)
		close(paddr->pagemap_fd);
	scan_walk_destroy(&paddr->walk);
	phys_heat_free(paddr->heat);
	scan_out_destroy(&paddr->out);
	free(paddr);
}

static void
on_found(void *ctx, const struct damon_found *found)
{
	struct paddr *paddr = ctx;

	phys_heat_add(paddr->heat, found->start, found->end,
		      (struct phys_rate){found->events, found->exposure_s});
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct paddr *paddr = calloc(1, sizeof(*paddr));
	int r;

	if (!paddr)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	paddr->env = *env;
	paddr->pagemap_fd = -1;
	scan_purse_effort(&paddr->purse, WALK_PART * 0.01);
	r = phys_ranges_read(env, paddr->ranges, &paddr->range_count, reterr);
	if (r == 0)
		paddr->heat = phys_heat_new(paddr->ranges, paddr->range_count);
	if (r == 0 && !paddr->heat)
		r = sluice_fail(reterr, -ENOMEM, "out of memory");
	if (r == 0)
		r = scan_out_init(&paddr->out, 0, reterr);
	if (r == 0)
		r = scan_walk_init(&paddr->walk, env->sysroot, reterr);
	if (r == 0)
		r = damon_watch_new(env, on_found, paddr, &paddr->watch, reterr);
	if (r < 0) {
		stop(paddr);
		return r;
	}
	*ret_self = paddr;
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct paddr *paddr = self;
	size_t before = paddr->walk.count;
	int r = scan_walk_add(&paddr->walk, NAME, pid, reterr);

	paddr->changed |= !before && paddr->walk.count;
	return r;
}

static void
remove_target(void *self, int32_t pid)
{
	struct paddr *paddr = self;
	size_t before = paddr->walk.count;

	scan_walk_remove(&paddr->walk, pid);
	paddr->changed |= before && !paddr->walk.count;
}

static uint64_t
all_bytes(void *ctx)
{
	return phys_heat_total_bytes(((struct paddr *)ctx)->heat);
}

static int
restart(struct paddr *paddr, uint64_t now_ns, struct sluice_err *reterr)
{
	struct damon_target memory = {.ranges = paddr->ranges, .range_count = paddr->range_count};
	struct damon_targets targets = {.target = &memory, .count = paddr->walk.count > 0};

	paddr->changed = 0;
	paddr->stats.lost += damon_watch_drain(paddr->watch);
	return damon_watch_restart(paddr->watch, &targets, all_bytes(paddr), now_ns, reterr);
}

/* 0, or -errno when nothing can be learned of this process just now. */
static int
look_up(struct paddr *paddr, const struct scan_slice *slice)
{
	struct sample told[PHYS_SLICE_SAMPLES];
	uint64_t entries[HEAT_REGION_PAGES];
	int r;

	if (paddr->pagemap_fd >= 0 && paddr->pagemap_pid != slice->pid) {
		close(paddr->pagemap_fd);
		paddr->pagemap_fd = -1;
	}
	paddr->pagemap_pid = slice->pid;
	r = pagemap_read(paddr->env.sysroot, slice, &paddr->pagemap_fd, entries);
	if (r == 0)
		scan_out_add(&paddr->out, told,
			     phys_slice_samples(paddr->heat, slice, entries, paddr->pass_ns, told));
	return r;
}

/* A pass is about what was found until it began; the next begins when more was. */
static int
begin_pass(struct paddr *paddr, uint64_t now_ns)
{
	uint64_t least_ns = damon_watch_interval_ns(paddr->watch);

	least_ns = least_ns > PASS_LEAST_NS ? least_ns : PASS_LEAST_NS;
	if (now_ns - paddr->pass_ns < least_ns || !phys_heat_has_news(paddr->heat))
		return 0;
	phys_heat_turn(paddr->heat);
	scan_walk_begin(&paddr->walk);
	paddr->pass_ns = now_ns;
	paddr->slices = 0;
	return 1;
}

static void
pass_on(struct paddr *paddr)
{
	struct scan_slice slice;

	while (paddr->purse.ns > 0 && scan_out_has_room(&paddr->out)) {
		uint64_t began_ns = clock_thread_cpu_ns();

		if (!scan_walk_next(&paddr->walk, &slice)) {
			log_debug(NAME, "pass over %llu slices", (unsigned long long)paddr->slices);
			paddr->passing = 0;
			return;
		}
		if (look_up(paddr, &slice) < 0)
			scan_walk_skip(&paddr->walk);
		paddr->slices++;
		scan_purse_pay(&paddr->purse, (double)(clock_thread_cpu_ns() - began_ns));
	}
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct paddr *paddr = self;
	int r;

	paddr->changed |= damon_watch_wants(paddr->watch, all_bytes, paddr, now_ns);
	if (paddr->changed) {
		r = restart(paddr, now_ns, reterr);
		if (r < 0)
			return r;
	}
	paddr->stats.lost += damon_watch_drain(paddr->watch);
	scan_purse_fill(&paddr->purse, now_ns);
	if (!paddr->out.count) {
		if (!paddr->passing && paddr->purse.ns > 0)
			paddr->passing = begin_pass(paddr, now_ns);
		if (paddr->passing)
			pass_on(paddr);
	}
	*ret_count = scan_out_take(&paddr->out, samples, capacity);
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	struct paddr *paddr = self;

	paddr->changed |= damon_watch_effort(paddr->watch, (1 - WALK_PART) * cpu_share);
	scan_purse_effort(&paddr->purse, WALK_PART * cpu_share);
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	struct paddr *paddr = self;

	paddr->stats.samples = paddr->out.samples;
	paddr->stats.kernel_cpu_ns = damon_watch_cpu_ns(paddr->watch);
	*ret = paddr->stats;
}

const struct sampler_ops sampler_damon_paddr = {
	.sentinel = 1,
	.named_only = 1,
	.name = NAME,
	.summary = "access rates of regions of physical memory, by the kernel's DAMON",
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
