/* SPDX-License-Identifier: Apache-2.0 */
/* scan_visits.c - see scan_visits.h. */
#include "scan_visits.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "reserve.h"

#define PASS_MOST_NS 60000000000.0 /* longer, and a pass leaves slices out */
#define PASS_LEAST_NS 300000000u
#define STRIDE_MOST 4096

static const uint64_t wait_ns[SCAN_WAITS] = {20000000, 80000000};

int
scan_visits_init(struct scan_visits *visits, const struct scan_backend *backend, void *ctx,
		 const char *sysroot, float spread, struct sluice_err *reterr)
{
	int r;

	memset(visits, 0, sizeof(*visits));
	visits->backend = backend;
	visits->ctx = ctx;
	visits->purse.effort = 0.01;
	r = scan_walk_init(&visits->walk, sysroot, reterr);
	if (r == 0)
		r = scan_out_init(&visits->out, spread, reterr);
	for (int i = 0; r == 0 && i < SCAN_WAITS; i++) {
		visits->looks[i].at = reserve(SCAN_LOOKS_MAX * sizeof(*visits->looks[i].at));
		if (!visits->looks[i].at)
			r = sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	if (r < 0)
		scan_visits_destroy(visits);
	return r;
}

void
scan_visits_destroy(struct scan_visits *visits)
{
	scan_walk_destroy(&visits->walk);
	scan_out_destroy(&visits->out);
	for (int i = 0; i < SCAN_WAITS; i++) {
		release(visits->looks[i].at, SCAN_LOOKS_MAX * sizeof(*visits->looks[i].at));
		visits->looks[i].at = NULL;
	}
}

int
scan_visits_add(struct scan_visits *visits, int32_t pid, struct sluice_err *reterr)
{
	return scan_walk_add(&visits->walk, visits->backend->name, pid, reterr);
}

void
scan_visits_remove(struct scan_visits *visits, int32_t pid)
{
	/* Looks of it that still wait are passed over when they are due. */
	scan_walk_remove(&visits->walk, pid);
	if (visits->backend->forget)
		visits->backend->forget(visits->ctx, pid);
}

/* The time of what is done just now. Under a made-up /proc it is the caller's. */
static uint64_t
time_now(const struct scan_visits *visits, uint64_t now_ns)
{
	return visits->walk.sysroot[0] ? now_ns : clock_now_ns();
}

static int
visit(struct scan_visits *visits, const struct scan_slice *slice, int mark, uint64_t now_ns)
{
	uint64_t bits[SCAN_WORDS] = {0}, began_ns = clock_thread_cpu_ns(), cost_ns, time_ns;
	uint32_t pages = 0;
	int r = visits->backend->visit(visits->ctx, slice, mark, bits);

	time_ns = time_now(visits, now_ns);
	if (r == 0) {
		pages = scan_out_seen(&visits->out, slice, bits, time_ns);
		if (mark)
			scan_out_range(&visits->out, SAMPLE_ARMED, slice->pid, slice->addr,
				       (uint64_t)slice->pages * HEAT_PAGE_BYTES, time_ns);
	}
	cost_ns = clock_thread_cpu_ns() - began_ns;
	visits->pass_cost_ns += cost_ns;
	visits->stats.target_cost_ns += pages * visits->fault_ns;
	scan_purse_pay(&visits->purse, (double)(cost_ns + pages * visits->fault_ns));
	return r;
}

/* What is due is looked at, whether there is something to spend or not: late looks tell little. */
static void
look_at_due(struct scan_visits *visits, uint64_t now_ns)
{
	for (int i = 0; i < SCAN_WAITS; i++) {
		struct scan_looks *looks = &visits->looks[i];

		while (looks->count && looks->at[looks->first].due_ns <= now_ns &&
		       scan_out_has_room(&visits->out)) {
			struct scan_slice slice = looks->at[looks->first].slice;

			looks->first = (looks->first + 1) % SCAN_LOOKS_MAX;
			looks->count--;
			if (scan_walk_has(&visits->walk, slice.pid))
				visit(visits, &slice, 0, now_ns);
		}
	}
}

static void
begin_pass(struct scan_visits *visits, uint64_t now_ns)
{
	double whole_ns = 0;

	/* What a pass over everything would take at what may be spent. */
	if (visits->pass_slices && visits->purse.effort > 0)
		whole_ns = (double)visits->slice_cost_ns * (double)visits->walk.slices /
			   visits->purse.effort;
	visits->walk.stride = whole_ns <= PASS_MOST_NS ? 1
			      : whole_ns >= PASS_MOST_NS * STRIDE_MOST
				      ? STRIDE_MOST
				      : (uint32_t)(whole_ns / PASS_MOST_NS) + 1;
	/* Each fourth pass waits as long: the slices of all are looked at after each of the waits.
	 */
	visits->walk.phase = (uint32_t)(visits->passes / SCAN_WAITS % visits->walk.stride);
	scan_walk_begin(&visits->walk);
	visits->passing = 1;
	visits->pass_ns = now_ns;
	visits->pass_cost_ns = 0;
	visits->pass_slices = 0;
}

static void
end_pass(struct scan_visits *visits)
{
	if (visits->pass_slices)
		visits->slice_cost_ns = visits->pass_cost_ns / visits->pass_slices + 1;
	log_debug(visits->backend->name, "pass over %llu slices, of %llu, %llu ns each",
		  (unsigned long long)visits->pass_slices, (unsigned long long)visits->walk.slices,
		  (unsigned long long)visits->slice_cost_ns);
	visits->passing = 0;
	visits->passes++;
	visits->next_pass_ns = visits->pass_ns + PASS_LEAST_NS;
}

/* Mark as much as there is to spend for. */
static void
pass_on(struct scan_visits *visits, uint64_t now_ns)
{
	uint32_t wait = (uint32_t)(visits->passes % SCAN_WAITS);
	struct scan_looks *looks = &visits->looks[wait];
	struct scan_slice slice;
	int r;

	while (visits->purse.ns > 0 && scan_out_has_room(&visits->out)) {
		if (!scan_walk_next(&visits->walk, &slice)) {
			end_pass(visits);
			return;
		}
		r = visit(visits, &slice, 1, now_ns);
		if (r < 0)
			scan_walk_skip(&visits->walk);
		visits->pass_slices += r >= 0;
		if (r != 0 || looks->count == SCAN_LOOKS_MAX)
			continue;
		looks->at[(looks->first + looks->count) % SCAN_LOOKS_MAX].slice = slice;
		looks->at[(looks->first + looks->count++) % SCAN_LOOKS_MAX].due_ns =
			time_now(visits, now_ns) + wait_ns[wait];
	}
}

void
scan_visits_read(struct scan_visits *visits, uint64_t now_ns, struct sample *samples,
		 size_t capacity, size_t *ret_count)
{
	if (visits->out.count == 0) {
		scan_purse_fill(&visits->purse, now_ns);
		look_at_due(visits, now_ns);
		if (!visits->passing && visits->walk.count && visits->purse.ns > 0 &&
		    now_ns >= visits->next_pass_ns)
			begin_pass(visits, now_ns);
		if (visits->passing)
			pass_on(visits, now_ns);
	}
	*ret_count = scan_out_take(&visits->out, samples, capacity);
}

uint64_t
scan_visits_due_ns(const struct scan_visits *visits, uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	for (int i = 0; i < SCAN_WAITS; i++) {
		const struct scan_looks *looks = &visits->looks[i];
		uint64_t at_ns = looks->count ? looks->at[looks->first].due_ns : UINT64_MAX;

		if (at_ns < due_ns)
			due_ns = at_ns;
	}
	if (due_ns == UINT64_MAX)
		return due_ns;
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

void
scan_visits_get_stats(const struct scan_visits *visits, struct sampler_stats *ret)
{
	*ret = visits->stats;
	ret->samples = visits->out.samples;
}
