/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "parse.h"

int
text_no_colour(void)
{
	const char *no = getenv("NO_COLOR"); /* no-color.org: set, and not empty */

	return no && no[0];
}

static int
has_colour(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && !text_no_colour() && term && strcmp(term, "dumb") != 0;
}

const char *
text_style(FILE *stream, enum text_style style)
{
	static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
					    "\033[32m", "\033[33m", "\033[31m",
					    "\033[34m", "\033[35m", "\033[36m"};

	return has_colour(stream) ? codes[style] : "";
}

const char *
text_reset(FILE *stream)
{
	return has_colour(stream) ? "\033[0m" : "";
}

/* Columns that the text takes, about: one a character, which its first byte stands for. */
static size_t
columns_of(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

char *
text_plain(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	return text;
}

/* The end of the last character that begins before `most` bytes. */
static size_t
whole_characters(const char *text, size_t most)
{
	size_t length = strnlen(text, most);

	while (text[length] && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static size_t
terminal_columns(FILE *stream)
{
	struct winsize size;

	if (!isatty(fileno(stream)) || ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 ||
	    size.ws_col == 0)
		return SIZE_MAX;
	return size.ws_col;
}

void
text_wrap(FILE *stream, size_t indent, const char *text)
{
	size_t columns = terminal_columns(stream), at = indent;

	if (columns < indent + 24) /* a narrow terminal breaks lines by itself */
		columns = SIZE_MAX;
	while (*text) {
		size_t length = strcspn(text, " ");
		char word[512];

		snprintf(word, sizeof(word), "%.*s", (int)length, text);
		text_plain(word);
		if (at > indent && at + 1 + columns_of(word) > columns) {
			fprintf(stream, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', stream);
			at++;
		}
		fputs(word, stream);
		at += columns_of(word);
		text += length;
		text += *text == ' ';
	}
	fputc('\n', stream);
}

struct text_table {
	size_t columns, rows;
	int left[TEXT_COLUMNS_MAX];
	size_t width[TEXT_COLUMNS_MAX];
	int has_text[TEXT_COLUMNS_MAX]; /* below its heading */
	char **cells;                   /* rows * columns; the first row is the headings */
};

static void
add_row(struct text_table *table, const char *const *cells)
{
	size_t count = (table->rows + 1) * table->columns;
	char **grown = realloc(table->cells, count * sizeof(*grown));

	if (!grown)
		return;
	table->cells = grown;
	for (size_t c = 0; c < table->columns; c++) {
		const char *text = cells[c] ? cells[c] : "";
		int is_last = c == table->columns - 1;
		char *copy =
			strndup(text, whole_characters(text, is_last ? 4096 : TEXT_CELL_BYTES - 1));

		grown[table->rows * table->columns + c] = copy;
		if (!copy)
			continue;
		text_plain(copy);
		if (columns_of(copy) > table->width[c])
			table->width[c] = columns_of(copy);
		table->has_text[c] |= table->rows > 0 && copy[0];
	}
	table->rows++;
}

struct text_table *
text_table_new(const char *const *headings)
{
	struct text_table *table = calloc(1, sizeof(*table));
	const char *plain[TEXT_COLUMNS_MAX];

	if (!table)
		return NULL;
	while (table->columns < TEXT_COLUMNS_MAX && headings[table->columns]) {
		const char *heading = headings[table->columns];

		table->left[table->columns] = heading[0] == '<';
		plain[table->columns++] = heading[0] == '<' ? heading + 1 : heading;
	}
	add_row(table, plain);
	return table;
}

void
text_table_row(struct text_table *table, const char *const *cells)
{
	if (table)
		add_row(table, cells);
}

static void
print_cell(const struct text_table *table, size_t c, const char *cell, int is_last, FILE *stream)
{
	size_t columns = columns_of(cell);
	int pad = (int)(table->width[c] - columns);

	fprintf(stream, "%s%*s%s%*s", c ? "  " : "", table->left[c] ? 0 : pad, "", cell,
		table->left[c] && !is_last ? pad : 0, "");
}

void
text_table_print(struct text_table *table, FILE *stream)
{
	size_t shown;

	if (!table)
		return;
	/* A last column that says nothing is left out. */
	shown = table->columns - !table->has_text[table->columns - 1];
	for (size_t r = 0; r < table->rows; r++) {
		fputs(r == 0 ? text_style(stream, TEXT_BOLD) : "", stream);
		for (size_t c = 0; c < table->columns; c++) {
			char *cell = table->cells[r * table->columns + c];

			if (c < shown)
				print_cell(table, c, cell ? cell : "", c + 1 == shown, stream);
			free(cell);
		}
		fprintf(stream, "%s\n", r == 0 ? text_reset(stream) : "");
	}
	free(table->cells);
	free(table);
}

const char *
text_bytes(const json_t *number, char *buffer, size_t size)
{
	if (!json_is_number(number)) {
		snprintf(buffer, size, "unknown");
		return buffer;
	}
	return format_size((uint64_t)json_number_value(number), buffer, size);
}

const char *
text_percent(const json_t *share, char *buffer, size_t size)
{
	if (!json_is_number(share))
		snprintf(buffer, size, "unknown");
	else
		snprintf(buffer, size, "%.1f %%", json_number_value(share) * 100);
	return buffer;
}

const char *
text_seconds(double seconds, char *buffer, size_t size)
{
	if (seconds < 120)
		snprintf(buffer, size, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(buffer, size, "%.0f min", seconds / 60);
	else
		snprintf(buffer, size, "%.1f h", seconds / 3600);
	return buffer;
}

const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *
text_item(const json_t *array, size_t i)
{
	const char *text = json_string_value(json_array_get(array, i));

	return text ? text : "";
}

double
number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}
