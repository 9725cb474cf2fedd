/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint_scan.h - steering the kernel's NUMA balancing as a marker of pages: on and off, which tiers,
 * how much at a time. Every setting is put back by hint_scan_close, or by the next start.
 *
 * The kernel marks a window of scan_size_mb of a process, then waits until its scan period is over;
 * the period that can be set is that of a pass over the whole process. One thread.
 */
#ifndef SAMPLER_HINT_SCAN_H
#define SAMPLER_HINT_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "sluice/err.h"

#define HINT_MODE_FILE "/proc/sys/kernel/numa_balancing"
#define HINT_RATE_LIMIT_FILE "/proc/sys/kernel/numa_balancing_promote_rate_limit_MBps"
#define HINT_SCAN_DIR "/sys/kernel/debug/sched/numa_balancing/"

struct hint_scan {
	struct settings *settings;
	int sees_fast;           /* all CPUs are on one node, so marking fast pages moves nothing */
	int mode;                /* what numa_balancing is set to while marking: 2 slow tiers, 3 all */
	int marking;
	int hurried;             /* big windows, to see everything soon */
	uint32_t window_mb, pass_ms; /* as set */
	uint64_t biggest_bytes, all_bytes; /* resident memory of the targets */
	uint64_t marked_bytes;   /* since the mode was last changed */
};

/* Changes settings, but marks nothing yet. */
int hint_scan_open(struct hint_scan *scan, const char *sysroot, const char *state_dir,
                   int sees_fast, struct sluice_err *reterr);
void hint_scan_close(struct hint_scan *scan);

void hint_scan_mark(struct hint_scan *scan, int on);
/* Size the windows for these processes: about 40 a pass in a hurry, small ones otherwise. */
void hint_scan_size(struct hint_scan *scan, const int32_t *pids, size_t count, int hurried);
/* Look at slow memory first, whatever is marked just now. */
void hint_scan_slow_first(struct hint_scan *scan);
/* The kernel has marked so much: after a pass over the targets, the other tiers take their turn.
 * Returns the tiers that this window was marked in, as SAMPLE_ARMED wants them. */
uint32_t hint_scan_marked(struct hint_scan *scan, uint64_t bytes);

/* Hint faults of the whole machine since boot; -errno. */
int hint_scan_faults(uint64_t *ret);

#endif
