/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_tap.h - samplers, memory and mover that pass everything on, and tell a recording what
 * passes by. So the round neither knows nor pays when nothing is recorded, and what is recorded is
 * what it saw. Engine's thread, or with the engine's lock held.
 */
#ifndef SERVICE_TRACE_TAP_H
#define SERVICE_TRACE_TAP_H

#include "ops.h"
#include "round.h"
#include "sluice/trace.h"

#define TRACE_TAP_PIDS_MAX 256

struct trace_tap;

/* A place for one of each; NULL: no memory. */
struct trace_tap *trace_tap_new(void);
void trace_tap_free(struct trace_tap *tap); /* after all parts were stopped; NULL is fine */

/* Puts the tap between the round and its parts; each part is stopped through it from now on. The
 * tap is only good for one set of parts at a time. */
void trace_tap_sampler(struct trace_tap *tap, struct round_parts *parts, size_t i);
void trace_tap_memory(struct trace_tap *tap, struct round_parts *parts);
void trace_tap_mover(struct trace_tap *tap, struct round_parts *parts);

/* Record into the writer (borrowed) from now on; NULL: no more. Only these pids; count 0: all. */
void trace_tap_record(struct trace_tap *tap, struct sluice_trace_writer *writer,
		      const int32_t *pids, size_t count);
/* What the parts do not tell: processes that begin and end to be watched. Without a recording: no
 * matter. */
void trace_tap_process(struct trace_tap *tap, int32_t pid, const char *name, uint64_t now_ns);
void trace_tap_exit(struct trace_tap *tap, int32_t pid, uint64_t now_ns);
/* Its mappings, at once rather than when the round looks again. */
void trace_tap_spans(struct trace_tap *tap, const struct round_parts *parts, int32_t pid);

#endif
