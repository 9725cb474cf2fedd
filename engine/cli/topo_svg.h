/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_svg.h - what the files of the SVG picture share: the page, its measures, its parts.
 *
 * Sizes are laid out by us, as SVG has no layout of its own; text is measured as if each character
 * took the mean width of a sans-serif font, and has room to spare.
 */
#ifndef TOPO_SVG_H
#define TOPO_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "topo_groups.h"

/* In pixels, but for numbers of things. */
enum svg_size {
	SVG_MARGIN = 24,
	SVG_GAP = 20,
	SVG_PAD = 12,      /* inside a box */
	SVG_HEAD = 30,     /* of a box: its name */
	SVG_CARD = 74,     /* a row's card without notes */
	SVG_NOTE = 15,     /* each line of notes */
	SVG_ARROWS = 26,   /* between two cards of different tiers */
	SVG_CARD_GAP = 8,  /* between two of one tier */
	SVG_BOXES_MAX = 4, /* side by side */
	SVG_WIDTH_MIN = 680,
	SVG_BOX_MIN = 262,
	SVG_LINE = 17 /* of the text below */
};
#define SVG_SMALL_CHAR 5.9 /* mean width of a character of 11 px */

struct svg {
	const struct topo_model *model;
	const struct topo_groups *groups;
	FILE *stream;
	int columns, box_width, width;
};

/* Text at a place, cut so that it takes no more than `room` pixels; room 0: as long as it is. */
void svg_text(const struct svg *svg, int x, int y, const char *class, int room, const char *text);

/* A pair of arrows: hot pages go up, cold ones down. */
void svg_arrows(const struct svg *svg, int x, int y, int height, bool say);

/* A box of CPUs, or of what several share. The first one says what arrows mean. */
int svg_box_height(const struct svg *svg, const struct topo_group *group);
void svg_box(const struct svg *svg, const struct topo_group *group, int x, int y, int width,
	     int height, bool first);

#endif
