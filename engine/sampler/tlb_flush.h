/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb_flush.h - a thread that has the TLBs flushed which targets run with, where that is cheap.
 *
 * Trackers that clear accessed bits flush no TLB: a page whose translation stays there looks idle,
 * however hot it is. Old processors and emulated ones, whose TLBs hold gigabytes, have no process
 * context identifiers, so each switch to another process flushes all: for a thread of ours to wake
 * for an instant on the CPU that a target runs on is enough. With identifiers it is not, and
 * nothing else is as cheap; TLBs are small there.
 */
#ifndef SAMPLER_TLB_FLUSH_H
#define SAMPLER_TLB_FLUSH_H

#include <stddef.h>
#include <stdint.h>

struct tlb_flush;

#define TLB_FLUSH_PIDS 64 /* more are left out */

/* Whether a switch of processes flushes TLBs, by SYSROOT/proc/cpuinfo; x86 only. */
int tlb_flush_works(const char *sysroot);

/* One that rests. -errno. */
int tlb_flush_new(struct tlb_flush **ret);
void tlb_flush_free(struct tlb_flush *flush); /* NULL is fine */

/* From now on these processes, so often; copied. 0 ns: rest. Where they run is looked up each
 * second, of the first few threads; where there are several CPUs, it is one of them for a second,
 * in turn. */
void tlb_flush_watch(struct tlb_flush *flush, const int32_t *pids, size_t count, uint64_t every_ns);

/* CPU time that it took so far; NULL is fine. */
uint64_t tlb_flush_cpu_ns(const struct tlb_flush *flush);

/* The CPUs that a process's threads run on, or wait for, each once: how many, at most capacity, or
 * -errno. No more than *threads are looked at, which are taken off it. */
int tlb_flush_cpus(const char *sysroot, int32_t pid, int *threads, int *ret_cpus, size_t capacity);

#endif
