/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_pmu.c - what hardware counters would have told: one of so many accesses is drawn, with
 * its address. Load events see no stores, and little of what the prefetcher fetched before it was
 * asked for; the period follows the effort.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tracker_common.h"

#define TOLD_EVERY_NS 1000000000ull
#define PERIOD_LEAST 199.0 /* MEMTIS's shortest */
#define PERIOD_MOST 1e7
#define PERIOD_CHANGE 1.25 /* less is not worth telling */

struct pmu {
	struct tracker_common common;
	/* Walker's alias table over units: which of two a draw of slot u means. */
	double *own;
	uint32_t *other;
	uint32_t *small, *large; /* while it is made */
	double seen;             /* accesses of the epoch that can be drawn */
	int stale;
	double period;
	uint64_t told_ns;
	int told;
};

static int
pmu_start(struct world *world, uint64_t seed, void **ret_self, struct sluice_err *reterr)
{
	struct pmu *self = calloc(1, sizeof(*self));
	size_t units = world->info->unit_count;

	if (self) {
		self->common.world = world;
		self->common.dice.state = seed;
		self->own = calloc(units, sizeof(*self->own));
		self->other = calloc(units, sizeof(*self->other));
		self->small = calloc(units, sizeof(*self->small));
		self->large = calloc(units, sizeof(*self->large));
	}
	if (!self || !self->own || !self->other || !self->small || !self->large) {
		tracker_pmu.sampler->stop(self);
		return sluice_fail(reterr, -ENOMEM, "no memory to draw accesses");
	}
	self->stale = 1;
	self->period = PERIOD_MOST;
	*ret_self = self;
	return 0;
}

static double
visible(const struct world *world, size_t unit)
{
	const struct workload_use *use = &world->uses[unit];
	double accesses = (double)use->reads * world->info->units[unit].pages;

	return (double)use->mlp >= world->model->costs.stream_mlp
		       ? accesses * world->model->costs.stream_seen
		       : accesses;
}

static void
make_table(struct pmu *self)
{
	const struct world *world = self->common.world;
	size_t units = world->info->unit_count, smalls = 0, larges = 0;

	self->seen = 0;
	for (size_t u = 0; u < units; u++)
		self->seen += self->own[u] = visible(world, u);
	for (size_t u = 0; u < units && self->seen > 0; u++) {
		self->own[u] *= (double)units / self->seen;
		if (self->own[u] < 1)
			self->small[smalls++] = (uint32_t)u;
		else
			self->large[larges++] = (uint32_t)u;
	}
	while (smalls && larges) {
		uint32_t little = self->small[--smalls], much = self->large[larges - 1];

		self->other[little] = much;
		self->own[much] -= 1 - self->own[little];
		if (self->own[much] < 1) {
			larges--;
			self->small[smalls++] = much;
		}
	}
	/* What rounding left over is full. */
	while (smalls)
		self->own[self->small[--smalls]] = 1;
	while (larges)
		self->own[self->large[--larges]] = 1;
	self->stale = 0;
}

/* The odds that the effort pays for at the present rate of accesses. */
static void
set_period(struct pmu *self, const struct tracker_stretch *stretch)
{
	struct tracker_common *common = &self->common;
	double seconds = (double)(stretch->to_ns - stretch->from_ns) / 1e9;
	double rate = seconds > 0 ? self->seen * stretch->part / seconds : 0;
	double pays = common->effort / (common->world->model->costs.sample_ns / 1e9);
	double period = pays > 0 ? fmin(fmax(rate / pays, PERIOD_LEAST), PERIOD_MOST) : PERIOD_MOST;
	int changes =
		period > PERIOD_CHANGE * self->period || self->period > PERIOD_CHANGE * period;

	if (self->told && !changes && stretch->to_ns - self->told_ns < TOLD_EVERY_NS)
		return;
	if (changes || !self->told)
		self->period = period;
	self->told = 1;
	self->told_ns = stretch->to_ns;
	for (size_t u = 0; u < common->world->info->unit_count; u++) {
		const struct workload_unit *units = common->world->info->units;
		struct sample sample = {
			.time_ns = stretch->to_ns,
			.pid = units[u].pid,
			.kind = SAMPLE_COUNTING,
			.events = (float)self->period,
		};

		if (u == 0 || units[u].pid != units[u - 1].pid)
			tracker_push(common, &sample);
	}
}

static void
draw(struct pmu *self, uint64_t time_ns)
{
	struct tracker_common *common = &self->common;
	const struct workload_info *info = common->world->info;
	size_t unit = (size_t)(tracker_uniform(&common->dice) * (double)info->unit_count);
	uint32_t page;

	if (unit >= info->unit_count)
		unit = info->unit_count - 1;
	if (tracker_uniform(&common->dice) > self->own[unit])
		unit = self->other[unit];
	page = (uint32_t)(tracker_uniform(&common->dice) * info->units[unit].pages);
	if (page >= info->units[unit].pages)
		page = info->units[unit].pages - 1;
	tracker_push(common,
		     &(struct sample){
			     .addr = info->units[unit].addr + (uint64_t)page * HEAT_PAGE_BYTES,
			     .time_ns = time_ns,
			     .pid = info->units[unit].pid,
			     .kind = SAMPLE_COUNT,
			     .events = (float)self->period,
		     });
}

static void
pmu_ran(void *vself, const struct tracker_stretch *stretch)
{
	struct pmu *self = vself;
	struct tracker_common *common = &self->common;
	uint64_t count = 0, length = stretch->to_ns - stretch->from_ns;

	if (self->stale)
		make_table(self);
	if (self->told && common->effort > 0)
		count = tracker_poisson(&common->dice, self->seen * stretch->part / self->period);
	for (uint64_t i = 0; i < count; i++)
		draw(self, stretch->from_ns + length * i / count);
	common->stats.target_cost_ns +=
		(uint64_t)((double)count * common->world->model->costs.sample_ns);
	set_period(self, stretch);
}

static void
pmu_changed(void *vself)
{
	((struct pmu *)vself)->stale = 1;
}

static void
pmu_stop(void *vself)
{
	struct pmu *self = vself;

	if (!self)
		return;
	free(self->own);
	free(self->other);
	free(self->small);
	free(self->large);
	tracker_common_destroy(&self->common);
	free(self);
}

static const struct sampler_ops sampler = {
	TRACKER_SAMPLER,    .name = "pmu",        .summary = "accesses drawn by hardware counters",
	.page_granular = 1, .read = tracker_read, .set_effort = tracker_set_effort,
	.stop = pmu_stop,
};

const struct tracker_ops tracker_pmu = {
	.name = "pmu",
	.summary =
		"loads drawn by hardware counters; no stores, few of streams; each costs a little",
	.start = pmu_start,
	.sampler = &sampler,
	.ran = pmu_ran,
	.changed = pmu_changed,
};
