/* SPDX-License-Identifier: Apache-2.0 */
/* hint_windows.c - see hint_windows.h. */
#include "hint_windows.h"

void
hint_windows_marked(struct hint_windows *windows, int32_t pid, uint64_t start, uint64_t end,
		    uint64_t time_ns)
{
	uint32_t i = windows->next++ % HINT_WINDOWS;

	windows->window[i].start = start;
	windows->window[i].end = end;
	windows->window[i].time_ns = time_ns;
	windows->window[i].faults = windows->faults;
	windows->window[i].pid = pid;
	/* The newest that holds an address counts, so the search begins here. */
	windows->last = i;
}

/* Different threads among the last faults: they stand in faults side by side. */
static uint32_t
threads_seen(const struct hint_windows *windows)
{
	uint32_t different = 0;

	for (uint32_t i = 0; i < HINT_THREADS; i++) {
		uint32_t first = 0;

		while (windows->recent_tid[first] != windows->recent_tid[i])
			first++;
		different += first == i && windows->recent_tid[i] != 0;
	}
	return different ? different : 1;
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
	uint32_t i = windows->last, back = 0;
	uint64_t stalled_ns, gap_ns;

	windows->recent_tid[windows->recent_next++ % HINT_THREADS] = tid;
	if (windows->faults++ % 1024 == 0 || !windows->threads)
		windows->threads = threads_seen(windows);
	while (!window_holds(windows, i, pid, addr, time_ns)) {
		if (++back > HINT_WINDOWS || back > windows->next)
			return time_ns;
		i = (windows->next - back) % HINT_WINDOWS;
	}
	windows->last = i;
	stalled_ns = (windows->faults - windows->window[i].faults) * fault_ns / windows->threads;
	gap_ns = time_ns - windows->window[i].time_ns;
	/* The price of a fault is an estimate, so never take off nearly everything: with seven
	 * eighths cold pages came out hot. */
	if (stalled_ns > gap_ns / 2)
		stalled_ns = gap_ns / 2;
	return time_ns - stalled_ns;
}
