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

uint64_t
hint_windows_touched(struct hint_windows *windows, int32_t pid, int32_t tid, uint64_t addr,
                     uint64_t time_ns, uint64_t fault_ns)
{
	windows->faults++;
	windows->recent_tid[windows->recent_next++ % HINT_THREADS] = tid;
	for (uint32_t back = 1; back <= HINT_WINDOWS && back <= windows->next; back++) {
		uint32_t i = (windows->next - back) % HINT_WINDOWS;
		uint64_t stalled_ns, gap_ns;

		if (windows->window[i].pid != pid || addr < windows->window[i].start ||
		    addr >= windows->window[i].end || time_ns < windows->window[i].time_ns)
			continue;
		stalled_ns = (windows->faults - windows->window[i].faults) * fault_ns /
		             threads_seen(windows);
		gap_ns = time_ns - windows->window[i].time_ns;
		/* The price of a fault is an estimate: never take off nearly everything. */
		if (stalled_ns > gap_ns / 8 * 7)
			stalled_ns = gap_ns / 8 * 7;
		return time_ns - stalled_ns;
	}
	return time_ns;
}
