/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mover_watch.h - a mover that passes everything on to another, and remembers for each process why
 * the last move was refused, which the round has no use for and an operator has. Engine's thread.
 */
#ifndef SERVICE_MOVER_WATCH_H
#define SERVICE_MOVER_WATCH_H

#include "ops.h"

struct mover_watch;

/* self is the mover's that `below` started; it is stopped through the watch. NULL: no memory. */
struct mover_watch *mover_watch_new(const struct mover_ops *below, void *self);
/* For the round, with the watch itself as self; borrowed until its stop(). */
const struct mover_ops *mover_watch_ops(const struct mover_watch *watch);
/* The sentence of the last refusal of this process, or "" when it is older than max_age_ns. */
const char *mover_watch_refusal(const struct mover_watch *watch, int32_t pid, uint64_t now_ns,
				uint64_t max_age_ns);

#endif
