/* SPDX-License-Identifier: Apache-2.0 */
/* hint_scan.c - see hint_scan.h. */
#include "hint_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define MODE_SLOW 2 /* NUMA_BALANCING_MEMORY_TIERING */
#define MODE_ALL 3  /* that and NUMA_BALANCING_NORMAL */

/* Windows come every 50 ms: a tick of the scheduler is 4 ms, and the faults of one window should be
 * over before the next, or the time spent in them looks like time between accesses. */
#define WINDOW_MS 50
#define WINDOWS_HURRIED 40
#define WINDOW_MB_LEAST 4
#define WINDOW_MB_MOST 2560 /* the kernel scans no more a second */

static int
set_number(struct hint_scan *scan, const char *path, uint64_t value, struct sluice_err *reterr)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return settings_set(scan->settings, path, text, reterr);
}

static int
set_windows(struct hint_scan *scan, struct sluice_err *reterr)
{
	int r = set_number(scan, HINT_SCAN_DIR "scan_size_mb", scan->window_mb, reterr);

	/* Period: the kernel wants min <= max at all times. */
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_period_min_ms", WINDOW_MS, reterr);
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_period_max_ms", scan->pass_ms, reterr);
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_period_min_ms", scan->pass_ms, reterr);
	/* A new process starts with the delay as its period. */
	if (r == 0)
		r = set_number(scan, HINT_SCAN_DIR "scan_delay_ms", WINDOW_MS, reterr);
	return r;
}

int
hint_scan_open(struct hint_scan *scan, const char *sysroot, const char *state_dir, int sees_fast,
               struct sluice_err *reterr)
{
	int r;

	*scan = (struct hint_scan){
		.sees_fast = sees_fast,
		.mode = MODE_SLOW,
		.window_mb = 16,
		.pass_ms = WINDOW_MS * WINDOWS_HURRIED,
	};
	r = settings_open(sysroot, state_dir, &scan->settings, reterr);
	/* Off first: what follows must be in force before anything is marked. */
	if (r == 0)
		r = set_number(scan, HINT_MODE_FILE, 0, reterr);
	if (r == 0)
		r = set_number(scan, HINT_RATE_LIMIT_FILE, 0, reterr);
	if (r == 0)
		r = set_windows(scan, reterr);
	if (r < 0)
		hint_scan_close(scan);
	return r;
}

void
hint_scan_close(struct hint_scan *scan)
{
	settings_close(scan->settings);
	scan->settings = NULL;
}

void
hint_scan_mark(struct hint_scan *scan, int on)
{
	struct sluice_err err;

	if (scan->marking == on)
		return;
	if (set_number(scan, HINT_MODE_FILE, on ? (uint64_t)scan->mode : 0, &err) < 0)
		log_debug("hintfault", "%s", err.msg);
	else
		scan->marking = on;
}

static uint64_t
resident_bytes(int32_t pid)
{
	char path[64], text[128];
	unsigned long long size, resident = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f) || sscanf(text, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
hint_scan_size(struct hint_scan *scan, const int32_t *pids, size_t count, int hurried)
{
	struct sluice_err err;
	uint64_t window_mb, pass_ms;

	scan->biggest_bytes = scan->all_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = resident_bytes(pids[i]);

		scan->all_bytes += bytes;
		if (bytes > scan->biggest_bytes)
			scan->biggest_bytes = bytes;
	}
	window_mb = hurried ? (scan->biggest_bytes >> 20) / WINDOWS_HURRIED : 0;
	window_mb = window_mb < WINDOW_MB_LEAST  ? WINDOW_MB_LEAST
	            : window_mb > WINDOW_MB_MOST ? WINDOW_MB_MOST
	                                         : window_mb;
	pass_ms = ((scan->biggest_bytes >> 20) / window_mb + 1) * WINDOW_MS;
	if (pass_ms > INT32_MAX)
		pass_ms = INT32_MAX;
	/* Each write costs some; small changes are not worth it. */
	if (hurried == scan->hurried && window_mb * 4 <= scan->window_mb * 5u &&
	    window_mb * 5 >= scan->window_mb * 4u && pass_ms * 4 <= scan->pass_ms * 5u &&
	    pass_ms * 5 >= scan->pass_ms * 4u)
		return;
	scan->hurried = hurried;
	scan->window_mb = (uint32_t)window_mb;
	scan->pass_ms = (uint32_t)pass_ms;
	if (set_windows(scan, &err) < 0)
		log_debug("hintfault", "%s", err.msg);
}

static void
set_mode(struct hint_scan *scan, int mode)
{
	struct sluice_err err;

	scan->marked_bytes = 0;
	if (scan->mode == mode)
		return;
	scan->mode = mode;
	if (scan->marking && set_number(scan, HINT_MODE_FILE, (uint64_t)mode, &err) < 0)
		log_debug("hintfault", "%s", err.msg);
}

void
hint_scan_slow_first(struct hint_scan *scan)
{
	set_mode(scan, MODE_SLOW);
}

uint32_t
hint_scan_marked(struct hint_scan *scan, uint64_t bytes)
{
	uint32_t tiers = scan->mode == MODE_ALL ? 0 : ~1u;

	scan->marked_bytes += bytes;
	if (scan->sees_fast && scan->marked_bytes >= scan->all_bytes)
		set_mode(scan, scan->mode == MODE_ALL ? MODE_SLOW : MODE_ALL);
	return tiers;
}

int
hint_scan_faults(uint64_t *ret)
{
	/* Larger than any vmstat so far; a cut one only lacks counters we do not want. */
	static const char name[] = "\nnuma_hint_faults ";
	char text[16384];
	const char *at;
	ssize_t n;
	int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	at = strstr(text, name);
	if (!at)
		return -ENOENT;
	*ret = strtoull(at + sizeof(name) - 1, NULL, 10);
	return 0;
}
