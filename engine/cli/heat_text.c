/* SPDX-License-Identifier: Apache-2.0 */
/* heat_text.c - the heat map on a terminal, or as characters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heat_views.h"
#include "parse.h"
#include "text.h"

/* From cold to hot: colours of the 256 that terminals have, and characters where there are none. */
static const unsigned char colours[] = {17,  18,  54,  90,  126, 162, 198,
					203, 209, 215, 221, 228, 231};
static const char characters[] = ".:-=+*%#@";
#define COLOURS (sizeof(colours))
#define CHARACTERS (sizeof(characters) - 1)

const char *
heat_rate_text(double rate, char *buffer, size_t size)
{
	static const char units[] = {0, 'k', 'M', 'G'};
	size_t unit = 0;

	while (rate >= 999.5 && unit < 3) {
		rate /= 1000;
		unit++;
	}
	if (unit)
		snprintf(buffer, size, "%.3g%c/s", rate, units[unit]);
	else
		snprintf(buffer, size, "%.2g/s", rate);
	return buffer;
}

const char *
heat_process_text(const struct heat_map *map, int32_t pid, char *buffer, size_t size)
{
	const char *name = heat_map_name(map, pid);

	snprintf(buffer, size, "process %d%s%s%s", (int)pid, name[0] ? " (" : "", name,
		 name[0] ? ")" : "");
	return buffer;
}

static int
in_colour(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && !text_no_colour() && term && strcmp(term, "dumb") != 0;
}

static void
print_cell(FILE *stream, float shade, int colour)
{
	size_t steps = colour ? COLOURS : CHARACTERS, step;

	if (shade < 0) {
		fputs(colour ? "\033[0m " : " ", stream);
		return;
	}
	step = (size_t)(shade * (float)steps);
	if (step >= steps)
		step = steps - 1;
	if (colour)
		fprintf(stream, "\033[48;5;%um ", colours[step]);
	else
		fputc(characters[step], stream);
}

static void
print_axis(const struct heat_map *map, FILE *stream)
{
	double seconds = (double)(map->last_ns - map->first_ns) / 1e9;
	char end[32];
	int width = snprintf(end, sizeof(end), "%.3g s", seconds);

	fprintf(stream, "%-12s  0 s%*s\n", "",
		(int)map->columns - 3 > width ? (int)map->columns - 3 : width, end);
}

static void
print_legend(const struct heat_map *map, FILE *stream, int colour)
{
	char low[16], high[16];

	heat_rate_text(map->rate_max / 1e4, low, sizeof(low));
	heat_rate_text(map->rate_max, high, sizeof(high));
	fprintf(stream, "accesses per page: %s ", low);
	for (size_t i = 0; i < COLOURS; i++)
		print_cell(stream, ((float)i + 0.5f) / (float)COLOURS, colour);
	fprintf(stream, "%s %s, a factor of ten for each quarter; blank: not known\n",
		colour ? "\033[0m" : "", high);
}

static void
print_range(const struct heat_map *map, const struct heat_range *range, FILE *stream, int colour)
{
	for (uint32_t r = 0; r < range->rows; r++) {
		fprintf(stream, "%012llx  ",
			(unsigned long long)(range->start + r * range->row_bytes));
		for (uint32_t c = 0; c < map->columns; c++)
			print_cell(stream, heat_map_shade(map, range->row + r, c), colour);
		fputs(colour ? "\033[0m\n" : "\n", stream);
	}
}

void
heat_text_print(const struct heat_map *map, FILE *stream)
{
	int colour = in_colour(stream);
	char text[128], size[16];

	if (map->command[0])
		fprintf(stream, "%s\n", map->command);
	fprintf(stream, "%llu samples%s%s\n", (unsigned long long)map->samples,
		map->tracker[0] ? " by " : "", map->tracker);
	for (size_t i = 0; i < map->range_count; i++) {
		const struct heat_range *range = &map->ranges[i], *last = i ? range - 1 : NULL;

		if (!last || last->pid != range->pid)
			fprintf(stream, "%s\n",
				heat_process_text(map, range->pid, text, sizeof(text)));
		else
			fprintf(stream, "%-12s  %s cut out\n", "...",
				format_size(range->start - last->end, size, sizeof(size)));
		print_range(map, range, stream, colour);
	}
	print_axis(map, stream);
	print_legend(map, stream, colour);
	if (map->ranges_left_out)
		fprintf(stream, "%zu ranges with fewer accesses are left out; --rows shows more\n",
			map->ranges_left_out);
}
