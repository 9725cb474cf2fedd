/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotplug.h - what the kernel tells of memory and nodes that come and go. One thread.
 */
#ifndef SERVICE_HOTPLUG_H
#define SERVICE_HOTPLUG_H

#include "sluice/err.h"

struct hotplug;

/* Fails where the kernel's events do not reach (some containers). */
int hotplug_new(struct hotplug **ret, struct sluice_err *reterr);
void hotplug_free(struct hotplug *hotplug); /* NULL is fine */

/* 1 when there was an event of a memory block, node or dax device since the last call. Never
 * blocks. NULL: 0. */
int hotplug_seen(struct hotplug *hotplug);

#endif
