/* SPDX-License-Identifier: Apache-2.0 */
/* run_child.h - a child process that waits before its exec, so that it can be attached first. */
#ifndef CLI_RUN_CHILD_H
#define CLI_RUN_CHILD_H

#include <signal.h>
#include <sys/types.h>

struct run_child {
	pid_t pid;
	int go_fd;    /* a byte here lets it go */
	int error_fd; /* its exec's errno comes here, or the end of file when exec worked */
};

/* Forks; the child waits. mask: the signal mask that the command gets. preload: a library to be
 * loaded into the command so that wp can watch it, or NULL. -EAGAIN, -ENOMEM ... */
int run_child_start(struct run_child *ret, char *const *command, const sigset_t *mask,
		    const char *preload);
/* Lets it exec. 0, or the negative errno of exec: then the child is gone. */
int run_child_release(struct run_child *child);
/* Ends a child that was not released; nothing was executed. */
void run_child_abandon(struct run_child *child);

#endif
