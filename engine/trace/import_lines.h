/* SPDX-License-Identifier: Apache-2.0 */
/* import_lines.h - what importers share: lines with numbers, fields, and memory that was seen. */
#ifndef TRACE_IMPORT_LINES_H
#define TRACE_IMPORT_LINES_H

#include "import.h"
#include "import_seen.h"

#define IMPORT_LINE_BYTES 65536
#define IMPORT_EARLIEST_NS 1000000000u /* so that what was watched before is not before 0 */

struct import {
	FILE *in;
	const char *name;
	struct sluice_trace_writer *writer;
	struct import_stats stats;
	char *line; /* IMPORT_LINE_BYTES */
	struct seen seen;
	uint64_t told_ns; /* when samples were told last */
	struct sluice_trace_sample batch[SLUICE_TRACE_BATCH_MAX];
	size_t batch_count;
	uint64_t now_ns; /* of the last sample */
};

int import_begin(struct import *import, FILE *in, const char *name,
		 struct sluice_trace_writer *writer, const char *tool, struct sluice_err *reterr);
/* Frees what it has; r is the result so far. -ENODATA when there were no samples. */
int import_end(struct import *import, int r, struct import_stats *ret, struct sluice_err *reterr);

/* The next line without its newline: 1, 0 at the end, -errno with the sentence. */
int import_line(struct import *import, struct sluice_err *reterr);
/* "name:12: ...". Gives -EBADMSG. */
int import_bad(const struct import *import, struct sluice_err *reterr, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A sample; its memory counts as mapped from now on. -ENOMEM; -E2BIG: too many processes. */
int import_sample(struct import *import, const struct sluice_trace_sample *sample,
		  struct sluice_err *reterr);

/* Numbers at *text, which is stepped over them; 1 there is one, 0 not (or it is too large). */
int import_hex(const char **text, uint64_t *ret);
int import_decimal(const char **text, uint64_t *ret);
/* "12345.678901" as ns. */
int import_time(const char **text, uint64_t *ret_ns);

#endif
