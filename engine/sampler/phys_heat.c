/* SPDX-License-Identifier: Apache-2.0 */
/* phys_heat.c - see phys_heat.h. */
#include "phys_heat.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_LEAST (2ull << 20)

struct range {
	uint64_t start, end;
	size_t first; /* chunk; each range begins with one of its own */
};

struct phys_heat {
	struct range *ranges;
	size_t range_count, chunk_count;
	uint64_t chunk_bytes, total_bytes;
	struct phys_rate *now, *before;
	int has_news;
};

static size_t
chunks_of(const struct damon_range *range, uint64_t chunk_bytes)
{
	return (size_t)((range->end - range->start + chunk_bytes - 1) / chunk_bytes);
}

static size_t
count_chunks(const struct damon_range *ranges, size_t count, uint64_t chunk_bytes)
{
	size_t chunks = 0;

	for (size_t i = 0; i < count; i++)
		chunks += chunks_of(&ranges[i], chunk_bytes);
	return chunks;
}

struct phys_heat *
phys_heat_new(const struct damon_range *ranges, size_t count)
{
	struct phys_heat *heat = calloc(1, sizeof(*heat));

	if (!heat)
		return NULL;
	heat->chunk_bytes = CHUNK_LEAST;
	while (count_chunks(ranges, count, heat->chunk_bytes) > PHYS_HEAT_CHUNKS_MOST)
		heat->chunk_bytes *= 2;
	heat->chunk_count = count_chunks(ranges, count, heat->chunk_bytes);
	heat->ranges = calloc(count + 1, sizeof(*heat->ranges));
	heat->now = calloc(heat->chunk_count + 1, sizeof(*heat->now));
	heat->before = calloc(heat->chunk_count + 1, sizeof(*heat->before));
	if (!heat->ranges || !heat->now || !heat->before) {
		phys_heat_free(heat);
		return NULL;
	}
	for (size_t i = 0, first = 0; i < count; i++) {
		heat->ranges[i] = (struct range){ranges[i].start, ranges[i].end, first};
		first += chunks_of(&ranges[i], heat->chunk_bytes);
		heat->total_bytes += ranges[i].end - ranges[i].start;
	}
	heat->range_count = count;
	return heat;
}

void
phys_heat_free(struct phys_heat *heat)
{
	if (!heat)
		return;
	free(heat->ranges);
	free(heat->now);
	free(heat->before);
	free(heat);
}

/* The first range that ends after the address. */
static size_t
find_range(const struct phys_heat *heat, uint64_t addr)
{
	size_t low = 0, count = heat->range_count;

	while (count > 0) {
		size_t half = count / 2;

		if (heat->ranges[low + half].end > addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}

void
phys_heat_add(struct phys_heat *heat, uint64_t start, uint64_t end, struct phys_rate rate)
{
	for (size_t r = find_range(heat, start); r < heat->range_count; r++) {
		const struct range *range = &heat->ranges[r];
		uint64_t from = start > range->start ? start : range->start;
		uint64_t to = end < range->end ? end : range->end;

		if (range->start >= end)
			return;
		while (from < to) {
			size_t chunk = (size_t)((from - range->start) / heat->chunk_bytes);
			uint64_t next = range->start + (chunk + 1) * heat->chunk_bytes;
			float part;

			if (next > to)
				next = to;
			/* What tells of a part of a chunk weighs as much as that part. */
			part = (float)(next - from) / (float)heat->chunk_bytes;
			heat->now[range->first + chunk].events += part * rate.events;
			heat->now[range->first + chunk].exposure_s += part * rate.exposure_s;
			heat->has_news = 1;
			from = next;
		}
	}
}

int
phys_heat_has_news(const struct phys_heat *heat)
{
	return heat->has_news;
}

void
phys_heat_turn(struct phys_heat *heat)
{
	struct phys_rate *before = heat->before;

	heat->before = heat->now;
	heat->now = before;
	memset(before, 0, heat->chunk_count * sizeof(*before));
	heat->has_news = 0;
}

struct phys_rate
phys_heat_at(const struct phys_heat *heat, uint64_t addr)
{
	size_t r = find_range(heat, addr);

	if (r == heat->range_count || addr < heat->ranges[r].start)
		return (struct phys_rate){0, 0};
	return heat->before[heat->ranges[r].first +
			    (size_t)((addr - heat->ranges[r].start) / heat->chunk_bytes)];
}

uint64_t
phys_heat_total_bytes(const struct phys_heat *heat)
{
	return heat->total_bytes;
}

uint64_t
phys_heat_chunk_bytes(const struct phys_heat *heat)
{
	return heat->chunk_bytes;
}
