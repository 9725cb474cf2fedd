/* SPDX-License-Identifier: Apache-2.0 */
/* damon_ranges.c - see damon_ranges.h. */
#include "damon_ranges.h"

/* Ranges with no gap as large between them, of at least so many mapped bytes each. What does not
 * fit into `most` is counted. */
static size_t
join(const struct heat_span *spans, size_t count, uint64_t gap_bytes, uint64_t least_bytes,
     struct damon_range *ranges, size_t most)
{
	size_t made = 0, next;

	for (size_t i = 0; i < count; i = next) {
		uint64_t bytes = spans[i].end - spans[i].start;

		for (next = i + 1;
		     next < count && spans[next].start - spans[next - 1].end < gap_bytes; next++)
			bytes += spans[next].end - spans[next].start;
		if (bytes < least_bytes)
			continue;
		if (made < most)
			ranges[made] = (struct damon_range){spans[i].start, spans[next - 1].end};
		made++;
	}
	return made;
}

size_t
damon_ranges_make(const struct heat_span *spans, size_t count, struct damon_range *ranges,
		  size_t most)
{
	uint64_t gap_bytes = HEAT_REGION_BYTES, least_bytes = HEAT_REGION_BYTES;
	size_t made;

	if (join(spans, count, gap_bytes, least_bytes, ranges, most) == 0)
		least_bytes = 0;
	while ((made = join(spans, count, gap_bytes, least_bytes, ranges, most)) > most)
		gap_bytes *= 2;
	return made;
}

uint64_t
damon_ranges_bytes(const struct damon_range *ranges, size_t count)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += ranges[i].end - ranges[i].start;
	return bytes;
}

uint64_t
damon_ranges_outside(const struct damon_range *ranges, size_t count,
		     const struct damon_range *others, size_t other_count)
{
	uint64_t bytes = damon_ranges_bytes(ranges, count);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < other_count; k++) {
			uint64_t start = others[k].start > ranges[i].start ? others[k].start
									   : ranges[i].start;
			uint64_t end =
				others[k].end < ranges[i].end ? others[k].end : ranges[i].end;

			bytes -= end > start ? end - start : 0;
		}
	}
	return bytes;
}
