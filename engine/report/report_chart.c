/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_chart.c - a time series as an inline SVG: lines, a marker where something changed, a text
 * that says the same in words, and the figures as a table for who cannot see or wants to copy them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define LINES_MAX 4 /* as many as can be told apart by colour and dashes */
#define MARKERS_MAX 4
#define POINTS_MAX 20000

/* The picture's own units; the page scales it. */
#define WIDTH 860.0
#define HEIGHT 300.0
#define LEFT 70.0
#define RIGHT 150.0 /* room for the names at the lines' ends */
#define TOP 30.0
#define BOTTOM 42.0

struct point {
	double t, v; /* v is NaN where it is not known */
};

struct line {
	const char *name;
	struct point *points;
	size_t count;
	double last_y; /* where the name goes */
};

struct marker {
	double t;
	const char *label;
};

struct chart {
	const char *title, *note;
	enum report_unit unit;
	struct line lines[LINES_MAX];
	size_t line_count;
	struct marker markers[MARKERS_MAX];
	size_t marker_count;
	double t_min, t_max, v_max, t_step, v_step;
};

static void
chart_release(struct chart *chart)
{
	size_t i;

	for (i = 0; i < chart->line_count; i++)
		free(chart->lines[i].points);
}

static int
read_line(struct chart *chart, const json_t *json, const char *id, struct report_problem *problem)
{
	struct line *line = &chart->lines[chart->line_count];
	const json_t *points = json_object_get(json, "points");
	size_t i, count = json_array_size(points);

	line->name = report_string(json, "name");
	if (!line->name)
		return report_wrong(problem, "%s: lines[%zu].name is not a text", id,
				    chart->line_count);
	if (!json_is_array(points) || count == 0 || count > POINTS_MAX)
		return report_wrong(problem,
				    "%s: line '%.60s': points is not an array of 1 to %d points",
				    id, line->name, POINTS_MAX);
	line->points = calloc(count, sizeof(*line->points));
	if (!line->points)
		return report_wrong(problem, "%s: not enough memory", id);
	line->count = count;
	chart->line_count++;
	for (i = 0; i < count; i++) {
		const json_t *point = json_array_get(points, i);
		const json_t *t = json_array_get(point, 0), *v = json_array_get(point, 1);

		if (json_array_size(point) != 2 || !json_is_number(t) ||
		    (!json_is_number(v) && !json_is_null(v)))
			return report_wrong(problem,
					    "%s: line '%.60s': points[%zu] is not [seconds, value]",
					    id, line->name, i);
		line->points[i].t = json_number_value(t);
		line->points[i].v = json_is_null(v) ? (double)NAN : json_number_value(v);
		if (i > 0 && line->points[i].t < line->points[i - 1].t)
			return report_wrong(
				problem,
				"%s: line '%.60s': points[%zu] is earlier than the one before", id,
				line->name, i);
		if (line->points[i].v < 0)
			return report_wrong(problem, "%s: line '%.60s': points[%zu] is below zero",
					    id, line->name, i);
	}
	return 0;
}

static int
read_chart(struct chart *chart, const json_t *json, const char *id, struct report_problem *problem)
{
	const json_t *lines = json_object_get(json, "lines"),
		     *markers = json_object_get(json, "markers");
	size_t i;

	chart->title = report_string(json, "title");
	chart->note = report_string(json, "note");
	chart->unit = report_unit(report_string(json, "unit"));
	if (!chart->title)
		return report_wrong(problem, "%s: title is not a text", id);
	if (chart->unit == UNIT_UNKNOWN)
		return report_wrong(problem, "%s: unit '%.40s' is not known", id,
				    report_string(json, "unit"));
	if (json_array_size(lines) < 1 || json_array_size(lines) > LINES_MAX)
		return report_wrong(problem, "%s: lines is not an array of 1 to %d lines", id,
				    LINES_MAX);
	for (i = 0; i < json_array_size(lines); i++) {
		if (read_line(chart, json_array_get(lines, i), id, problem) < 0)
			return -1;
	}
	if (json_array_size(markers) > MARKERS_MAX)
		return report_wrong(problem, "%s: more than %d markers", id, MARKERS_MAX);
	for (i = 0; i < json_array_size(markers); i++) {
		const json_t *marker = json_array_get(markers, i),
			     *t = json_object_get(marker, "t_s");

		chart->markers[i].label = report_string(marker, "label");
		chart->markers[i].t = json_number_value(t);
		if (!json_is_number(t) || !chart->markers[i].label)
			return report_wrong(problem,
					    "%s: markers[%zu] is not {\"t_s\":..,\"label\":..}", id,
					    i);
		chart->marker_count++;
	}
	return 0;
}

