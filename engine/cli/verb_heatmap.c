/* SPDX-License-Identifier: Apache-2.0 */
/* verb_heatmap.c - sluice heatmap: the heat of a trace, or of a process that is recorded for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "heat_views.h"
#include "parse.h"
#include "record_wish.h"

#define LIVE_SECONDS 10
#define ROWS_MAX 4096
#define COLUMNS_MAX 4096

enum { HEAT_SVG, HEAT_HTML, HEAT_ROWS, HEAT_COLUMNS, HEAT_PID, HEAT_SECONDS };
static const struct verb_option heatmap_options[] = {
	[HEAT_SVG] = {"svg", "FILE", "write a picture; - is standard output"},
	[HEAT_HTML] = {"html", "FILE", "write a page that stands alone; - is standard output"},
	[HEAT_ROWS] = {"rows", "N", "so many rows of addresses at most"},
	[HEAT_COLUMNS] = {"columns", "N", "so many columns of time"},
	[HEAT_PID] = {"pid", "PID", "of a trace of several processes, only this one"},
	[HEAT_SECONDS] = {"seconds", "S", "of a process: watch it for so long (10)"},
	{NULL, NULL, NULL},
};

struct heatmap {
	struct cli *cli;
	const char *what, *svg, *html;
	uint64_t rows, columns, pid; /* 0: not told */
	double seconds;
};

static int
read_number(struct heatmap *heatmap, const char *name, const char *text, uint64_t max,
	    uint64_t *ret)
{
	struct sluice_err err;

	if (parse_u64(text, 1, max, ret, &err) < 0)
		return cli_fail(heatmap->cli, EXIT_USAGE, -EINVAL, "--%s: %s", name, err.msg);
	return EXIT_OK;
}

static int
read_words(struct heatmap *heatmap, int argc, char **argv)
{
	const char *value;
	uint64_t number;
	int status = EXIT_OK;

	for (int i = 0; i < argc && status == EXIT_OK; i++) {
		switch (cli_own_option(heatmap->cli, &verb_heatmap, argc, argv, &i, &value)) {
		case HEAT_SVG:
			heatmap->svg = value;
			break;
		case HEAT_HTML:
			heatmap->html = value;
			break;
		case HEAT_ROWS:
			status = read_number(heatmap, "rows", value, ROWS_MAX, &heatmap->rows);
			break;
		case HEAT_COLUMNS:
			status = read_number(heatmap, "columns", value, COLUMNS_MAX,
					     &heatmap->columns);
			break;
		case HEAT_PID:
			status = read_number(heatmap, "pid", value, INT32_MAX, &heatmap->pid);
			break;
		case HEAT_SECONDS:
			status = read_number(heatmap, "seconds", value, 86400, &number);
			heatmap->seconds = status == EXIT_OK ? (double)number : 0;
			break;
		case -EINVAL:
			return EXIT_USAGE;
		default:
			if (heatmap->what || argv[i][0] == '-')
				return cli_unexpected(heatmap->cli, &verb_heatmap, argv[i]);
			heatmap->what = argv[i];
		}
	}
	return status == EXIT_OK && !heatmap->what ? cli_usage(heatmap->cli, &verb_heatmap)
						   : status;
}

/* As the terminal is, and for files as large as is nice to look at. */
static void
choose_size(struct heatmap *heatmap)
{
	int to_file = heatmap->svg || heatmap->html;
	struct winsize size;
	uint64_t rows = 24, columns = 80;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 12 && size.ws_col > 40) {
		rows = size.ws_row;
		columns = size.ws_col;
	}
	if (!heatmap->rows)
		heatmap->rows = to_file ? 80 : rows - 6;
	if (!heatmap->columns)
		heatmap->columns = to_file ? 160 : columns - 15;
}

static int
write_file(struct heatmap *heatmap, const struct heat_map *map, const char *path,
	   void (*print)(const struct heat_map *map, FILE *stream))
{
	FILE *stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	int bad;

	if (!stream)
		return cli_fail(heatmap->cli, EXIT_GENERAL, -errno, "cannot write '%s': %s", path,
				strerror(errno));
	print(map, stream);
	bad = fflush(stream) != 0 || ferror(stream);
	if (stream != stdout)
		bad |= fclose(stream) != 0;
	return bad ? cli_fail(heatmap->cli, EXIT_GENERAL, -EIO, "cannot write all of '%s'", path)
		   : EXIT_OK;
}

static int
show(struct heatmap *heatmap, const struct heat_map *map)
{
	int status = EXIT_OK;

	if (heatmap->svg)
		status = write_file(heatmap, map, heatmap->svg, heat_svg_print);
	if (status == EXIT_OK && heatmap->html)
		status = write_file(heatmap, map, heatmap->html, heat_html_print);
	if (status == EXIT_OK && heatmap->cli->json) {
		json_t *object = heat_json(map);

		cli_print_json(object);
		json_decref(object);
	} else if (status == EXIT_OK && !heatmap->svg && !heatmap->html) {
		heat_text_print(map, stdout);
	}
	return status;
}

static int
draw(struct heatmap *heatmap, const char *path)
{
	struct sluice_trace_reader *reader = NULL;
	struct heat_map *map = NULL;
	struct sluice_err err = {0, ""};
	int r = sluice_trace_open(path, &reader, &err), status;

	if (r == 0)
		r = heat_map_new(reader, (int32_t)heatmap->pid, (uint32_t)heatmap->rows,
				 (uint32_t)heatmap->columns, &map, &err);
	if (r < 0)
		status = cli_fail(heatmap->cli, EXIT_GENERAL, r, "%s", err.msg);
	else
		status = show(heatmap, map);
	heat_map_free(map);
	sluice_trace_close(reader);
	return status;
}

/* A recording of our own, which is gone afterwards. */
static int
draw_live(struct heatmap *heatmap)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd, status;

	snprintf(path, sizeof(path), "%s/sluice-heatmap-XXXXXX",
		 folder && folder[0] ? folder : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return cli_fail(heatmap->cli, EXIT_GENERAL, -errno, "cannot write '%s': %s", path,
				strerror(errno));
	close(fd);
	fprintf(stderr, "sluice: watching for %.0f s\n", heatmap->seconds);
	status = record_wished(heatmap->cli, heatmap->what, path, heatmap->seconds);
	if (status == EXIT_OK)
		status = draw(heatmap, path);
	unlink(path);
	return status;
}

static int
heatmap_main(struct cli *cli, int argc, char **argv)
{
	struct heatmap heatmap = {.cli = cli, .seconds = LIVE_SECONDS};
	int status = read_words(&heatmap, argc, argv);
	struct stat st;

	if (status != EXIT_OK)
		return status;
	choose_size(&heatmap);
	if (stat(heatmap.what, &st) == 0 || strchr(heatmap.what, '/') || strchr(heatmap.what, '.'))
		return draw(&heatmap, heatmap.what);
	return draw_live(&heatmap);
}

const struct verb verb_heatmap = {
	.name = "heatmap",
	.arguments = "FILE|PID|NAME",
	.summary = "draw which memory is accessed when: of a trace, or of a process",
	.reach = REACH_EITHER,
	.options = heatmap_options,
	.run = heatmap_main,
};
