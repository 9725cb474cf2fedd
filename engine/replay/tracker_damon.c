/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_damon.c - what DAMON would have told: memory in up to a thousand ranges, of each of which
 * one page is looked at in each interval; after eight looks neighbours that are alike are merged,
 * and ranges are split at random. Accesses that hit the TLB leave no trace.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracker_common.h"

#define RANGES_MAX 1000u /* DAMON's own default */
#define RANGES_FIRST 100u
#define CHECKS 8u
#define INTERVAL_LEAST_S 0.005 /* DAMON's own default */
#define ALIKE 0.1              /* of the most looks; DAMON's own default */

/* Pages [first, end), by number; of one process. */
struct range {
	uint64_t first, end;
	uint32_t seen; /* of CHECKS looks */
};

struct damon {
	struct tracker_common common;
	struct range ranges[RANGES_MAX], spare[RANGES_MAX];
	size_t count;
	uint64_t *process_end; /* page where each process ends */
	size_t process_count;
	double interval_s, since_s;
	unsigned int checked;
};

static int
damon_start(struct world *world, uint64_t seed, void **ret_self, struct sluice_err *reterr)
{
	const struct workload_info *info = world->info;
	struct damon *self = calloc(1, sizeof(*self));
	uint64_t pages = world->first_page[info->unit_count], at = 0;

	if (self)
		self->process_end = calloc(WORKLOAD_PROCESSES_MAX, sizeof(*self->process_end));
	if (!self || !self->process_end) {
		free(self);
		return sluice_fail(reterr, -ENOMEM, "no memory for ranges");
	}
	self->common.world = world;
	self->common.dice.state = seed;
	for (size_t u = 1; u <= info->unit_count; u++) {
		if ((u == info->unit_count || info->units[u].pid != info->units[u - 1].pid) &&
		    self->process_count < WORKLOAD_PROCESSES_MAX)
			self->process_end[self->process_count++] = world->first_page[u];
	}
	/* Equal pieces, cut at the ends of processes. */
	for (size_t p = 0; at < pages && p < self->process_count; at = self->process_end[p++]) {
		uint64_t end = self->process_end[p];
		uint64_t step = (pages + RANGES_FIRST - 1) / RANGES_FIRST;

		for (uint64_t first = at; first < end && self->count < RANGES_MAX; first += step)
			self->ranges[self->count++] =
				(struct range){first, first + step < end ? first + step : end, 0};
	}
	self->interval_s = INTERVAL_LEAST_S;
	*ret_self = self;
	return 0;
}

static int
ends_process(const struct damon *self, uint64_t page)
{
	for (size_t p = 0; p < self->process_count; p++) {
		if (self->process_end[p] == page)
			return 1;
	}
	return 0;
}

/* Part of an epoch that one look covers. */
static void
look(struct damon *self, double part)
{
	struct tracker_common *common = &self->common;
	const struct world *world = common->world;

	for (size_t i = 0; i < self->count; i++) {
		struct range *range = &self->ranges[i];
		uint64_t page = range->first + (uint64_t)(tracker_uniform(&common->dice) *
							  (double)(range->end - range->first));
		size_t unit;
		double rate;

		if (page >= range->end)
			page = range->end - 1;
		unit = tracker_unit_of(world, page);
		rate = tracker_accesses(&world->uses[unit]) * world->model->costs.damon_seen;
		if (world->huge && world->info->units[unit].pages == HEAT_REGION_PAGES)
			rate *= HEAT_REGION_PAGES;
		range->seen += tracker_uniform(&common->dice) > exp(-rate * part);
	}
	common->stats.kernel_cpu_ns +=
		(uint64_t)((double)self->count * world->model->costs.look_ns);
}

/* Where the addresses from this page on, in a unit, have their first gap; a page at most `end`. */
static uint64_t
contiguous_end(const struct world *world, size_t unit, uint64_t end)
{
	const struct workload_unit *units = world->info->units;

	while (world->first_page[unit + 1] < end &&
	       units[unit].addr + (uint64_t)units[unit].pages * HEAT_PAGE_BYTES ==
		       units[unit + 1].addr)
		unit++;
	return world->first_page[unit + 1] < end ? world->first_page[unit + 1] : end;
}

