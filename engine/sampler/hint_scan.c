/* SPDX-License-Identifier: Apache-2.0 */
/* hint_scan.c - see hint_scan.h. */
#include "hint_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "procfs.h"

#define MODE_SLOW 2 /* NUMA_BALANCING_MEMORY_TIERING */
#define MODE_ALL 3  /* that and NUMA_BALANCING_NORMAL */

#define PERIOD_MS (HINT_PERIOD_NS / 1000000)
#define KERNEL_PROMOTES_BYTES (900ull << 20) /* it wants 1 GiB and its watermark */
#define WINDOW_MB_MOST 2048
#define RUNNING_NS 1000000000ull /* before the last window of any */
#define KERNEL_WAIT_MS 1000      /* the kernel's default scan_delay_ms */

static int
set_number(struct hint_scan *scan, const char *path, uint64_t value, struct sluice_err *reterr)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return settings_set(scan->settings, path, text, reterr);
}

/* The kernel divides the period of a pass by the number of windows in it, and gives the result to
 * a process when it has finished a pass; a new process starts with the delay. */
static int
set_windows(struct hint_scan *scan, struct sluice_err *reterr)
{
	uint64_t pass_ms = scan->windows * PERIOD_MS;
	int r = set_number(scan, HINT_SCAN_DIR "scan_size_mb", scan->window_mb, reterr);

	scan->kernel_window_mb = scan->window_mb;
	if (pass_ms > INT32_MAX)
		pass_ms = INT32_MAX;
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_period_min_ms", pass_ms, reterr);
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_period_max_ms", pass_ms, reterr);
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_delay_ms", PERIOD_MS, reterr);
	return r;
}

int
hint_scan_open(struct hint_scan *scan, const char *sysroot, const char *state_dir, int sees_fast,
	       struct sluice_err *reterr)
{
	struct sluice_topology_options topology = {.sysroot = sysroot};
	char mode[SETTINGS_VALUE_BYTES], delay[SETTINGS_VALUE_BYTES];
	uint64_t delay_ms = KERNEL_WAIT_MS;
	struct timespec now;
	int r;

	*scan = (struct hint_scan){.sees_fast = sees_fast,
				   .mode = sees_fast ? MODE_ALL : MODE_SLOW,
				   .window_mb = 1,
				   .windows = 256};
	clock_gettime(CLOCK_BOOTTIME, &now);
	scan->opened_ticks = (uint64_t)(((double)now.tv_sec + (double)now.tv_nsec / 1e9) *
					(double)sysconf(_SC_CLK_TCK));
	r = settings_open(sysroot, state_dir, &scan->settings, reterr);
	if (r == 0)
		r = sluice_topology_load(&topology, &scan->topology, reterr);
	if (r == 0 && settings_get(scan->settings, HINT_SCAN_DIR "scan_delay_ms", delay,
				   sizeof(delay), NULL) == 0)
		delay_ms = strtoull(delay, NULL, 10);
	scan->old_wait_ns = (delay_ms < INT32_MAX ? delay_ms : INT32_MAX) * 1000000;
	/* The mode last: settings are put back last change first, and the kernel must not be
	 * allowed to promote again while the tiering bit is about to go. */
	if (r == 0)
		r = set_number(scan, HINT_RATE_LIMIT_FILE, 0, reterr);
	if (r == 0)
		r = set_windows(scan, reterr);
	if (r == 0)
		r = settings_get(scan->settings, HINT_MODE_FILE, mode, sizeof(mode), reterr);
	/* A kernel that promotes by itself already keeps its bit, until it is known to promote
	 * nothing. */
	if (r == 0 && (atoi(mode) & MODE_SLOW))
		scan->kernel_mode = MODE_SLOW;
	if (r == 0)
		r = set_number(scan, HINT_MODE_FILE, (uint64_t)scan->kernel_mode, reterr);
	if (r < 0)
		hint_scan_close(scan);
	return r;
}

void
hint_scan_close(struct hint_scan *scan)
{
	settings_close(scan->settings);
	sluice_topology_free(scan->topology);
	scan->settings = NULL;
	scan->topology = NULL;
}

/* With more than a gigabyte free the kernel promotes whatever faults, whatever the rate limit says,
 * to the node of the CPU that it faults on. Were the tiering bit cleared while it is at it, that
 * page would keep its time. What the user corrects and what was measured is nothing to the kernel:
 * hence a topology without both. */
static int
kernel_may_promote(const struct hint_scan *scan)
{
	if (sluice_topology_refresh(scan->topology, NULL) < 0)
		return 1;
	for (size_t i = 0; i < sluice_topology_node_count(scan->topology); i++) {
		const struct sluice_node *node = sluice_topology_node(scan->topology, i);

		if ((node->has_cpu || node->tier == 0) && node->free_bytes > KERNEL_PROMOTES_BYTES)
			return 1;
	}
	return 0;
}

