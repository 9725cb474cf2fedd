/* SPDX-License-Identifier: Apache-2.0 */
/* topo_draw.c - see topo_draw.h. */
#include "topo_draw.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

static const char *const eighths[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};

static const struct draw_glyphs utf8 = {
	.branch = "├─ ",
	.last = "└─ ",
	.pipe = "│  ",
	.blank = "   ",
	.up = "▲",
	.down = "▼",
	.both = "⇄",
	.then = "›",
	.full = "█",
	.empty = "░",
	.eighths = eighths,
	.more = "…",
};

static const struct draw_glyphs ascii = {
	.branch = "|- ",
	.last = "`- ",
	.pipe = "|  ",
	.blank = "   ",
	.up = "^",
	.down = "v",
	.both = "<->",
	.then = ">",
	.full = "#",
	.empty = ".",
	.more = "...",
};

const struct draw_glyphs *
draw_glyphs(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? &utf8 : &ascii;
}

const struct draw_glyphs *
draw_glyphs_utf8(void)
{
	return &utf8;
}

enum text_style
draw_kind_style(const char *kind)
{
	static const struct {
		const char *kind;
		enum text_style style;
	} styles[] = {
		{"hbm", TEXT_MAGENTA}, {"dram", TEXT_GREEN}, {"remote", TEXT_YELLOW},
		{"cxl", TEXT_CYAN},    {"pmem", TEXT_BLUE},
	};

	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
		if (strcmp(styles[i].kind, kind) == 0)
			return styles[i].style;
	}
	return TEXT_DIM;
}

void
draw_bar(FILE *stream, const struct draw_glyphs *glyphs, enum text_style style, double share,
	 int cells)
{
	int parts = glyphs->eighths ? 8 : 1;
	int filled = (int)(share * cells * parts + 0.5), i;

	if (filled == 0 && share > 0)
		filled = 1;
	if (filled > cells * parts)
		filled = cells * parts;
	fputs(text_style(stream, style), stream);
	for (i = 0; i < filled / parts; i++)
		fputs(glyphs->full, stream);
	if (filled % parts) {
		fputs(glyphs->eighths[filled % parts - 1], stream);
		i++;
	}
	fputs(text_reset(stream), stream);
	fputs(text_style(stream, TEXT_DIM), stream);
	for (; i < cells; i++)
		fputs(glyphs->empty, stream);
	fputs(text_reset(stream), stream);
}

static size_t
width_of(const char *text, size_t bytes)
{
	size_t columns = 0;

	for (size_t i = 0; i < bytes; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

size_t
draw_width(const char *text)
{
	return width_of(text, strlen(text));
}

/* Does the blank here stand between a figure and its unit? */
static bool
is_before_unit(const char *start, const char *blank)
{
	static const char *const units[] = {"ns",  "us",  "B",    "KiB", "MiB",
					    "GiB", "TiB", "MB/s", "GB/s"};
	const char *word = blank + 1;
	size_t len = 0;

	while ((word[len] >= 'A' && word[len] <= 'Z') || (word[len] >= 'a' && word[len] <= 'z') ||
	       word[len] == '/')
		len++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i]) == len && strncmp(units[i], word, len) == 0)
			return blank > start && blank[-1] >= '0' && blank[-1] <= '9';
	}
	return false;
}

/* Bytes up to the next blank at which a line may be broken. */
static size_t
word_bytes(const char *text)
{
	size_t bytes = strcspn(text, " ");

	while (text[bytes] && is_before_unit(text, text + bytes))
		bytes += 1 + strcspn(text + bytes + 1, " ");
	return bytes;
}

void
draw_wrapped(FILE *stream, const char *text, size_t column, const char *indent)
{
	size_t start = draw_width(indent);
	bool first = true;

	while (*text) {
		size_t bytes = word_bytes(text), columns = width_of(text, bytes);

		if (column + !first + columns > DRAW_COLUMNS && column > start) {
			fprintf(stream, "\n%s", indent);
			column = start;
			first = true;
		}
		fputs(first ? "" : " ", stream);
		for (size_t i = 0; i < bytes; i++)
			fputc(text[i] == '\t' ? ' ' : text[i], stream);
		column += columns + !first;
		first = false;
		text += bytes;
		text += strspn(text, " ");
	}
	fputc('\n', stream);
}
