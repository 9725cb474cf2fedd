/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_drain.c - the pmu sampler's events: opening, reading and steering them. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "pmu_exercise.h"
#include "sampler_pmu.h"

#define AUX_BYTES (256u << 10)
#define AUX_WAKE_BYTES (64u << 10)
/* Stores are a few percent of what stalls, and of most processors' stores only "missed the first
 * cache" is known. */
#define STORES_SHARE 0.2
#define PAST_L1_SPREAD 1.0f /* some of them found the second cache, after all */
#define LOSS_MOST 4.0

float
pmu_odds(const struct pmu *pmu, unsigned int group)
{
	return (float)((double)pmu->pace[group].period * pmu->odds_loss);
}

static struct perf_event_attr
attr_of(const struct pmu *pmu, const struct pmu_event *event, const struct pmu_code *code)
{
	return (struct perf_event_attr){
		.type = code->type,
		.config = code->word[0],
		.config1 = code->word[1],
		.config2 = code->word[2],
		.sample_period = pmu->pace[event->group].period,
		.sample_type = PERF_SAMPLE_IDENTIFIER | event->fields,
		.disabled = 1,
		.exclude_kernel = event->user_only & 1u,
		.exclude_hv = event->user_only & 1u,
		.precise_ip = event->precise & 3u,
	};
}

int
pmu_open(struct pmu *pmu, int32_t pid, struct sluice_err *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pmu->plan.count; i++) {
		const struct pmu_event *event = &pmu->plan.event[i];
		struct perf_event_attr attr = attr_of(pmu, event, &event->code);
		struct perf_event_attr leader;
		int led = event->leader.type != UINT32_MAX;

		if (pmu->plan.spe) {
			/* The samples are in a buffer of their own; the ring tells who ran. */
			attr.sample_type = PMU_SPE_FIELDS;
			attr.sample_id_all = 1;
			attr.context_switch = 1;
			attr.aux_watermark = AUX_WAKE_BYTES;
		}
		if (pid) {
			attr.inherit_thread = 1;
			r = perf_rings_add_process(pmu->rings, (unsigned int)i, &attr, pid,
						   event->name, reterr);
			continue;
		}
		if (led) {
			leader = attr_of(pmu, event, &event->leader);
			leader.sample_period = 0;
			leader.sample_type = PERF_SAMPLE_IDENTIFIER;
			leader.precise_ip = 0;
			leader.disabled = 0;
		}
		r = perf_rings_add_led(pmu->rings, (unsigned int)i, &attr, led ? &leader : NULL,
				       event->name, reterr);
	}
	if (r == 0 && pmu->plan.spe)
		r = perf_rings_add_aux(pmu->rings, AUX_BYTES, reterr);
	return r;
}

static int
is_target(const struct pmu *pmu, int32_t pid)
{
	for (size_t i = 0; i < pmu->target_count; i++) {
		if (pmu->target[i] == pid)
			return 1;
	}
	return 0;
}

/* A sample of some process; only accesses that memory served are heat. */
static void
take(struct pmu *pmu, const struct pmu_event *event, const struct pmu_sample *sample)
{
	enum pmu_served served = sample->served;

	pmu->served[served]++;
	if (!sample->addr)
		return;
	if (!event->only_memory) {
		if (served == PMU_SERVED_UNKNOWN || served == PMU_SERVED_CACHE)
			return;
		/* Of a load that missed the first cache only, the next one has served it most
		 * often; a store that did has asked memory often enough. */
		if (served == PMU_SERVED_PAST_L1) {
			if (event->group != PMU_STORES)
				return;
			if (pmu->spread < PAST_L1_SPREAD)
				pmu->spread = PAST_L1_SPREAD;
		}
	}
	if (pmu->check_from) {
		pmu->check_hits += sample->pid == (int32_t)getpid() &&
				   sample->addr - pmu->check_from < PMU_EXERCISE_BYTES;
		return;
	}
	if (!is_target(pmu, sample->pid))
		return;
	if (pmu->pending_count == PMU_PENDING_MAX) {
		pmu->stats.lost++;
		return;
	}
	pmu->pending[pmu->pending_count++] = (struct sample){
		.addr = sample->addr & ~(uint64_t)(HEAT_PAGE_BYTES - 1),
		.time_ns = pmu->now_ns,
		.pid = sample->pid,
		.kind = SAMPLE_COUNT,
		.events = pmu_odds(pmu, event->group),
		.spread = pmu->spread,
	};
	pmu->stats.samples++;
}

static void
on_sample(void *ctx, unsigned int index, const void *payload, size_t bytes)
{
	struct pmu *pmu = ctx;
	const struct pmu_event *event = &pmu->plan.event[index];
	struct pmu_sample sample;

	if (index >= pmu->plan.count ||
	    pmu_sample_decode(event->fields, payload, bytes, &sample) < 0) {
		pmu->broken++;
		return;
	}
	pmu->records[event->group]++;
	take(pmu, event, &sample);
}

static void
on_spe(void *ctx, const struct pmu_sample *sample)
{
	struct pmu *pmu = ctx;

	take(pmu, &pmu->plan.event[0], sample);
}

