/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_exact.c - perfect counts: each second the accesses of every unit, all of them, free of
 * charge. What a policy then gets wrong is its own.
 */
#include <errno.h>
#include <stdlib.h>

#include "tracker_common.h"

#define TOLD_EVERY_NS 1000000000ull

struct exact {
	struct tracker_common common;
	float *before; /* accesses of a page of each unit since it was last told, but for... */
	double part;   /* ...this part of the epoch's */
	uint64_t since_ns;
	size_t next; /* unit to be told next */
	int telling;
	uint64_t told_ns;
};

static int
exact_start(struct world *world, uint64_t seed, void **ret_self, struct sluice_err *reterr)
{
	struct exact *exact = calloc(1, sizeof(*exact));

	(void)seed;
	if (exact)
		exact->before = calloc(world->info->unit_count, sizeof(*exact->before));
	if (!exact || !exact->before) {
		free(exact);
		return sluice_fail(reterr, -ENOMEM, "no memory for counts");
	}
	exact->common.world = world;
	*ret_self = exact;
	return 0;
}

static void
exact_ran(void *self, const struct tracker_stretch *stretch)
{
	((struct exact *)self)->part += stretch->part;
}

static void
exact_changing(void *self)
{
	struct exact *exact = self;

	for (size_t u = 0; u < exact->common.world->info->unit_count; u++)
		exact->before[u] +=
			(float)(tracker_accesses(&exact->common.world->uses[u]) * exact->part);
	exact->part = 0;
}

static int
exact_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	   struct sluice_err *reterr)
{
	struct exact *exact = self;
	const struct workload_info *info = exact->common.world->info;
	size_t count = 0;

	(void)reterr;
	*ret_count = 0;
	if (!exact->telling) {
		if (now_ns < exact->since_ns + TOLD_EVERY_NS)
			return 0;
		exact->telling = 1;
		exact->next = 0;
		exact->told_ns = now_ns;
	}
	for (; count < capacity && exact->next < info->unit_count; exact->next++) {
		size_t u = exact->next;

		samples[count++] = (struct sample){
			.addr = info->units[u].addr,
			.len_bytes = (uint64_t)info->units[u].pages * HEAT_PAGE_BYTES,
			.time_ns = exact->told_ns,
			.pid = info->units[u].pid,
			.kind = SAMPLE_EXACT,
			.events = exact->before[u] +
				  (float)(tracker_accesses(&exact->common.world->uses[u]) *
					  exact->part),
			.exposure_s = (float)(exact->told_ns - exact->since_ns) / 1e9f,
		};
		exact->before[u] = 0;
	}
	if (exact->next == info->unit_count) {
		exact->telling = 0;
		exact->since_ns = exact->told_ns;
		exact->part = 0;
	}
	exact->common.stats.samples += count;
	*ret_count = count;
	return 0;
}

static void
exact_stop(void *self)
{
	struct exact *exact = self;

	if (!exact)
		return;
	free(exact->before);
	free(exact);
}

static const struct sampler_ops sampler = {
	.name = "exact",
	.summary = "all accesses, counted",
	.page_granular = 1,
	TRACKER_SAMPLER,
	.read = exact_read,
	.stop = exact_stop,
};

const struct tracker_ops tracker_exact = {
	.name = "exact",
	.summary = "all accesses, counted, free of charge",
	.start = exact_start,
	.sampler = &sampler,
	.ran = exact_ran,
	.changing = exact_changing,
};