/* A step of 1, 2 or 5 times a power of ten that cuts the range into about `wanted` parts. */
static double
nice_step(double range, double wanted)
{
	double raw = range / wanted, power = pow(10, floor(log10(raw))), head = raw / power;

	return power * (head < 1.5 ? 1 : head < 3.5 ? 2 : head < 7.5 ? 5 : 10);
}

static void
scale_axes(struct chart *chart)
{
	size_t i, k;

	chart->t_min = INFINITY;
	chart->t_max = -INFINITY;
	chart->v_max = 0;
	for (i = 0; i < chart->line_count; i++) {
		for (k = 0; k < chart->lines[i].count; k++) {
			const struct point *point = &chart->lines[i].points[k];

			chart->t_min = fmin(chart->t_min, point->t);
			chart->t_max = fmax(chart->t_max, point->t);
			chart->v_max = fmax(chart->v_max, point->v); /* fmax passes a NaN over */
		}
	}
	if (chart->t_max <= chart->t_min)
		chart->t_max = chart->t_min + 1;
	if (chart->v_max <= 0)
		chart->v_max = 1;
	if (chart->unit == UNIT_SHARE && chart->v_max <= 1)
		chart->v_max = 1; /* all of it is the natural top */
	chart->t_step = nice_step(chart->t_max - chart->t_min, 8);
	chart->v_step =
		chart->unit == UNIT_SHARE && chart->v_max <= 1 ? 0.25 : nice_step(chart->v_max, 4);
	chart->v_max = ceil(chart->v_max / chart->v_step - 1e-9) * chart->v_step;
}

static double
x_of(const struct chart *chart, double t)
{
	return LEFT + (t - chart->t_min) / (chart->t_max - chart->t_min) * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct chart *chart, double v)
{
	return HEIGHT - BOTTOM - v / chart->v_max * (HEIGHT - TOP - BOTTOM);
}

/* The mean of the known values in [from, to); NaN when there are none. */
static double
mean_between(const struct line *line, double from, double to)
{
	double sum = 0;
	size_t i, n = 0;

	for (i = 0; i < line->count; i++) {
		if (line->points[i].t >= from && line->points[i].t < to &&
		    !isnan(line->points[i].v)) {
			sum += line->points[i].v;
			n++;
		}
	}
	return n ? sum / (double)n : (double)NAN;
}

/* The picture in words: each line's mean in each stretch between the markers, and its end. */
static void
write_description(FILE *out, const struct chart *chart)
{
	char value[REPORT_VALUE_BYTES];
	size_t i, k;

	for (i = 0; i < chart->line_count; i++) {
		const struct line *line = &chart->lines[i];
		double from = -INFINITY, last = NAN;

		report_text(out, line->name);
		fputs(":", out);
		for (k = 0; k < chart->marker_count; k++) {
			report_value(value, chart->unit,
				     mean_between(line, from, chart->markers[k].t));
			fprintf(out, " %s on average until \xe2\x80\x9c", value);
			report_text(out, chart->markers[k].label);
			fprintf(out, "\xe2\x80\x9d at %.0f s;", chart->markers[k].t);
			from = chart->markers[k].t;
		}
		report_value(value, chart->unit, mean_between(line, from, INFINITY));
		fprintf(out, " %s on average%s", value, chart->marker_count ? " after that" : "");
		for (k = line->count; k > 0 && isnan(last); k--)
			last = line->points[k - 1].v;
		report_value(value, chart->unit, last);
		fprintf(out, ", %s at the end. ", value);
	}
}

static void
write_axes(FILE *out, const struct chart *chart)
{
	char value[REPORT_VALUE_BYTES];
	long i, last = lround(chart->v_max / chart->v_step);

	for (i = 0; i <= last; i++) {
		double v = (double)i * chart->v_step;

		report_value(value, chart->unit, v);
		if (chart->unit == UNIT_SHARE)
			snprintf(value, sizeof(value), "%.0f %%", v * 100);
		fprintf(out, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			i == 0 ? "axis" : "grid", LEFT, WIDTH - RIGHT, y_of(chart, v),
			y_of(chart, v));
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			LEFT - 10, y_of(chart, v) + 4.5, value);
	}
	last = lround(floor(chart->t_max / chart->t_step));
	for (i = lround(ceil(chart->t_min / chart->t_step)); i <= last; i++) {
		double t = (double)i * chart->t_step;

		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g s</text>\n",
			x_of(chart, t), HEIGHT - BOTTOM + 22, t);
	}
}

