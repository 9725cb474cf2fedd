/* SPDX-License-Identifier: Apache-2.0 */
/* trackers_row.h - what a tracker was worth on a workload, as a table, a line, or a picture. */
#ifndef BENCH_MAIN_TRACKERS_ROW_H
#define BENCH_MAIN_TRACKERS_ROW_H

#include <jansson.h>
#include <stdint.h>

#define TRACKERS_POINTS 512

struct trackers_row {
	const char *workload, *tracker;
	/* NaN: unknown, did not happen. */
	double precision, recall, delay_90_s;
	double cpu_percent, slowdown_percent, awake_cpu_percent, awake_slowdown_percent;
	double jumped_s; /* when the hot part jumped */
	uint64_t metadata_bytes, samples, lost;
	struct {
		double t_s, recall;
	} points[TRACKERS_POINTS];
	uint32_t point_count;
};

struct trackers_table;

struct trackers_table *trackers_table_new(void); /* NULL: no memory */
void trackers_table_free(struct trackers_table *table);
/* One more row, valid until the next; its names are borrowed. NULL: no memory. */
struct trackers_row *trackers_table_row(struct trackers_table *table, const char *workload,
					const char *tracker);
void trackers_table_drop(struct trackers_table *table); /* the last row */
/* As sluice-report reads it, with pictures: a result of schema sluice-result/1. machine: as
 * bench_machine() has it, taken over. NULL: no memory. */
json_t *trackers_table_json(const struct trackers_table *table, json_t *machine);

void trackers_row_point(struct trackers_row *row, double t_s, double recall);
void trackers_table_head(void);
void trackers_row_print(const struct trackers_row *row, int json);

#endif
