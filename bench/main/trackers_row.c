/* SPDX-License-Identifier: Apache-2.0 */
/* trackers_row.c - see trackers_row.h. */
#include "trackers_row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHART_LINES 4 /* as sluice-report has it */

struct trackers_table {
	struct trackers_row *rows;
	size_t count;
};

struct trackers_table *
trackers_table_new(void)
{
	return calloc(1, sizeof(struct trackers_table));
}

void
trackers_table_free(struct trackers_table *table)
{
	if (!table)
		return;
	free(table->rows);
	free(table);
}

struct trackers_row *
trackers_table_row(struct trackers_table *table, const char *workload, const char *tracker)
{
	struct trackers_row *rows = realloc(table->rows, (table->count + 1) * sizeof(*rows));

	if (!rows)
		return NULL;
	table->rows = rows;
	memset(&rows[table->count], 0, sizeof(*rows));
	rows[table->count].workload = workload;
	rows[table->count].tracker = tracker;
	return &rows[table->count++];
}

void
trackers_table_drop(struct trackers_table *table)
{
	if (table->count)
		table->count--;
}

void
trackers_row_point(struct trackers_row *row, double t_s, double recall)
{
	if (row->point_count == TRACKERS_POINTS)
		return;
	row->points[row->point_count].t_s = t_s;
	row->points[row->point_count++].recall = recall;
}

static json_t *
number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void
print_number(double value, int width, int digits)
{
	if (isfinite(value))
		printf(" %*.*f", width, digits, value);
	else
		printf(" %*s", width, "-");
}

void
trackers_table_head(void)
{
	printf("%-9s %-18s %9s %7s %8s %7s %8s %9s %10s %9s\n", "workload", "tracker", "precision",
	       "recall", "delay s", "CPU %", "slower %", "awake CPU", "awake slow", "metadata");
}

void
trackers_row_print(const struct trackers_row *row, int json)
{
	json_t *line;

	if (!json) {
		printf("%-9s %-18s", row->workload, row->tracker);
		print_number(row->precision, 9, 3);
		print_number(row->recall, 7, 3);
		print_number(row->delay_90_s, 8, 1);
		print_number(row->cpu_percent, 7, 2);
		print_number(row->slowdown_percent, 8, 1);
		print_number(row->awake_cpu_percent, 9, 1);
		print_number(row->awake_slowdown_percent, 10, 1);
		printf(" %6.0f KiB\n", (double)row->metadata_bytes / 1024);
		fflush(stdout);
		return;
	}
	line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:I}", "workload",
			 row->workload, "tracker", row->tracker, "precision",
			 number(row->precision), "recall", number(row->recall), "delay_90_s",
			 number(row->delay_90_s), "cpu_percent", number(row->cpu_percent),
			 "slowdown_percent", number(row->slowdown_percent), "metadata_bytes",
			 (json_int_t)row->metadata_bytes, "awake_cpu_percent",
			 number(row->awake_cpu_percent), "awake_slowdown_percent",
			 number(row->awake_slowdown_percent), "samples", (json_int_t)row->samples,
			 "lost", (json_int_t)row->lost);
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(line);
	putchar('\n');
	fflush(stdout);
}

static json_t *
cell(double value, const char *unit)
{
	return json_pack("{s:o, s:s}", "value", number(value), "unit", unit);
}

static json_t *
line_of(const struct trackers_row *row)
{
	json_t *points = json_array();

	for (uint32_t i = 0; i < row->point_count; i++)
		json_array_append_new(
			points, json_pack("[f, f]", row->points[i].t_s, row->points[i].recall));
	return json_pack("{s:s, s:o}", "name", row->tracker, "points", points);
}

/* The lines of at most CHART_LINES trackers from row `first` on, all of one workload. */
static json_t *
chart_of(const struct trackers_table *table, size_t first, size_t end)
{
	const struct trackers_row *row = &table->rows[first];
	json_t *lines = json_array(), *markers = json_array();

	if (isfinite(row->jumped_s))
		json_array_append_new(markers, json_pack("{s:f, s:s}", "t_s", row->jumped_s,
							 "label", "The hot block jumps"));
	for (size_t i = first; i < end && i < first + CHART_LINES; i++)
		json_array_append_new(lines, line_of(&table->rows[i]));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "title", row->workload, "note",
			 "Recall of the hottest pages, tracking awake.", "unit", "share", "lines",
			 lines, "markers", markers);
}

