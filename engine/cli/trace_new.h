/* SPDX-License-Identifier: Apache-2.0 */
/* trace_new.h - the forms of `sluice trace` that write a trace: cut, import and make. */
#ifndef CLI_TRACE_NEW_H
#define CLI_TRACE_NEW_H

#include "cli.h"
#include "import.h"
#include "make.h"
#include "output_file.h"
#include "sluice/trace.h"
#include "trace_cut.h"

/* The command line of `sluice trace`. */
struct trace {
	struct cli *cli;
	const char *words[3];
	int word_count;
	const char *output;
	int exact_times;
	struct trace_cut cut;
	struct make_options make;
	struct import_options import;
	struct output_file file; /* while it is written */
	struct sluice_trace_writer *writer;
};

/* Each does all of it, says so, and returns the exit status. */
int trace_new_cut(struct trace *trace);
int trace_new_import(struct trace *trace);
int trace_new_make(struct trace *trace);

#endif
