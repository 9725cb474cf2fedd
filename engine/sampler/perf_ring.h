/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf_ring.h - rings that the kernel's perf events write into, one for each online CPU.
 *
 * Several events may share the rings; the PERF_SAMPLE_IDENTIFIER at the head of each sample tells
 * them apart. One thread. Records are handed out in the order of each CPU, not of time.
 */
#ifndef SAMPLER_PERF_RING_H
#define SAMPLER_PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include "perf_record.h"
#include "sluice/err.h"

struct perf_rings;

/* ring_bytes: a power of two, of each CPU's ring. -ENOMEM, -EMFILE. */
int perf_rings_new(size_t ring_bytes, struct perf_rings **ret, struct sluice_err *reterr);
void perf_rings_free(struct perf_rings *rings); /* closes all events; NULL is fine */

/* Open the event on every CPU that has it, for all processes, writing into the rings;
 * attr->sample_type must have PERF_SAMPLE_IDENTIFIER. `event` is the number that records of it are
 * handed out with. what: for the sentence. -EACCES: no CAP_PERFMON; -ENOENT: this kernel has no
 * such event. */
int perf_rings_add(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
		   const char *what, struct sluice_err *reterr);
/* As perf_rings_add, but in the group of an event that is only counted: leader. */
int perf_rings_add_led(struct perf_rings *rings, unsigned int event, struct perf_event_attr *attr,
		       struct perf_event_attr *leader, const char *what, struct sluice_err *reterr);
/* Open the event for all threads of one process, and those that they will start: needs no right but
 * that to trace the process. One file a thread and CPU. Rings must be used in this way only or not
 * at all. -ESRCH. */
int perf_rings_add_process(struct perf_rings *rings, unsigned int event,
			   struct perf_event_attr *attr, int32_t pid, const char *what,
			   struct sluice_err *reterr);
void perf_rings_remove_process(struct perf_rings *rings, int32_t pid);

int perf_rings_enable(struct perf_rings *rings, int on);
/* Of `event`, on all CPUs, from now on. */
int perf_rings_period(struct perf_rings *rings, unsigned int event, uint64_t period);

/* Call `each` for every sample that is waiting: payload is what follows the identifier, valid for
 * the call. Returns how many records the kernel dropped since the last call. */
uint64_t perf_rings_drain(struct perf_rings *rings,
			  void (*each)(void *ctx, unsigned int event, const void *payload,
				       size_t bytes),
			  void *ctx);
/* One CPU's ring, all kinds of records. */
size_t perf_rings_cpus(const struct perf_rings *rings);
void perf_rings_drain_cpu(struct perf_rings *rings, size_t cpu,
			  const struct perf_handlers *handlers, struct perf_tally *tally);

/* For events that write into a buffer of their own and leave PERF_RECORD_AUX in the ring. Such an
 * event must be the first that was added. aux_bytes: a power of two, of each CPU's buffer. */
int perf_rings_add_aux(struct perf_rings *rings, size_t aux_bytes, struct sluice_err *reterr);
/* size bytes at `offset` (as the record says), put together when they run over the buffer's end;
 * valid until the next call. NULL: more than the buffer holds, or there is none. */
const unsigned char *perf_rings_aux(struct perf_rings *rings, size_t cpu, uint64_t offset,
				    uint64_t size);
/* Up to offset all was read. */
void perf_rings_aux_done(struct perf_rings *rings, size_t cpu, uint64_t offset);
/* The first page of a CPU's ring, which tells how to read its clock; NULL. */
const struct perf_event_mmap_page *perf_rings_page(const struct perf_rings *rings, size_t cpu);

#endif
