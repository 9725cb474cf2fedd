/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_svg.c - the picture of a machine as SVG: a box for the CPUs of each node with the memory
 * that is nearest to them, near to far, a wide box for what all share, and below them each order
 * and the reason of each tier.
 *
 * Sizes are laid out here, as SVG has no layout of its own; text is measured as if each character
 * took the mean width of a sans-serif font, and has room to spare.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "topo_draw.h"
#include "topo_groups.h"
#include "topo_order.h"
#include "topo_views.h"

enum {
	MARGIN = 24,
	GAP = 20,
	PAD = 12,      /* inside a box */
	HEAD = 30,     /* of a box: its name */
	CARD = 74,     /* a row's card without notes */
	NOTE = 15,     /* each line of notes */
	ARROWS = 26,   /* between two cards of different tiers */
	CARD_GAP = 8,  /* between two of one tier */
	BOXES_MAX = 4, /* side by side */
	WIDTH_MIN = 680,
	BOX_MIN = 262,
	LINE = 17, /* of the text below */
	NOTES_MAX = 6
};
#define SMALL_CHAR 5.9 /* mean width of a character of 11 px */

struct svg {
	const struct topo_model *model;
	const struct topo_groups *groups;
	FILE *stream;
	int columns, box_width, width;
};

/* Written twice: as it is, and again for dark pages. Viewers that know no media queries see the
 * first. */
static const char style[] =
	"text{font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1c2530}\n"
	".page{fill:#ffffff}.box{fill:#f3f5f8;stroke:#d3dae2}.card{fill:#ffffff;stroke:#d3dae2}\n"
	".track{fill:#e3e8ee}.title{font-size:18px;font-weight:600}.name{font-size:13px;"
	"font-weight:600}\n"
	".fact{font-size:12px}.small{font-size:11px;fill:#5b6875}.end{text-anchor:end}\n"
	".arrow{stroke:#5b6875;fill:none;stroke-width:1.6;stroke-linecap:round;"
	"stroke-linejoin:round}\n"
	".hbm{fill:#9b3fb5}.dram{fill:#23874f}.remote{fill:#a86f00}.cxl{fill:#0a7fa3}"
	".pmem{fill:#3d64d6}.swap{fill:#6b7683}\n"
	"@media (prefers-color-scheme:dark){\n"
	"text{fill:#e4e9ef}.page{fill:#12171d}.box{fill:#1b222b;stroke:#333e4a}"
	".card{fill:#232c37;stroke:#3a4653}\n"
	".track{fill:#3a4653}.small{fill:#9fabb8}.arrow{stroke:#9fabb8}\n"
	".hbm{fill:#d084e6}.dram{fill:#4fc483}.remote{fill:#e3a93a}.cxl{fill:#3fbfe6}"
	".pmem{fill:#86a4ff}.swap{fill:#98a4b1}\n"
	"}\n";

/* Text at a place, cut so that it takes no more than `room` pixels; room 0: as long as it is. */
static void
put_text(const struct svg *svg, int x, int y, const char *class, int room, const char *text)
{
	size_t most = room > 0 ? (size_t)(room / SMALL_CHAR) : SIZE_MAX;
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
	return CARD + lines * NOTE + (lines > 0 ? 4 : 0);
}

static int
gap_before(const struct topo_group *group, size_t r)
{
	if (r == 0)
		return 0;
	return group->rows[r].tier != group->rows[r - 1].tier ? ARROWS : CARD_GAP;
}

static int
box_height(const struct svg *svg, const struct topo_group *group)
{
	int height = HEAD + PAD;

	for (size_t r = 0; r < group->row_count; r++)
		height += gap_before(group, r) + card_height(svg, group, &group->rows[r]);
	return group->row_count ? height : height + LINE;
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
	put_text(svg, x + 16, y + 20, "name", inner - 90, row->name);
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
	put_text(svg, x + 16, y + 53, "fact", 0, text);
	figures_text(&row->figures, text, sizeof(text));
	put_text(svg, x + 16, y + 67, "small", 0, text);
	for (size_t i = 0; topo_row_note(svg->model, group, row, i, text, sizeof(text)); i++)
		put_text(svg, x + 16, y + CARD + 9 + (int)i * NOTE, "small", inner, text);
}

/* A pair of arrows: hot pages go up, cold ones down. */
static void
put_arrows(const struct svg *svg, int x, int y, int height, bool say)
{
	int top = y + 4, end = y + height - 4;

	fprintf(svg->stream,
		"<path class=\"arrow\" d=\"M%d %dV%dM%d %dl4 -5l4 5M%d %dV%dM%d %dl4 5l4 -5\"/>\n",
		x, end, top, x - 4, top + 5, x + 16, top, end, x + 12, end - 5);
	if (say)
		put_text(svg, x + 30, y + height / 2 + 4, "small", 0,
			 "hot pages up, cold pages down");
}