/* A range goes over gaps between mappings, as pages are numbered without them: each piece has the
 * range's rate. */
static void
tell(struct damon *self, uint64_t time_ns)
{
	const struct world *world = self->common.world;

	for (size_t i = 0; i < self->count; i++) {
		const struct range *range = &self->ranges[i];
		double share = (double)range->seen / CHECKS, most = 1 - 1.0 / (2 * CHECKS);
		float events = (float)(CHECKS * -log(1 - fmin(share, most)));
		uint64_t end;

		for (uint64_t first = range->first; first < range->end; first = end) {
			size_t unit = tracker_unit_of(world, first);

			end = contiguous_end(world, unit, range->end);
			tracker_push(
				&self->common,
				&(struct sample){
					.addr = world->info->units[unit].addr +
						(first - world->first_page[unit]) * HEAT_PAGE_BYTES,
					.len_bytes = (end - first) * HEAT_PAGE_BYTES,
					.time_ns = time_ns,
					.pid = world->info->units[unit].pid,
					.kind = SAMPLE_RATE,
					.events = events,
					.exposure_s = (float)(CHECKS * self->interval_s),
				});
		}
	}
}

/* Neighbours that are alike become one, and each range two, if there is room. */
static void
adapt(struct damon *self)
{
	struct range *to = self->spare;
	size_t count = 0;
	int split;

	for (size_t i = 0; i < self->count; i++) {
		const struct range *range = &self->ranges[i];
		struct range *last = count ? &to[count - 1] : NULL;

		if (last && last->end == range->first && !ends_process(self, last->end) &&
		    fabs((double)last->seen - (double)range->seen) <= ALIKE * CHECKS)
			last->end = range->end;
		else
			to[count++] = *range;
	}
	split = count <= RANGES_MAX / 2;
	self->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct range range = to[i];
		uint64_t pages = range.end - range.first;

		range.seen = 0;
		if (split && pages > 1) {
			uint64_t cut = range.first + 1 +
				       (uint64_t)(tracker_uniform(&self->common.dice) *
						  (double)(pages - 1));

			if (cut >= range.end)
				cut = range.end - 1;
			self->ranges[self->count++] = (struct range){range.first, cut, 0};
			range.first = cut;
		}
		self->ranges[self->count++] = range;
	}
}

static void
damon_ran(void *vself, const struct tracker_stretch *stretch)
{
	struct damon *self = vself;
	double seconds = (double)(stretch->to_ns - stretch->from_ns) / 1e9;
	double pace = seconds > 0 ? stretch->part / seconds : 0;

	if (self->common.effort <= 0)
		return;
	self->since_s += seconds;
	while (self->since_s >= self->interval_s) {
		self->since_s -= self->interval_s;
		look(self, pace * self->interval_s);
		if (++self->checked < CHECKS)
			continue;
		tell(self, stretch->to_ns - (uint64_t)(self->since_s * 1e9));
		adapt(self);
		self->checked = 0;
		self->interval_s =
			fmax(INTERVAL_LEAST_S, (double)self->count *
						       self->common.world->model->costs.look_ns /
						       1e9 / self->common.effort);
	}
}

static void
damon_stop(void *vself)
{
	struct damon *self = vself;

	if (!self)
		return;
	free(self->process_end);
	tracker_common_destroy(&self->common);
	free(self);
}

static const struct sampler_ops sampler = {
	TRACKER_SAMPLER,
	.name = "damon",
	.summary = "looks at one page of each of some ranges",
	.sentinel = 1,
	.read = tracker_read,
	.set_effort = tracker_set_effort,
	.stop = damon_stop,
};

const struct tracker_ops tracker_damon = {
	.name = "damon",
	.summary = "looks at one page of each of up to a thousand ranges, by a kernel thread",
	.start = damon_start,
	.sampler = &sampler,
	.ran = damon_ran,
};
