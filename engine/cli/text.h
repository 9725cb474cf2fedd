/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - output for people: tables, colours on a terminal only, figures with units. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_COLUMNS_MAX 12
#define TEXT_CELL_BYTES 64

enum text_style {
	TEXT_PLAIN,
	TEXT_BOLD,
	TEXT_DIM,
	TEXT_GREEN,
	TEXT_YELLOW,
	TEXT_RED,
	TEXT_BLUE,
	TEXT_MAGENTA,
	TEXT_CYAN
};

/* Escape sequences, or "" when the stream is no terminal, TERM is dumb, or NO_COLOR is set. */
const char *text_style(FILE *stream, enum text_style style);
const char *text_reset(FILE *stream);
int text_no_colour(void); /* NO_COLOR is set */

/* Text of strangers, process names above all, without control characters, which could command a
 * terminal: each becomes '?'. In place; returns text. */
char *text_plain(char *text);
/* The text from column `indent` on, where the cursor is, and a newline; on a terminal broken
 * between words at its width. Plain, as above. */
void text_wrap(FILE *stream, size_t indent, const char *text);

/* A table that is printed when it is complete, so that columns fit. Cells are cut at
 * TEXT_CELL_BYTES and plain; the last column may be of any length, and is left out when it is empty
 * in every row. No row limit; NULL on no memory. */
struct text_table;
struct text_table *text_table_new(const char *const *headings); /* ends with NULL; "<x" left */
void text_table_row(struct text_table *table, const char *const *cells);
void text_table_print(struct text_table *table, FILE *stream); /* and frees it */

/* Members of JSON as text; "unknown" for null or none. buffer is returned. */
const char *text_bytes(const json_t *number, char *buffer, size_t size);
const char *text_percent(const json_t *share, char *buffer, size_t size);
const char *text_seconds(double seconds, char *buffer, size_t size);
const char *text_of(const json_t *object, const char *key); /* a string member, or "" */
const char *text_item(const json_t *array, size_t i);       /* a string item, or "" */
double number_of(const json_t *object, const char *key);    /* a number member, or 0 */

#endif
