/* SPDX-License-Identifier: Apache-2.0 */
/* heat_ranges.c - see heat_ranges.h. */
#include "heat_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 17)
#define CHUNKS_MAX (SLOTS / 2)
#define SHIFT_FIRST 12 /* chunks of a page at first */
#define SHIFT_LAST 40
#define ADD_CHUNKS_MAX 4096 /* of one call; what is longer wants larger chunks */

struct chunk {
	uint64_t number;
	int32_t pid;
	int is_used;
	double weight;
};

struct ranges {
	unsigned int shift;
	size_t used;
	struct chunk *chunks; /* by hash */
};

struct ranges *
ranges_new(void)
{
	struct ranges *ranges = calloc(1, sizeof(*ranges));

	if (!ranges)
		return NULL;
	ranges->shift = SHIFT_FIRST;
	ranges->chunks = calloc(SLOTS, sizeof(*ranges->chunks));
	if (ranges->chunks)
		return ranges;
	free(ranges);
	return NULL;
}

void
ranges_free(struct ranges *ranges)
{
	if (!ranges)
		return;
	free(ranges->chunks);
	free(ranges);
}

static void
add_chunk(struct ranges *ranges, int32_t pid, uint64_t number, double weight)
{
	uint64_t hash = (number ^ (uint64_t)(uint32_t)pid << 40) * 0x9e3779b97f4a7c15u;
	size_t at = hash >> 47;
	struct chunk *chunk = &ranges->chunks[at];

	while (chunk->is_used && (chunk->number != number || chunk->pid != pid)) {
		at = (at + 1) & (SLOTS - 1);
		chunk = &ranges->chunks[at];
	}
	if (!chunk->is_used) {
		*chunk = (struct chunk){.number = number, .pid = pid, .is_used = 1};
		ranges->used++;
	}
	chunk->weight += weight;
}

/* Twice as large, in place: the old table is gone through once. */
static void
coarsen(struct ranges *ranges)
{
	struct chunk *old = ranges->chunks;
	struct chunk *fresh = calloc(SLOTS, sizeof(*fresh));

	if (!fresh)
		return; /* then it fills up further, and what comes new is refused */
	ranges->chunks = fresh;
	ranges->used = 0;
	ranges->shift++;
	for (size_t i = 0; i < SLOTS; i++) {
		if (old[i].is_used)
			add_chunk(ranges, old[i].pid, old[i].number >> 1, old[i].weight);
	}
	free(old);
}

void
ranges_add(struct ranges *ranges, int32_t pid, uint64_t addr, uint64_t len_bytes, double weight)
{
	uint64_t last = addr + (len_bytes - 1), first_chunk, count;

	while (ranges->shift < SHIFT_LAST &&
	       (ranges->used > CHUNKS_MAX ||
		(last >> ranges->shift) - (addr >> ranges->shift) > ADD_CHUNKS_MAX)) {
		unsigned int before = ranges->shift;

		coarsen(ranges);
		if (ranges->shift == before)
			return;
	}
	first_chunk = addr >> ranges->shift;
	count = (last >> ranges->shift) - first_chunk + 1;
	if (count > ADD_CHUNKS_MAX + 1 || ranges->used + count > SLOTS - 1)
		return;
	for (uint64_t i = 0; i < count; i++)
		add_chunk(ranges, pid, first_chunk + i, weight / (double)count);
}

static int
by_place(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int
by_weight(const void *a, const void *b)
{
	const struct heat_range *x = a, *y = b;

	if (x->weight < y->weight || x->weight > y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int
range_by_place(const void *a, const void *b)
{
	const struct heat_range *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Neighbours become one range, across gaps that are not worth a row. */
static size_t
join_chunks(const struct ranges *ranges, const struct chunk *chunks, size_t count, uint32_t rows,
	    struct heat_range *ret)
{
	uint64_t bytes = (uint64_t)count << ranges->shift, gap = bytes / rows;
	size_t made = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t start = chunks[i].number << ranges->shift;
		struct heat_range *last = made ? &ret[made - 1] : NULL;

		if (!last || last->pid != chunks[i].pid || start - last->end > gap) {
			last = &ret[made++];
			*last = (struct heat_range){.pid = chunks[i].pid, .start = start};
		}
		last->end = start + (UINT64_C(1) << ranges->shift);
		last->weight += chunks[i].weight;
	}
	return made;
}

/* Rows by size, one at least. */
static void
share_rows(struct heat_map *map, uint32_t rows)
{
	uint64_t bytes = 0;
	uint32_t spare = rows - (uint32_t)map->range_count;

	for (size_t i = 0; i < map->range_count; i++)
		bytes += map->ranges[i].end - map->ranges[i].start;
	for (size_t i = 0; i < map->range_count; i++) {
		struct heat_range *range = &map->ranges[i];
		uint64_t size = range->end - range->start, pages = size / SLUICE_TRACE_PAGE_BYTES;

		range->rows = 1 + (uint32_t)((double)spare * (double)size / (double)bytes);
		if (range->rows > pages)
			range->rows = (uint32_t)pages;
		range->row_bytes =
			(pages + range->rows - 1) / range->rows * SLUICE_TRACE_PAGE_BYTES;
		range->rows = (uint32_t)((size + range->row_bytes - 1) / range->row_bytes);
		range->row = map->rows;
		map->rows += range->rows;
	}
}

int
ranges_choose(struct ranges *ranges, uint32_t rows, struct heat_map *map, struct sluice_err *reterr)
{
	size_t count = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		if (ranges->chunks[i].is_used)
			ranges->chunks[count++] = ranges->chunks[i];
	}
	if (!count)
		return sluice_fail(reterr, -ENODATA, "there are no samples to draw%s",
				   map->samples ? " of that process" : "");
	qsort(ranges->chunks, count, sizeof(*ranges->chunks), by_place);
	map->ranges = calloc(count, sizeof(*map->ranges));
	if (!map->ranges)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	map->range_count = join_chunks(ranges, ranges->chunks, count, rows, map->ranges);
	if (map->range_count > rows) {
		qsort(map->ranges, map->range_count, sizeof(*map->ranges), by_weight);
		map->ranges_left_out = map->range_count - rows;
		map->range_count = rows;
		qsort(map->ranges, map->range_count, sizeof(*map->ranges), range_by_place);
	}
	share_rows(map, rows);
	return 0;
}

size_t
ranges_find(const struct heat_range *ranges, size_t count, int32_t pid, uint64_t addr)
{
	size_t low = 0;

	while (count > 0) {
		size_t half = count / 2;
		const struct heat_range *at = &ranges[low + half];

		if (at->pid > pid || (at->pid == pid && at->end > addr)) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}
