/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow.h - attaching the children of a process as they appear.
 *
 * It reads /proc/PID/task/TID/children of the followed processes only, so its cost does not grow
 * with the machine. A child that lives shorter than a tick may never be seen. Control thread.
 */
#ifndef SERVICE_FOLLOW_H
#define SERVICE_FOLLOW_H

#include <stdint.h>

struct follow;

/* attach is told each new process once, with when it started (procfs_started); what it returns does
 * not matter here. NULL: no memory. */
struct follow *follow_new(int (*attach)(void *ctx, int32_t pid, uint64_t start_ticks), void *ctx);
void follow_free(struct follow *follow); /* NULL is fine */

/* Follow this process's children, and theirs. 0, -ESRCH, or -ENOSPC (at most 256 at once). */
int follow_add(struct follow *follow, int32_t pid);
/* Stop following this process and what was found below it. */
void follow_remove(struct follow *follow, int32_t pid);
/* Look for new children, forget who ended; not each time where nothing changes. */
void follow_tick(struct follow *follow);

#endif
