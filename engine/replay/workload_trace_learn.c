/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_trace_learn.c - from samples to rates: how often the pages of each unit are accessed, as
 * far as the tracker could tell.
 *
 * Told rates are taken as they are. Draws are counted over windows of ten seconds, since in an
 * epoch most units have one or none. Marked pages give touches by time watched, the estimate of a
 * Poisson process that is cut off; it is renewed each time that a unit is marked anew.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "workload_trace_parts.h"

#define TOUCHES_KEPT 512.0 /* of older markings, so that what changes is seen */

static void
write_rate(struct trace_learning *learning, size_t unit, uint32_t epoch, double per_s)
{
	struct trace_rates *rates = learning->rates;

	if (rates->count == rates->capacity) {
		size_t capacity = rates->capacity ? 2 * rates->capacity : 4096;
		struct trace_rate *list = NULL;

		learning->failed = capacity > TRACE_RATES_MAX ? -E2BIG : -ENOMEM;
		if (capacity <= TRACE_RATES_MAX)
			list = realloc(rates->list, capacity * sizeof(*list));
		if (!list)
			return;
		learning->failed = 0;
		rates->list = list;
		rates->capacity = capacity;
	}
	/* Nothing is accessed oftener than once in a nanosecond. */
	rates->list[rates->count++] =
		(struct trace_rate){(uint32_t)unit, epoch, (float)fmin(per_s, 1e9)};
}

/* The unit that holds an address of a process, or that follows it; unit_count past the last. */
static size_t
unit_at(const struct workload *workload, int32_t pid, uint64_t addr)
{
	const struct workload_unit *units = workload->units;
	size_t low = 0, high = workload->info.unit_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t end = units[middle].addr + (uint64_t)units[middle].pages * PAGE;

		if (units[middle].pid < pid || (units[middle].pid == pid && end <= addr))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
learn_touch(struct trace_unit *unit, const struct sluice_trace_sample *sample, double pages)
{
	if (!unit->armed)
		return;
	if (pages > unit->armed)
		pages = unit->armed;
	unit->armed -= (uint32_t)pages;
	unit->touches += pages;
	if (sample->time_ns > unit->armed_ns)
		unit->watched_s += pages * (double)(sample->time_ns - unit->armed_ns) / 1e9;
}

static void
learn_armed(struct trace_learning *learning, size_t u, const struct sluice_trace_sample *sample)
{
	struct trace_unit *unit = &learning->units[u];

	if (sample->time_ns > unit->armed_ns && unit->armed_ns)
		unit->watched_s += unit->armed * (double)(sample->time_ns - unit->armed_ns) / 1e9;
	if (unit->watched_s > 0)
		write_rate(learning, u, learning->epoch, unit->touches / unit->watched_s);
	if (unit->touches > TOUCHES_KEPT) {
		unit->watched_s *= TOUCHES_KEPT / unit->touches;
		unit->touches = TOUCHES_KEPT;
	}
	unit->armed_ns = sample->time_ns;
	unit->armed = learning->workload->units[u].pages;
}

void
trace_learn(struct trace_learning *learning, const struct sluice_trace_sample *sample)
{
	const struct workload *workload = learning->workload;
	size_t u = unit_at(workload, sample->pid, sample->addr);
	uint64_t end = sample->addr + (sample->len_bytes ? sample->len_bytes : 1);

	if (sample->kind == SLUICE_TRACE_COUNTING) {
		learning->draws = 1;
		return;
	}
	for (; u < workload->info.unit_count && workload->units[u].pid == sample->pid &&
	       workload->units[u].addr < end;
	     u++) {
		const struct workload_unit *at = &workload->units[u];
		struct trace_unit *unit = &learning->units[u];
		uint64_t at_end = at->addr + (uint64_t)at->pages * PAGE;
		uint64_t from = at->addr > sample->addr ? at->addr : sample->addr;
		double share =
			(double)((at_end < end ? at_end : end) - from) / ((double)at->pages * PAGE);

		switch (sample->kind) {
		case SLUICE_TRACE_RATE:
		case SLUICE_TRACE_EXACT:
			unit->events += share * (double)sample->events;
			unit->exposure_s += share * (double)sample->exposure_s;
			break;
		case SLUICE_TRACE_COUNT:
			learning->draws = 1;
			unit->drawn += (double)sample->events;
			break;
		case SLUICE_TRACE_ARMED:
			learn_armed(learning, u, sample);
			break;
		case SLUICE_TRACE_TOUCH:
			learn_touch(unit, sample, 1);
			break;
		case SLUICE_TRACE_SEEN:
			learn_touch(unit, sample, share * at->pages);
			break;
		default:
			break;
		}
	}
}

static void
end_epoch(struct trace_learning *learning)
{
	size_t count = learning->workload->info.unit_count;

	for (size_t u = 0; u < count; u++) {
		struct trace_unit *unit = &learning->units[u];

		if (unit->exposure_s > 0)
			write_rate(learning, u, learning->epoch, unit->events / unit->exposure_s);
		unit->events = unit->exposure_s = 0;
	}
	learning->epoch++;
}

/* The window's draws hold from its first epoch on. The last one may be cut short; of less than half
 * of one too little is known, and the one before goes on. */
static void
end_window(struct trace_learning *learning)
{
	uint32_t epochs = learning->window_epochs, first = learning->window_first;
	uint32_t took = learning->epoch - first;
	double seconds = took * learning->workload->epoch_s;
	int holds = learning->draws && took > 0 && (first == 0 || took >= epochs / 2.0);

	for (size_t u = 0; holds && u < learning->workload->info.unit_count; u++) {
		struct trace_unit *unit = &learning->units[u];

		write_rate(learning, u, first,
			   unit->drawn / (seconds * learning->workload->units[u].pages));
		unit->drawn = 0;
	}
	learning->window_first = learning->epoch;
}

void
trace_learn_until(struct trace_learning *learning, uint64_t time_ns)
{
	uint64_t epoch_ns = learning->workload->info.epoch_ns;
	uint64_t now = time_ns > learning->first_ns ? (time_ns - learning->first_ns) / epoch_ns : 0;

	while (learning->epoch < now && learning->epoch < learning->workload->info.epoch_count) {
		end_epoch(learning);
		if (learning->epoch - learning->window_first >= learning->window_epochs)
			end_window(learning);
	}
}

void
trace_learn_end(struct trace_learning *learning)
{
	end_epoch(learning);
	end_window(learning);
	for (size_t u = 0; u < learning->workload->info.unit_count; u++) {
		const struct trace_unit *unit = &learning->units[u];

		if (unit->touches > 0 && unit->watched_s > 0)
			write_rate(learning, u, learning->epoch - 1,
				   unit->touches / unit->watched_s);
	}
}
