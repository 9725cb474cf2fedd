/* SPDX-License-Identifier: Apache-2.0 */
/* heat_map.c - evidence to a grid. See heat_map.h; which ranges get rows is in heat_ranges.c. */
#include "heat_map.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "heat_clip.h"
#include "heat_ranges.h"
#include "text.h"

#define DECADES 4
#define PAGE_SHIFT 12
#define RATE_MAX 1e30 /* whatever a trace says, so that a float holds it */

struct cell {
	double events, watched_s; /* of its pages together */
};

struct filling {
	struct heat_map *map;
	struct ranges *ranges; /* of the first reading */
	int32_t pid;           /* 0: all */
	struct cell *cells;
	struct heat_clip clip;
};

/* ---- The first reading: which memory there is. ---- */

static void
note_part(void *ctx, const struct evidence_told *told)
{
	struct filling *filling = ctx;
	double pages = (double)(told->len_bytes >> PAGE_SHIFT);

	ranges_add(filling->ranges, told->pid, told->addr, told->len_bytes, told->events * pages);
}

static void
note_range(void *ctx, const struct evidence_told *told)
{
	struct filling *filling = ctx;

	if (!filling->pid || filling->pid == told->pid)
		heat_clip(&filling->clip, told, note_part, filling);
}

/* Of processes that there is no room for, the names are not known. */
static void
note_name(struct heat_map *map, const struct sluice_trace_item *item)
{
	int64_t at = pid_list_find(&map->name_list, item->pid);

	if (at < 0 && map->name_count == map->name_capacity) {
		size_t capacity = 2 * map->name_capacity + 16;
		struct heat_name *names = realloc(map->names, capacity * sizeof(*names));

		if (!names)
			return;
		map->names = names;
		map->name_capacity = capacity;
	}
	if (at < 0) {
		at = (int64_t)map->name_count;
		if (pid_list_add(&map->name_list, item->pid, (uint32_t)at) < 0)
			return;
		map->name_count++;
	}
	map->names[at].pid = item->pid;
	snprintf(map->names[at].text, sizeof(map->names[at].text), "%s", item->text);
	text_plain(map->names[at].text);
}

static void
note_meta(struct heat_map *map, const struct sluice_trace_item *item)
{
	if (strcmp(item->key, "tracker") == 0) {
		snprintf(map->tracker, sizeof(map->tracker), "%s", item->text);
		text_plain(map->tracker);
	} else if (strcmp(item->key, "command") == 0) {
		snprintf(map->command, sizeof(map->command), "%s", item->text);
		text_plain(map->command);
	}
}

/* ---- The second: how much of it was accessed when. ---- */

static uint32_t
column_of(const struct heat_map *map, uint64_t time_ns)
{
	double share = time_ns <= map->first_ns
			       ? 0
			       : (double)(time_ns - map->first_ns) /
					 (double)(map->last_ns - map->first_ns + 1);

	return share < 1 ? (uint32_t)(share * map->columns) : map->columns - 1;
}

static uint64_t
column_ns(const struct heat_map *map, uint32_t column)
{
	if (column == map->columns)
		return map->last_ns + 1;
	return map->first_ns +
	       (uint64_t)((double)(map->last_ns - map->first_ns + 1) * column / map->columns);
}

/* Events and time of watching of one row, over the columns that they took. */
static void
fill_columns(struct filling *filling, struct cell *row, const struct evidence_told *told,
	     double pages)
{
	const struct heat_map *map = filling->map;
	uint32_t first = column_of(map, told->from_ns), last = column_of(map, told->to_ns);
	double all = (double)(told->to_ns - told->from_ns);

	for (uint32_t c = first; c <= last; c++) {
		uint64_t from = column_ns(map, c), to = column_ns(map, c + 1);
		double share = 1;

		if (from < told->from_ns)
			from = told->from_ns;
		if (to > told->to_ns)
			to = told->to_ns;
		if (first != last && all > 0)
			share = to > from ? (double)(to - from) / all : 0;
		row[c].watched_s += told->watched_s * pages * share;
		if (!told->is_moment)
			row[c].events += told->events * pages * share;
	}
	if (told->is_moment)
		row[last].events += told->events * pages;
}

static void
fill_part(void *ctx, const struct evidence_told *told)
{
	struct filling *filling = ctx;
	struct heat_map *map = filling->map;
	uint64_t end = told->addr + told->len_bytes;
	size_t i = ranges_find(map->ranges, map->range_count, told->pid, told->addr);

	for (;
	     i < map->range_count && map->ranges[i].pid == told->pid && map->ranges[i].start < end;
	     i++) {
		const struct heat_range *range = &map->ranges[i];
		uint64_t at = told->addr > range->start ? told->addr : range->start;

		while (at < end && at < range->end) {
			uint64_t row = (at - range->start) / range->row_bytes;
			uint64_t stop = range->start + (row + 1) * range->row_bytes;

			if (stop > end)
				stop = end;
			if (stop > range->end)
				stop = range->end;
			fill_columns(filling, filling->cells + (range->row + row) * map->columns,
				     told, (double)((stop - at) >> PAGE_SHIFT));
			at = stop;
		}
	}
}

static void
fill_cell(void *ctx, const struct evidence_told *told)
{
	struct filling *filling = ctx;

	if (!filling->pid || filling->pid == told->pid)
		heat_clip(&filling->clip, told, fill_part, filling);
}

