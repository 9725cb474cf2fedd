/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pid_list.h - which place in an array of the caller's each process has. Sorted, since files that
 * name processes may be made to meet in a hash. One thread at a time.
 */
#ifndef BASE_PID_LIST_H
#define BASE_PID_LIST_H

#include <stddef.h>
#include <stdint.h>

#define PID_LIST_MAX 65536u /* more processes in one trace are none that anybody looks through */

struct pid_place {
	int32_t pid;
	uint32_t at;
};

struct pid_list { /* begins as {0} */
	struct pid_place *places;
	size_t count, capacity;
};

/* The place of a process, or -1. */
int64_t pid_list_find(const struct pid_list *list, int32_t pid);
/* A process that is not in it yet. 0; -ENOMEM; -E2BIG: it has PID_LIST_MAX. */
int pid_list_add(struct pid_list *list, int32_t pid, uint32_t at);
void pid_list_free(struct pid_list *list); /* and makes it {0} */

#endif
