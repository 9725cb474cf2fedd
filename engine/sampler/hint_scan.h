/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint_scan.h - steering the kernel's NUMA balancing as a marker of pages: which tiers, and how
 * much at a time. Every setting is put back by hint_scan_close, or by the next start.
 *
 * The kernel marks a window of scan_size_mb of each process, then waits. The wait is the process's
 * own and changes only at the end of a pass, so it is kept the same; pace is set by the size of the
 * windows, and by switching numa_balancing off and on.
 *
 * The tiering bit of numa_balancing must be set whenever a page is promoted. Marked pages of slow
 * memory carry a time where others carry the CPU of their last fault, and only with that bit set
 * does the kernel clear it when a page is promoted. Without, the next fault on the promoted page
 * takes the time for a CPU number, and the kernel crashes (6.12.107: a NULL dereference in
 * task_numa_fault). Hence hint_scan_moving(). The same happens to a page that the kernel itself is
 * promoting at the moment when the bit is cleared, so it is cleared only while the kernel promotes
 * nothing: the rate limit is 0, and fast memory has less free than makes the kernel ignore that.
 */
#ifndef SAMPLER_HINT_SCAN_H
#define SAMPLER_HINT_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "sluice/err.h"
#include "sluice/topology.h"

#define HINT_MODE_FILE "/proc/sys/kernel/numa_balancing"
#define HINT_RATE_LIMIT_FILE "/proc/sys/kernel/numa_balancing_promote_rate_limit_MBps"
#define HINT_SCAN_DIR "/sys/kernel/debug/sched/numa_balancing/"

#define HINT_TARGETS_MAX 256
/* Between windows of a process. Small windows that come often: while a program is in the faults of
 * a window it accesses nothing else, and the gaps of its hot pages grow by that. The scheduler's
 * tick, 4 ms or more, is the grain. With windows of 14 MiB every 100 ms hot pages seemed four times
 * colder than they were. Not more often: while pages go up marking cannot be switched off. */
#define HINT_PERIOD_NS 50000000ull
#define HINT_PAST 16u

struct hint_scan {
	struct settings *settings;
	struct sluice_topology *topology; /* for the free memory of fast nodes */
	int sees_fast;        /* all CPUs are on one node, so marking fast pages moves nothing */
	int mode;             /* what is marked while marking is on: 2 slow tiers, 3 all */
	int marking, moving;  /* numa_balancing is set to the mode, at least to 2 */
	uint64_t on_since_ns; /* marking */
	int kernel_mode;      /* what it is set to */
	struct {
		uint64_t time_ns;
		int mode;
	} past[HINT_PAST]; /* its last changes, less those to nothing: windows are heard of late */
	uint32_t past_next;
	uint32_t window_mb;                /* as wanted while marking */
	uint32_t kernel_window_mb;         /* as set */
	uint64_t windows;                  /* a pass, as set */
	uint64_t biggest_bytes, all_bytes; /* resident memory of the targets */
	uint64_t marked_bytes;             /* since the mode was last changed */
	struct {
		int32_t pid;
		uint64_t marked_ns; /* its last window */
		uint64_t wait_ns;   /* between its windows, as seen or to be expected; 0 unknown */
	} target[HINT_TARGETS_MAX];
	size_t target_count;
	uint64_t opened_ticks; /* when our settings were made, as procfs_started() has it */
	uint64_t old_wait_ns;  /* between the first windows of threads older than our settings */
	int wait_fell;         /* a target's windows come much more often: they are to be smaller */
};

/* Changes settings, but marks nothing yet. */
int hint_scan_open(struct hint_scan *scan, const char *sysroot, const char *state_dir,
		   int sees_fast, struct sluice_err *reterr);
void hint_scan_close(struct hint_scan *scan);

int hint_scan_add(struct hint_scan *scan, int32_t pid, struct sluice_err *reterr);
void hint_scan_remove(struct hint_scan *scan, int32_t pid);
int hint_scan_has(const struct hint_scan *scan, int32_t pid);

/* Whether to mark at all. Without targets nothing is marked. */
void hint_scan_mark(struct hint_scan *scan, int on);
/* Pages are about to be moved, or all are. -errno: then they must not be. */
int hint_scan_moving(struct hint_scan *scan, int on, struct sluice_err *reterr);
/* Mark so many bytes of each target a second, from the next windows on. */
void hint_scan_pace(struct hint_scan *scan, double bytes_per_s);
/* Most pages that a window marks. */
uint64_t hint_scan_window_pages(const struct hint_scan *scan);
/* Targets whose pages are marked while marking is on, which are those that run; 1 at least. */
size_t hint_scan_running(const struct hint_scan *scan);
/* Look at slow memory first, whatever is marked just now. */
void hint_scan_slow_first(struct hint_scan *scan);
/* The kernel has marked so much: after a pass over the targets, the other tiers take their turn.
 * Returns the tiers that this window was marked in, as SAMPLE_ARMED wants them. */
uint32_t hint_scan_marked(struct hint_scan *scan, int32_t pid, uint64_t bytes, uint64_t time_ns);

/* Hint faults of the whole machine since boot; -errno. */
int hint_scan_faults(uint64_t *ret);

#endif