/* Bring the kernel's mode in line with what is wanted. */
static int
apply_mode(struct hint_scan *scan, struct sluice_err *reterr)
{
	/* Moving needs no targets: a node may be emptied that former ones have pages on.
	 * While pages move the bit must be set, and so the kernel marks, if only as little as it
	 * can; left out fast memory then, a pass over all tiers would have holes. */
	int mode = scan->target_count && (scan->marking || scan->moving) ? scan->mode
		   : scan->moving                                        ? MODE_SLOW
									 : 0;
	uint32_t window_mb = scan->marking ? scan->window_mb : 1;
	uint64_t time_ns;
	int r;

	if (!mode && scan->kernel_mode && kernel_may_promote(scan))
		mode = MODE_SLOW;
	if (mode && window_mb != scan->kernel_window_mb) {
		r = set_number(scan, HINT_SCAN_DIR "scan_size_mb", window_mb, reterr);
		if (r < 0)
			return r;
		scan->kernel_window_mb = window_mb;
	}
	if (mode == scan->kernel_mode)
		return 0;
	time_ns = clock_now_ns();
	r = set_number(scan, HINT_MODE_FILE, (uint64_t)mode, reterr);
	if (r < 0)
		return r;
	/* Of a window that is marked while the mode changes it counts that not all is marked. */
	if (scan->kernel_mode == MODE_SLOW)
		time_ns = clock_now_ns();
	scan->kernel_mode = mode;
	/* While nothing is marked no window can be. */
	if (!mode)
		return 0;
	scan->past[scan->past_next % HINT_PAST].mode = mode;
	scan->past[scan->past_next++ % HINT_PAST].time_ns = time_ns;
	return 0;
}

/* Whether a window of that time marked all tiers. When in doubt it did not: pages that are wrongly
 * believed to be watched look cold. */
static int
marked_all(const struct hint_scan *scan, uint64_t time_ns)
{
	for (uint32_t back = 1; back <= HINT_PAST && back <= scan->past_next; back++) {
		uint32_t i = (scan->past_next - back) % HINT_PAST;

		if (time_ns >= scan->past[i].time_ns)
			return scan->past[i].mode == MODE_ALL;
	}
	return 0;
}

static void
apply_mode_quietly(struct hint_scan *scan)
{
	struct sluice_err err;

	if (apply_mode(scan, &err) < 0)
		log_debug("hintfault", "%s", err.msg);
}

void
hint_scan_mark(struct hint_scan *scan, int on)
{
	if (on && !scan->marking)
		scan->on_since_ns = clock_now_ns();
	scan->marking = on;
	apply_mode_quietly(scan);
}

/* Somebody else may have changed the setting meanwhile. */
static int
check_bit(const struct hint_scan *scan, struct sluice_err *reterr)
{
	char text[SETTINGS_VALUE_BYTES];
	int r = settings_get(scan->settings, HINT_MODE_FILE, text, sizeof(text), reterr);

	if (r < 0 || strtol(text, NULL, 10) & MODE_SLOW)
		return r;
	return sluice_fail(reterr, -EBUSY,
			   HINT_MODE_FILE
			   " was set to %.8s by somebody else, and moving pages "
			   "without its tiering bit can crash the kernel; leave it to "
			   "Sluice while that runs",
			   text);
}

int
hint_scan_moving(struct hint_scan *scan, int on, struct sluice_err *reterr)
{
	int before = scan->moving, r;

	scan->moving = on;
	r = apply_mode(scan, reterr);
	if (r == 0 && on)
		r = check_bit(scan, reterr);
	if (r < 0)
		scan->moving = before;
	return r;
}

static void
look_at(struct hint_scan *scan, int mode)
{
	log_debug("hintfault", "marks %s after %llu MiB, resident %llu MiB",
		  mode == MODE_ALL ? "all tiers" : "slow tiers",
		  (unsigned long long)(scan->marked_bytes >> 20),
		  (unsigned long long)(scan->all_bytes >> 20));
	scan->mode = mode;
	scan->marked_bytes = 0;
	apply_mode_quietly(scan);
}

int
hint_scan_has(const struct hint_scan *scan, int32_t pid)
{
	for (size_t i = 0; i < scan->target_count; i++) {
		if (scan->target[i].pid == pid)
			return 1;
	}
	return 0;
}

/* Whether a process started after our settings were made. */
static int
is_newer(const struct hint_scan *scan, int32_t pid)
{
	uint64_t ticks;

	return procfs_started("", pid, &ticks) == 0 && ticks > scan->opened_ticks;
}

int
hint_scan_add(struct hint_scan *scan, int32_t pid, struct sluice_err *reterr)
{
	int r;

	if (hint_scan_has(scan, pid))
		return 0;
	if (scan->target_count == HINT_TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC,
				   "the hintfault sampler watches %d processes at most",
				   HINT_TARGETS_MAX);
	look_at(scan, scan->sees_fast ? MODE_ALL : MODE_SLOW);
	memset(&scan->target[scan->target_count], 0, sizeof(scan->target[0]));
	scan->target[scan->target_count].pid = pid;
	/* Its threads keep the delay that they were born with until their first pass ends, which
	 * windows of the right size for HINT_PERIOD_NS would put off by minutes. */
	if (!is_newer(scan, pid))
		scan->target[scan->target_count].wait_ns = scan->old_wait_ns;
	scan->target_count++;
	r = apply_mode(scan, reterr);
	if (r < 0)
		hint_scan_remove(scan, pid); /* the caller has not got it */
	return r;
}

