/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_report.h - what a `sluice run` did: gathered from the status events, told as a few lines for
 * people and as the JSON document of --json-out (its schema is in sluice(1)).
 */
#ifndef CLI_RUN_REPORT_H
#define CLI_RUN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "sluice/err.h"

struct run_report;

/* command is borrowed. NULL: no memory. */
struct run_report *run_report_new(char *const *command);
void run_report_free(struct run_report *report); /* NULL is fine */

void run_report_options(struct run_report *report, const json_t *config); /* answer of "config" */
void run_report_error(struct run_report *report, const char *why); /* not tiered, or no longer */
void run_report_begin(struct run_report *report);                  /* the command starts now */
void run_report_status(struct run_report *report, const json_t *status);
void run_report_end(struct run_report *report, int exit_status, int signal_number);

/* After the end. Written under another name, then renamed: a reader sees all or nothing. */
int run_report_write(struct run_report *report, const char *path, struct sluice_err *reterr);
void run_report_print_json(struct run_report *report, FILE *stream);
void run_report_print(struct run_report *report, FILE *stream);

#endif
