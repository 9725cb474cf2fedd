/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb_flush.h - a thread that has the TLBs flushed which targets run with, where that is cheap.
 *
 * Trackers that clear accessed bits flush no TLB: a page whose translation stays there looks idle,
 * however hot it is. Old processors and emulated ones, whose TLBs hold gigabytes, have no process
 * context identifiers, so each switch to another process flushes all: for a thread of ours to wake
 * for an instant on the CPU that a target runs on is enough. With identifiers it is not, and
 * nothing else is as cheap; TLBs are small there. A visit is no gift where they are large: the
 * program fills them again, which takes it TLB_FLUSH_NS, about.
 */
#ifndef SAMPLER_TLB_FLUSH_H
#define SAMPLER_TLB_FLUSH_H

#include <stddef.h>
#include <stdint.h>

struct tlb_flush;

#define TLB_FLUSH_PIDS 64 /* more are left out */
/* On each CPU, where the TLB is an emulator's: 11 ms of a program that reads 700 MiB at random were
 * measured (ARCHITECTURE.md), less of one with a hot set. */
#define TLB_FLUSH_NS 8e6

/* Whether a switch of processes flushes TLBs, by SYSROOT/proc/cpuinfo; x86 only. */
int tlb_flush_works(const char *sysroot);

/* One that rests. -errno. */
int tlb_flush_new(struct tlb_flush **ret);
void tlb_flush_free(struct tlb_flush *flush); /* NULL is fine */

/* From now on these processes, so often; copied. 0 ns: rest. Where they run is looked up each
 * second, of the first few threads. */
void tlb_flush_watch(struct tlb_flush *flush, const int32_t *pids, size_t count, uint64_t every_ns);

/* The next visit is at that time, of CLOCK_MONOTONIC, and the others follow. */
void tlb_flush_next(struct tlb_flush *flush, uint64_t at_ns);

unsigned int tlb_flush_visits(struct tlb_flush *flush); /* so far */

/* CPU time that it took so far; NULL is fine. */
uint64_t tlb_flush_cpu_ns(const struct tlb_flush *flush);

/* Adds the CPUs that a process's threads run on, or wait for, to those in cpus[0..*count), each
 * once. No more than *threads are looked at, which are taken off it. -errno. */
int tlb_flush_cpus(const char *sysroot, int32_t pid, int *threads, int *cpus, size_t *count,
		   size_t capacity);

#endif
