/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_pmu.c - accesses drawn by the processor's own counters: each sample is one load or store
 * that memory served, with the address of its data.
 *
 * Which events, is the plan's (pmu_plan.h). Each is drawn at odds that are known, its period, so a
 * sample stands for as many accesses as the period has; records that the kernel lost make it stand
 * for more. Neither latency nor source change that: heat is accesses a second, and how much slower
 * a tier is than another, the policy knows better from the topology than from the queue that one
 * access met. The source decides only whether an access counts: what a cache served does not.
 *
 * It has not run on hardware (there was none to develop on). So each start checks itself: accesses
 * of our own to memory that no cache holds have to be told with their addresses, or it refuses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "procfs.h"
#include "sampler_pmu.h"
#include "sampler_registry.h"

#define RING_BYTES (256u << 10)
#define RING_BYTES_UNTRUSTED (128u << 10) /* kernel.perf_event_mlock_kb is 516 by default */
#define STEER_NS 500000000u
#define TELL_NS 1000000000u

static int
opens(const struct pmu_event *event)
{
	struct perf_event_attr attr = {
		.type = event->code.type,
		.size = sizeof(attr),
		.config = event->code.word[0],
		.config1 = event->code.word[1],
		.config2 = event->code.word[2],
		.sample_period = event->first,
		.sample_type = PERF_SAMPLE_IDENTIFIER | event->fields,
		.disabled = 1,
		.exclude_kernel = event->user_only & 1u,
		.exclude_hv = event->user_only & 1u,
		.precise_ip = event->precise & 3u,
	};
	/* One that has to be led is tried with the others, at the start. */
	int fd = event->leader.type != UINT32_MAX ? 0
						  : (int)syscall(SYS_perf_event_open, &attr, 0, -1,
								 -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd > 0)
		close(fd);
	return 0;
}

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct sluice_err err = {0, ""};
	struct pmu_plan plan;
	int r;

	if (env->sysroot[0]) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "works on a live machine only, not under '%s'", env->sysroot);
		return -ENOTSUP;
	}
	r = pmu_plan_make("", env->topology, &plan, NULL, &err);
	if (r == 0)
		r = pmu_may_watch("", &plan, NULL, &err);
	if (r < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES, "%s", err.msg);
		return r;
	}
	for (size_t i = 0; i < plan.count; i++) {
		r = opens(&plan.event[i]);
		if (r == 0)
			continue;
		snprintf(sentence, OPS_SENTENCE_BYTES, "the event '%s' does not open: %s%s",
			 plan.event[i].name, strerror(-r),
			 r == -EBUSY ? "; somebody else has the counters (kernel.nmi_watchdog?)"
				     : "");
		return r;
	}
	snprintf(sentence, OPS_SENTENCE_BYTES,
		 "sees single accesses that memory served, of all tiers, by %s", plan.way);
	return 0;
}

static void
stop(void *self)
{
	struct pmu *pmu = self;

	if (!pmu)
		return;
	for (unsigned int i = 0; i < PMU_SERVED_KINDS; i++) {
		if (pmu->served[i])
			log_debug("pmu", "%llu samples served by %s",
				  (unsigned long long)pmu->served[i],
				  pmu_served_name((enum pmu_served)i));
	}
	if (pmu->broken || pmu->unowned)
		log_debug("pmu", "%llu records were not understood, of %llu it is not known whose",
			  (unsigned long long)pmu->broken, (unsigned long long)pmu->unowned);
	perf_rings_free(pmu->rings);
	pmu_spe_free(pmu->spe);
	free(pmu->pending);
	free(pmu);
}

static int
start_plan(const struct ops_env *env, const struct pmu_plan *plan, int faults, void **ret_self,
	   struct sluice_err *reterr)
{
	struct pmu *pmu = calloc(1, sizeof(*pmu));
	int r;

	if (!pmu)
		return sluice_fail(reterr, -ENOMEM, "no memory for the pmu sampler");
	pmu->env = env;
	pmu->plan = *plan;
	pmu->faults = faults;
	pmu->effort = 0.01;
	pmu->odds_loss = 1;
	for (size_t i = plan->count; i-- > 0;) {
		const struct pmu_event *event = &plan->event[i];

		pmu->pace[event->group] =
			(struct pmu_pace){event->first, event->least, event->step};
		pmu->spread = event->spread > pmu->spread ? event->spread : pmu->spread;
	}
	pmu->pending = calloc(PMU_PENDING_MAX, sizeof(*pmu->pending));
	r = pmu_may_watch("", plan, NULL, reterr);
	pmu->all = r == 1;
	if (r >= 0)
		r = perf_rings_new(pmu->all ? RING_BYTES : RING_BYTES_UNTRUSTED, &pmu->rings,
				   reterr);
	if (r == 0 && plan->spe)
		r = pmu_spe_new(perf_rings_cpus(pmu->rings), &pmu->spe);
	if (!pmu->pending || r == -ENOMEM)
		r = sluice_fail(reterr, -ENOMEM, "no memory for the pmu sampler");
	if (r == 0 && pmu->all)
		r = pmu_open(pmu, 0, reterr);
	pmu->now_ns = clock_now_ns();
	if (r == 0)
		r = pmu_check(pmu, reterr);
	if (r < 0) {
		stop(pmu);
		return r;
	}
	pmu->now_ns = pmu->paced_ns = pmu->told_ns = pmu->flushed_ns = clock_now_ns();
	*ret_self = pmu;
	return 0;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct pmu_plan plan;
	int r = pmu_plan_make("", env->topology, &plan, NULL, reterr);

