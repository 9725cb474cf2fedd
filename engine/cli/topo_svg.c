/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_svg.c - the picture of a machine as SVG: a box for the CPUs of each node with the memory
 * that is nearest to them, near to far, a wide box for what all share, and below them each order
 * and the reason of each tier.
 * Where boxes go is decided here; topo_svg_box.c draws one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "topo_draw.h"
#include "topo_groups.h"
#include "topo_order.h"
#include "topo_svg.h"
#include "topo_views.h"

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
	cluster.columns = cluster.count > SVG_BOXES_MAX ? SVG_BOXES_MAX : (int)cluster.count;
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
		int own = svg_box_height(svg, &cluster->boxes[i]);

		height = own > height ? own : height;
	}
	return height;
}

static int
columns_width(const struct svg *svg, int columns)
{
	return columns * svg->box_width + (columns - 1) * SVG_GAP;
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
			y += tallest + SVG_GAP;
		if (draw)
			svg_box(svg, &cluster->boxes[i], x + column * (svg->box_width + SVG_GAP), y,
				svg->box_width, tallest, &cluster->boxes[i] == svg->groups->groups);
	}
	y += cluster->count > 0 ? tallest : 0;
	if (!cluster->shared)
		return y;
	if (cluster->shared != svg->groups->groups) {
		int top = cluster->count > 0 ? y : y - SVG_GAP;

		if (draw && cluster->shared->rows[0].tier > 0)
			svg_arrows(svg, x + SVG_PAD + 24, top, SVG_ARROWS, false);
		y = top + SVG_ARROWS;
	}
	height = svg_box_height(svg, cluster->shared);
	if (draw)
		svg_box(svg, cluster->shared, x, y, columns_width(svg, columns), height,
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
					      SVG_MARGIN + columns * (svg->box_width + SVG_GAP), y,
					      tallest, draw);

			columns += cluster.columns;
			end = own > end ? own : end;
			g += cluster_groups(&cluster);
		}
		y = end + SVG_GAP;
	}
	return y;
}

/* A label and words beside it, wrapped; returns the next line's place. */
static int
put_words(const struct svg *svg, int y, const char *label, int label_width, const char *text,
	  bool draw)
{
	size_t room = (size_t)((svg->width - 2 * SVG_MARGIN - label_width) / SVG_SMALL_CHAR);
	char line[1024];

	if (draw)
		svg_text(svg, SVG_MARGIN, y, "fact", 0, label);
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
			svg_text(svg, SVG_MARGIN + label_width, y, "small", 0, line);
		y += SVG_LINE;
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
	svg->columns = boxes < 1 ? 1 : boxes > SVG_BOXES_MAX ? SVG_BOXES_MAX : (int)boxes;
	svg->box_width =
		(SVG_WIDTH_MIN - 2 * SVG_MARGIN - (svg->columns - 1) * SVG_GAP) / svg->columns;
	if (svg->box_width < SVG_BOX_MIN)
		svg->box_width = SVG_BOX_MIN;
	svg->width = 2 * SVG_MARGIN + svg->columns * svg->box_width + (svg->columns - 1) * SVG_GAP;
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
	height = put_legend(&svg, put_boxes(&svg, SVG_MARGIN + 32, false), false) + SVG_MARGIN -
		 SVG_LINE;
	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\" aria-labelledby=\"title\">\n"
		"<title id=\"title\">%s</title>\n<style>\n%s</style>\n"
		"<rect width=\"%d\" height=\"%d\" class=\"page\"/>\n",
		svg.width, height, svg.width, height, title, style, svg.width, height);
	svg_text(&svg, SVG_MARGIN, SVG_MARGIN + 16, "title", 0, title);
	put_legend(&svg, put_boxes(&svg, SVG_MARGIN + 32, true), true);
	fputs("</svg>\n", stream);
	topo_groups_free(groups);
	return 0;
}
