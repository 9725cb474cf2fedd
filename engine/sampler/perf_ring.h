/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf_ring.h - rings that the kernel's perf events write into, one for each online CPU.
 *
 * Several events may share the rings; the PERF_SAMPLE_IDENTIFIER at the head of each record tells
 * them apart. One thread. Records are handed out in the order of each CPU, not of time.
 */
#ifndef SAMPLER_PERF_RING_H
#define SAMPLER_PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

struct perf_rings;

/* ring_bytes: a power of two, of each CPU's ring. -ENOMEM, -EMFILE. */
int perf_rings_new(size_t ring_bytes, struct perf_rings **ret, struct sluice_err *reterr);
void perf_rings_free(struct perf_rings *rings); /* closes all events; NULL is fine */

/* Open the event on every CPU, for all processes, writing into the rings; attr->sample_type must
 * have PERF_SAMPLE_IDENTIFIER. `event` is the number that records of it are handed out with, 0 to
 * 7. what: for the sentence. -EACCES: no CAP_PERFMON; -ENOENT: this kernel has no such event. */
int perf_rings_add(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
		   const char *what, struct sluice_err *reterr);
int perf_rings_enable(struct perf_rings *rings, int on);

/* Call `each` for every sample that is waiting: payload is what follows the identifier, valid for
 * the call. Returns how many records the kernel dropped since the last call. */
uint64_t perf_rings_drain(struct perf_rings *rings,
			  void (*each)(void *ctx, unsigned int event, const void *payload,
				       size_t bytes),
			  void *ctx);

#endif
