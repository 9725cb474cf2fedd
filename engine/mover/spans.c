/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - see spans.h. */
#include "spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "placement.h"
#include "procfs.h"

#define LOOK_EVERY_NS 30000000000u
#define LOOK_AFTER_CHANGE_NS 1000000000u
#define LOOK_COST_FACTOR 250 /* rest this many times longer than a look took */

enum verdict { NOT_LOOKED, MOVABLE, OWNERS };

struct mapping {
	uint64_t start, end;
	uint64_t resident_bytes; /* known for OWNERS */
	enum verdict verdict;
};

struct target {
	int32_t pid;
	uint64_t start_ticks; /* what is known is of this process, not of an earlier one of its pid
			       */
	struct mapping *now, *before; /* of the movable kind, sorted; of this and the last call */
	size_t now_count, before_count, now_capacity, before_capacity;
	uint64_t looked_ns, look_cost_ns; /* 0 never looked */
};

struct spans {
	char sysroot[256];
	struct target *targets;
	size_t count, capacity;
	struct procfs_lines lines;
};

int
spans_new(const char *sysroot, struct spans **ret, struct sluice_err *reterr)
{
	struct spans *spans = calloc(1, sizeof(*spans));

	if (!spans)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	strncpy(spans->sysroot, sysroot, sizeof(spans->sysroot) - 1);
	*ret = spans;
	return 0;
}

static void
target_free(struct target *target)
{
	free(target->now);
	free(target->before);
}

void
spans_free(struct spans *spans)
{
	if (!spans)
		return;
	for (size_t i = 0; i < spans->count; i++)
		target_free(&spans->targets[i]);
	free(spans->targets);
	free(spans);
}

static struct target *
target_find(struct spans *spans, int32_t pid)
{
	for (size_t i = 0; i < spans->count; i++) {
		if (spans->targets[i].pid == pid)
			return &spans->targets[i];
	}
	return NULL;
}

static struct target *
target_add(struct spans *spans, int32_t pid, uint64_t start_ticks)
{
	/* Nobody tells us that a target was let go; those that ended meanwhile make room. */
	for (size_t i = spans->count; i-- > 0;) {
		if (procfs_state(spans->sysroot, spans->targets[i].pid) == 0)
			continue;
		target_free(&spans->targets[i]);
		spans->targets[i] = spans->targets[--spans->count];
	}
	if (spans->count == spans->capacity) {
		size_t capacity = spans->capacity ? 2 * spans->capacity : 8;
		struct target *targets = realloc(spans->targets, capacity * sizeof(*targets));

		if (!targets)
			return NULL;
		spans->targets = targets;
		spans->capacity = capacity;
	}
	spans->targets[spans->count] = (struct target){.pid = pid, .start_ticks = start_ticks};
	return &spans->targets[spans->count++];
}

static void
target_drop(struct spans *spans, int32_t pid)
{
	struct target *target = target_find(spans, pid);

	if (!target)
		return;
	target_free(target);
	*target = spans->targets[--spans->count];
}

static int
mapping_add(struct target *target, const struct procfs_map *map)
{
	if (target->now_count == target->now_capacity) {
		size_t capacity = target->now_capacity ? 2 * target->now_capacity : 64;
		struct mapping *now = realloc(target->now, capacity * sizeof(*now));

		if (!now)
			return -ENOMEM;
		target->now = now;
		target->now_capacity = capacity;
	}
	target->now[target->now_count++] = (struct mapping){.start = map->start, .end = map->end};
	return 0;
}

