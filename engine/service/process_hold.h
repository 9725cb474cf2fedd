/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_hold.h - holding on to one process. A pid goes to somebody else some time after its owner
 * has ended; a pidfd stays with the process that it was opened for. Any thread.
 */
#ifndef SERVICE_PROCESS_HOLD_H
#define SERVICE_PROCESS_HOLD_H

#include <stdint.h>

#include "sluice/err.h"

#define PROCESS_COMM_BYTES 32

/* The descriptor of a process that may be tiered, to be closed by the caller, and its name.
 * start_ticks: of the process that is meant (procfs_started), 0 when the pid is all that is known.
 * -ESRCH: it has ended, or another process has its pid. -EINVAL: a kernel thread, ourselves, pid 1.
 * -EPERM: we may not look into it. -EMFILE. */
int process_hold(int32_t pid, uint64_t start_ticks, char ret_comm[PROCESS_COMM_BYTES],
		 struct sluice_err *reterr);

/* Has it ended? Also when it was not waited for yet. */
int process_has_ended(int fd);

#endif
