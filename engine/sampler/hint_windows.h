/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint_windows.h - how much of the time between a page's marking and its touch the target spent in
 * our own faults.
 *
 * After a window was marked its hot pages fault one after another, and while the target is in those
 * faults it accesses nothing. Seen from outside, all their gaps grow, to many times their length
 * when the window is big; so the time spent in faults since the marking is taken off. What a fault
 * takes is seen where many follow each other closely, since a machine that others use takes now
 * more, now less. Pure.
 */
#ifndef SAMPLER_HINT_WINDOWS_H
#define SAMPLER_HINT_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#define HINT_WINDOWS 64u   /* remembered; older ones have gaps so long that it does not matter */
#define HINT_PROCESSES 16u /* with faults of late */
#define HINT_THREADS 16u   /* told apart, to see how many threads share the faults */
#define HINT_SPACINGS 64u  /* between faults of one thread, that are looked at together */
#define HINT_BURSTS 8u     /* of such, that tell what a fault takes */

/* The faults of one process. */
struct hint_process {
	int32_t pid, tid;    /* of the last one */
	uint64_t at_ns;      /* when that was */
	uint64_t faults;     /* so far */
	uint64_t stalled_ns; /* in all of them, of each thread's time */
	uint64_t changes;    /* how often another thread than the last one was in it */

	int32_t recent_tid[HINT_THREADS]; /* of the last faults */
	uint32_t threads;                 /* different ones among them */

	uint64_t spacing_ns[HINT_SPACINGS];
	uint32_t spacings;
	uint64_t burst_ns[HINT_BURSTS]; /* what a fault took in the last bursts */
	uint32_t bursts;
	uint64_t burst_at_ns; /* the last of them */
	uint64_t price_ns;    /* of a fault, by them; 0: not known */
};

struct hint_windows {
	struct {
		uint64_t start, end, time_ns;
		uint64_t stalled_ns, changes; /* of its process, then */
		int32_t pid;
	} window[HINT_WINDOWS];
	uint32_t next;
	struct hint_process process[HINT_PROCESSES];
};

void hint_windows_marked(struct hint_windows *windows, int32_t pid, uint64_t start, uint64_t end,
			 uint64_t time_ns);
/* One fault, in order of time; fault_ns: about what it takes. Returns the time that the touch would
 * have had without faults. */
uint64_t hint_windows_touched(struct hint_windows *windows, int32_t pid, int32_t tid, uint64_t addr,
			      uint64_t time_ns, uint64_t fault_ns);

#endif