void
hint_scan_remove(struct hint_scan *scan, int32_t pid)
{
	for (size_t i = 0; i < scan->target_count; i++) {
		if (scan->target[i].pid == pid) {
			scan->target[i] = scan->target[--scan->target_count];
			break;
		}
	}
	apply_mode_quietly(scan);
}

void
hint_scan_pace(struct hint_scan *scan, double bytes_per_s)
{
	struct sluice_err err;
	double wait_s = PERIOD_MS / 1000.0;
	uint64_t window_mb, windows;

	scan->wait_fell = 0;
	scan->biggest_bytes = scan->all_bytes = 0;
	for (size_t i = 0; i < scan->target_count; i++) {
		uint64_t bytes = 0;

		(void)procfs_resident("", scan->target[i].pid, &bytes);

		scan->all_bytes += bytes;
		if (bytes < scan->biggest_bytes)
			continue;
		scan->biggest_bytes = bytes;
		/* A process that was there before us may wait many seconds between windows, till
		 * the end of its pass; then windows must be large. */
		if ((double)scan->target[i].wait_ns > 2e9 * wait_s)
			wait_s = (double)scan->target[i].wait_ns / 1e9;
	}
	/* Upwards: the purse stops what is too much, but nothing makes up for a slow pass. */
	window_mb = ((uint64_t)(bytes_per_s * wait_s) + (1u << 20) - 1) >> 20;
	if (window_mb > (scan->biggest_bytes >> 20) + 2)
		window_mb = (scan->biggest_bytes >> 20) + 2;
	window_mb = window_mb < 1 ? 1 : window_mb > WINDOW_MB_MOST ? WINDOW_MB_MOST : window_mb;
	windows = (scan->biggest_bytes >> 20) / window_mb + 1;
	/* Each write costs some; small changes are not worth it. */
	if (window_mb * 3 <= scan->window_mb * 4u && window_mb * 4 >= scan->window_mb * 3u &&
	    windows * 3 <= scan->windows * 4 && windows * 4 >= scan->windows * 3)
		return;
	scan->window_mb = (uint32_t)window_mb;
	scan->windows = windows;
	if (set_windows(scan, &err) < 0)
		log_debug("hintfault", "%s", err.msg);
}

uint64_t
hint_scan_window_pages(const struct hint_scan *scan)
{
	return ((uint64_t)scan->window_mb << 20) / (uint64_t)sysconf(_SC_PAGESIZE);
}

size_t
hint_scan_running(const struct hint_scan *scan)
{
	uint64_t last_ns = 0;
	size_t count = 0;

	for (size_t i = 0; i < scan->target_count; i++) {
		if (scan->target[i].marked_ns > last_ns)
			last_ns = scan->target[i].marked_ns;
	}
	for (size_t i = 0; i < scan->target_count; i++)
		count += last_ns && scan->target[i].marked_ns + RUNNING_NS > last_ns;
	return count ? count : 1;
}

void
hint_scan_slow_first(struct hint_scan *scan)
{
	look_at(scan, MODE_SLOW);
}

uint32_t
hint_scan_marked(struct hint_scan *scan, int32_t pid, uint64_t bytes, uint64_t time_ns)
{
	uint32_t tiers = marked_all(scan, time_ns) ? 0 : ~1u;

	for (size_t i = 0; i < scan->target_count; i++) {
		if (scan->target[i].pid != pid)
			continue;
		/* Several mappings in one window come within microseconds. */
		if (scan->target[i].marked_ns > scan->on_since_ns &&
		    time_ns > scan->target[i].marked_ns &&
		    time_ns - scan->target[i].marked_ns > PERIOD_MS * 500000ull) {
			uint64_t wait_ns = time_ns - scan->target[i].marked_ns;

			scan->wait_fell |= wait_ns < scan->target[i].wait_ns / 4;
			scan->target[i].wait_ns = wait_ns;
		}
		scan->target[i].marked_ns = time_ns;
	}
	scan->marked_bytes += bytes;
	/* A little more than all: a pass begins anywhere, and its end is heard of late. */
	if (scan->sees_fast && scan->all_bytes &&
	    scan->marked_bytes >= scan->all_bytes + scan->all_bytes / 8)
		look_at(scan, scan->mode == MODE_ALL ? MODE_SLOW : MODE_ALL);
	return tiers;
}

int
hint_scan_faults(uint64_t *ret)
{
	struct procfs_lines lines;
	const char *line;
	int found = 0, r = procfs_lines_open(&lines, "", 0, "proc/vmstat");

	if (r < 0)
		return r;
	while (!found && (line = procfs_lines_next(&lines, &r)))
		found = procfs_number_parse(line, "numa_hint_faults ", ret);
	procfs_lines_close(&lines);
	return found ? 0 : r < 0 ? r : -ENOENT;
}
