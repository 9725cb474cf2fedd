/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_tree.c - the picture of a machine on a terminal: CPUs with their memory below them, near to
 * far, with sizes, figures, and arrows where pages are promoted and demoted; then each CPUs' own
 * order, why the tiers are as they are, and what does not fit together.
 */
#include <errno.h>
#include <string.h>

#include "parse.h"
#include "topo_draw.h"
#include "topo_groups.h"
#include "topo_order.h"
#include "topo_views.h"

#define BAR_CELLS 10
#define NAME_COLUMNS 11
#define ORDERS_MAX 16 /* initiators whose orders are told one by one */

struct tree {
	const struct topo_model *model;
	const struct draw_glyphs *glyphs;
	FILE *stream;
	bool arrows_explained;
};

static void
styled(const struct tree *tree, enum text_style style, const char *text)
{
	fprintf(tree->stream, "%s%s%s", text_style(tree->stream, style), text,
		text_reset(tree->stream));
}

/* Right-aligned in so many columns; what is unknown is dim. */
static void
cell(const struct tree *tree, const char *text, int columns)
{
	int pad = columns - (int)draw_width(text);

	fprintf(tree->stream, "%*s", pad > 0 ? pad : 0, "");
	styled(tree, strcmp(text, "unknown") == 0 ? TEXT_DIM : TEXT_PLAIN, text);
}

/* A name that is too long for its column stands on a line of its own. */
static void
print_name(const struct tree *tree, const char *name, const char *indent)
{
	size_t width = draw_width(name);

	styled(tree, TEXT_BOLD, name);
	if (width > NAME_COLUMNS) {
		fprintf(tree->stream, "\n%s", indent);
		width = 0;
	}
	fprintf(tree->stream, "%*s", (int)(NAME_COLUMNS - width), "");
}

static void
print_notes(const struct tree *tree, const struct topo_group *group, const struct topo_row *row,
	    const char *indent)
{
	char text[512], further[80];

	snprintf(further, sizeof(further), "%s     ", indent);
	for (size_t i = 0; topo_row_note(tree->model, group, row, i, text, sizeof(text)); i++) {
		fprintf(tree->stream, "%s   %s", indent, text_style(tree->stream, TEXT_DIM));
		draw_wrapped(tree->stream, text, draw_width(indent) + 3, further);
		fputs(text_reset(tree->stream), tree->stream);
	}
}

static void
print_row(const struct tree *tree, const struct topo_group *group, size_t r, const char *outer)
{
	const struct topo_row *row = &group->rows[r];
	bool is_last = r == group->row_count - 1;
	const struct draw_glyphs *glyphs = tree->glyphs;
	enum text_style style = draw_kind_style(row->kind);
	char indent[64], text[32];
	uint64_t used = row->total_bytes - row->free_bytes;

	snprintf(indent, sizeof(indent), "%s%s", outer, is_last ? glyphs->blank : glyphs->pipe);
	fprintf(tree->stream, "%s%s", outer, is_last ? glyphs->last : glyphs->branch);
	print_name(tree, row->name, indent);
	fprintf(tree->stream, " %u %s%-6s%s", row->tier, text_style(tree->stream, style), row->kind,
		text_reset(tree->stream));
	cell(tree, format_size(row->total_bytes, text, sizeof(text)), 11);
	fputs("  ", tree->stream);
	draw_bar(tree->stream, glyphs, style,
		 row->total_bytes ? (double)used / (double)row->total_bytes : 0, BAR_CELLS);
	cell(tree, format_size(row->free_bytes, text, sizeof(text)), 11);
	cell(tree, topo_latency_text(row->figures.read_latency_ns, text, sizeof(text)), 9);
	cell(tree, topo_bandwidth_text(row->figures.read_bw_mbps, text, sizeof(text)), 11);
	fputc('\n', tree->stream);
	print_notes(tree, group, row, indent);
}

