/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - results as HTML pages: for sluice-report and for verbs with --report. The input's form
 * is in bench/report/README.md.
 *
 * Everything is written to a stream in memory, and to the file only when all of it is well: a wrong
 * input leaves no half-written report. One thread.
 */
#ifndef REPORT_H
#define REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "sluice/err.h"

#define REPORT_VALUE_BYTES 64

/* What was wrong with the input: where in it, and what was expected there. */
struct report_problem {
	char text[256];
};

/* Units that figures come in; the text in the input is the name in report_format.c. */
enum report_unit {
	UNIT_NONE,  /* a plain number */
	UNIT_SHARE, /* 0 to 1, shown as a percentage */
	UNIT_PER_S, /* events a second */
	UNIT_BYTES,
	UNIT_BYTES_PER_S,
	UNIT_SECONDS,
	UNIT_TIMES, /* a ratio */
	UNIT_COUNT,
	UNIT_CPU,    /* CPUs kept busy, shown as a percentage of one */
	UNIT_UNKNOWN /* no unit of ours */
};

/* NULL is UNIT_NONE. */
enum report_unit report_unit(const char *name);

/* A figure for people, "1.82 M/s". NaN is "unknown". */
void report_value(char ret[REPORT_VALUE_BYTES], enum report_unit unit, double value);

/* Text with what HTML and SVG read as markup made harmless. */
void report_text(FILE *out, const char *text);

/* Sets the problem and gives -1, so that `return report_wrong(...)` does. */
int report_wrong(struct report_problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A member that is a text; NULL when it is missing or something else. Borrowed from object. */
const char *report_string(const json_t *object, const char *key);

/* One chart as a figure with its text alternative and its figures as a table. id is unique in the
 * page, [a-z0-9-]. 0, or -1 with the problem set. */
int report_chart(FILE *out, const json_t *json, const char *id, struct report_problem *problem);

/* A grid of shares, likewise. */
int report_grid(FILE *out, const json_t *json, const char *id, struct report_problem *problem);

/* One result (the content of one input file) as a section; number counts from 1. Same returns. */
int report_section(FILE *out, const json_t *result, int number, struct report_problem *problem);

/* Writes to a name beside it first, so that a reader never sees half a page. -errno. */
int report_write_file(const char *path, const char *text, size_t len);
/* A page of one result. -EINVAL: the result is none; -errno of writing. */
int report_file(const char *path, const json_t *result, struct sluice_err *reterr);

void report_page_begin(FILE *out, const char *title);
void report_page_end(FILE *out);

#endif