static void
put_box(const struct svg *svg, const struct topo_group *group, int x, int y, int width, int height,
	bool first)
{
	bool said = !first;

	fprintf(svg->stream,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\" class=\"box\"/>\n", x,
		y, width, height);
	put_text(svg, x + PAD + 2, y + 21, "name", width - 2 * PAD, group->name);
	y += HEAD;
	if (group->row_count == 0)
		put_text(svg, x + PAD + 2, y + 12, "small", 0, "no memory of their own");
	for (size_t r = 0; r < group->row_count; r++) {
		int gap = gap_before(group, r);

		if (gap == ARROWS) {
			put_arrows(svg, x + PAD + 24, y, gap, !said);
			said = true;
		}
		y += gap;
		put_card(svg, group, &group->rows[r], x + PAD, y, width - 2 * PAD);
		y += card_height(svg, group, &group->rows[r]);
	}
}

/* Boxes of CPUs side by side, with what they share below them; or a box that is as wide as the
 * page, of what all share. */
struct cluster {
	const struct topo_group *boxes, *shared; /* shared may be NULL */
	size_t count;                            /* of boxes; 0: the shared one alone */
	int columns;
};

static struct cluster
cluster_at(const struct svg *svg, size_t g)
{
	const struct topo_groups *groups = svg->groups;
	struct cluster cluster = {.boxes = &groups->groups[g]};
	size_t id = groups->groups[g].cluster;

	for (; g < groups->count && groups->groups[g].cluster == id; g++) {
		if (groups->groups[g].is_shared)
			cluster.shared = &groups->groups[g];
		else
			cluster.count++;
	}
	cluster.columns = cluster.count > BOXES_MAX ? BOXES_MAX : (int)cluster.count;
	return cluster;
}

static size_t
cluster_groups(const struct cluster *cluster)
{
	return cluster->count + (cluster->shared != NULL);
}

static int
tallest_box(const struct svg *svg, const struct cluster *cluster)
{
	int height = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		int own = box_height(svg, &cluster->boxes[i]);

		height = own > height ? own : height;
	}
	return height;
}

static int
columns_width(const struct svg *svg, int columns)
{
	return columns * svg->box_width + (columns - 1) * GAP;
}

/* tallest is of the boxes of all clusters beside this one, so that what is shared begins at one
 * height. Returns where the cluster ends. */
static int
put_cluster(const struct svg *svg, const struct cluster *cluster, int x, int y, int tallest,
	    bool draw)
{
	int columns = cluster->columns > 0 ? cluster->columns : svg->columns, height;

	for (size_t i = 0; i < cluster->count; i++) {
		int column = (int)(i % (size_t)columns);

		if (i > 0 && column == 0)
			y += tallest + GAP;
		if (draw)
			put_box(svg, &cluster->boxes[i], x + column * (svg->box_width + GAP), y,
				svg->box_width, tallest, &cluster->boxes[i] == svg->groups->groups);
	}
	y += cluster->count > 0 ? tallest : 0;
	if (!cluster->shared)
		return y;
	if (cluster->shared != svg->groups->groups) {
		int top = cluster->count > 0 ? y : y - GAP;

		if (draw && cluster->shared->rows[0].tier > 0)
			put_arrows(svg, x + PAD + 24, top, ARROWS, false);
		y = top + ARROWS;
	}
	height = box_height(svg, cluster->shared);
	if (draw)
		put_box(svg, cluster->shared, x, y, columns_width(svg, columns), height,
			cluster->shared == svg->groups->groups);
	return y + height;
}

/* As many clusters beside each other as fit. Returns where the next thing goes; with draw false
 * nothing is drawn. */
static int
put_boxes(const struct svg *svg, int y, bool draw)
{
	size_t g = 0;

	while (g < svg->groups->count) {
		int columns = 0, tallest = 0, end = y;
		size_t next = g;

		while (next < svg->groups->count) {
			struct cluster cluster = cluster_at(svg, next);
			int own = tallest_box(svg, &cluster);
			int taken = cluster.columns > 0 ? cluster.columns : svg->columns;

			if (columns > 0 && columns + taken > svg->columns)
				break;
			columns += taken;
			tallest = own > tallest ? own : tallest;
			next += cluster_groups(&cluster);
		}
		for (columns = 0; g < next;) {
			struct cluster cluster = cluster_at(svg, g);
			int own = put_cluster(svg, &cluster,
					      MARGIN + columns * (svg->box_width + GAP), y, tallest,
					      draw);

			columns += cluster.columns;
			end = own > end ? own : end;
			g += cluster_groups(&cluster);
		}
		y = end + GAP;
	}
	return y;
}

