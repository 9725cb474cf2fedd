/* SPDX-License-Identifier: Apache-2.0 */
/* hint_windows.c - see hint_windows.h. */
#include "hint_windows.h"

#include <stdlib.h>

/* Of spacings that are a fault and some accesses each, a tenth are hardly more than the fault. That
 * is so where the median is not much longer: else accesses take most of the time. */
#define SHORT_PART 10u
#define BURST_TIMES 2u
#define BURST_LASTS_NS 60000000000u
/* Such a part of a gap may be faults. Where it is not known well what they took, it is half: with
 * seven eighths cold pages came out hot. */
#define STALLED_MOST(gap_ns) ((gap_ns) / 16 * 15)
#define STALLED_GUESSED(gap_ns) ((gap_ns) / 2)

/* The one of `pid`, or that whose last fault is longest ago, which is forgotten then. */
static struct hint_process *
process_of(struct hint_windows *windows, int32_t pid)
{
	struct hint_process *oldest = &windows->process[0];

	for (uint32_t i = 0; i < HINT_PROCESSES; i++) {
		struct hint_process *process = &windows->process[i];

		if (process->pid == pid)
			return process;
		if (process->at_ns < oldest->at_ns)
			oldest = process;
	}
	*oldest = (struct hint_process){.pid = pid};
	return oldest;
}

void
hint_windows_marked(struct hint_windows *windows, int32_t pid, uint64_t start, uint64_t end,
		    uint64_t time_ns)
{
	uint32_t i = windows->next++ % HINT_WINDOWS;
	const struct hint_process *process = process_of(windows, pid);

	windows->window[i].start = start;
	windows->window[i].end = end;
	windows->window[i].time_ns = time_ns;
	windows->window[i].stalled_ns = process->stalled_ns;
	windows->window[i].changes = process->changes;
	windows->window[i].pid = pid;
}

/* Different threads among the last faults: they stand in faults side by side. */
static uint32_t
threads_seen(const struct hint_process *process)
{
	uint32_t different = 0;

	for (uint32_t i = 0; i < HINT_THREADS; i++) {
		uint32_t first = 0;

		while (process->recent_tid[first] != process->recent_tid[i])
			first++;
		different += first == i && process->recent_tid[i] != 0;
	}
	return different ? different : 1;
}

static int
shorter_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The second shortest of the last bursts: the shortest may have been measured wrong. Memory that is
 * swept is spaced as evenly, but a fault takes not much longer than fault_ns. */
static void
learn_price(struct hint_process *process, uint64_t fault_ns)
{
	uint64_t sorted[HINT_BURSTS], short_ns;

	qsort(process->spacing_ns, HINT_SPACINGS, sizeof(uint64_t), shorter_first);
	process->spacings = 0;
	short_ns = process->spacing_ns[HINT_SPACINGS / SHORT_PART];
	if (short_ns > fault_ns + fault_ns / 2 ||
	    process->spacing_ns[HINT_SPACINGS / 2] > BURST_TIMES * short_ns)
		return;
	process->burst_ns[process->bursts++ % HINT_BURSTS] = short_ns;
	process->burst_at_ns = process->at_ns;
	if (process->bursts < HINT_BURSTS)
		return;
	for (uint32_t i = 0; i < HINT_BURSTS; i++)
		sorted[i] = process->burst_ns[i];
	qsort(sorted, HINT_BURSTS, sizeof(uint64_t), shorter_first);
	process->price_ns = sorted[1];
}

/* A thread stood in a fault at most since its last one ended. */
static void
stall(struct hint_process *process, int32_t tid, uint64_t time_ns, uint64_t fault_ns)
{
	uint64_t took_ns, spacing_ns = time_ns > process->at_ns ? time_ns - process->at_ns : 0;
	int is_same = process->tid == tid;

	process->changes += process->tid != 0 && !is_same;
	process->tid = tid;
	process->at_ns = time_ns;
	process->recent_tid[process->faults % HINT_THREADS] = tid;
	if (process->faults++ % HINT_THREADS == 0)
		process->threads = threads_seen(process);

	if (time_ns > process->burst_at_ns + BURST_LASTS_NS)
		process->price_ns = process->bursts = 0;
	took_ns = process->price_ns ? process->price_ns : fault_ns;
	if (is_same) {
		if (took_ns > spacing_ns)
			took_ns = spacing_ns;
		process->spacing_ns[process->spacings++] = spacing_ns;
		if (process->spacings == HINT_SPACINGS)
			learn_price(process, fault_ns);
	}
	process->stalled_ns += took_ns / process->threads;
}

static int
window_holds(const struct hint_windows *windows, uint32_t i, int32_t pid, uint64_t addr,
	     uint64_t time_ns)
{
	return windows->window[i].pid == pid && addr >= windows->window[i].start &&
	       addr < windows->window[i].end && time_ns >= windows->window[i].time_ns;
}

uint64_t
hint_windows_touched(struct hint_windows *windows, int32_t pid, int32_t tid, uint64_t addr,
		     uint64_t time_ns, uint64_t fault_ns)
{
	uint32_t i, back = 0;
	struct hint_process *process;
	uint64_t stalled_ns, gap_ns, most_ns;

	/* The newest that holds it counts. */
	do {
		if (++back > HINT_WINDOWS || back > windows->next)
			return time_ns; /* a fault of another kind, which takes another time */
		i = (windows->next - back) % HINT_WINDOWS;
	} while (!window_holds(windows, i, pid, addr, time_ns));
	process = process_of(windows, pid);
	stall(process, tid, time_ns, fault_ns);
	/* Less: the process was forgotten since. */
	if (process->stalled_ns < windows->window[i].stalled_ns)
		return time_ns;
	stalled_ns = process->stalled_ns - windows->window[i].stalled_ns;
	gap_ns = time_ns - windows->window[i].time_ns;
	most_ns = process->price_ns && process->changes == windows->window[i].changes
			  ? STALLED_MOST(gap_ns)
			  : STALLED_GUESSED(gap_ns);
	return time_ns - (stalled_ns < most_ns ? stalled_ns : most_ns);
}
