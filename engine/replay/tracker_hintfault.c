/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_hintfault.c - what NUMA hint faults would have told: pages are marked in turn, and the
 * first access to a marked one faults, once.
 *
 * As the live sampler does: what faults may cost is a purse, filled by the effort; while it is
 * empty nothing is marked. A pass over slow memory alternates with one over all. What is lost: all
 * but the first access of each marking, and marks of pages that move meanwhile.
 *
 * Accesses to a page are a Poisson process in the program's work, so the fault of a marked page is
 * drawn when it is marked, and again when the page's rate changes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "fault_queue.h"
#include "tracker_common.h"

#define PURSE_MAX_S 0.5
#define DEBT_MOST_S 5.0
#define EASE_MOST 4.0 /* pages marked for each fault that is paid */
#define EASE_EVERY_S 0.5
#define PASSED_TIMES 8.0
#define SEES_SLOW (~1u) /* tiers of a pass over slow memory */

struct hintfault {
	struct tracker_common common;
	uint8_t *marked;       /* of each page: 1 + the tier it was marked in; 0: it is not */
	uint16_t *version;     /* of each unit */
	uint32_t *unit_marked; /* pages of the unit that are */
	float *rate;           /* of each unit, that its faults were drawn with */
	struct fault_queue faults;
	double work; /* done so far, in epochs */
	double purse_ns, ease, ease_s;
	size_t next_unit;
	int slow_only;
	double owed_pages;
};

static int
hintfault_start(struct world *world, uint64_t seed, void **ret_self, struct sluice_err *reterr)
{
	struct hintfault *self = calloc(1, sizeof(*self));
	size_t units = world->info->unit_count;

	if (self) {
		self->common.world = world;
		self->common.dice.state = seed;
		self->marked = calloc(1, world->first_page[units]);
		self->version = calloc(units, sizeof(*self->version));
		self->unit_marked = calloc(units, sizeof(*self->unit_marked));
		self->rate = calloc(units, sizeof(*self->rate));
	}
	if (!self || !self->marked || !self->version || !self->unit_marked || !self->rate ||
	    fault_queue_init(&self->faults, world->info->epoch_count) < 0) {
		tracker_hintfault.sampler->stop(self);
		return sluice_fail(reterr, -ENOMEM, "no memory for marks");
	}
	self->ease = 1;
	self->slow_only = 1;
	*ret_self = self;
	return 0;
}

/* Pages that one mark stands for: all of a huge page, which faults as one. */
static uint32_t
pages_at_once(const struct world *world, size_t unit)
{
	return world->huge && world->info->units[unit].pages == HEAT_REGION_PAGES
		       ? HEAT_REGION_PAGES
		       : 1;
}

static void
draw_fault(struct hintfault *self, size_t unit, uint64_t page, uint32_t together)
{
	double rate = (double)self->rate[unit] * together, when;

	if (rate <= 0)
		return;
	when = self->work + tracker_exponential(&self->common.dice) / rate;
	if (when < self->common.world->info->epoch_count &&
	    fault_queue_push(&self->faults,
			     (struct fault){when, (uint32_t)page, self->version[unit]}) < 0)
		self->common.stats.lost++;
}

static void
draw_unit(struct hintfault *self, size_t unit)
{
	const struct world *world = self->common.world;
	uint32_t step = pages_at_once(world, unit);

	for (uint64_t page = world->first_page[unit]; page < world->first_page[unit + 1];
	     page += step) {
		if (self->marked[page])
			draw_fault(self, unit, page, step);
	}
}

/* Mark the pages of a unit that are not yet; returns how many. */
static uint32_t
mark_unit(struct hintfault *self, size_t unit)
{
	const struct world *world = self->common.world;
	uint32_t step = pages_at_once(world, unit), count = 0;

	self->rate[unit] = (float)tracker_accesses(&world->uses[unit]);
	for (uint64_t page = world->first_page[unit]; page < world->first_page[unit + 1];
	     page += step) {
		uint8_t tier = world->page_tier[page];

		if (self->slow_only && tier == 0)
			continue;
		/* One that moved since it was marked is not marked any more. */
		if (self->marked[page] == tier + 1)
			continue;
		/* The fault that was drawn for the lost mark is to come still, and as good as a
		 * new one: a Poisson process does not remember. Two would double the rate. */
		if (!self->marked[page]) {
			self->unit_marked[unit]++;
			draw_fault(self, unit, page, step);
		}
		self->marked[page] = (uint8_t)(tier + 1);
		count += step;
	}
	return count;
}

/* The window from a unit on, up to the end of its 2 MiB, is marked. */
static void
mark_window(struct hintfault *self, uint64_t now_ns)
{
	const struct world *world = self->common.world;
	const struct workload_unit *units = world->info->units, *first = &units[self->next_unit];
	struct sample sample = {
		.addr = first->addr,
		.time_ns = now_ns,
		.pid = first->pid,
		.kind = SAMPLE_ARMED,
		.tiers = self->slow_only ? SEES_SLOW : 0,
	};
	uint32_t count = 0;
	size_t u = self->next_unit;

	do {
		count += mark_unit(self, u);
		sample.len_bytes =
			units[u].addr + (uint64_t)units[u].pages * HEAT_PAGE_BYTES - first->addr;
		u++;
	} while (u < world->info->unit_count && units[u].pid == first->pid &&
		 units[u].addr == first->addr + sample.len_bytes &&
		 units[u].addr / HEAT_REGION_BYTES == first->addr / HEAT_REGION_BYTES);
	/* The kernel passes what it need not mark eight times as fast. */
	self->owed_pages -=
		fmax(count, (double)(sample.len_bytes / HEAT_PAGE_BYTES) / PASSED_TIMES);
	sample.events = (float)count;
	if (count)
		tracker_push(&self->common, &sample);
	self->next_unit = u;
	if (u == world->info->unit_count) {
		self->next_unit = 0;
		self->slow_only = !self->slow_only;
	}
}

