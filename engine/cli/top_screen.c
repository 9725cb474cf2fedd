/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top_screen.c - see top_screen.h.
 *
 *     sluice top   policy auto, pages, hintfault                 up 3 min   q quits
 *     0 dram  ███████████████▏░░░░  412 MiB of 512 MiB  98.0 % of accesses
 *     served fast  ▁▂▄▆▇█████████████
 *     PID  COMMAND  ...
 *
 * Laid out for 80 columns: what is wider is for bars and notes, what is narrower is cut at the
 * right. Blocks need UTF-8; other locales get '#' and '.'.
 */
#include "top_screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "text.h"

enum pair { PAIR_FAST = 1, PAIR_SLOW, PAIR_HEAD, PAIR_WARN, PAIR_DIM };

static SCREEN *screen;
static int is_utf8, has_pairs;
static size_t first_target; /* on the screen; the rest is scrolled away */

int
top_screen_open(void)
{
	setlocale(LC_CTYPE, "");
	is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -ENOTTY;
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	has_pairs = has_colors() && !text_no_colour();
	if (has_pairs) {
		start_color();
		use_default_colors();
		init_pair(PAIR_FAST, COLOR_GREEN, -1);
		init_pair(PAIR_SLOW, COLOR_CYAN, -1);
		init_pair(PAIR_HEAD, COLOR_BLACK, COLOR_GREEN);
		init_pair(PAIR_WARN, COLOR_YELLOW, -1);
		init_pair(PAIR_DIM, COLORS > 8 ? 8 : COLOR_WHITE, -1);
	}
	return 0;
}

void
top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

static void
colour(enum pair pair, int on)
{
	attr_t attr = has_pairs           ? (attr_t)COLOR_PAIR(pair)
		      : pair == PAIR_HEAD ? A_REVERSE
		      : pair == PAIR_WARN ? A_BOLD
					  : A_NORMAL;

	if (on)
		attron(attr);
	else
		attroff(attr);
}

/* Text that ends at the right edge instead of wrapping. */
__attribute__((format(printf, 3, 4))) static void
put(int y, int x, const char *format, ...)
{
	char text[512];
	va_list args;
	int room = getmaxx(stdscr) - x;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (y < getmaxy(stdscr) && room > 0)
		mvaddnstr(y, x, text, room);
}

/* Broken between words, on as many lines as it takes; the line after them. */
static int
put_wrapped(int y, int x, const char *text)
{
	int room = getmaxx(stdscr) - x;

	while (*text && room > 0) {
		int length = (int)strlen(text), fits = length <= room ? length : room;

		while (fits < length && fits > 0 && text[fits] != ' ')
			fits--;
		if (fits == 0) /* one word longer than the screen */
			fits = length < room ? length : room;
		put(y++, x, "%.*s", fits, text);
		text += fits;
		while (*text == ' ')
			text++;
	}
	return y;
}

/* A bar of eighths; share is 0 to 1. */
static void
draw_bar(int y, int x, int width, double share, enum pair pair)
{
	static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int filled = (int)(share * width * 8 + 0.5);

	if (filled < 0)
		filled = 0;
	if (filled > width * 8)
		filled = width * 8;
	if (y >= getmaxy(stdscr) || x + width > getmaxx(stdscr))
		return;
	move(y, x);
	colour(pair, 1);
	for (int i = 0; i < filled / 8; i++)
		addstr(is_utf8 ? "█" : "#");
	if (is_utf8 && filled % 8)
		addstr(eighths[filled % 8]);
	colour(pair, 0);
	colour(PAIR_DIM, 1);
	for (int i = filled / 8 + (is_utf8 && filled % 8); i < width; i++)
		addstr(is_utf8 ? "░" : ".");
	colour(PAIR_DIM, 0);
}

/* The share of accesses that the fastest tier served, one column a status. */
static void
draw_history(const struct top_model *model, int y, int x, int width)
{
	static const char *const steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char plain[] = "_.-=+*%#";
	size_t first;

	if (y >= getmaxy(stdscr) || width <= 0)
		return;
	first = model->history_count > (size_t)width ? model->history_count - (size_t)width : 0;
	move(y, x);
	colour(PAIR_FAST, 1);
	for (size_t i = first; i < model->history_count; i++) {
		double share = model->history[i];
		int step = (int)(share * 8);

		step = step > 7 ? 7 : step;
		if (share < 0)
			addstr(" ");
		else if (is_utf8)
			addstr(steps[step]);
		else
			addch((chtype)plain[step]);
	}
	colour(PAIR_FAST, 0);
}

