/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that access the arena by a pattern, as fast as they can, and count. What they do
 * between two accesses happens in registers; they tell their counts every ACCESS_BATCH accesses.
 */
#ifndef HOTSET_ACCESS_H
#define HOTSET_ACCESS_H

#include <stdint.h>

#include "wl_pattern.h"

#define ACCESS_BATCH 2048
#define ACCESS_THREADS 256

struct access_plan {
	const struct pattern *before; /* a jump */
	const struct pattern *after;  /* of the same kind; may be NULL where there is no jump */
	unsigned char *base;
	unsigned threads; /* 1 to ACCESS_THREADS */
	double write_share;
	uint64_t seed;
};

struct access_crew;

/* Starts the threads. @plan is copied, its patterns and arena are borrowed until access_stop. */
int access_start(const struct access_plan *plan, struct access_crew **ret_crew);

/* Accesses so far, all threads. */
uint64_t access_count(const struct access_crew *crew);

/* From their next batch on the threads follow the pattern after the jump. */
void access_jump(struct access_crew *crew);

/* From their next batch on the pages are turned round by so many (below the pattern's pages; not
 * with zipf), as often as wanted. */
void access_turn(struct access_crew *crew, uint64_t turn);

/* Ends the threads, waits for them, frees the crew (NULL is fine); returns the final count. */
uint64_t access_stop(struct access_crew *crew);

#endif
