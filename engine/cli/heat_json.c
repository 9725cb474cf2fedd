/* SPDX-License-Identifier: Apache-2.0 */
/* heat_json.c - the heat map as JSON; its schema is in sluice(1). */
#include "heat_views.h"
#include "json_text.h"

static json_t *
address(uint64_t addr)
{
	char text[24];

	/* A text: programs that read JSON's numbers as floating point lose the low bits. */
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)addr);
	return json_string(text);
}

static json_t *
rates(const struct heat_map *map)
{
	json_t *rows = json_array();

	for (uint32_t r = 0; r < map->rows; r++) {
		json_t *row = json_array();

		for (uint32_t c = 0; c < map->columns; c++) {
			float rate = map->rate[(size_t)r * map->columns + c];

			json_array_append_new(row,
					      rate < 0 ? json_null() : json_real((double)rate));
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

json_t *
heat_json(const struct heat_map *map)
{
	json_t *ranges = json_array();

	for (size_t i = 0; i < map->range_count; i++) {
		const struct heat_range *range = &map->ranges[i];

		json_array_append_new(ranges,
				      json_pack("{s:i, s:o, s:o, s:o, s:I, s:i, s:i}", "pid",
						(int)range->pid, "name",
						json_text(heat_map_name(map, range->pid)), "start",
						address(range->start), "end", address(range->end),
						"row_bytes", (json_int_t)range->row_bytes, "row",
						(int)range->row, "rows", (int)range->rows));
	}
	return json_pack("{s:b, s:I, s:o, s:f, s:i, s:i, s:I, s:o, s:o}", "ok", 1, "samples",
			 (json_int_t)map->samples, "tracker", json_text(map->tracker), "seconds",
			 (double)(map->last_ns - map->first_ns) / 1e9, "rows", (int)map->rows,
			 "columns", (int)map->columns, "ranges_left_out",
			 (json_int_t)map->ranges_left_out, "ranges", ranges, "rates", rates(map));
}