static void
print_arrows(struct tree *tree, const char *outer)
{
	const struct draw_glyphs *glyphs = tree->glyphs;

	fprintf(tree->stream, "%s%s   %s", outer, glyphs->pipe, text_style(tree->stream, TEXT_DIM));
	if (tree->arrows_explained)
		fprintf(tree->stream, "%s %s", glyphs->up, glyphs->down);
	else
		fprintf(tree->stream, "%s promoted when hot   %s demoted when cold", glyphs->up,
			glyphs->down);
	fprintf(tree->stream, "%s\n", text_reset(tree->stream));
	tree->arrows_explained = true;
}

static void
print_group(struct tree *tree, const struct topo_group *group, bool is_last)
{
	const struct draw_glyphs *glyphs = tree->glyphs;
	const char *outer = is_last ? glyphs->blank : glyphs->pipe;

	fputs(is_last ? glyphs->last : glyphs->branch, tree->stream);
	styled(tree, TEXT_BOLD, group->name);
	fputs(group->row_count == 0 ? ": no memory of their own\n" : "\n", tree->stream);
	for (size_t r = 0; r < group->row_count; r++) {
		const struct topo_row *row = &group->rows[r];
		/* What several share is reached from every group above it. */
		bool changes = r > 0 ? row->tier != group->rows[r - 1].tier
				     : group->is_shared && row->tier > 0;

		if (changes)
			print_arrows(tree, outer);
		print_row(tree, group, r, outer);
	}
}

static void
print_head(const struct tree *tree)
{
	const struct topo_model *model = tree->model;
	size_t tiers = model->tier_count + (model->has_swap ? 1 : 0);
	char total[32], unused[32];

	styled(tree, TEXT_BOLD, "machine");
	fprintf(tree->stream, "  %s of memory, %s free; %zu node%s, %zu tier%s%s\n",
		format_size(model->total_bytes, total, sizeof(total)),
		format_size(model->free_bytes, unused, sizeof(unused)), model->node_count,
		model->node_count == 1 ? "" : "s", tiers, tiers == 1 ? "" : "s",
		model->has_swap ? " with swap" : "");
	fprintf(tree->stream, "%s%s%*s tier           size  %-10s%11s%9s%11s%s\n",
		tree->glyphs->pipe, text_style(tree->stream, TEXT_DIM), NAME_COLUMNS, "", "used",
		"free", "latency", "bandwidth", text_reset(tree->stream));
}

static void
print_order(const struct tree *tree, const struct topo_initiator *initiator, int name_columns)
{
	char name[TOPO_NAME_BYTES], text[8192], indent[64];
	int width;

	topo_initiator_name(initiator, name, sizeof(name));
	topo_order_text(tree->model, initiator, tree->glyphs, text, sizeof(text));
	width = (int)draw_width(name);
	snprintf(indent, sizeof(indent), "  %*s", name_columns, "");
	fprintf(tree->stream, "  %s%*s", name, name_columns > width ? name_columns - width : 2, "");
	draw_wrapped(tree->stream, text,
		     2 + (size_t)(width >= name_columns ? width + 2 : name_columns), indent);
}

static void
print_orders(const struct tree *tree)
{
	const struct topo_model *model = tree->model;
	size_t shown = model->initiator_count > ORDERS_MAX ? 4 : model->initiator_count;
	int columns = 0;

	if (model->node_count + model->swap_device_count < 2 || shown == 0)
		return;
	fputc('\n', tree->stream);
	styled(tree, TEXT_BOLD, "near to far");
	fputs(text_style(tree->stream, TEXT_DIM), tree->stream);
	if (model->tier_count > 1 || model->has_swap)
		fprintf(tree->stream, "  %s promoted and demoted", tree->glyphs->both);
	if (model->node_count > model->tier_count)
		fprintf(tree->stream, "  %s where the nearer is full", tree->glyphs->then);
	fprintf(tree->stream, "%s\n", text_reset(tree->stream));
	for (size_t i = 0; i < shown; i++) {
		char name[TOPO_NAME_BYTES];
		int width = (int)draw_width(
			topo_initiator_name(&model->initiators[i], name, sizeof(name)));

		if (width + 2 > columns)
			columns = width + 2;
	}
	for (size_t i = 0; i < shown; i++)
		print_order(tree, &model->initiators[i], columns);
	if (shown < model->initiator_count)
		fprintf(tree->stream, "  %s and %zu more: sluice topology --json\n",
			tree->glyphs->more, model->initiator_count - shown);
}