/* Read maps anew. The last list becomes `before`. */
static int
maps_read(struct spans *spans, struct target *target)
{
	struct mapping *list = target->before;
	size_t capacity = target->before_capacity;
	struct procfs_map map;
	uint64_t last_end = 0;
	char *line;
	int r;

	target->before = target->now;
	target->before_count = target->now_count;
	target->before_capacity = target->now_capacity;
	target->now = list;
	target->now_count = 0;
	target->now_capacity = capacity;
	r = procfs_lines_open(&spans->lines, spans->sysroot, target->pid, "maps");
	if (r < 0)
		return r;
	while ((line = procfs_lines_next(&spans->lines, &r))) {
		/* The file is read in pieces while the process goes on mapping: keep the order. */
		if (!procfs_map_parse(line, &map) || map.start < last_end)
			continue;
		last_end = map.end;
		if (placement_movable_kind(&map) && mapping_add(target, &map) < 0) {
			procfs_lines_close(&spans->lines);
			return -ENOMEM;
		}
	}
	return r;
}

/* What was found out about a mapping still holds while it grows or shrinks. Returns whether there
 * is one that nobody has looked at. */
static int
verdicts_inherit(struct target *target)
{
	size_t b = 0;
	int fresh = 0;

	for (size_t i = 0; i < target->now_count; i++) {
		struct mapping *mapping = &target->now[i];

		while (b < target->before_count && target->before[b].end <= mapping->start)
			b++;
		if (b < target->before_count && target->before[b].start < mapping->end) {
			mapping->verdict = target->before[b].verdict;
			mapping->resident_bytes = target->before[b].resident_bytes;
		}
		fresh |= mapping->verdict == NOT_LOOKED;
	}
	return fresh;
}

/* The mapping that begins at start, or holds it: two that the kernel has merged meanwhile. `from`
 * walks along, as the lines are sorted. */
static struct mapping *
mapping_at(struct target *target, uint64_t start, size_t *from)
{
	while (*from < target->now_count && target->now[*from].end <= start)
		++*from;
	if (*from < target->now_count && target->now[*from].start <= start)
		return &target->now[*from];
	return NULL;
}

static int
look_at_policies(struct spans *spans, struct target *target)
{
	struct numa_line numa;
	struct mapping *mapping;
	size_t from = 0;
	char *line;
	int r;

	r = procfs_lines_open(&spans->lines, spans->sysroot, target->pid, "numa_maps");
	/* A kernel without NUMA has no policies either. */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while ((line = procfs_lines_next(&spans->lines, &r))) {
		if (!placement_numa_line(line, &numa))
			continue;
		mapping = mapping_at(target, numa.start, &from);
		if (mapping && (numa.owner_placed || numa.hugetlb)) {
			mapping->verdict = OWNERS;
			mapping->resident_bytes = numa.resident_bytes;
		}
	}
	return r;
}

static int
has_locked(struct spans *spans, int32_t pid)
{
	uint64_t locked_kb = 0;
	char *line;
	int r;

	if (procfs_lines_open(&spans->lines, spans->sysroot, pid, "status") < 0)
		return 1;
	while ((line = procfs_lines_next(&spans->lines, &r))) {
		if (procfs_number_parse(line, "VmLck:", &locked_kb))
			break;
	}
	procfs_lines_close(&spans->lines);
	return locked_kb > 0;
}

static int
look_at_flags(struct spans *spans, struct target *target)
{
	struct mapping *mapping = NULL;
	uint64_t resident_kb = 0;
	struct procfs_map map;
	size_t from = 0;
	char *line;
	int r;

	r = procfs_lines_open(&spans->lines, spans->sysroot, target->pid, "smaps");
	if (r < 0)
		return r;
	while ((line = procfs_lines_next(&spans->lines, &r))) {
		if (procfs_map_parse(line, &map)) {
			mapping = mapping_at(target, map.start, &from);
			resident_kb = 0;
		}
		procfs_number_parse(line, "Rss:", &resident_kb);
		if (mapping && strncmp(line, "VmFlags:", 8) == 0 &&
		    placement_flags_fixed(line + 8)) {
			mapping->verdict = OWNERS;
			mapping->resident_bytes = resident_kb * 1024;
		}
	}
	return r;
}

