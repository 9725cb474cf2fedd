/* SPDX-License-Identifier: Apache-2.0 */
/* workload_trace.h - a recorded trace as a workload. */
#ifndef REPLAY_WORKLOAD_TRACE_H
#define REPLAY_WORKLOAD_TRACE_H

#include "workload.h"

/* A workload whose units are the 2 MiB of memory that the trace knows of, and whose uses are what
 * its samples say of each, taken as reads, two at a time. It ends with the trace, or after
 * options->epoch_count epochs; bytes and seed of the options mean nothing to it. Errors as of
 * sluice_trace_open(); -ENODATA: nothing in it tells of accesses; -E2BIG: more processes, or more
 * memory, than a replay has. workload_free() frees it. */
int workload_new_trace(const char *path, const struct workload_options *options,
		       struct workload **ret, struct sluice_err *reterr);

#endif
