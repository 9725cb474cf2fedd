/* SPDX-License-Identifier: Apache-2.0 */
/* workload_trace.c - see workload_trace.h. The trace is read twice: for the memory, and for how
 * often it is accessed. */
#include "workload_trace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "workload_trace_parts.h"

#define WINDOW_S 10.0
#define UNITS_MAX (1u << 23) /* 16 TiB */
#define THREADS 8u           /* a trace does not tell */
#define MLP 2.0f             /* nor this */

struct range {
	int32_t pid;
	uint64_t start, end; /* on the grid of 2 MiB */
};

/* What the first pass finds. */
struct memory {
	struct range *ranges;
	size_t count, capacity;
	uint64_t first_ns, last_ns; /* of samples; first 0: none */
};

static int
by_place(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void
merge_ranges(struct memory *memory)
{
	size_t kept = 0;

	qsort(memory->ranges, memory->count, sizeof(*memory->ranges), by_place);
	for (size_t i = 0; i < memory->count; i++) {
		struct range *range = &memory->ranges[i];
		struct range *last = kept ? &memory->ranges[kept - 1] : NULL;

		if (last && last->pid == range->pid && range->start <= last->end)
			last->end = range->end > last->end ? range->end : last->end;
		else
			memory->ranges[kept++] = *range;
	}
	memory->count = kept;
}

static int
add_range(struct memory *memory, int32_t pid, uint64_t addr, uint64_t len)
{
	struct range range = {pid, addr - addr % REGION_BYTES, addr + len};

	if (len == 0 || addr + len < addr || addr + len > UINT64_MAX - REGION_BYTES)
		return 0;
	range.end = (range.end + REGION_BYTES - 1) / REGION_BYTES * REGION_BYTES;
	if (memory->count) {
		struct range *last = &memory->ranges[memory->count - 1];

		if (last->pid == pid && last->start <= range.start && last->end >= range.end)
			return 0;
	}
	if (memory->count == memory->capacity) {
		size_t capacity;
		struct range *ranges;

		/* Most are told again and again. */
		if (memory->count)
			merge_ranges(memory);
		if (memory->count > UNITS_MAX)
			return -E2BIG;
		if (memory->count <= memory->capacity / 2 && memory->capacity) {
			memory->ranges[memory->count++] = range;
			return 0;
		}
		capacity = memory->capacity ? 2 * memory->capacity : 1024;
		ranges = realloc(memory->ranges, capacity * sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		memory->ranges = ranges;
		memory->capacity = capacity;
	}
	memory->ranges[memory->count++] = range;
	return 0;
}

static int
is_resident(const struct sluice_trace_item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		if (item->tiers[i] != SLUICE_TRACE_ABSENT)
			return 1;
	}
	return 0;
}

/* Memory that is resident or accessed. Rates are told of all mappings, also of what is not there,
 * so they tell of memory only where something was seen in it. */
static int
find_memory(struct sluice_trace_reader *reader, struct memory *memory, struct sluice_err *reterr)
{
	const struct sluice_trace_item *item;
	int r, added = 0;

	while (added == 0 && (r = sluice_trace_next(reader, &item, reterr)) > 0) {
		if (item->kind == SLUICE_TRACE_RESIDENCY && is_resident(item))
			added = add_range(memory, item->pid, item->addr, item->len_bytes);
		for (size_t i = 0;
		     item->kind == SLUICE_TRACE_SAMPLES && added == 0 && i < item->count; i++) {
			const struct sluice_trace_sample *s = &item->samples[i];

			if (!memory->first_ns || s->time_ns < memory->first_ns)
				memory->first_ns = s->time_ns;
			if (s->time_ns > memory->last_ns)
				memory->last_ns = s->time_ns;
			if (s->kind == SLUICE_TRACE_TOUCH || s->kind == SLUICE_TRACE_COUNT)
				added = add_range(memory, s->pid, s->addr, 1);
			else if (s->kind == SLUICE_TRACE_EXACT ||
				 (s->kind == SLUICE_TRACE_RATE && s->events > 0))
				added = add_range(memory, s->pid, s->addr, s->len_bytes);
		}
	}
	if (added == -E2BIG)
		return sluice_fail(reterr, added, "a trace of more than 16 TiB of memory");
	if (added < 0)
		return sluice_fail(reterr, added, "no memory to read a trace");
	if (r < 0)
		return r;
	merge_ranges(memory);
	return 0;
}

static int
make_units(struct workload *workload, const struct memory *memory, const char *path,
	   struct sluice_err *reterr)
{
	uint64_t count = 0;
	size_t processes = 0, at = 0;

	for (size_t i = 0; i < memory->count; i++) {
		count += (memory->ranges[i].end - memory->ranges[i].start) / REGION_BYTES;
		processes += i == 0 || memory->ranges[i].pid != memory->ranges[i - 1].pid;
		if (count > UNITS_MAX)
			break;
	}
	if (!count || !memory->first_ns)
		return sluice_fail(
			reterr, -ENODATA,
			"'%s' tells of no access to any memory; record it with a tracker", path);
	if (count > UNITS_MAX)
		return sluice_fail(reterr, -E2BIG, "'%s' has more than 16 TiB of memory", path);
	if (processes > WORKLOAD_PROCESSES_MAX)
		return sluice_fail(reterr, -E2BIG,
				   "'%s' has %zu processes; a replay has %u at most; 'sluice trace "
				   "cut' leaves some out",
				   path, processes, WORKLOAD_PROCESSES_MAX);
	workload->units = calloc(count, sizeof(*workload->units));
	if (!workload->units)
		return sluice_fail(reterr, -ENOMEM, "no memory for a workload");
	for (size_t i = 0; i < memory->count; i++) {
		for (uint64_t addr = memory->ranges[i].start; addr < memory->ranges[i].end;
		     addr += REGION_BYTES)
			workload->units[at++] = (struct workload_unit){addr, WORKLOAD_REGION_PAGES,
								       memory->ranges[i].pid};
	}
	workload->info.units = workload->units;
	workload->info.unit_count = at;
	workload->info.bytes = at * REGION_BYTES;
	return 0;
}

static int
by_unit(const void *a, const void *b)
{
	const struct trace_rate *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

static int
learn_rates(struct sluice_trace_reader *reader, struct workload *workload,
	    const struct memory *memory, struct sluice_err *reterr)
{
	struct trace_rates *rates = workload->own;
	struct trace_learning learning = {
		.workload = workload,
		.rates = rates,
		.first_ns = memory->first_ns,
		.window_epochs = (uint32_t)fmax(WINDOW_S / workload->epoch_s, 1),
	};
	const struct sluice_trace_item *item;
	size_t count = workload->info.unit_count, at = 0;
	int r = 0;

	learning.units = calloc(count, sizeof(*learning.units));
	rates->first = calloc(count + 1, sizeof(*rates->first));
	if (!learning.units || !rates->first) {
		free(learning.units);
		return sluice_fail(reterr, -ENOMEM, "no memory to learn from a trace");
	}
	while (!learning.failed && learning.epoch < workload->info.epoch_count &&
	       (r = sluice_trace_next(reader, &item, reterr)) > 0) {
		if (item->kind != SLUICE_TRACE_SAMPLES)
			continue;
		trace_learn_until(&learning, item->time_ns);
		for (size_t i = 0; i < item->count; i++)
			trace_learn(&learning, &item->samples[i]);
	}
	trace_learn_end(&learning);
	free(learning.units);
	if (learning.failed == -E2BIG)
		return sluice_fail(reterr, learning.failed,
				   "the trace tells more than %u rates; replay a part of it, which "
				   "'sluice trace cut' makes, or longer epochs",
				   TRACE_RATES_MAX);
	if (learning.failed)
		return sluice_fail(reterr, learning.failed, "no memory to learn from a trace");
	if (r < 0)
		return r;
	qsort(rates->list, rates->count, sizeof(*rates->list), by_unit);
	for (size_t u = 0; u < count; u++) {
		rates->first[u] = at;
		while (at < rates->count && rates->list[at].unit == u)
			at++;
	}
	rates->first[count] = at;
	return 0;
}

static uint64_t
every_epoch(const struct workload *workload, uint32_t epoch)
{
	(void)workload;
	return epoch;
}

static void
fill_trace(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	const struct trace_rates *rates = workload->own;

	for (size_t u = 0; u < workload->info.unit_count; u++) {
		size_t first = rates->first[u], low = first, high = rates->first[u + 1];

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (rates->list[middle].epoch <= epoch)
				low = middle + 1;
			else
				high = middle;
		}
		/* Before it was first told a unit is as it was then. */
		if (low == first && first == rates->first[u + 1])
			continue;
		uses[u].reads = (float)((double)rates->list[low > first ? low - 1 : first].per_s *
					workload->epoch_s);
		uses[u].mlp = MLP;
	}
}

static void
discard_trace(struct workload *workload)
{
	struct trace_rates *rates = workload->own;

	free(rates->list);
	free(rates->first);
}

static const struct workload_row trace_row = {
	.name = "trace",
	.summary = "a recorded trace",
	.threads = THREADS,
	.private_bytes = sizeof(struct trace_rates),
	.discard = discard_trace,
	.phase = every_epoch,
	.fill = fill_trace,
};

static int
load(const char *path, const struct workload_options *options, struct workload *workload,
     struct sluice_err *reterr)
{
	struct sluice_trace_reader *reader = NULL;
	struct memory memory = {0};
	uint64_t epochs;
	int r = sluice_trace_open(path, &reader, reterr);

	if (r == 0)
		r = find_memory(reader, &memory, reterr);
	sluice_trace_close(reader);
	reader = NULL;
	if (r == 0)
		r = make_units(workload, &memory, path, reterr);
	if (r == 0) {
		epochs = (memory.last_ns - memory.first_ns) / options->epoch_ns + 1;
		workload->info.epoch_count =
			epochs < options->epoch_count ? (uint32_t)epochs : options->epoch_count;
		r = sluice_trace_open(path, &reader, reterr);
	}
	if (r == 0)
		r = learn_rates(reader, workload, &memory, reterr);
	sluice_trace_close(reader);
	free(memory.ranges);
	return r;
}

int
workload_new_trace(const char *path, const struct workload_options *options, struct workload **ret,
		   struct sluice_err *reterr)
{
	struct workload *workload = calloc(1, sizeof(*workload));
	int r;

	if (!workload)
		return sluice_fail(reterr, -ENOMEM, "no memory for a workload");
	workload->row = &trace_row;
	workload->epoch_s = (double)options->epoch_ns / 1e9;
	workload->info = (struct workload_info){
		.name = trace_row.name,
		.summary = trace_row.summary,
		.epoch_ns = options->epoch_ns,
		.threads = THREADS,
	};
	workload->own = calloc(1, trace_row.private_bytes);
	r = workload->own ? load(path, options, workload, reterr)
			  : sluice_fail(reterr, -ENOMEM, "no memory for a workload");
	if (r < 0) {
		workload_free(workload);
		return r;
	}
	*ret = workload;
	return 0;
}
