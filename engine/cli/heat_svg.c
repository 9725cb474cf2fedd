/* SPDX-License-Identifier: Apache-2.0 */
/* heat_svg.c - the heat map as a picture, and as a page around it. Both stand alone: no font,
 * nothing that is loaded; only the page has a script, which tells figures where the pointer is. */
#include <math.h>
#include <string.h>

#include "heat_views.h"
#include "parse.h"
#include "topo_views.h"

enum svg_size {
	LEFT = 130, /* addresses */
	TOP = 46,
	GRID = 800,   /* width of the cells */
	BELOW = 60,   /* axis and legend */
	GAP = 18,     /* between ranges */
	HEIGHT = 560, /* of the cells, about */
	CELL_MIN = 3,
	CELL_MAX = 16
};

struct colour {
	double r, g, b;
};

/* Dark is cold: stops of a scale that is even to the eye, and is told apart without red and green.
 */
static const struct colour stops[] = {{0, 0, 20},     {31, 12, 72},   {85, 15, 109},
				      {136, 34, 106}, {186, 54, 85},  {227, 89, 51},
				      {249, 140, 10}, {249, 201, 50}, {252, 255, 164}};
#define STOPS (sizeof(stops) / sizeof(stops[0]))

static void
print_colour(FILE *stream, float shade)
{
	double at = (double)shade * (double)(STOPS - 1), part;
	size_t i = at >= (double)(STOPS - 1) ? STOPS - 2 : (size_t)at;
	const struct colour *a = &stops[i], *b = &stops[i + 1];

	part = at - (double)i;
	fprintf(stream, "#%02x%02x%02x", (unsigned int)(a->r + (b->r - a->r) * part),
		(unsigned int)(a->g + (b->g - a->g) * part),
		(unsigned int)(a->b + (b->b - a->b) * part));
}

static int
cell_height(const struct heat_map *map)
{
	int height = HEIGHT / (int)(map->rows ? map->rows : 1);

	return height < CELL_MIN ? CELL_MIN : height > CELL_MAX ? CELL_MAX : height;
}

/* Where a range begins; of range_count: where all end. */
static int
range_y(const struct heat_map *map, size_t i)
{
	int rows = i < map->range_count ? (int)map->ranges[i].row : (int)map->rows;

	return TOP + rows * cell_height(map) + (int)i * GAP;
}

