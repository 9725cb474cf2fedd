/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_main.c - sluice-report: results (JSON) in, one HTML page with pictures out.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char usage[] = "Usage: sluice-report [--title TEXT] [--out FILE] RESULT.json...\n"
			    "\n"
			    "Turns results into one HTML page that needs nothing else: charts, "
			    "tables, their text alternatives.\n"
			    "\n"
			    "  --out FILE    write there (default: standard output)\n"
			    "  --title TEXT  the page's title (default: that of the first result)\n"
			    "  --help        this text\n"
			    "\n"
			    "Exit status: 0 done, 1 a result cannot be read or used or the page "
			    "not written (nothing is left\n"
			    "half-written), 2 wrong usage.\n";

static json_t *
load(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (json)
		return json;
	if (error.line > 0)
		fprintf(stderr, "sluice-report: %s:%d: %s\n", path, error.line, error.text);
	else
		fprintf(stderr, "sluice-report: %s\n", error.text);
	return NULL;
}

static int
write_page(FILE *page, char *const *paths, int count, const char *title)
{
	struct report_problem problem;
	json_t *result;
	int i, status = 0;

	for (i = 0; i < count && status == 0; i++) {
		result = load(paths[i]);
		if (!result)
			return -1;
		if (i == 0) {
			if (!title)
				title = report_string(result, "title");
			report_page_begin(page, title ? title : "Sluice");
		}
		status = report_section(page, result, i + 1, &problem);
		if (status < 0)
			fprintf(stderr, "sluice-report: %s: %s\n", paths[i], problem.text);
		json_decref(result);
	}
	report_page_end(page);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"out", required_argument, NULL, 'o'},
						{"title", required_argument, NULL, 't'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *out = NULL, *title = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *page;
	int option, status;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			out = optarg;
			break;
		case 't':
			title = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "sluice-report: no result named; see --help\n");
		return 2;
	}
	page = open_memstream(&text, &len);
	if (!page) {
		fprintf(stderr, "sluice-report: not enough memory\n");
		return 1;
	}
	status = write_page(page, argv + optind, argc - optind, title);
	if (fclose(page) != 0 && status == 0) {
		fprintf(stderr, "sluice-report: not enough memory\n");
		status = -1;
	}
	if (status == 0 && out) {
		status = report_write_file(out, text, len);
		if (status < 0)
			fprintf(stderr, "sluice-report: cannot write %s: %s\n", out,
				strerror(-status));
	} else if (status == 0 && (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)) {
		fprintf(stderr, "sluice-report: cannot write to standard output\n");
		status = -1;
	}
	free(text);
	return status == 0 ? 0 : 1;
}
