/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_seen.h - memory that an import saw, by process, which stands in for its mappings: sorted
 * ranges of whole 2 MiB. Of a process that would have very many, near ones become one, so that each
 * sample costs little whatever came before it.
 */
#ifndef TRACE_IMPORT_SEEN_H
#define TRACE_IMPORT_SEEN_H

#include "pid_list.h"
#include "sluice/trace.h"

#define SEEN_REGION_SHIFT 21
#define SEEN_SPANS_MAX 16384u   /* of one process, */
#define SEEN_ALL_MAX (1u << 20) /* and of all */

struct seen_process;

struct seen { /* begins as {0} */
	struct pid_list list;
	struct seen_process *processes;
	uint32_t *fresh; /* processes that have more than was told */
	size_t count, capacity, fresh_count;
	size_t span_count;  /* of all */
	size_t fresh_spans; /* of those that are fresh, and one for each of these */
};

/* [start, end) of a process: below 2^63; start is not before end: the process only. 0; -ENOMEM;
 * -E2BIG: too many processes. */
int seen_add(struct seen *seen, int32_t pid, uint64_t start, uint64_t end);
/* What is not told yet. */
void seen_tell(struct seen *seen, struct sluice_trace_writer *writer, uint64_t now_ns);
void seen_free(struct seen *seen); /* and makes it {0} */

#endif