/* The costly part. */
static int
look(struct spans *spans, struct target *target, uint64_t now_ns)
{
	uint64_t begin = clock_now_ns();
	int r;

	for (size_t i = 0; i < target->now_count; i++) {
		target->now[i].verdict = MOVABLE;
		target->now[i].resident_bytes = 0;
	}
	r = look_at_policies(spans, target);
	if (r == 0 && has_locked(spans, target->pid))
		r = look_at_flags(spans, target);
	target->look_cost_ns = clock_now_ns() - begin;
	target->looked_ns = now_ns ? now_ns : 1;
	if (r < 0) {
		for (size_t i = 0; i < target->now_count; i++)
			target->now[i].verdict = NOT_LOOKED;
	}
	return r;
}

static int
look_is_due(const struct target *target, int fresh, uint64_t now_ns)
{
	uint64_t rest = fresh ? LOOK_AFTER_CHANGE_NS : LOOK_EVERY_NS;

	if (target->looked_ns == 0)
		return 1;
	if (rest < LOOK_COST_FACTOR * target->look_cost_ns)
		rest = LOOK_COST_FACTOR * target->look_cost_ns;
	return now_ns - target->looked_ns >= rest;
}

static size_t
give_out(const struct target *target, struct heat_span *list, size_t capacity, uint64_t *ret_pinned)
{
	uint64_t at_least = 0;
	size_t count;

	*ret_pinned = 0;
	for (size_t i = 0; i < target->now_count; i++) {
		if (target->now[i].verdict == OWNERS)
			*ret_pinned += target->now[i].resident_bytes;
	}
	do {
		count = 0;
		for (size_t i = 0; i < target->now_count; i++) {
			const struct mapping *mapping = &target->now[i];

			if (mapping->verdict != MOVABLE || mapping->end - mapping->start < at_least)
				continue;
			if (count < capacity)
				list[count] = (struct heat_span){mapping->start, mapping->end};
			count++;
		}
		at_least = at_least ? 2 * at_least : 8192;
	} while (count > capacity && at_least);
	return count < capacity ? count : capacity;
}

int
spans_get(struct spans *spans, int32_t pid, uint64_t now_ns, struct heat_span *list,
	  size_t capacity, size_t *ret_count, uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	struct target *target;
	uint64_t start_ticks;
	int r, fresh;

	r = procfs_started(spans->sysroot, pid, &start_ticks);
	if (r < 0)
		goto failed;
	target = target_find(spans, pid);
	if (target && target->start_ticks != start_ticks) {
		target_drop(spans, pid);
		target = NULL;
	}
	if (!target)
		target = target_add(spans, pid, start_ticks);
	if (!target) {
		r = -ENOMEM;
		goto failed;
	}
	r = maps_read(spans, target);
	if (r < 0)
		goto failed;
	fresh = verdicts_inherit(target);
	if (look_is_due(target, fresh, now_ns)) {
		r = look(spans, target, now_ns);
		if (r < 0)
			goto failed;
	}
	*ret_count = give_out(target, list, capacity, ret_pinned_bytes);
	return 0;
failed:
	/* Between the check and the reading it may have ended. */
	if (r == -ENOENT)
		r = -ESRCH;
	if (r == -ESRCH || r == -EINVAL)
		target_drop(spans, pid);
	if (r == -ESRCH)
		return sluice_fail(reterr, r, "process %d has ended", pid);
	if (r == -EINVAL)
		return sluice_fail(reterr, r,
				   "process %d is a kernel thread and has no memory of its own",
				   pid);
	if (r == -EACCES || r == -EPERM)
		return sluice_fail(
			reterr, r,
			"may not look at the memory of process %d: %s; run Sluice as root, "
			"or as the process's user",
			pid, strerror(-r));
	return sluice_fail(reterr, r, "could not read the mappings of process %d: %s", pid,
			   strerror(-r));
}