static void
print_paragraph(const struct tree *tree, const char *label, const char *text)
{
	char indent[80];

	snprintf(indent, sizeof(indent), "  %*s", (int)draw_width(label) + 2, "");
	fprintf(tree->stream, "  %s  ", label);
	draw_wrapped(tree->stream, text, strlen(indent), indent);
}

static void
print_reasons(const struct tree *tree)
{
	const struct topo_model *model = tree->model;
	char label[32];

	fputc('\n', tree->stream);
	styled(tree, TEXT_BOLD, "tiers, fastest first");
	fputc('\n', tree->stream);
	for (size_t i = 0; i < model->tier_count; i++) {
		snprintf(label, sizeof(label), "%u %-6s", model->tiers[i].index,
			 model->tiers[i].kind);
		print_paragraph(tree, label, model->tiers[i].reason);
	}
	if (model->has_swap) {
		snprintf(label, sizeof(label), "%u swap  ", model->swap_tier);
		print_paragraph(tree, label, model->swap_reason);
	}
}

/* That a node is merely possible tells nothing, unless a device would fill it. */
static bool
is_told(const json_t *bare)
{
	return json_is_true(json_object_get(bare, "online")) ||
	       json_is_true(json_object_get(bare, "device_offers"));
}

/* Nodes without memory, those with one reason together. */
static void
print_absent(const struct tree *tree)
{
	const json_t *array = json_object_get(tree->model->json, "bare_nodes");
	size_t count = json_array_size(array);
	bool any = false;

	for (size_t i = 0, n; i < count; i += n) {
		const json_t *node = json_array_get(array, i);
		struct topo_set ids = {0};
		char list[48], label[64];

		for (n = 0; i + n < count; n++) {
			const json_t *other = json_array_get(array, i + n);

			if (is_told(other) != is_told(node) ||
			    strcmp(text_of(other, "reason"), text_of(node, "reason")) != 0)
				break;
			topo_set_add(&ids, (size_t)number_of(other, "id"));
		}
		if (!is_told(node))
			continue;
		if (!any) {
			fputc('\n', tree->stream);
			styled(tree, TEXT_BOLD, "without memory");
			fputc('\n', tree->stream);
		}
		any = true;
		snprintf(label, sizeof(label), "node%s %s", n > 1 ? "s" : "",
			 topo_set_text(&ids, list, sizeof(list)));
		print_paragraph(tree, label, text_of(node, "reason"));
	}
}

static void
print_remarks(const struct tree *tree)
{
	const json_t *array = json_object_get(tree->model->json, "remarks"), *remark;
	size_t i;

	if (json_array_size(array) == 0)
		return;
	fputc('\n', tree->stream);
	styled(tree, TEXT_YELLOW, "does not fit together");
	fprintf(tree->stream, "  %ssluice topology --explain NODE has the sources%s\n",
		text_style(tree->stream, TEXT_DIM), text_reset(tree->stream));
	json_array_foreach (array, i, remark)
		print_paragraph(tree, "-", text_of(remark, "text"));
}

int
topo_tree_print(const struct topo_model *model, FILE *stream)
{
	struct topo_groups *groups = topo_groups_new(model);
	struct tree tree = {.model = model, .glyphs = draw_glyphs(), .stream = stream};

	if (!groups)
		return -ENOMEM;
	print_head(&tree);
	for (size_t g = 0; g < groups->count; g++)
		print_group(&tree, &groups->groups[g], g == groups->count - 1);
	topo_groups_free(groups);
	print_orders(&tree);
	print_reasons(&tree);
	print_absent(&tree);
	print_remarks(&tree);
	return 0;
}