/* A label and words beside it, wrapped; returns the next line's place. */
static int
put_words(const struct svg *svg, int y, const char *label, int label_width, const char *text,
	  bool draw)
{
	size_t room = (size_t)((svg->width - 2 * MARGIN - label_width) / SMALL_CHAR);
	char line[1024];

	if (draw)
		put_text(svg, MARGIN, y, "fact", 0, label);
	while (*text) {
		size_t bytes = 0, columns = 0, cut = 0;

		for (; text[bytes] && columns < room && bytes < sizeof(line) - 1; bytes++) {
			if (text[bytes] == ' ')
				cut = bytes;
			columns += ((unsigned char)text[bytes] & 0xc0) != 0x80;
		}
		if (text[bytes] && cut > 0)
			bytes = cut;
		snprintf(line, sizeof(line), "%.*s", (int)bytes, text);
		for (char *p = line; *p; p++)
			*p = *p == '\t' ? ' ' : *p;
		if (draw)
			put_text(svg, MARGIN + label_width, y, "small", 0, line);
		y += LINE;
		text += bytes;
		text += strspn(text, " ");
	}
	return y;
}

static int
put_legend(const struct svg *svg, int y, bool draw)
{
	const struct topo_model *model = svg->model;
	size_t orders = model->initiator_count > 8 ? 0 : model->initiator_count;
	char label[TOPO_NAME_BYTES], text[8192];

	y += 12;
	for (size_t i = 0; i < orders && model->node_count > 1; i++) {
		topo_initiator_name(&model->initiators[i], label, sizeof(label));
		topo_order_text(model, &model->initiators[i], draw_glyphs_utf8(), text,
				sizeof(text));
		y = put_words(svg, y, label, 110, text, draw);
	}
	y += 6;
	for (size_t i = 0; i < model->tier_count; i++) {
		snprintf(label, sizeof(label), "tier %u, %s", model->tiers[i].index,
			 model->tiers[i].kind);
		y = put_words(svg, y, label, 110, model->tiers[i].reason, draw);
	}
	if (model->has_swap) {
		snprintf(label, sizeof(label), "tier %u, swap", model->swap_tier);
		y = put_words(svg, y, label, 110, model->swap_reason, draw);
	}
	return y;
}

static void
lay_out(struct svg *svg)
{
	size_t boxes = 0;

	for (size_t g = 0; g < svg->groups->count; g++)
		boxes += !svg->groups->groups[g].is_shared;
	svg->columns = boxes < 1 ? 1 : boxes > BOXES_MAX ? BOXES_MAX : (int)boxes;
	svg->box_width = (WIDTH_MIN - 2 * MARGIN - (svg->columns - 1) * GAP) / svg->columns;
	if (svg->box_width < BOX_MIN)
		svg->box_width = BOX_MIN;
	svg->width = 2 * MARGIN + svg->columns * svg->box_width + (svg->columns - 1) * GAP;
}

int
topo_svg_print(const struct topo_model *model, FILE *stream)
{
	struct topo_groups *groups = topo_groups_new(model);
	struct svg svg = {.model = model, .groups = groups, .stream = stream};
	char title[128], total[32], unused[32];
	int height;

	if (!groups)
		return -ENOMEM;
	lay_out(&svg);
	snprintf(title, sizeof(title), "%s of memory in %zu node%s, %s free",
		 format_size(model->total_bytes, total, sizeof(total)), model->node_count,
		 model->node_count == 1 ? "" : "s",
		 format_size(model->free_bytes, unused, sizeof(unused)));
	height = put_legend(&svg, put_boxes(&svg, MARGIN + 32, false), false) + MARGIN - LINE;
	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\" aria-labelledby=\"title\">\n"
		"<title id=\"title\">%s</title>\n<style>\n%s</style>\n"
		"<rect width=\"%d\" height=\"%d\" class=\"page\"/>\n",
		svg.width, height, svg.width, height, title, style, svg.width, height);
	put_text(&svg, MARGIN, MARGIN + 16, "title", 0, title);
	put_legend(&svg, put_boxes(&svg, MARGIN + 32, true), true);
	fputs("</svg>\n", stream);
	topo_groups_free(groups);
	return 0;
}