static void
on_other(void *ctx, const struct perf_event_header *header, const void *body, size_t bytes)
{
	struct pmu *pmu = ctx;
	const uint64_t *word = body; /* of AUX: offset, size, flags */
	struct spe_tally tally = {0};
	const unsigned char *data;
	struct spe_clock clock;

	if (!pmu->plan.spe)
		return;
	if (header->type == PERF_RECORD_SWITCH_CPU_WIDE) {
		pmu->broken += pmu_spe_switch(pmu->spe, pmu->cpu, header->misc, body, bytes) < 0;
		return;
	}
	if (header->type != PERF_RECORD_AUX || bytes < 24)
		return;
	if (word[2] & (PERF_AUX_FLAG_TRUNCATED | PERF_AUX_FLAG_COLLISION))
		pmu->tally.lost++;
	data = perf_rings_aux(pmu->rings, pmu->cpu, word[0], word[1]);
	if (data) {
		clock = spe_clock_read(perf_rings_page(pmu->rings, pmu->cpu));
		pmu_spe_data(pmu->spe, pmu->cpu, &clock, pmu->plan.sources, data, word[1], on_spe,
			     pmu, &tally, &pmu->unowned);
		pmu->records[PMU_LOADS] += tally.records;
		pmu->broken += tally.broken;
	}
	perf_rings_aux_done(pmu->rings, pmu->cpu, word[0] + word[1]);
}

static uint64_t
thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
pmu_drain(struct pmu *pmu)
{
	const struct perf_handlers handlers = {on_sample, on_other, pmu};
	struct perf_tally tally = {0};
	uint64_t began = thread_cpu_ns(), before = 0, after = 0;

	for (size_t g = 0; g < PMU_GROUPS; g++)
		before += pmu->records[g];
	/* SPE hands over what it wrote when the buffer is half full, which may take minutes, or
	 * when it is stopped. */
	if (pmu->plan.spe && pmu->running && pmu->now_ns - pmu->flushed_ns >= PMU_FLUSH_NS) {
		pmu->flushed_ns = pmu->now_ns;
		perf_rings_enable(pmu->rings, 0);
		perf_rings_enable(pmu->rings, 1);
	}
	for (pmu->cpu = 0; pmu->cpu < perf_rings_cpus(pmu->rings); pmu->cpu++)
		perf_rings_drain_cpu(pmu->rings, pmu->cpu, &handlers, &tally);
	for (size_t g = 0; g < PMU_GROUPS; g++)
		after += pmu->records[g];
	pmu->taken += after - before;
	pmu->stats.lost += tally.lost;
	pmu->stats.target_cost_ns += (uint64_t)((double)(after - before) * pmu->price_ns);
	pmu->tally.lost += tally.lost;
	pmu->tally.throttled += tally.throttled;
	pmu->tally.torn += tally.torn;
	pmu->drain_ns += thread_cpu_ns() - began;
}

static int
has_group(const struct pmu *pmu, unsigned int group)
{
	for (size_t i = 0; i < pmu->plan.count; i++) {
		if (pmu->plan.event[i].group == group)
			return 1;
	}
	return 0;
}

/* What a record costs all in all. */
static double
full_price_ns(const struct pmu *pmu)
{
	return pmu->price_ns + (pmu->taken ? (double)pmu->drain_ns / (double)pmu->taken : 0);
}

int
pmu_overspent(const struct pmu *pmu, uint64_t window_ns)
{
	return (double)pmu->taken * full_price_ns(pmu) > pmu->effort * (double)window_ns;
}

void
pmu_steer(struct pmu *pmu)
{
	uint64_t elapsed_ns = pmu->now_ns - pmu->paced_ns;
	double price_ns = full_price_ns(pmu), loss;

	for (unsigned int g = 0; g < PMU_GROUPS; g++) {
		double share = !has_group(pmu, PMU_STORES) ? 1
			       : g == PMU_STORES           ? STORES_SHARE
							   : 1 - STORES_SHARE;
		uint64_t period;

		if (!has_group(pmu, g))
			continue;
		period =
			pmu_pace_next(&pmu->pace[g], pmu->records[g], elapsed_ns, price_ns,
				      share * pmu->effort, pmu->tally.throttled || pmu->tally.lost);
		pmu->records[g] = 0;
		if (period == pmu->pace[g].period)
			continue;
		pmu->pace[g].period = period;
		pmu->tell = 1;
		for (size_t i = 0; i < pmu->plan.count; i++) {
			if (pmu->plan.event[i].group == g)
				perf_rings_period(pmu->rings, (unsigned int)i, period);
		}
	}
	/* What was lost would have been samples: each that came stands for more. */
	loss = pmu->taken ? 1 + (double)pmu->tally.lost / (double)pmu->taken : 1;
	loss = loss > LOSS_MOST ? LOSS_MOST : loss;
	pmu->tell |= loss > pmu->odds_loss * 1.1 || loss < pmu->odds_loss / 1.1;
	pmu->odds_loss = loss;
	pmu->taken = pmu->drain_ns = 0;
	pmu->tally = (struct perf_tally){0};
	pmu->paced_ns = pmu->now_ns;
}
