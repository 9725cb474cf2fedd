/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_draw.h - what pictures on a terminal are made of: lines, arrows and bars in UTF-8 where the
 * locale has it and in ASCII elsewhere, a colour for each kind of memory, text wrapped at 80
 * columns.
 */
#ifndef CLI_TOPO_DRAW_H
#define CLI_TOPO_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "text.h"

#define DRAW_COLUMNS 80

struct draw_glyphs {
	const char *branch, *last, *pipe, *blank; /* of a tree; three columns each */
	const char *up, *down;                    /* promoted, demoted */
	const char *both;                         /* between two tiers */
	const char *then;                         /* between two nodes of a tier */
	const char *full, *empty;                 /* of a bar */
	const char *const *eighths; /* 1 to 7 eighths of a cell; NULL: only whole ones */
	const char *more;           /* "..." */
};

/* By the locale of the environment (LC_ALL, LC_CTYPE, LANG). */
const struct draw_glyphs *draw_glyphs(void);
const struct draw_glyphs *draw_glyphs_utf8(void); /* whatever the locale, for files in UTF-8 */

/* The style of a kind of memory, the same in every picture. */
enum text_style draw_kind_style(const char *kind);

/* A bar of `cells` columns, filled up to share (0 to 1; anything above 0 shows). */
void draw_bar(FILE *stream, const struct draw_glyphs *glyphs, enum text_style style, double share,
	      int cells);

/* Text that begins in column `column` (from 0), wrapped at spaces so that no line is longer than 80
 * columns; further lines begin with indent. Ends the line. A tab is a space that does not break. */
void draw_wrapped(FILE *stream, const char *text, size_t column, const char *indent);

/* Columns that a UTF-8 text takes, its characters being single ones. */
size_t draw_width(const char *text);

#endif
