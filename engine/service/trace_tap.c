/* SPDX-License-Identifier: Apache-2.0 */
/* trace_tap.c - see trace_tap.h. */
#include "trace_tap.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "heat.h"

#define TIERS_EVERY_NS 1000000000u /* free memory changes all the time */
#define SPANS_MAX 65536

/* What the engine has and what a trace has are the same, so it is handed over as it is. */
_Static_assert(sizeof(struct sample) == sizeof(struct sluice_trace_sample), "samples");
_Static_assert(offsetof(struct sample, time_ns) == offsetof(struct sluice_trace_sample, time_ns),
	       "samples");
_Static_assert(offsetof(struct sample, pid) == offsetof(struct sluice_trace_sample, pid),
	       "samples");
_Static_assert(offsetof(struct sample, events) == offsetof(struct sluice_trace_sample, events),
	       "samples");
_Static_assert(offsetof(struct sample, spread) == offsetof(struct sluice_trace_sample, spread),
	       "samples");
_Static_assert((int)SAMPLE_EXACT == (int)SLUICE_TRACE_EXACT &&
		       (int)SAMPLE_ARMED == (int)SLUICE_TRACE_ARMED &&
		       (int)SAMPLE_TOUCH == (int)SLUICE_TRACE_TOUCH &&
		       (int)SAMPLE_RATE == (int)SLUICE_TRACE_RATE &&
		       (int)SAMPLE_SEEN == (int)SLUICE_TRACE_SEEN &&
		       (int)SAMPLE_COUNTING == (int)SLUICE_TRACE_COUNTING &&
		       (int)SAMPLE_COUNT == (int)SLUICE_TRACE_COUNT,
	       "kinds of samples");
_Static_assert(sizeof(struct heat_span) == sizeof(struct sluice_trace_span) &&
		       offsetof(struct heat_span, end) == offsetof(struct sluice_trace_span, end),
	       "spans");
_Static_assert((int)MOVE_MOVED == (int)SLUICE_TRACE_MOVED &&
		       (int)MOVE_GONE == (int)SLUICE_TRACE_GONE &&
		       (int)MOVE_FAILED == (int)SLUICE_TRACE_FAILED &&
		       (int)MOVE_OUTCOMES == (int)SLUICE_TRACE_OUTCOMES,
	       "outcomes");
_Static_assert(HEAT_PAGE_BYTES == SLUICE_TRACE_PAGE_BYTES &&
		       HEAT_REGION_PAGES == SLUICE_TRACE_REGION_PAGES &&
		       HEAT_TIER_ABSENT == SLUICE_TRACE_ABSENT,
	       "pages");

struct tapped {
	struct trace_tap *tap;
	void *self;
};

struct trace_tap {
	struct sluice_trace_writer *writer;
	int32_t pids[TRACE_TAP_PIDS_MAX];
	size_t pid_count;
	uint64_t tiers_ns; /* when they were told last */

	struct tapped samplers[ROUND_SAMPLERS_MAX], memory, mover;
	struct sampler_ops sampler_ops[ROUND_SAMPLERS_MAX];
	const struct sampler_ops *samplers_below[ROUND_SAMPLERS_MAX];
	struct memory_ops memory_ops;
	const struct memory_ops *memory_below;
	struct mover_ops mover_ops;
	const struct mover_ops *mover_below;
	struct sluice_trace_sample chosen[SLUICE_TRACE_BATCH_MAX];
};

struct trace_tap *
trace_tap_new(void)
{
	return calloc(1, sizeof(struct trace_tap));
}

void
trace_tap_free(struct trace_tap *tap)
{
	free(tap);
}

static int
records(const struct trace_tap *tap, int32_t pid)
{
	if (!tap->writer)
		return 0;
	for (size_t i = 0; i < tap->pid_count; i++) {
		if (tap->pids[i] == pid)
			return 1;
	}
	return tap->pid_count == 0;
}

/* ---- Samplers ---- */

static const struct sampler_ops *
below(const struct tapped *sampler)
{
	return sampler->tap->samplers_below[sampler - sampler->tap->samplers];
}

static int
sampler_add(void *self, int32_t pid, struct sluice_err *reterr)
{
	struct tapped *sampler = self;

	return below(sampler)->add(sampler->self, pid, reterr);
}

static void
sampler_remove(void *self, int32_t pid)
{
	struct tapped *sampler = self;

	below(sampler)->remove(sampler->self, pid);
}