static void
draw_title(const struct top_model *model)
{
	const json_t *samplers = json_object_get(model->status, "samplers");
	char up[32], left[256], right[64], names[128] = "";
	int width = getmaxx(stdscr);
	size_t used = 0;

	colour(PAIR_HEAD, 1);
	for (size_t i = 0; i < json_array_size(samplers) && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s",
					 text_item(samplers, i));
	put(0, 0, "%*s", width, "");
	snprintf(left, sizeof(left), " sluice top   policy %s, %s%s%s",
		 text_of(model->status, "policy"), text_of(model->status, "mover"),
		 json_is_true(json_object_get(model->status, "dry_run")) ? " (dry run)" : "",
		 names);
	put(0, 0, "%s", left);
	snprintf(right, sizeof(right), "up %s   q quits ",
		 text_seconds(model->seen_s, up, sizeof(up)));
	if (width > (int)(strlen(left) + strlen(right)))
		put(0, width - (int)strlen(right), "%s", right);
	colour(PAIR_HEAD, 0);
}

static int
draw_tiers(const struct top_model *model, int y)
{
	const json_t *tiers = json_object_get(model->status, "tiers"), *tier;
	int bar = getmaxx(stdscr) - 13 - 46; /* what the figures beside it leave */
	size_t i;

	bar = bar > 40 ? 40 : bar < 4 ? 4 : bar;
	json_array_foreach (tiers, i, tier) {
		double total = number_of(tier, "total_bytes");
		double used = total - number_of(tier, "free_bytes");
		char used_text[32], total_text[32], share[32];

		attron(A_BOLD);
		put(y, 1, "%zu %-7s", i, text_of(tier, "kind"));
		attroff(A_BOLD);
		draw_bar(y, 11, bar, total > 0 ? used / total : 0, i == 0 ? PAIR_FAST : PAIR_SLOW);
		put(y, 13 + bar, "%10s of %-10s %8s of accesses",
		    format_size((uint64_t)used, used_text, sizeof(used_text)),
		    format_size((uint64_t)total, total_text, sizeof(total_text)),
		    text_percent(json_object_get(tier, "access_share"), share, sizeof(share)));
		y++;
	}
	return y;
}

static int
draw_rates(const struct top_model *model, int y)
{
	const json_t *round = json_object_get(model->status, "round");
	const json_t *heat = json_object_get(model->status, "heat");
	char up[32], down[32], up_all[32], down_all[32], metadata[32];
	static const char label[] = "served fast  ";

	put(y++, 1, "moving       %s/s up, %s/s down   so far %s up, %s down",
	    format_size((uint64_t)model->up_bps, up, sizeof(up)),
	    format_size((uint64_t)model->down_bps, down, sizeof(down)),
	    text_bytes(json_object_get(round, "promoted_bytes"), up_all, sizeof(up_all)),
	    text_bytes(json_object_get(round, "demoted_bytes"), down_all, sizeof(down_all)));
	put(y++, 1, "cost         %.1f %% of a CPU (own %.1f, kernel %.1f), %s of metadata",
	    model->own_cpu_percent + model->kernel_cpu_percent, model->own_cpu_percent,
	    model->kernel_cpu_percent,
	    text_bytes(json_object_get(heat, "metadata_bytes"), metadata, sizeof(metadata)));
	put(y, 1, "%s", label);
	draw_history(model, y, 1 + (int)strlen(label), getmaxx(stdscr) - 3 - (int)strlen(label));
	y++;
	if (text_of(model->status, "note")[0]) {
		colour(PAIR_WARN, 1);
		y = put_wrapped(y, 1, text_of(model->status, "note"));
		colour(PAIR_WARN, 0);
	}
	return y;
}