	return r < 0 ? r : start_plan(env, &plan, 0, ret_self, reterr);
}

static void
run(struct pmu *pmu)
{
	int wanted = pmu->effort > 0 && pmu->target_count > 0;

	/* In other processes' own events new ones have to be enabled, too. */
	if (wanted != pmu->running || (wanted && !pmu->all)) {
		int r = perf_rings_enable(pmu->rings, wanted);

		if (r < 0)
			log_debug("pmu", "events cannot be switched: %s", strerror(-r));
	}
	if (wanted && !pmu->running) {
		pmu->paced_ns = pmu->now_ns = clock_now_ns();
		for (size_t g = 0; g < PMU_GROUPS; g++)
			pmu->records[g] = 0;
		pmu->taken = pmu->drain_ns = 0;
	}
	pmu->running = wanted;
	pmu->tell = 1;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct pmu *pmu = self;
	int r = procfs_state(pmu->env->sysroot, pid);

	if (r == -EINVAL)
		return sluice_fail(reterr, r, "process %d is a kernel thread", pid);
	if (r < 0)
		return sluice_fail(reterr, r, "process %d cannot be watched: %s", pid,
				   strerror(-r));
	for (size_t i = 0; i < pmu->target_count; i++) {
		if (pmu->target[i] == pid)
			return 0;
	}
	if (pmu->target_count == PMU_TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC, "the pmu sampler watches %d processes at most",
				   PMU_TARGETS_MAX);
	if (!pmu->all) {
		r = pmu_open(pmu, pid, reterr);
		if (r < 0)
			return r;
	}
	pmu->target[pmu->target_count++] = pid;
	run(pmu);
	return 0;
}

static void
remove_target(void *self, int32_t pid)
{
	struct pmu *pmu = self;

	for (size_t i = 0; i < pmu->target_count; i++) {
		if (pmu->target[i] != pid)
			continue;
		pmu->target[i] = pmu->target[--pmu->target_count];
		if (!pmu->all)
			perf_rings_remove_process(pmu->rings, pid);
		run(pmu);
		return;
	}
}

/* The odds that accesses are drawn at, of each target. */
static void
tell(struct pmu *pmu)
{
	float odds = pmu->running ? pmu_odds(pmu, PMU_LOADS) : 0;

	for (size_t i = 0; i < pmu->target_count && pmu->pending_count < PMU_PENDING_MAX; i++) {
		pmu->pending[pmu->pending_count++] = (struct sample){
			.time_ns = pmu->now_ns,
			.pid = pmu->target[i],
			.kind = SAMPLE_COUNTING,
			.events = odds,
			.spread = pmu->spread,
		};
	}
	pmu->told_ns = pmu->now_ns;
	pmu->tell = 0;
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct pmu *pmu = self;
	size_t count;

	(void)reterr;
	if (pmu->pending_next == pmu->pending_count) {
		pmu->pending_next = pmu->pending_count = 0;
		pmu->now_ns = now_ns;
		if (pmu->tell)
			tell(pmu);
		/* What is in the rings was drawn at the odds as they were told. */
		pmu_drain(pmu);
		/* A flood is not waited for. */
		if (pmu->running && now_ns > pmu->paced_ns &&
		    (now_ns - pmu->paced_ns >= STEER_NS || pmu_overspent(pmu, STEER_NS)))
			pmu_steer(pmu);
		if (pmu->tell || (pmu->running && now_ns - pmu->told_ns >= TELL_NS))
			tell(pmu);
	}
	count = pmu->pending_count - pmu->pending_next;
	if (count > capacity)
		count = capacity;
	memcpy(samples, pmu->pending + pmu->pending_next, count * sizeof(*samples));
	pmu->pending_next += count;
	*ret_count = count;
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	struct pmu *pmu = self;

	pmu->effort = cpu_share;
	if ((cpu_share > 0 && pmu->target_count > 0) != pmu->running)
		run(pmu);
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	*ret = ((struct pmu *)self)->stats;
}

const struct sampler_ops sampler_pmu = {
	.name = "pmu",
	.summary = "accesses that memory served, drawn by the processor's counters",
	.page_granular = 1,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};

static int
probe_faults(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	struct sluice_err err = {0, ""};
	struct pmu_plan plan;
	int r;

	if (env->sysroot[0]) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "works on a live machine only, not under '%s'", env->sysroot);
		return -ENOTSUP;
	}
	pmu_plan_faults(&plan);
	r = pmu_may_watch("", &plan, NULL, &err);
	snprintf(sentence, OPS_SENTENCE_BYTES, "%s",
		 r < 0 ? err.msg : "a test: takes page faults for accesses");
	return r < 0 ? r : 0;
}

static int
start_faults(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct pmu_plan plan;

	pmu_plan_faults(&plan);
	return start_plan(env, &plan, 1, ret_self, reterr);
}

const struct sampler_ops sampler_pmu_faults = {
	.name = "pmu-faults",
	.summary = "for tests: as pmu, with page faults in place of accesses",
	.for_tests = 1,
	.page_granular = 1,
	.probe = probe_faults,
	.start = start_faults,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};
