/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import.h - traces of other tools' recordings. Each reads one of any length, piece by piece, and
 * keeps in memory no more of it than which pages there were (of damo's also when it looked).
 *
 * What none of them tells is which mappings a process had: memory that was seen, by 2 MiB, stands
 * in for them.
 */
#ifndef TRACE_IMPORT_H
#define TRACE_IMPORT_H

#include <stdio.h>

#include "sluice/trace.h"

struct import_options {
	int32_t pid; /* of what tells none (damo's first target, lackey without its banner); 0: 1 */
	double ns_per_step; /* lackey: an instruction takes so long; 0: 1 */
};

struct import_stats {
	uint64_t lines, samples, skipped; /* skipped: samples without an address */
};

/* Each reads in to its end. name is for sentences, which tell the line. -EBADMSG: it is not what it
 * should be; -ENODATA: there was nothing in it; -EIO, -ENOMEM. */
/* `perf script` of samples with data addresses (perf mem record, perf record -d), printed with at
 * least pid, time, event and addr. */
int import_perf(FILE *in, const char *name, const struct import_options *options,
		struct sluice_trace_writer *writer, struct import_stats *ret,
		struct sluice_err *reterr);
/* A recording of `damo record`, as JSON, compressed or not, or what `damo report access --raw_form`
 * makes of one: regions and how often each was seen accessed, per aggregation. */
int import_damo(FILE *in, const char *name, const struct import_options *options,
		struct sluice_trace_writer *writer, struct import_stats *ret,
		struct sluice_err *reterr);
/* `valgrind --tool=lackey --trace-mem=yes`: every access. Counts are exact, per 10 ms of a time in
 * which each instruction takes ns_per_step. */
int import_lackey(FILE *in, const char *name, const struct import_options *options,
		  struct sluice_trace_writer *writer, struct import_stats *ret,
		  struct sluice_err *reterr);

#endif
