/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h. */
#include "schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Latency needs the most passes, as each is short; set-up is once for each memory. */
static const uint32_t weights[] = {
	[MEASURE_LATENCY] = 5, [MEASURE_READ] = 4,   [MEASURE_WRITE] = 4,
	[MEASURE_MIXED] = 4,   [SCHEDULE_SETUP] = 6,
};

static int
compare(const void *left, const void *right)
{
	const struct schedule_pair *a = left, *b = right;

	if (a->memory_node != b->memory_node)
		return a->memory_node < b->memory_node ? -1 : 1;
	return (a->cpu_node > b->cpu_node) - (a->cpu_node < b->cpu_node);
}

static void
add_steps(struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->pair_count; i++) {
		if (i == 0 || schedule->pairs[i].memory_node != schedule->pairs[i - 1].memory_node)
			schedule->steps[schedule->step_count++] =
				(struct schedule_step){i, SCHEDULE_SETUP, weights[SCHEDULE_SETUP]};
		for (uint32_t what = 0; what < MEASURE_COUNT; what++)
			schedule->steps[schedule->step_count++] =
				(struct schedule_step){i, what, weights[what]};
	}
}

int
schedule_make(const struct schedule_pair *pairs, size_t count, uint64_t time_ms,
	      struct schedule *ret, struct sluice_err *reterr)
{
	struct schedule schedule = {0};

	if (count == 0)
		return sluice_fail(reterr, -EINVAL, "there is no pair of nodes to measure");
	schedule.pairs = calloc(count, sizeof(*schedule.pairs));
	schedule.steps = calloc(count * (MEASURE_COUNT + 1), sizeof(*schedule.steps));
	if (!schedule.pairs || !schedule.steps) {
		schedule_clear(&schedule);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	memcpy(schedule.pairs, pairs, count * sizeof(*pairs));
	qsort(schedule.pairs, count, sizeof(*schedule.pairs), compare);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 ||
		    compare(&schedule.pairs[schedule.pair_count - 1], &schedule.pairs[i]) != 0)
			schedule.pairs[schedule.pair_count++] = schedule.pairs[i];
	}
	if (time_ms / SCHEDULE_PAIR_MS_MIN < schedule.pair_count) {
		int r = sluice_fail(
			reterr, -ERANGE,
			"%.2f s are too short to measure %zu pairs of nodes; give it %.2f "
			"s or more, or fewer pairs",
			(double)time_ms / 1000, schedule.pair_count,
			(double)schedule.pair_count * SCHEDULE_PAIR_MS_MIN / 1000);

		schedule_clear(&schedule);
		return r;
	}
	add_steps(&schedule);
	*ret = schedule;
	return 0;
}

void
schedule_clear(struct schedule *schedule)
{
	free(schedule->pairs);
	free(schedule->steps);
	memset(schedule, 0, sizeof(*schedule));
}

uint64_t
schedule_slice_ns(const struct schedule *schedule, size_t step, uint64_t left_ns)
{
	uint64_t sum = 0;

	for (size_t i = step; i < schedule->step_count; i++)
		sum += schedule->steps[i].weight;
	return sum ? (uint64_t)((double)left_ns * schedule->steps[step].weight / (double)sum) : 0;
}

size_t
schedule_next_pair(const struct schedule *schedule, size_t step)
{
	size_t pair = schedule->steps[step].pair;

	while (step < schedule->step_count && schedule->steps[step].pair == pair &&
	       schedule->steps[step].what != SCHEDULE_SETUP)
		step++;
	return step;
}

size_t
schedule_next_memory(const struct schedule *schedule, size_t step)
{
	uint32_t node = schedule->pairs[schedule->steps[step].pair].memory_node;

	while (step < schedule->step_count &&
	       schedule->pairs[schedule->steps[step].pair].memory_node == node)
		step++;
	return step;
}
