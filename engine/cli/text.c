/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

static int
has_colour(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

const char *
text_style(FILE *stream, enum text_style style)
{
	static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
					    "\033[32m", "\033[33m", "\033[31m"};

	return has_colour(stream) ? codes[style] : "";
}

const char *
text_reset(FILE *stream)
{
	return has_colour(stream) ? "\033[0m" : "";
}

struct text_table {
	size_t columns, rows;
	int left[TEXT_COLUMNS_MAX];
	size_t width[TEXT_COLUMNS_MAX];
	char **cells; /* rows * columns; the first row is the headings */
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
		char *copy = strndup(text, is_last ? 4096 : TEXT_CELL_BYTES - 1);

		grown[table->rows * table->columns + c] = copy;
		if (copy && strlen(copy) > table->width[c])
			table->width[c] = strlen(copy);
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

void
text_table_print(struct text_table *table, FILE *stream)
{
	if (!table)
		return;
	for (size_t r = 0; r < table->rows; r++) {
		if (r == 0)
			fputs(text_style(stream, TEXT_BOLD), stream);
		for (size_t c = 0; c < table->columns; c++) {
			char *cell = table->cells[r * table->columns + c];
			int width = (int)table->width[c];
			int is_last = c == table->columns - 1;

			fputs(c ? "  " : "", stream);
			if (table->left[c])
				fprintf(stream, "%-*s", is_last ? 0 : width, cell ? cell : "");
			else
				fprintf(stream, "%*s", width, cell ? cell : "");
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

double
number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}
