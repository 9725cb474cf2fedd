/* SPDX-License-Identifier: Apache-2.0 */
/* topo_svg_box.c - one box of the picture: the cards of the memory in it, and arrows between them.
 */
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "topo_draw.h"
#include "topo_svg.h"
#include "topo_views.h"

void
svg_text(const struct svg *svg, int x, int y, const char *class, int room, const char *text)
{
	size_t most = room > 0 ? (size_t)(room / SVG_SMALL_CHAR) : SIZE_MAX;
	char cut[512];

	fprintf(svg->stream, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	snprintf(cut, sizeof(cut), "%s", text);
	if (draw_width(text) > most) {
		size_t bytes = 0, columns = 0;

		while (cut[bytes] && columns < most) {
			bytes++;
			columns += ((unsigned char)cut[bytes] & 0xc0) != 0x80;
		}
		cut[bytes] = '\0';
		topo_xml_text(svg->stream, cut);
		fputs("&#8230;", svg->stream);
	} else {
		topo_xml_text(svg->stream, cut);
	}
	fputs("</text>\n", svg->stream);
}

static int
card_height(const struct svg *svg, const struct topo_group *group, const struct topo_row *row)
{
	char note[512];
	int lines = 0;

	while (topo_row_note(svg->model, group, row, (size_t)lines, note, sizeof(note)))
		lines++;
	return SVG_CARD + lines * SVG_NOTE + (lines > 0 ? 4 : 0);
}

static int
gap_before(const struct topo_group *group, size_t r)
{
	if (r == 0)
		return 0;
	return group->rows[r].tier != group->rows[r - 1].tier ? SVG_ARROWS : SVG_CARD_GAP;
}

int
svg_box_height(const struct svg *svg, const struct topo_group *group)
{
	int height = SVG_HEAD + SVG_PAD;

	for (size_t r = 0; r < group->row_count; r++)
		height += gap_before(group, r) + card_height(svg, group, &group->rows[r]);
	return group->row_count ? height : height + SVG_LINE;
}

/* "80 ns, 100 GB/s"; what is unknown is named. */
static void
figures_text(const struct topo_figures *figures, char *buffer, size_t size)
{
	char latency[24], bandwidth[24];

	topo_latency_text(figures->read_latency_ns, latency, sizeof(latency));
	topo_bandwidth_text(figures->read_bw_mbps, bandwidth, sizeof(bandwidth));
	if (figures->read_latency_ns && figures->read_bw_mbps)
		snprintf(buffer, size, "%s, %s", latency, bandwidth);
	else if (figures->read_latency_ns)
		snprintf(buffer, size, "%s, bandwidth unknown", latency);
	else if (figures->read_bw_mbps)
		snprintf(buffer, size, "%s, latency unknown", bandwidth);
	else
		snprintf(buffer, size, "latency and bandwidth unknown");
}

static void
put_card(const struct svg *svg, const struct topo_group *group, const struct topo_row *row, int x,
	 int y, int width)
{
	uint64_t used = row->total_bytes - row->free_bytes;
	double share = row->total_bytes ? (double)used / (double)row->total_bytes : 0;
	int height = card_height(svg, group, row), inner = width - 28;
	char text[512], a[32], b[32];

	fprintf(svg->stream,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" class=\"card\"/>\n"
		"<rect x=\"%d\" y=\"%d\" width=\"5\" height=\"%d\" rx=\"2.5\" class=\"%s\"/>\n",
		x, y, width, height, x, y, height, row->kind);
	svg_text(svg, x + 16, y + 20, "name", inner - 90, row->name);
	snprintf(text, sizeof(text), "tier %u", row->tier);
	fprintf(svg->stream,
		"<text x=\"%d\" y=\"%d\" class=\"end fact\">%s &#183; <tspan class=\"name %s\">",
		x + width - 12, y + 20, text, row->kind);
	topo_xml_text(svg->stream, row->kind);
	fputs("</tspan></text>\n", svg->stream);
	fprintf(svg->stream,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"8\" rx=\"4\" class=\"track\"/>\n",
		x + 16, y + 29, inner);
	if (share > 0)
		fprintf(svg->stream,
			"<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"8\" rx=\"4\" "
			"class=\"%s\"/>\n",
			x + 16, y + 29, share * inner < 8 ? 8 : share * inner, row->kind);
	snprintf(text, sizeof(text), "%s, %s free", format_size(row->total_bytes, a, sizeof(a)),
		 format_size(row->free_bytes, b, sizeof(b)));
	svg_text(svg, x + 16, y + 53, "fact", 0, text);
	figures_text(&row->figures, text, sizeof(text));
	svg_text(svg, x + 16, y + 67, "small", 0, text);
	for (size_t i = 0; topo_row_note(svg->model, group, row, i, text, sizeof(text)); i++)
		svg_text(svg, x + 16, y + SVG_CARD + 9 + (int)i * SVG_NOTE, "small", inner, text);
}

void
svg_arrows(const struct svg *svg, int x, int y, int height, bool say)
{
	int top = y + 4, end = y + height - 4;

	fprintf(svg->stream,
		"<path class=\"arrow\" d=\"M%d %dV%dM%d %dl4 -5l4 5M%d %dV%dM%d %dl4 5l4 -5\"/>\n",
		x, end, top, x - 4, top + 5, x + 16, top, end, x + 12, end - 5);
	if (say)
		svg_text(svg, x + 30, y + height / 2 + 4, "small", 0,
			 "hot pages up, cold pages down");
}

void
svg_box(const struct svg *svg, const struct topo_group *group, int x, int y, int width, int height,
	bool first)
{
	bool said = !first;

	fprintf(svg->stream,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\" class=\"box\"/>\n", x,
		y, width, height);
	svg_text(svg, x + SVG_PAD + 2, y + 21, "name", width - 2 * SVG_PAD, group->name);
	y += SVG_HEAD;
	if (group->row_count == 0)
		svg_text(svg, x + SVG_PAD + 2, y + 12, "small", 0, "no memory of their own");
	for (size_t r = 0; r < group->row_count; r++) {
		int gap = gap_before(group, r);

		if (gap == SVG_ARROWS) {
			svg_arrows(svg, x + SVG_PAD + 24, y, gap, !said);
			said = true;
		}
		y += gap;
		put_card(svg, group, &group->rows[r], x + SVG_PAD, y, width - 2 * SVG_PAD);
		y += card_height(svg, group, &group->rows[r]);
	}
}
