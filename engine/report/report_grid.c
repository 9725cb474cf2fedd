/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_grid.c - shares as a grid of cells, the darker the larger: many things compared at many
 * places. Each cell has its figure too, and what the columns say is told in words.
 */
#include <math.h>

#include "report.h"

#define COLUMNS_MAX 32u
#define ROWS_MAX 512u

/* The picture's own units; the page scales it. */
#define NAMES 190.0 /* of the rows */
#define CELL 44.0
#define HEIGHT 22.0
#define TOP 86.0 /* the columns' names stand aslant */
#define END 54.0

struct grid {
	const json_t *columns, *rows;
	size_t column_count, row_count;
};

static int
read_grid(const json_t *json, const char *id, struct grid *ret, struct report_problem *problem)
{
	const json_t *row, *item;
	size_t i, k;

	ret->columns = json_object_get(json, "columns");
	ret->rows = json_object_get(json, "rows");
	ret->column_count = json_array_size(ret->columns);
	ret->row_count = json_array_size(ret->rows);
	if (!report_string(json, "title"))
		return report_wrong(problem, "%s: title is not a text", id);
	if (ret->column_count < 1 || ret->column_count > COLUMNS_MAX || ret->row_count < 1 ||
	    ret->row_count > ROWS_MAX)
		return report_wrong(problem, "%s: not 1 to %u columns and 1 to %u rows", id,
				    COLUMNS_MAX, ROWS_MAX);
	json_array_foreach (ret->columns, i, item) {
		if (!json_is_string(item))
			return report_wrong(problem, "%s: columns[%zu] is not a text", id, i);
	}
	json_array_foreach (ret->rows, i, row) {
		const json_t *values = json_object_get(row, "values");

		if (!report_string(row, "name") || json_array_size(values) != ret->column_count)
			return report_wrong(problem,
					    "%s: rows[%zu] lacks a name, or a value for each "
					    "column",
					    id, i);
		json_array_foreach (values, k, item) {
			if (!json_is_number(item) && !json_is_null(item))
				return report_wrong(
					problem, "%s: rows[%zu].values[%zu] is no share", id, i, k);
		}
	}
	return 0;
}

static double
value_at(const struct grid *grid, size_t row, size_t column)
{
	const json_t *value =
		json_array_get(json_object_get(json_array_get(grid->rows, row), "values"), column);

	return json_is_null(value) ? (double)NAN : json_number_value(value);
}

/* Each column's mean, and where it is least. */
static void
write_description(FILE *out, const struct grid *grid)
{
	for (size_t k = 0; k < grid->column_count; k++) {
		double sum = 0, least = INFINITY;
		size_t known = 0, least_row = 0;

		for (size_t i = 0; i < grid->row_count; i++) {
			double value = value_at(grid, i, k);

			if (isnan(value))
				continue;
			sum += value;
			known++;
			if (value >= least)
				continue;
			least = value;
			least_row = i;
		}
		report_text(out, json_string_value(json_array_get(grid->columns, k)));
		if (!known) {
			fputs(": unknown. ", out);
			continue;
		}
		fprintf(out, ": %.0f %% on average, least %.0f %% at ", 100 * sum / (double)known,
			100 * least);
		report_text(out, report_string(json_array_get(grid->rows, least_row), "name"));
		fputs(". ", out);
	}
}

static void
write_cell(FILE *out, double x, double y, double value)
{
	double darkness = fmin(fmax(fabs(value), 0), 1);

	if (isnan(value)) {
		fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">?</text>",
			x + CELL / 2, y + 16);
		return;
	}
	/* Half of the colour at most, or the figure could not be read; below nothing another one.
	 */
	fprintf(out,
		"<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" "
		"style=\"fill:var(--l%d);fill-opacity:%.2f\"/>"
		"<text class=\"name\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%.0f</text>",
		x, y, CELL - 1, HEIGHT - 1, value < 0, darkness * darkness / 2, x + CELL / 2,
		y + 16, 100 * value);
}

static void
write_row(FILE *out, const struct grid *grid, size_t row)
{
	double y = TOP + HEIGHT * (double)row;

	fprintf(out, "<text class=\"name\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">", NAMES - 8,
		y + 16);
	report_text(out, report_string(json_array_get(grid->rows, row), "name"));
	fputs("</text>", out);
	for (size_t k = 0; k < grid->column_count; k++)
		write_cell(out, NAMES + CELL * (double)k, y, value_at(grid, row, k));
	fputc('\n', out);
}

int
report_grid(FILE *out, const json_t *json, const char *id, struct report_problem *problem)
{
	struct grid grid;

	if (read_grid(json, id, &grid, problem) < 0)
		return -1;
	fputs("<figure><figcaption><h3>", out);
	report_text(out, report_string(json, "title"));
	fputs("</h3><p>In percent; the darker the more.", out);
	if (report_string(json, "note")) {
		fputc(' ', out);
		report_text(out, report_string(json, "note"));
	}
	fprintf(out,
		"</p></figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 %.0f %.0f\" "
		"role=\"img\" aria-labelledby=\"%s-t %s-d\"><title id=\"%s-t\">",
		NAMES + CELL * (double)grid.column_count + END,
		TOP + HEIGHT * (double)grid.row_count + 4, id, id, id);
	report_text(out, report_string(json, "title"));
	fprintf(out, "</title><desc id=\"%s-d\">", id);
	write_description(out, &grid);
	fputs("</desc>\n", out);
	for (size_t k = 0; k < grid.column_count; k++) {
		double x = NAMES + CELL * ((double)k + 0.5);

		fprintf(out,
			"<text class=\"name\" x=\"%.0f\" y=\"%.0f\" transform=\"rotate(-40 %.0f "
			"%.0f)\">",
			x, TOP - 8, x, TOP - 8);
		report_text(out, json_string_value(json_array_get(grid.columns, k)));
		fputs("</text>", out);
	}
	for (size_t i = 0; i < grid.row_count; i++)
		write_row(out, &grid, i);
	fputs("</svg></div></figure>\n", out);
	return 0;
}