static void
record_chosen(struct trace_tap *tap, uint64_t now_ns, const struct sluice_trace_sample *samples,
	      size_t count)
{
	size_t chosen = 0;

	for (size_t i = 0; i < count; i++) {
		if (!records(tap, samples[i].pid))
			continue;
		tap->chosen[chosen++] = samples[i];
		if (chosen == SLUICE_TRACE_BATCH_MAX) {
			sluice_trace_write_samples(tap->writer, now_ns, tap->chosen, chosen);
			chosen = 0;
		}
	}
	if (chosen)
		sluice_trace_write_samples(tap->writer, now_ns, tap->chosen, chosen);
}

static int
sampler_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	struct tapped *sampler = self;
	struct trace_tap *tap = sampler->tap;
	int r = below(sampler)->read(sampler->self, now_ns, samples, capacity, ret_count, reterr);

	if (r < 0 || !tap->writer || !*ret_count)
		return r;
	if (tap->pid_count)
		record_chosen(tap, now_ns, (const void *)samples, *ret_count);
	else
		sluice_trace_write_samples(tap->writer, now_ns, (const void *)samples, *ret_count);
	return r;
}

static void
sampler_set_effort(void *self, double cpu_share)
{
	struct tapped *sampler = self;

	below(sampler)->set_effort(sampler->self, cpu_share);
}

static uint64_t
sampler_due_ns(void *self, uint64_t now_ns)
{
	struct tapped *sampler = self;

	return below(sampler)->due_ns(sampler->self, now_ns);
}

static int
sampler_moving(void *self, int on, struct sluice_err *reterr)
{
	struct tapped *sampler = self;

	return below(sampler)->moving(sampler->self, on, reterr);
}

static size_t
sampler_working_sets(void *self, struct sampler_working_set *sets, size_t capacity)
{
	struct tapped *sampler = self;

	return below(sampler)->working_sets(sampler->self, sets, capacity);
}

static void
sampler_get_stats(void *self, struct sampler_stats *ret)
{
	struct tapped *sampler = self;

	below(sampler)->get_stats(sampler->self, ret);
}

static void
sampler_stop(void *self)
{
	struct tapped *sampler = self;

	below(sampler)->stop(sampler->self);
}

void
trace_tap_sampler(struct trace_tap *tap, struct round_parts *parts, size_t i)
{
	struct sampler_ops *ops = &tap->sampler_ops[i];

	tap->samplers_below[i] = parts->sampler_ops[i];
	tap->samplers[i] = (struct tapped){tap, parts->samplers[i]};
	*ops = *parts->sampler_ops[i];
	ops->add = sampler_add;
	ops->remove = sampler_remove;
	ops->read = sampler_read;
	ops->get_stats = sampler_get_stats;
	ops->stop = sampler_stop;
	if (ops->set_effort)
		ops->set_effort = sampler_set_effort;
	if (ops->due_ns)
		ops->due_ns = sampler_due_ns;
	if (ops->moving)
		ops->moving = sampler_moving;
	if (ops->working_sets)
		ops->working_sets = sampler_working_sets;
	parts->sampler_ops[i] = ops;
	parts->samplers[i] = &tap->samplers[i];
}

/* ---- Memory ---- */

static int
memory_spans(void *self, int32_t pid, struct heat_span *spans, size_t capacity, size_t *ret_count,
	     uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	struct tapped *memory = self;
	struct trace_tap *tap = memory->tap;
	int r = tap->memory_below->spans(memory->self, pid, spans, capacity, ret_count,
					 ret_pinned_bytes, reterr);

	if (r == 0 && records(tap, pid))
		sluice_trace_write_spans(tap->writer, clock_now_ns(), pid, (const void *)spans,
					 *ret_count);
	return r;
}

static int
memory_resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	struct tapped *memory = self;

	return memory->tap->memory_below->resident(memory->self, pid, ret_bytes, reterr);
}

static int
memory_residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers,
		 int *ret_huge, struct sluice_err *reterr)
{
	struct tapped *memory = self;
	struct trace_tap *tap = memory->tap;
	int r = tap->memory_below->residency(memory->self, pid, addr, len_bytes, tiers, ret_huge,
					     reterr);

	if (r == 0 && records(tap, pid))
		sluice_trace_write_residency(tap->writer, clock_now_ns(), pid, addr, len_bytes,
					     tiers, *ret_huge);
	return r;
}

static int
memory_leaving(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers,
	       int *ret_huge, struct sluice_err *reterr)
{
	struct tapped *memory = self;

	return memory->tap->memory_below->leaving(memory->self, pid, addr, len_bytes, tiers,
						  ret_huge, reterr);
}