static void
finish(struct filling *filling, const int32_t *drawn, size_t drawn_count)
{
	struct heat_map *map = filling->map;
	double column_s = (double)(map->last_ns - map->first_ns + 1) / 1e9 / map->columns;

	for (size_t i = 0; i < map->range_count; i++) {
		const struct heat_range *range = &map->ranges[i];
		int is_drawn = 0;

		for (size_t k = 0; k < drawn_count; k++)
			is_drawn |= drawn[k] == range->pid;
		for (uint32_t r = 0; r < range->rows; r++) {
			uint64_t start = range->start + r * range->row_bytes;
			uint64_t stop = start + range->row_bytes < range->end
						? start + range->row_bytes
						: range->end;
			double pages = (double)((stop - start) >> PAGE_SHIFT);

			for (uint32_t c = 0; c < map->columns; c++) {
				size_t at = (size_t)(range->row + r) * map->columns + c;
				struct cell *cell = &filling->cells[at];

				if (is_drawn)
					cell->watched_s += column_s * pages;
				map->rate[at] =
					cell->watched_s > 0
						? (float)fmin(cell->events / cell->watched_s,
							      RATE_MAX)
						: -1;
				if (map->rate[at] > map->rate_max)
					map->rate_max = map->rate[at];
			}
		}
	}
}

/* ---- Both ---- */

struct reading {
	struct filling *filling;
	int32_t drawn[256]; /* processes whose accesses are drawn */
	size_t drawn_count;
};

static void
note_drawn(struct reading *reading, const struct sluice_trace_item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		size_t k = 0;

		if (item->samples[i].kind != SLUICE_TRACE_COUNT)
			continue;
		while (k < reading->drawn_count && reading->drawn[k] != item->samples[i].pid)
			k++;
		if (k == reading->drawn_count && k < 256)
			reading->drawn[reading->drawn_count++] = item->samples[i].pid;
	}
}

static int
read_all(struct sluice_trace_reader *reader, struct reading *reading, int is_first,
	 struct sluice_err *reterr)
{
	struct heat_map *map = reading->filling->map;
	struct evidence *evidence =
		evidence_new(is_first ? note_range : fill_cell, reading->filling);
	const struct sluice_trace_item *item;
	int r = sluice_trace_seek(reader, 0, reterr);

	if (!evidence)
		r = sluice_fail(reterr, -ENOMEM, "out of memory");
	while (r == 0 && (r = sluice_trace_next(reader, &item, reterr)) == 1) {
		r = item->kind == SLUICE_TRACE_SPANS
			    ? heat_clip_spans(&reading->filling->clip, item)
			    : evidence_take(evidence, item);
		if (r < 0)
			sluice_fail(reterr, r, "%s",
				    r == -E2BIG ? "the trace has more processes or mappings than "
						  "can be drawn"
						: "out of memory");
		if (!is_first)
			continue;
		if (item->kind == SLUICE_TRACE_SAMPLES) {
			map->samples += item->count;
			note_drawn(reading, item);
		}
		if (item->kind == SLUICE_TRACE_PROCESS)
			note_name(map, item);
		if (item->kind == SLUICE_TRACE_META)
			note_meta(map, item);
	}
	if (r == 0)
		evidence_end(evidence, map->last_ns);
	evidence_free(evidence);
	heat_clip_free(&reading->filling->clip);
	return r;
}

static int
fill(struct sluice_trace_reader *reader, struct filling *filling, uint32_t rows,
     struct sluice_err *reterr)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct heat_map *map = filling->map;
	size_t cells;
	int r;

	filling->ranges = ranges_new();
	if (!reading || !filling->ranges) {
		free(reading);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	reading->filling = filling;
	r = read_all(reader, reading, 1, reterr);
	if (r == 0)
		r = ranges_choose(filling->ranges, rows, map, reterr);
	if (r == 0) {
		cells = (size_t)map->rows * map->columns;
		filling->cells = calloc(cells, sizeof(*filling->cells));
		map->rate = calloc(cells, sizeof(*map->rate));
		if (!filling->cells || !map->rate)
			r = sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	if (r == 0)
		r = read_all(reader, reading, 0, reterr);
	if (r == 0)
		finish(filling, reading->drawn, reading->drawn_count);
	free(reading);
	return r;
}

int
heat_map_new(struct sluice_trace_reader *reader, int32_t pid, uint32_t rows, uint32_t columns,
	     struct heat_map **ret, struct sluice_err *reterr)
{
	struct filling filling = {.map = calloc(1, sizeof(struct heat_map)), .pid = pid};
	struct sluice_trace_info info;
	int r;

	if (!filling.map)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	sluice_trace_get_info(reader, &info);
	filling.map->first_ns = info.first_ns;
	filling.map->last_ns = info.last_ns;
	filling.map->columns = columns;
	r = fill(reader, &filling, rows, reterr);
	ranges_free(filling.ranges);
	free(filling.cells);
	if (r < 0)
		heat_map_free(filling.map);
	else
		*ret = filling.map;
	return r;
}

void
heat_map_free(struct heat_map *map)
{
	if (!map)
		return;
	free(map->ranges);
	free(map->rate);
	free(map->names);
	pid_list_free(&map->name_list);
	free(map);
}

const char *
heat_map_name(const struct heat_map *map, int32_t pid)
{
	int64_t at = pid_list_find(&map->name_list, pid);

	return at < 0 ? "" : map->names[at].text;
}

float
heat_map_shade(const struct heat_map *map, uint32_t row, uint32_t column)
{
	float rate = map->rate[(size_t)row * map->columns + column], shade;

	if (rate < 0)
		return -1;
	if (rate == 0 || map->rate_max <= 0)
		return 0;
	shade = 1 + log10f(rate / map->rate_max) / DECADES;
	return shade < 0.02f ? 0.02f : shade;
}