#define COMM_COLUMN 9 /* apart, as a name may have characters of several bytes */
#define FIGURES_COLUMN 26
#define FIGURES_FORMAT "%10s  %10s  %10s  %8s"
#define TARGET_COLUMNS 72 /* of that; what is beside it is a bar, and a note if there is room */
#define BAR_COLUMNS 12
#define NOTE_LEAST 30

/* Returns the line after it. */
static int
draw_target(const json_t *target, int y)
{
	const json_t *resident = json_object_get(target, "resident_bytes");
	const json_t *share = json_array_get(json_object_get(target, "access_share"), 0);
	int has_bar = getmaxx(stdscr) >= TARGET_COLUMNS + 2 + BAR_COLUMNS;
	int beside = TARGET_COLUMNS + 2 + (has_bar ? BAR_COLUMNS + 2 : 0);
	char comm[32], fast[32], slow[32], pinned[32], percent[32];
	double slow_bytes = 0;

	for (size_t k = 1; k < json_array_size(resident); k++)
		slow_bytes += json_number_value(json_array_get(resident, k));
	snprintf(comm, sizeof(comm), "%s", text_of(target, "comm"));
	put(y, 0, "%7.0f", number_of(target, "pid"));
	put(y, COMM_COLUMN, "%s", text_plain(comm));
	put(y, FIGURES_COLUMN, FIGURES_FORMAT,
	    text_bytes(json_array_get(resident, 0), fast, sizeof(fast)),
	    format_size((uint64_t)slow_bytes, slow, sizeof(slow)),
	    text_bytes(json_object_get(target, "pinned_bytes"), pinned, sizeof(pinned)),
	    text_percent(share, percent, sizeof(percent)));
	if (json_is_number(share) && has_bar)
		draw_bar(y, TARGET_COLUMNS + 2, BAR_COLUMNS, json_number_value(share), PAIR_FAST);
	y++;
	if (!text_of(target, "note")[0])
		return y;
	colour(PAIR_WARN, 1);
	if (getmaxx(stdscr) >= beside + NOTE_LEAST)
		put(y - 1, beside, "%s", text_of(target, "note"));
	else
		put(y++, 9, "%s", text_of(target, "note"));
	colour(PAIR_WARN, 0);
	return y;
}

static void
draw_targets(const struct top_model *model, int y)
{
	const json_t *targets = json_object_get(model->status, "targets");
	size_t count = json_array_size(targets), i;
	int bottom = getmaxy(stdscr);

	colour(PAIR_HEAD, 1);
	put(y, 0, "%*s", getmaxx(stdscr), "");
	put(y, 0, "%7s", "PID");
	put(y, COMM_COLUMN, "COMMAND");
	put(y++, FIGURES_COLUMN, FIGURES_FORMAT, "FAST", "SLOW", "PINNED", "SERVED");
	colour(PAIR_HEAD, 0);
	if (count == 0)
		put(y, 2, "no targets; 'sluice attach PID' adds one");
	if (first_target >= count)
		first_target = count ? count - 1 : 0;
	/* The last line is kept for what does not fit. */
	for (i = first_target; i < count && y < bottom - (i + 1 < count); i++)
		y = draw_target(json_array_get(targets, i), y);
	if (i < count) {
		colour(PAIR_DIM, 1);
		put(bottom - 1, 0, "%*s", getmaxx(stdscr), "");
		put(bottom - 1, 9, "and %zu more below; the arrows scroll", count - i);
		colour(PAIR_DIM, 0);
	}
}

void
top_screen_draw(const struct top_model *model)
{
	int y;

	erase();
	if (model->status) {
		draw_title(model);
		y = draw_tiers(model, 2);
		y = draw_rates(model, y + 1);
		draw_targets(model, y + 1);
	} else {
		mvaddstr(1, 1, "waiting for the service ...");
	}
	refresh();
}

int
top_screen_keys(const struct top_model *model)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q' || key == 27)
			return 1;
		if (key == KEY_UP || key == KEY_PPAGE)
			first_target -= first_target > 0 ? 1 : 0;
		if (key == KEY_DOWN || key == KEY_NPAGE)
			first_target++; /* drawing keeps it within what there is */
		top_screen_draw(model);
	}
	return 0;
}