static void
record_tiers(struct trace_tap *tap, const struct sluice_tier *tiers, size_t count)
{
	struct sluice_trace_tier told[SLUICE_TRACE_TIERS_MAX];
	uint64_t now_ns = clock_now_ns();

	if (now_ns - tap->tiers_ns < TIERS_EVERY_NS || count > SLUICE_TRACE_TIERS_MAX)
		return;
	tap->tiers_ns = now_ns;
	for (size_t i = 0; i < count; i++)
		told[i] = (struct sluice_trace_tier){
			.total_bytes = tiers[i].total_bytes,
			.free_bytes = tiers[i].free_bytes,
			.latency_ns = tiers[i].latency_ns,
			.kind = tiers[i].kind,
		};
	sluice_trace_write_tiers(tap->writer, now_ns, told, count);
}

static int
memory_tiers(void *self, struct sluice_tier *tiers, size_t capacity, size_t *ret_count,
	     struct sluice_err *reterr)
{
	struct tapped *memory = self;
	struct trace_tap *tap = memory->tap;
	int r = tap->memory_below->tiers(memory->self, tiers, capacity, ret_count, reterr);

	if (r == 0 && tap->writer)
		record_tiers(tap, tiers, *ret_count);
	return r;
}

static void
memory_stop(void *self)
{
	struct tapped *memory = self;

	memory->tap->memory_below->stop(memory->self);
}

void
trace_tap_memory(struct trace_tap *tap, struct round_parts *parts)
{
	tap->memory_below = parts->memory_ops;
	tap->memory = (struct tapped){tap, parts->memory};
	tap->memory_ops = *parts->memory_ops;
	tap->memory_ops.spans = memory_spans;
	tap->memory_ops.resident = memory_resident;
	tap->memory_ops.residency = memory_residency;
	if (tap->memory_ops.leaving)
		tap->memory_ops.leaving = memory_leaving;
	tap->memory_ops.tiers = memory_tiers;
	tap->memory_ops.stop = memory_stop;
	parts->memory_ops = &tap->memory_ops;
	parts->memory = &tap->memory;
}

/* ---- Mover ---- */

static int
mover_move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
	   uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct tapped *mover = self;
	struct trace_tap *tap = mover->tap;
	struct sluice_trace_move moves[SLUICE_TRACE_MOVES_MAX];
	uint64_t began = clock_now_ns(), took;
	int r = tap->mover_below->move(mover->self, pid, addrs, count, tier, outcomes, bytes,
				       landed, reterr);

	if (!records(tap, pid) || count > SLUICE_TRACE_MOVES_MAX)
		return r;
	took = clock_now_ns() - began;
	for (size_t i = 0; i < count; i++)
		moves[i] = (struct sluice_trace_move){.addr = addrs[i],
						      .bytes = bytes[i],
						      .outcome = outcomes[i],
						      .landed = landed[i]};
	sluice_trace_write_moves(tap->writer, began + took, pid, tier, took, moves, count);
	return r;
}

static void
mover_stop(void *self)
{
	struct tapped *mover = self;

	mover->tap->mover_below->stop(mover->self);
}

void
trace_tap_mover(struct trace_tap *tap, struct round_parts *parts)
{
	tap->mover_below = parts->mover_ops;
	tap->mover = (struct tapped){tap, parts->mover};
	tap->mover_ops = *parts->mover_ops;
	tap->mover_ops.move = mover_move;
	tap->mover_ops.stop = mover_stop;
	parts->mover_ops = &tap->mover_ops;
	parts->mover = &tap->mover;
}

/* ---- Recording ---- */

void
trace_tap_record(struct trace_tap *tap, struct sluice_trace_writer *writer, const int32_t *pids,
		 size_t count)
{
	tap->writer = writer;
	tap->pid_count = count < TRACE_TAP_PIDS_MAX ? count : TRACE_TAP_PIDS_MAX;
	if (count)
		memcpy(tap->pids, pids, tap->pid_count * sizeof(*pids));
	tap->tiers_ns = 0;
}

void
trace_tap_process(struct trace_tap *tap, int32_t pid, const char *name, uint64_t now_ns)
{
	if (records(tap, pid))
		sluice_trace_write_process(tap->writer, now_ns, pid, name);
}

void
trace_tap_exit(struct trace_tap *tap, int32_t pid, uint64_t now_ns)
{
	if (records(tap, pid))
		sluice_trace_write_exit(tap->writer, now_ns, pid);
}

void
trace_tap_spans(struct trace_tap *tap, const struct round_parts *parts, int32_t pid)
{
	struct heat_span *spans = records(tap, pid) ? calloc(SPANS_MAX, sizeof(*spans)) : NULL;
	uint64_t pinned;
	size_t count;

	if (spans)
		(void)parts->memory_ops->spans(parts->memory, pid, spans, SPANS_MAX, &count,
					       &pinned, NULL);
	free(spans);
}
