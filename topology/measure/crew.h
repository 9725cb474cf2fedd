/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - threads that stay on the CPUs of one node and do one job together, each on a CPU of its
 * own. One thread commands a crew.
 */
#ifndef MEASURE_CREW_H
#define MEASURE_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#define CREW_MAX 1024

struct crew;

/* A thread for each CPU given; -EAGAIN, -ENOMEM, or -EINVAL when a CPU may not be used. */
int crew_new(const int *cpus, size_t count, struct crew **ret, struct sluice_err *reterr);
void crew_free(struct crew *crew); /* NULL is fine */
size_t crew_count(const struct crew *crew);

/* The first `active` threads (1 or more) call job(ctx, crew, their index); returns when all have.
 */
void crew_run(struct crew *crew, size_t active,
	      void (*job)(void *ctx, struct crew *crew, size_t index), void *ctx);
/* Within a job: wait, spinning, for all active threads, so that they go on together. */
void crew_meet(struct crew *crew);

#endif
