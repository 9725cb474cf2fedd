/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_spe.c - see pmu_spe.h. */
#include "pmu_spe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAST 4096u /* switches remembered for each CPU; a power of two */

struct history {
	struct {
		uint64_t time_ns;
		int32_t pid;
	} past[PAST];
	uint64_t count; /* so far */
};

struct pmu_spe {
	size_t cpus;
	struct history *history;
};

int
pmu_spe_new(size_t cpus, struct pmu_spe **ret)
{
	struct pmu_spe *spe = calloc(1, sizeof(*spe));

	if (!spe)
		return -ENOMEM;
	spe->cpus = cpus;
	spe->history = calloc(cpus, sizeof(*spe->history));
	if (!spe->history) {
		free(spe);
		return -ENOMEM;
	}
	*ret = spe;
	return 0;
}

void
pmu_spe_free(struct pmu_spe *spe)
{
	if (!spe)
		return;
	free(spe->history);
	free(spe);
}

/* The kernel's end of it is no thread that a sanitizer could watch. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
struct spe_clock
spe_clock_read(const struct perf_event_mmap_page *page)
{
	struct spe_clock clock;
	uint32_t before, after;

	do {
		before = __atomic_load_n(&page->lock, __ATOMIC_ACQUIRE);
		clock = (struct spe_clock){
			.zero = page->time_zero,
			.cycles = page->time_cycles,
			.mask = page->cap_user_time_short ? page->time_mask : 0,
			.mult = page->time_mult,
			.shift = page->time_shift,
			.known = page->cap_user_time_zero,
		};
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&page->lock, __ATOMIC_RELAXED);
	} while (before != after || before % 2);
	if (clock.shift > 63)
		clock.known = 0;
	return clock;
}
#pragma GCC diagnostic pop

uint64_t
spe_clock_ns(const struct spe_clock *clock, uint64_t cycles)
{
	uint64_t quotient, rest;

	if (clock->mask)
		cycles = clock->cycles + ((cycles - clock->cycles) & clock->mask);
	quotient = cycles >> clock->shift;
	rest = cycles & ((UINT64_C(1) << clock->shift) - 1);
	return clock->zero + quotient * clock->mult + (rest * clock->mult >> clock->shift);
}

int
pmu_spe_switch(struct pmu_spe *spe, size_t cpu, uint16_t misc, const void *body, size_t bytes)
{
	struct {
		int32_t other_pid, other_tid; /* who comes next, or was before */
		int32_t pid, tid;
		uint64_t time_ns;
	} record;
	struct history *history;

	if (cpu >= spe->cpus || bytes < sizeof(record))
		return -EBADMSG;
	memcpy(&record, body, sizeof(record));
	history = &spe->history[cpu];
	history->past[history->count % PAST].time_ns = record.time_ns;
	history->past[history->count % PAST].pid =
		misc & PERF_RECORD_MISC_SWITCH_OUT ? record.other_pid : record.pid;
	history->count++;
	return 0;
}

int32_t
pmu_spe_owner(const struct pmu_spe *spe, size_t cpu, uint64_t time_ns)
{
	const struct history *history;
	uint64_t low, high;

	if (cpu >= spe->cpus)
		return 0;
	history = &spe->history[cpu];
	low = history->count > PAST ? history->count - PAST : 0;
	high = history->count;
	/* The last switch that is not later. */
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (history->past[mid % PAST].time_ns <= time_ns)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || (history->count > PAST && low == history->count - PAST))
		return 0;
	return history->past[(low - 1) % PAST].pid;
}

struct walking {
	const struct pmu_spe *spe;
	size_t cpu;
	const struct spe_clock *clock;
	enum spe_sources sources;
	void (*each)(void *ctx, const struct pmu_sample *sample);
	void *ctx;
	uint64_t *unowned;
};

static void
on_record(void *ctx, const struct spe_record *record)
{
	const struct walking *walking = ctx;
	struct pmu_sample sample = {.addr = record->addr, .latency = record->latency};

	if (!record->addr || (!record->is_load && !record->is_store))
		return;
	if (walking->clock->known && record->timestamp)
		sample.pid = pmu_spe_owner(walking->spe, walking->cpu,
					   spe_clock_ns(walking->clock, record->timestamp));
	if (sample.pid <= 0) {
		(*walking->unowned)++;
		return;
	}
	sample.served = spe_served_by(record, walking->sources);
	walking->each(walking->ctx, &sample);
}

void
pmu_spe_data(const struct pmu_spe *spe, size_t cpu, const struct spe_clock *clock,
	     enum spe_sources sources, const unsigned char *bytes, size_t size,
	     void (*each)(void *ctx, const struct pmu_sample *sample), void *ctx,
	     struct spe_tally *tally, uint64_t *unowned)
{
	struct walking walking = {spe, cpu, clock, sources, each, ctx, unowned};

	spe_walk(bytes, size, on_record, &walking, tally);
}
