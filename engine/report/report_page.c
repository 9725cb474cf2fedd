/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_page.c - the page around the charts: looks, headline figures, tables, notes. One file,
 * nothing loaded from anywhere, no script; light or dark as the reader's system is.
 */
#include <math.h>
#include <string.h>

#include "report.h"

static const char style[] =
	":root{color-scheme:light dark;--bg:#fcfcfb;--card:#fff;--ink:#1a1a19;--soft:#5c5b57;"
	"--rule:#e4e3df;--l0:#1f6fd0;--l1:#d9591c;--l2:#178a60;--l3:#8a4fc7;--after:#1f6fd00f;"
	"--warn-bg:#fff3d6;--warn-ink:#6b4700;--good:#12724e}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#161615;--card:#1f1f1d;--ink:#f2f1ed;"
	"--soft:#b0aea7;--rule:#3a3936;--l0:#6aa9f4;--l1:#f58f5c;--l2:#4cc596;--l3:#bb90ee;"
	"--after:#6aa9f418;--warn-bg:#453510;--warn-ink:#ffdf9a;--good:#5fd0a2}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
	"main{max-width:960px;margin:0 auto;padding:32px 20px 64px}"
	"h1{font-size:1.75rem;line-height:1.2;margin:0 0 8px}h2{font-size:1.3rem;margin:40px 0 8px}"
	"h3{font-size:1.05rem;margin:0}p{margin:4px 0 12px}.soft,figcaption p{color:var(--soft)}\n"
	".emulated{background:var(--warn-bg);color:var(--warn-ink);border-radius:8px;"
	"padding:10px 14px;margin:14px 0}\n"
	".tiles{display:flex;flex-wrap:wrap;gap:14px;margin:20px 0;padding:0;list-style:none}"
	".tiles li{flex:1 1 200px;background:var(--card);border:1px solid var(--rule);"
	"border-radius:10px;padding:14px 18px}.tiles b{display:block;font-size:1.9rem;"
	"line-height:1.25;font-weight:650;color:var(--good)}.tiles span{color:var(--soft)}\n"
	"figure{background:var(--card);border:1px solid var(--rule);border-radius:10px;"
	"margin:18px 0;padding:16px 18px "
	"12px}svg{display:block;width:100%;min-width:600px;height:auto}.plot{overflow-x:auto}"
	"svg text{font-size:13px;fill:var(--soft);font-variant-numeric:tabular-nums}"
	"svg .name,svg .marker-label{fill:var(--ink)}svg .marker-label{font-weight:600}"
	".grid{stroke:var(--rule)}.axis{stroke:var(--soft)}"
	".marker{stroke:var(--ink);stroke-dasharray:4 4}.after{fill:var(--after)}"
	".line{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}"
	".l0{stroke:var(--l0)}.l1{stroke:var(--l1);stroke-dasharray:8 5}"
	".l2{stroke:var(--l2);stroke-dasharray:2 5}.l3{stroke:var(--l3);stroke-dasharray:12 4 2 "
	"4}\n"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"caption{text-align:left;font-weight:600;padding:8px 0}"
	"th,td{padding:8px 12px 8px 0;border-bottom:1px solid var(--rule);text-align:right;"
	"vertical-align:top}th:first-child,td:first-child{text-align:left}"
	"td{white-space:nowrap}thead th{color:var(--soft);font-weight:600}tbody "
	"th{font-weight:400}\n"
	"details{margin-top:8px;color:var(--soft)}summary{cursor:pointer}"
	".scroll{display:flex;gap:32px;max-height:320px;overflow:auto}"
	"code{font:.9em ui-monospace,'DejaVu Sans Mono',monospace}footer{margin-top:40px;"
	"color:var(--soft);font-size:.9rem}\n"
	"@media print{figure,.tiles li{break-inside:avoid}}\n";

void
report_page_begin(FILE *out, const char *title)
{
	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
	      out);
	report_text(out, title);
	fprintf(out, "</title>\n<style>\n%s</style></head>\n<body><main>\n", style);
}

void
report_page_end(FILE *out)
{
	fputs("</main></body></html>\n", out);
}

/* A cell is a number in its row's unit, a text, null for unknown, or {"value":..,"unit":..}. */
static int
write_cell(FILE *out, const json_t *cell, enum report_unit unit)
{
	char value[REPORT_VALUE_BYTES];

	if (json_is_object(cell)) {
		unit = report_unit(report_string(cell, "unit"));
		cell = json_object_get(cell, "value");
	}
	if (json_is_string(cell)) {
		report_text(out, json_string_value(cell));
		return 0;
	}
	if (unit == UNIT_UNKNOWN || (!json_is_number(cell) && !json_is_null(cell)))
		return -1;
	report_value(value, unit, json_is_null(cell) ? (double)NAN : json_number_value(cell));
	fputs(value, out);
	return 0;
}

static int
write_tiles(FILE *out, const json_t *tiles, struct report_problem *problem)
{
	const json_t *tile;
	size_t i;

	if (!json_array_size(tiles))
		return 0;
	fputs("<ul class=\"tiles\">", out);
	json_array_foreach (tiles, i, tile) {
		const char *label = report_string(tile, "label");

		fputs("<li><b>", out);
		if (!label || write_cell(out, tile, UNIT_NONE) < 0)
			return report_wrong(
				problem,
				"headline[%zu] is not {\"value\":..,\"unit\":..,\"label\":..}", i);
		fputs("</b><span>", out);
		report_text(out, label);
		fputs("</span></li>", out);
	}
	fputs("</ul>\n", out);
	return 0;
}

