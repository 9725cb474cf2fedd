/* SPDX-License-Identifier: Apache-2.0 */
/* import_seen.c - see import_seen.h. */
#include "import_seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_MAX 60u /* of addresses below 2^63 a handful of ranges is left then */

struct seen_process {
	int32_t pid;
	int is_fresh;
	unsigned int shift; /* ranges are in units of so many bits */
	struct sluice_trace_span *spans;
	size_t count, capacity, last;
};

/* NULL with *ret_error: there can be no more. */
static struct seen_process *
find_process(struct seen *seen, int32_t pid, int *ret_error)
{
	int64_t at = pid_list_find(&seen->list, pid);

	if (at >= 0)
		return &seen->processes[at];
	if (seen->count == seen->capacity) {
		size_t capacity = seen->capacity ? 2 * seen->capacity : 16;
		struct seen_process *processes =
			realloc(seen->processes, capacity * sizeof(*processes));
		uint32_t *fresh = realloc(seen->fresh, capacity * sizeof(*fresh));

		seen->processes = processes ? processes : seen->processes;
		seen->fresh = fresh ? fresh : seen->fresh;
		*ret_error = -ENOMEM;
		if (!processes || !fresh)
			return NULL;
		seen->capacity = capacity;
	}
	*ret_error = pid_list_add(&seen->list, pid, (uint32_t)seen->count);
	if (*ret_error < 0)
		return NULL;
	seen->processes[seen->count] =
		(struct seen_process){.pid = pid, .shift = SEEN_REGION_SHIFT};
	return &seen->processes[seen->count++];
}

/* The first range that ends after the address, or count. */
static size_t
find_span(const struct seen_process *process, uint64_t addr)
{
	size_t low = 0, count = process->count;

	while (count > 0) {
		size_t half = count / 2;

		if (process->spans[low + half].end > addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}

/* The process has so many ranges from now on, and others than were told. */
static void
count_spans(struct seen *seen, struct seen_process *process, size_t count)
{
	if (!process->is_fresh) {
		process->is_fresh = 1;
		seen->fresh[seen->fresh_count++] = (uint32_t)(process - seen->processes);
		seen->fresh_spans += process->count + 1;
	}
	seen->fresh_spans += count;
	seen->fresh_spans -= process->count;
	seen->span_count += count;
	seen->span_count -= process->count;
	process->count = count;
}

static void
round_out(const struct seen_process *process, uint64_t *start, uint64_t *end)
{
	uint64_t mask = (UINT64_C(1) << process->shift) - 1;

	*start &= ~mask;
	*end = ((*end - 1) | mask) + 1;
}

/* Larger units, until there are fewer ranges by a quarter. */
static void
coarsen(struct seen *seen, struct seen_process *process)
{
	size_t kept = process->count, wanted = kept - kept / 4;

	while (kept > wanted && process->shift < SHIFT_MAX) {
		size_t count = kept;

		process->shift++;
		kept = 0;
		for (size_t i = 0; i < count; i++) {
			struct sluice_trace_span span = process->spans[i];

			round_out(process, &span.start, &span.end);
			if (kept && span.start <= process->spans[kept - 1].end)
				process->spans[kept - 1].end = span.end;
			else
				process->spans[kept++] = span;
		}
	}
	process->last = 0;
	count_spans(seen, process, kept);
}

/* Adds to a process's ranges, and joins those that touch. */
static int
see_range(struct seen *seen, struct seen_process *process, uint64_t start, uint64_t end)
{
	struct sluice_trace_span *spans = process->spans;
	size_t i = process->last, past;

	if (i < process->count && spans[i].start <= start && end <= spans[i].end)
		return 0;
	if (process->count >= SEEN_SPANS_MAX || seen->span_count >= SEEN_ALL_MAX)
		coarsen(seen, process);
	round_out(process, &start, &end);
	i = process->last = find_span(process, start ? start - 1 : 0);
	for (past = i; past < process->count && spans[past].start <= end; past++) {
		if (spans[past].start <= start && end <= spans[past].end)
			return 0;
		start = spans[past].start < start ? spans[past].start : start;
		end = spans[past].end > end ? spans[past].end : end;
	}
	if (past == i && process->count == process->capacity) {
		size_t capacity = process->capacity * 2 + 16;

		spans = realloc(spans, capacity * sizeof(*spans));
		if (!spans)
			return -ENOMEM;
		process->spans = spans;
		process->capacity = capacity;
	}
	if (i < process->count)
		memmove(&spans[i + 1], &spans[past], (process->count - past) * sizeof(*spans));
	spans[i] = (struct sluice_trace_span){start, end};
	count_spans(seen, process, process->count - (past - i) + 1);
	return 0;
}

int
seen_add(struct seen *seen, int32_t pid, uint64_t start, uint64_t end)
{
	int error = 0;
	struct seen_process *process = find_process(seen, pid, &error);

	if (!process)
		return error;
	return start < end ? see_range(seen, process, start, end) : 0;
}

void
seen_tell(struct seen *seen, struct sluice_trace_writer *writer, uint64_t now_ns)
{
	for (size_t i = 0; i < seen->fresh_count; i++) {
		struct seen_process *process = &seen->processes[seen->fresh[i]];

		sluice_trace_write_process(writer, now_ns, process->pid, "");
		sluice_trace_write_spans(writer, now_ns, process->pid, process->spans,
					 process->count);
		process->is_fresh = 0;
	}
	seen->fresh_count = seen->fresh_spans = 0;
}

void
seen_free(struct seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		free(seen->processes[i].spans);
	free(seen->processes);
	free(seen->fresh);
	pid_list_free(&seen->list);
	*seen = (struct seen){0};
}