static void
text(FILE *stream, double x, int y, const char *anchor, const char *what)
{
	fprintf(stream, "<text x=\"%.0f\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
	topo_xml_text(stream, what);
	fputs("</text>\n", stream);
}

/* Neighbours of about the same colour are one rectangle, or large pictures would be huge files. */
static void
print_row(const struct heat_map *map, uint32_t row, int y, FILE *stream)
{
	double width = (double)GRID / map->columns;

	for (uint32_t c = 0; c < map->columns;) {
		float shade = heat_map_shade(map, row, c);
		uint32_t end = c + 1;

		while (end < map->columns &&
		       (int)(heat_map_shade(map, row, end) * 64) == (int)(shade * 64) &&
		       (heat_map_shade(map, row, end) < 0) == (shade < 0))
			end++;
		if (shade >= 0) {
			fprintf(stream,
				"<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"",
				LEFT + c * width, y, (end - c) * width + 0.3, cell_height(map));
			print_colour(stream, shade);
			fputs("\"/>\n", stream);
		}
		c = end;
	}
}

static void
print_range(const struct heat_map *map, size_t i, FILE *stream)
{
	const struct heat_range *range = &map->ranges[i];
	int y = range_y(map, i), height = cell_height(map);
	int every = height >= 12 ? 1 : 12 / height + 1;
	char label[160], size[16], process[128];

	if (i == 0 || map->ranges[i - 1].pid != range->pid)
		snprintf(label, sizeof(label), "%s",
			 heat_process_text(map, range->pid, process, sizeof(process)));
	else
		snprintf(label, sizeof(label), "%s cut out",
			 format_size(range->start - map->ranges[i - 1].end, size, sizeof(size)));
	text(stream, LEFT, y - 5, "start", label);
	for (uint32_t r = 0; r < range->rows; r++) {
		int top = y + (int)r * height;

		if (r % (uint32_t)every == 0) {
			snprintf(label, sizeof(label), "%llx",
				 (unsigned long long)(range->start + r * range->row_bytes));
			text(stream, LEFT - 6, top + (height < 12 ? 8 : height - 3), "end", label);
		}
		print_row(map, range->row + r, top, stream);
	}
}

static void
print_axis(const struct heat_map *map, int y, FILE *stream)
{
	double seconds = (double)(map->last_ns - map->first_ns) / 1e9;
	char label[64], low[16], high[16];

	for (int i = 0; i <= 4; i++) {
		snprintf(label, sizeof(label), "%.3g s", seconds * i / 4);
		text(stream, LEFT + GRID * i / 4.0, y + 14,
		     i == 0   ? "start"
		     : i == 4 ? "end"
			      : "middle",
		     label);
	}
	for (int i = 0; i < 100; i++) {
		fprintf(stream, "<rect x=\"%d\" y=\"%d\" width=\"2.3\" height=\"10\" fill=\"",
			LEFT + 2 * i, y + 26);
		print_colour(stream, (float)i / 99);
		fputs("\"/>\n", stream);
	}
	snprintf(label, sizeof(label), "%s to %s accesses per page",
		 heat_rate_text((double)map->rate_max / 1e4, low, sizeof(low)),
		 heat_rate_text((double)map->rate_max, high, sizeof(high)));
	text(stream, LEFT + 210, y + 35, "start", label);
}

void
heat_svg_print(const struct heat_map *map, FILE *stream)
{
	int bottom = range_y(map, map->range_count) - (map->range_count ? GAP : 0);
	char head[400];

	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\">\n<style>text{font:11px sans-serif;fill:#444}"
		"@media(prefers-color-scheme:dark){text{fill:#ccc}.back{fill:#181818}}</style>\n"
		"<rect class=\"back\" width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		LEFT + GRID + 20, bottom + BELOW, LEFT + GRID + 20, bottom + BELOW);
	snprintf(head, sizeof(head), "%.255s%s%llu samples%s%s", map->command,
		 map->command[0] ? ": " : "", (unsigned long long)map->samples,
		 map->tracker[0] ? " by " : "", map->tracker);
	text(stream, LEFT, 18, "start", head);
	for (size_t i = 0; i < map->range_count; i++)
		print_range(map, i, stream);
	print_axis(map, bottom, stream);
	fputs("</svg>\n", stream);
}

/* What the script needs: where ranges are in the picture, and their rates. */
static void
print_data(const struct heat_map *map, FILE *stream)
{
	fprintf(stream, "const map={left:%d,width:%d,cell:%d,columns:%u,seconds:%.9g,ranges:[",
		LEFT, GRID, cell_height(map), map->columns,
		(double)(map->last_ns - map->first_ns) / 1e9);
	for (size_t i = 0; i < map->range_count; i++)
		fprintf(stream, "%s{y:%d,row:%u,rows:%u,start:0x%llxn,bytes:%llun,pid:%d}",
			i ? "," : "", range_y(map, i), map->ranges[i].row, map->ranges[i].rows,
			(unsigned long long)map->ranges[i].start,
			(unsigned long long)map->ranges[i].row_bytes, (int)map->ranges[i].pid);
	fputs("],rates:[", stream);
	for (size_t i = 0; i < (size_t)map->rows * map->columns; i++) {
		if (map->rate[i] < 0)
			fputs(i ? ",-1" : "-1", stream);
		else
			fprintf(stream, "%s%.3g", i ? "," : "", (double)map->rate[i]);
	}
	fputs("]};\n", stream);
}

void
heat_html_print(const struct heat_map *map, FILE *stream)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Heat of ",
	      stream);
	topo_xml_text(stream, map->command[0] ? map->command : "memory");
	fputs("</title>\n<style>body{font:14px sans-serif;margin:1em;color-scheme:light dark}"
	      "svg{max-width:100%;height:auto}#told{min-height:1.5em}</style></head>\n<body>\n"
	      "<p id=\"told\">Point at the picture to read figures.</p>\n",
	      stream);
	heat_svg_print(map, stream);
	fputs("<script>\n", stream);
	print_data(map, stream);
	fputs("const svg=document.querySelector('svg'),told=document.getElementById('told');\n"
	      "svg.addEventListener('pointermove',e=>{\n"
	      " const p=new DOMPoint(e.clientX,e.clientY).matrixTransform("
	      "svg.getScreenCTM().inverse());\n"
	      " const c=Math.floor((p.x-map.left)/map.width*map.columns);\n"
	      " if(c<0||c>=map.columns)return;\n"
	      " for(const r of map.ranges){\n"
	      "  const row=Math.floor((p.y-r.y)/map.cell);\n"
	      "  if(row<0||row>=r.rows)continue;\n"
	      "  const rate=map.rates[(r.row+row)*map.columns+c];\n"
	      "  told.textContent='process '+r.pid+', 0x'+"
	      "(r.start+BigInt(row)*r.bytes).toString(16)+', '+"
	      "((c+0.5)/map.columns*map.seconds).toFixed(2)+' s: '+"
	      "(rate<0?'not known':rate+' accesses per second and page');\n"
	      " }\n});\n</script>\n</body></html>\n",
	      stream);
}
