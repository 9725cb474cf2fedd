/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heat_map.h - the heat of a trace as a grid: rows of addresses, columns of time. All views of
 * `sluice heatmap` draw the same grid.
 *
 * Only memory of which something is known has rows; what lies between is cut out. Ranges get rows
 * by their size, at least one each; when there are more ranges than rows, the least accessed are
 * left out, and counted.
 */
#ifndef CLI_HEAT_MAP_H
#define CLI_HEAT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "pid_list.h"
#include "sluice/err.h"
#include "sluice/trace.h"

struct heat_range {
	int32_t pid;
	uint64_t start, end;
	uint64_t row_bytes; /* the last row may have less */
	uint32_t row, rows;
	double weight; /* accesses */
};

struct heat_map {
	uint32_t rows, columns;
	uint64_t first_ns, last_ns;
	size_t range_count, ranges_left_out;
	struct heat_range *ranges; /* by pid and address */
	float *rate; /* rows * columns: accesses per second and page; below 0: not known */
	float rate_max;
	uint64_t samples;
	struct pid_list name_list;
	size_t name_count, name_capacity;
	struct heat_name {
		int32_t pid;
		char text[64];
	} * names; /* of processes; text is plain */
	char tracker[64], command[256];
};

/* Reads the whole trace twice. pid 0: of all processes. -ENODATA: there is nothing to draw. */
int heat_map_new(struct sluice_trace_reader *reader, int32_t pid, uint32_t rows, uint32_t columns,
		 struct heat_map **ret, struct sluice_err *reterr);
void heat_map_free(struct heat_map *map); /* NULL is fine */

const char *heat_map_name(const struct heat_map *map, int32_t pid); /* "" unknown */
/* 0 (cold) to 1 on the scale of the picture, which is logarithmic over four decades; below 0:
 * unknown. */
float heat_map_shade(const struct heat_map *map, uint32_t row, uint32_t column);

#endif
