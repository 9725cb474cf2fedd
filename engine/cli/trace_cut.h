/* SPDX-License-Identifier: Apache-2.0 */
/* trace_cut.h - a part of a trace, as a trace. */
#ifndef CLI_TRACE_CUT_H
#define CLI_TRACE_CUT_H

#include "sluice/err.h"
#include "sluice/trace.h"

struct trace_cut {
	double from_s, to_s; /* since its beginning; to_s 0: to the end */
	int32_t pid;         /* 0: of all processes */
};

/* What held when the part begins is at its beginning. Returns what reading gives. */
int trace_cut(struct sluice_trace_reader *reader, const struct trace_cut *cut,
	      struct sluice_trace_writer *writer, struct sluice_err *reterr);

#endif
