/* SPDX-License-Identifier: Apache-2.0 */
/* find_process.h - from what a user types, a pid or a name, to processes. */
#ifndef CLI_FIND_PROCESS_H
#define CLI_FIND_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sluice/err.h"

#define FOUND_PROCESSES_MAX 256

struct found_processes {
	size_t count;
	struct {
		pid_t pid;
		uint64_t start_ticks; /* tells it from a later one of that pid; 0 unknown */
	} at[FOUND_PROCESSES_MAX];
};

/* A number is that pid, whether it exists or not (the service says so better). A name is all
 * processes whose /proc/PID/comm is that name, as pgrep -x finds. -ESRCH: none; -ENOSPC: too many.
 */
int find_process(const char *word, struct found_processes *ret, struct sluice_err *reterr);

#endif