static int
write_table(FILE *out, const json_t *table, size_t number, struct report_problem *problem)
{
	const json_t *columns = json_object_get(table, "columns"),
		     *rows = json_object_get(table, "rows");
	const json_t *item, *cell;
	const char *text = report_string(table, "title");
	size_t i, k;

	if (!text || !json_array_size(columns) || !json_is_array(rows))
		return report_wrong(problem, "tables[%zu] lacks a title, columns or rows", number);
	fputs("<figure><table><caption>", out);
	report_text(out, text);
	fputs("</caption><thead><tr><td></td>", out);
	json_array_foreach (columns, i, item) {
		if (!json_is_string(item))
			return report_wrong(problem, "tables[%zu].columns[%zu] is not a text",
					    number, i);
		fputs("<th scope=\"col\">", out);
		report_text(out, json_string_value(item));
		fputs("</th>", out);
	}
	fputs("</tr></thead><tbody>\n", out);
	json_array_foreach (rows, i, item) {
		const json_t *values = json_object_get(item, "values");

		text = report_string(item, "name");
		if (!text || json_array_size(values) != json_array_size(columns))
			return report_wrong(
				problem,
				"tables[%zu].rows[%zu] lacks a name, or a value for each column",
				number, i);
		fputs("<tr><th scope=\"row\">", out);
		report_text(out, text);
		fputs("</th>", out);
		json_array_foreach (values, k, cell) {
			fputs("<td>", out);
			if (write_cell(out, cell, report_unit(report_string(item, "unit"))) < 0)
				return report_wrong(problem,
						    "tables[%zu].rows[%zu].values[%zu] is no "
						    "number, text or null, or its "
						    "unit is not known",
						    number, i, k);
			fputs("</td>", out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></figure>\n", out);
	return 0;
}

static void
write_notes(FILE *out, const json_t *result)
{
	const json_t *note, *notes = json_object_get(result, "notes");
	const char *command = report_string(result, "command"),
		   *made = report_string(result, "made");
	size_t i;

	if (json_array_size(notes)) {
		fputs("<h2>How this was measured</h2><ul>", out);
		json_array_foreach (notes, i, note) {
			fputs("<li>", out);
			report_text(out, json_is_string(note) ? json_string_value(note) : "");
			fputs("</li>", out);
		}
		fputs("</ul>\n", out);
	}
	fputs("<footer>", out);
	if (command) {
		fputs("Made by <code>", out);
		report_text(out, command);
		fputs("</code>", out);
	}
	if (made) {
		fputs(command ? ", " : "", out);
		report_text(out, made);
	}
	fputs("</footer>\n", out);
}

int
report_section(FILE *out, const json_t *result, int number, struct report_problem *problem)
{
	const json_t *machine = json_object_get(result, "machine"), *item;
	const char *text = report_string(result, "title"), *heading = number == 1 ? "h1" : "h2";
	char id[32];
	size_t i;

	if (!report_string(result, "schema") ||
	    strcmp(report_string(result, "schema"), "sluice-result/1") != 0)
		return report_wrong(problem, "schema is not \"sluice-result/1\"");
	if (!text)
		return report_wrong(problem, "title is not a text");
	/* A figure must not pass for one of real hardware by an omission. */
	if (!json_is_boolean(json_object_get(machine, "emulated")) ||
	    !report_string(machine, "description"))
		return report_wrong(problem,
				    "machine lacks emulated (true or false) or description");
	fprintf(out, "<section><%s>", heading);
	report_text(out, text);
	fprintf(out, "</%s>\n", heading);
	text = report_string(result, "summary");
	if (text) {
		fputs("<p>", out);
		report_text(out, text);
		fputs("</p>\n", out);
	}
	if (json_is_true(json_object_get(machine, "emulated")))
		fputs("<p class=\"emulated\"><strong>Emulated hardware.</strong> ", out);
	else if (json_is_true(json_object_get(machine, "modelled")))
		fputs("<p class=\"emulated\"><strong>Modelled hardware.</strong> ", out);
	else
		fputs("<p class=\"soft\">", out);
	report_text(out, report_string(machine, "description"));
	fputs("</p>\n", out);
	if (write_tiles(out, json_object_get(result, "headline"), problem) < 0)
		return -1;
	json_array_foreach (json_object_get(result, "charts"), i, item) {
		snprintf(id, sizeof(id), "chart%d-%zu", number, i);
		if (report_chart(out, item, id, problem) < 0)
			return -1;
	}
	json_array_foreach (json_object_get(result, "grids"), i, item) {
		snprintf(id, sizeof(id), "grid%d-%zu", number, i);
		if (report_grid(out, item, id, problem) < 0)
			return -1;
	}
	json_array_foreach (json_object_get(result, "tables"), i, item) {
		if (write_table(out, item, i, problem) < 0)
			return -1;
	}
	write_notes(out, result);
	fputs("</section>\n", out);
	return 0;
}
