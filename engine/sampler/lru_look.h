/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru_look.h - one look of the kernel's multi-generational LRU at the memory cgroups of some
 * processes, in a thread of its own: the kernel walks the page tables of all processes of a cgroup
 * in the thread that asks, which takes seconds where there is much memory.
 */
#ifndef SAMPLER_LRU_LOOK_H
#define SAMPLER_LRU_LOOK_H

#include "ops.h"

struct lru_look;

/* What a look found: the generations after it. */
struct lru_found {
	struct sampler_working_set sets[SAMPLER_WORKING_SETS_MAX];
	size_t count;
	uint64_t cpu_ns; /* that it took */
};

/* Begins one; pids are copied, at most 256. -ENOMEM, -EAGAIN. */
int lru_look_begin(const char *sysroot, const int32_t *pids, size_t count, struct lru_look **ret);
/* 1 and what was found, and the look is no more; 0: it goes on. */
int lru_look_end(struct lru_look *look, struct lru_found *ret);
/* Nobody waits for it any more: it frees itself. NULL is fine. */
void lru_look_leave(struct lru_look *look);

/* Where the kernel tells of generations, and is asked for looks. */
#define LRU_GENERATIONS "/sys/kernel/debug/lru_gen"

#endif
