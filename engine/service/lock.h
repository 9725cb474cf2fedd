/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h - one engine a machine (safety rule 6): STATE_DIR/sluiced.lock is locked while an engine
 * runs, and holds its pid. The kernel drops the lock however the process ends.
 */
#ifndef SERVICE_LOCK_H
#define SERVICE_LOCK_H

#include <sys/types.h>

#include "sluice/err.h"

/* Makes the folder (mode 0700) when it is missing. -EBUSY: the sentence names the pid that holds
 * it. -EPERM: the folder is somebody else's or others may write to it. */
int lock_take(const char *state_dir, int *ret_fd, struct sluice_err *reterr);
/* The same, for changing memory devices: STATE_DIR/devices.lock. */
int lock_take_devices(const char *state_dir, int *ret_fd, struct sluice_err *reterr);
void lock_drop(int *fd); /* -1 is fine; sets it to -1 */
/* The pid that holds it, or 0. Changes nothing. */
pid_t lock_holder(const char *state_dir);

#endif
