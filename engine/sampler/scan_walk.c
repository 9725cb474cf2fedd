/* SPDX-License-Identifier: Apache-2.0 */
/* scan_walk.c - see scan_walk.h. */
#include "scan_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "procfs.h"
#include "reserve.h"

int
scan_walk_init(struct scan_walk *walk, const char *sysroot, struct sluice_err *reterr)
{
	memset(walk, 0, sizeof(*walk));
	snprintf(walk->sysroot, sizeof(walk->sysroot), "%s", sysroot);
	walk->stride = 1;
	walk->spans = reserve(SCAN_SPANS_MAX * sizeof(*walk->spans));
	return walk->spans ? 0 : sluice_fail(reterr, -ENOMEM, "out of memory");
}

void
scan_walk_destroy(struct scan_walk *walk)
{
	release(walk->spans, SCAN_SPANS_MAX * sizeof(*walk->spans));
	walk->spans = NULL;
}

int
scan_walk_has(const struct scan_walk *walk, int32_t pid)
{
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->pids[i] == pid)
			return 1;
	}
	return 0;
}

int
scan_walk_add(struct scan_walk *walk, const char *name, int32_t pid, struct sluice_err *reterr)
{
	int r = procfs_state(walk->sysroot, pid);

	if (r == -EINVAL)
		return sluice_fail(reterr, r, "process %d is a kernel thread", pid);
	if (r < 0)
		return sluice_fail(reterr, r, "process %d cannot be watched: %s", pid,
				   strerror(-r));
	if (scan_walk_has(walk, pid))
		return 0;
	if (walk->count == SCAN_TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC, "the %s sampler watches %d processes at most",
				   name, SCAN_TARGETS_MAX);
	walk->pids[walk->count++] = pid;
	return 0;
}

void
scan_walk_remove(struct scan_walk *walk, int32_t pid)
{
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->pids[i] != pid)
			continue;
		if (i < walk->target_at)
			walk->target_at--;
		if (walk->pid == pid)
			walk->span_count = walk->span_at = 0;
		memmove(&walk->pids[i], &walk->pids[i + 1],
			(walk->count - i - 1) * sizeof(walk->pids[0]));
		walk->count--;
		return;
	}
}

int
scan_spans_read(const char *sysroot, int32_t pid, struct heat_span *spans, size_t capacity,
		size_t *ret_count)
{
	struct procfs_lines lines;
	struct procfs_map map;
	const char *line;
	size_t count = 0;
	int r = procfs_lines_open(&lines, sysroot, pid, "maps");

	if (r < 0)
		return r;
	while (count < capacity && (line = procfs_lines_next(&lines, &r))) {
		/* Programs, libraries and what is shared are not what is moved. */
		if (!procfs_map_parse(line, &map) || map.perms[1] != 'w' || map.perms[3] != 'p' ||
		    strncmp(map.name, "[v", 2) == 0)
			continue;
		spans[count++] = (struct heat_span){map.start, map.end};
	}
	procfs_lines_close(&lines);
	*ret_count = count;
	return r;
}

/* The target's mappings. One that has ended has none. */
static void
open_target(struct scan_walk *walk, int32_t pid)
{
	walk->span_at = walk->span_count = 0;
	walk->pid = pid;
	if (scan_spans_read(walk->sysroot, pid, walk->spans, SCAN_SPANS_MAX, &walk->span_count) < 0)
		walk->span_count = 0;
	if (walk->span_count)
		walk->addr = walk->spans[0].start;
}

void
scan_walk_begin(struct scan_walk *walk)
{
	walk->target_at = walk->span_at = walk->span_count = 0;
	walk->slices = 0;
}

int
scan_walk_begin_one(struct scan_walk *walk, int32_t pid)
{
	scan_walk_begin(walk);
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->pids[i] == pid) {
			open_target(walk, pid);
			walk->target_at = walk->count;
			return walk->span_count > 0;
		}
	}
	return 0;
}

int
scan_walk_next(struct scan_walk *walk, struct scan_slice *ret)
{
	for (;;) {
		const struct heat_span *span = &walk->spans[walk->span_at];
		uint64_t end;

		if (walk->span_at == walk->span_count) {
			if (walk->target_at >= walk->count)
				return 0;
			open_target(walk, walk->pids[walk->target_at++]);
			continue;
		}
		end = (walk->addr | (HEAT_REGION_BYTES - 1)) + 1;
		if (end > span->end || end == 0)
			end = span->end;
		*ret = (struct scan_slice){
			.pid = walk->pid,
			.addr = walk->addr,
			.pages = (uint32_t)((end - walk->addr) / HEAT_PAGE_BYTES),
		};
		walk->addr = end;
		if (end == span->end && ++walk->span_at < walk->span_count)
			walk->addr = walk->spans[walk->span_at].start;
		if (walk->slices++ % walk->stride == walk->phase)
			return 1;
	}
}

void
scan_walk_skip(struct scan_walk *walk)
{
	walk->span_at = walk->span_count;
}