static void
write_markers(FILE *out, const struct chart *chart)
{
	size_t i;

	for (i = 0; i < chart->marker_count; i++) {
		double x = x_of(chart, fmin(fmax(chart->markers[i].t, chart->t_min), chart->t_max));

		if (i == 0)
			fprintf(out,
				"<rect class=\"after\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				"height=\"%.1f\"/>",
				x, TOP, WIDTH - RIGHT - x, HEIGHT - TOP - BOTTOM);
		fprintf(out,
			"<line class=\"marker\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			x, x, TOP - 8, HEIGHT - BOTTOM);
		fprintf(out, "<text class=\"marker-label\" x=\"%.1f\" y=\"%.1f\">", x + 6,
			TOP - 10);
		report_text(out, chart->markers[i].label);
		fputs("</text>\n", out);
	}
}

static void
write_line(FILE *out, struct chart *chart, size_t index)
{
	struct line *line = &chart->lines[index];
	int drawing = 0;
	size_t k;

	line->last_y = y_of(chart, 0);
	fprintf(out, "<path class=\"line l%zu\" d=\"", index);
	for (k = 0; k < line->count; k++) {
		const struct point *point = &line->points[k];

		if (isnan(point->v)) {
			drawing = 0; /* unknown is a gap, never a guess */
			continue;
		}
		line->last_y = y_of(chart, point->v);
		fprintf(out, "%c%.1f %.1f", drawing ? 'L' : 'M', x_of(chart, point->t),
			line->last_y);
		drawing = 1;
	}
	fputs("\"/>\n", out);
}

/* Names stand at the lines' ends, pushed apart where the lines end close together. */
static void
write_names(FILE *out, struct chart *chart)
{
	size_t order[LINES_MAX], i, k;
	double y, free_from = -INFINITY;

	if (chart->line_count < 2)
		return; /* the title says what a single line is */
	for (i = 0; i < chart->line_count; i++) {
		for (k = i; k > 0 && chart->lines[order[k - 1]].last_y > chart->lines[i].last_y;
		     k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	for (i = 0; i < chart->line_count; i++) {
		const struct line *line = &chart->lines[order[i]];

		y = fmin(line->last_y,
			 HEIGHT - BOTTOM - 17.0 * (double)(chart->line_count - 1 - i));
		y = fmax(y, free_from);
		free_from = y + 17;
		fprintf(out,
			"<line class=\"line l%zu\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
			"y2=\"%.1f\"/>",
			order[i], WIDTH - RIGHT + 6, WIDTH - RIGHT + 26, y, y);
		fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", WIDTH - RIGHT + 31,
			y + 4.5);
		report_text(out, line->name);
		fputs("</text>\n", out);
	}
}

static void
write_figures(FILE *out, const struct chart *chart)
{
	char value[REPORT_VALUE_BYTES];
	size_t i, k;

	fputs("<details><summary>The figures</summary><div class=\"scroll\">", out);
	for (i = 0; i < chart->line_count; i++) {
		const struct line *line = &chart->lines[i];

		fputs("<table><caption>", out);
		report_text(out, line->name);
		fputs("</caption><thead><tr><th scope=\"col\">Time</th><th "
		      "scope=\"col\">Value</th></tr></thead><tbody>",
		      out);
		for (k = 0; k < line->count; k++) {
			report_value(value, chart->unit, line->points[k].v);
			fprintf(out, "<tr><td>%.1f s</td><td>%s</td></tr>", line->points[k].t,
				value);
		}
		fputs("</tbody></table>", out);
	}
	fputs("</div></details>\n", out);
}

int
report_chart(FILE *out, const json_t *json, const char *id, struct report_problem *problem)
{
	struct chart chart = {0};
	size_t i;

	if (read_chart(&chart, json, id, problem) < 0) {
		chart_release(&chart);
		return -1;
	}
	scale_axes(&chart);
	fputs("<figure><figcaption><h3>", out);
	report_text(out, chart.title);
	fputs("</h3>", out);
	if (chart.note) {
		fputs("<p>", out);
		report_text(out, chart.note);
		fputs("</p>", out);
	}
	fprintf(out,
		"</figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		"aria-labelledby=\"%s-t "
		"%s-d\">"
		"<title id=\"%s-t\">",
		WIDTH, HEIGHT, id, id, id);
	report_text(out, chart.title);
	fprintf(out, "</title><desc id=\"%s-d\">", id);
	write_description(out, &chart);
	fputs("</desc>\n", out);
	write_markers(out, &chart);
	write_axes(out, &chart);
	for (i = 0; i < chart.line_count; i++)
		write_line(out, &chart, i);
	write_names(out, &chart);
	fputs("</svg></div>\n", out);
	write_figures(out, &chart);
	fputs("</figure>\n", out);
	chart_release(&chart);
	return 0;
}