/* Charts and a table of a workload, whose rows begin with this one; returns where they end. */
static size_t
add_workload(const struct trackers_table *table, size_t first, json_t *charts, json_t *tables)
{
	const char *workload = table->rows[first].workload;
	json_t *rows = json_array();
	size_t end = first;

	for (; end < table->count && table->rows[end].workload == workload; end++) {
		const struct trackers_row *row = &table->rows[end];

		json_array_append_new(
			rows,
			json_pack("{s:s, s:[o, o, o, o, o, o]}", "name", row->tracker, "values",
				  cell(row->precision, "share"), cell(row->recall, "share"),
				  cell(row->delay_90_s, "s"), cell(row->cpu_percent / 100, "cpu"),
				  cell(row->slowdown_percent / 100, "share"),
				  cell((double)row->metadata_bytes, "bytes")));
	}
	for (size_t i = first; i < end; i += CHART_LINES)
		json_array_append_new(charts, chart_of(table, i, end));
	json_array_append_new(tables,
			      json_pack("{s:s, s:[s, s, s, s, s, s], s:o}", "title", workload,
					"columns", "Precision", "Recall", "90 % after", "CPU",
					"Slowdown", "Metadata", "rows", rows));
	return end;
}

/* The first row of this workload and tracker (NULL: any); NULL: there is none. */
static const struct trackers_row *
find_row(const struct trackers_table *table, const char *workload, const char *tracker)
{
	for (size_t i = 0; i < table->count; i++) {
		if ((!workload || table->rows[i].workload == workload) &&
		    (!tracker || table->rows[i].tracker == tracker))
			return &table->rows[i];
	}
	return NULL;
}

/* All at one look: workloads down, trackers across. */
static json_t *
grid_of(const struct trackers_table *table, const char *title, int of_precision)
{
	json_t *columns = json_array(), *rows = json_array();

	for (size_t i = 0; i < table->count; i++) {
		const struct trackers_row *row = &table->rows[i];
		json_t *values;

		if (find_row(table, NULL, row->tracker) == row)
			json_array_append_new(columns, json_string(row->tracker));
		if (find_row(table, row->workload, NULL) != row)
			continue;
		values = json_array();
		for (size_t k = 0; k < table->count; k++) {
			const struct trackers_row *here;

			if (find_row(table, NULL, table->rows[k].tracker) != &table->rows[k])
				continue;
			here = find_row(table, row->workload, table->rows[k].tracker);
			json_array_append_new(values, !here          ? json_null()
						      : of_precision ? number(here->precision)
								     : number(here->recall));
		}
		json_array_append_new(
			rows, json_pack("{s:s, s:o}", "name", row->workload, "values", values));
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "title", title, "note",
			 "Of the hottest pages, the mean of the last third of the time awake.",
			 "columns", columns, "rows", rows);
}

json_t *
trackers_table_json(const struct trackers_table *table, json_t *machine)
{
	json_t *charts = json_array(), *tables = json_array(), *grids = json_array();

	if (table->count) {
		json_array_append_new(grids, grid_of(table, "Recall", 0));
		json_array_append_new(grids, grid_of(table, "Precision", 1));
	}
	for (size_t i = 0; i < table->count;)
		i = add_workload(table, i, charts, tables);
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:[s], s:s}", "schema", "sluice-result/1",
		"title", "How right each tracker is, and at what price", "summary",
		"Programs of which it is known what is hot, watched by each tracker.", "machine",
		machine, "grids", grids, "charts", charts, "tables", tables, "notes",
		"Precision, recall and delay are of tracking awake; CPU time and slowdown of "
		"tracking in the steady state.",
		"command", "sluice-bench trackers");
}