/* A fault came: tell it and pay for it. */
static void
take_fault(struct hintfault *self, const struct fault *fault, uint64_t time_ns)
{
	struct tracker_common *common = &self->common;
	const struct world *world = common->world;
	size_t unit = tracker_unit_of(world, fault->page);
	uint8_t marked = self->marked[fault->page];
	struct sample sample = {
		.addr = world->info->units[unit].addr +
			(fault->page - world->first_page[unit]) * HEAT_PAGE_BYTES,
		.time_ns = time_ns,
		.pid = world->info->units[unit].pid,
		.kind = SAMPLE_TOUCH,
	};

	if (!marked || fault->version != self->version[unit])
		return;
	self->marked[fault->page] = 0;
	self->unit_marked[unit]--;
	if (marked != world->page_tier[fault->page] + 1)
		return;
	self->purse_ns -= world->model->costs.fault_ns;
	common->stats.target_cost_ns += (uint64_t)world->model->costs.fault_ns;
	tracker_push(common, &sample);
}

static void
hintfault_ran(void *vself, const struct tracker_stretch *stretch)
{
	struct hintfault *self = vself;
	double end = self->work + stretch->part;
	double seconds = (double)(stretch->to_ns - stretch->from_ns) / 1e9;
	double fault_s = self->common.world->model->costs.fault_ns / 1e9;
	double per_s = self->common.effort / fault_s;
	double most_ns = PURSE_MAX_S * self->common.effort * 1e9;
	uint64_t most = self->common.world->first_page[self->common.world->info->unit_count];
	struct fault fault;

	while (fault_queue_pop(&self->faults, end, &fault)) {
		double share = stretch->part > 0 ? (fault.work - self->work) / stretch->part : 0;

		take_fault(self, &fault, stretch->from_ns + (uint64_t)(share * seconds * 1e9));
	}
	self->work = end;
	self->purse_ns = fmin(self->purse_ns + self->common.effort * seconds * 1e9, most_ns);
	/* A burst of faults is paid for, but must not keep us blind for ever. */
	self->purse_ns = fmax(self->purse_ns, -DEBT_MOST_S * self->common.effort * 1e9);
	/* Marked pages become faults when they are touched: while the purse stays full more and
	 * more are marked, and otherwise as few as can be. */
	self->ease_s += seconds;
	if (self->purse_ns < most_ns * 0.9) {
		self->ease = 1;
	} else if (self->purse_ns >= most_ns && self->ease_s >= EASE_EVERY_S) {
		self->ease = fmin(2 * self->ease, EASE_MOST);
		self->ease_s = 0;
	}
	if (self->purse_ns <= 0)
		return;
	self->owed_pages = fmin(self->owed_pages + per_s * self->ease * seconds, (double)most);
	while (self->owed_pages > 0)
		mark_window(self, stretch->to_ns);
}

static void
hintfault_changed(void *vself)
{
	struct hintfault *self = vself;
	const struct world *world = self->common.world;

	for (size_t u = 0; u < world->info->unit_count; u++) {
		float rate = (float)tracker_accesses(&world->uses[u]);

		if (!self->unit_marked[u] || !(rate < self->rate[u] || rate > self->rate[u]))
			continue;
		self->version[u]++;
		self->rate[u] = rate;
		draw_unit(self, u);
	}
}

static void
hintfault_set_effort(void *vself, double cpu_share)
{
	struct hintfault *self = vself;

	/* Debts are paid at the pace at which they were made, and forgiven when there is much to
	 * learn; then slow memory is looked at first. */
	if (self->purse_ns < 0 && self->common.effort > 0)
		self->purse_ns *= cpu_share / self->common.effort;
	if (cpu_share > 2 * self->common.effort) {
		self->purse_ns = fmax(self->purse_ns, 0);
		self->slow_only = 1;
	}
	self->common.effort = cpu_share;
}

static void
hintfault_stop(void *vself)
{
	struct hintfault *self = vself;

	if (!self)
		return;
	free(self->marked);
	free(self->version);
	free(self->unit_marked);
	free(self->rate);
	fault_queue_destroy(&self->faults);
	tracker_common_destroy(&self->common);
	free(self);
}

static const struct sampler_ops sampler = {
	TRACKER_SAMPLER,
	.name = "hintfault",
	.summary = "gaps between accesses of single pages",
	.page_granular = 1,
	.read = tracker_read,
	.set_effort = hintfault_set_effort,
	.stop = hintfault_stop,
};

const struct tracker_ops tracker_hintfault = {
	.name = "hintfault",
	.summary = "the first access to each page that is marked, in turn; each costs a fault",
	.start = hintfault_start,
	.sampler = &sampler,
	.ran = hintfault_ran,
	.changed = hintfault_changed,
};
