/* SPDX-License-Identifier: Apache-2.0 */
/* run_child.c - see run_child.h. */
#include "run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uffd.h"

/* What the command is to have, the child shows before: the service looks for it when it is
 * attached.
 */
static void
prepare_wp(const char *preload)
{
	const char *others = getenv("LD_PRELOAD");
	char both[8192];

	if (others && others[0] &&
	    snprintf(both, sizeof(both), "%s:%s", preload, others) < (int)sizeof(both))
		preload = both;
	setenv("LD_PRELOAD", preload, 1);
	(void)uffd_open();
}

static void
be_child(int go_fd, int error_fd, char *const *command, const sigset_t *mask)
{
	char go;
	int why;

	/* No byte but the end of the pipe: our parent gave up, or died. */
	while (read(go_fd, &go, 1) != 1) {
		if (errno != EINTR)
			_exit(0);
		errno = 0;
	}
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	why = errno;
	if (write(error_fd, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

/* Read and write ends of several pipes, all or none. */
static int
open_pipes(int (*pipes)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) == 0)
			continue;
		int r = -errno;

		while (i-- > 0) {
			close(pipes[i][0]);
			close(pipes[i][1]);
		}
		return r;
	}
	return 0;
}

int
run_child_start(struct run_child *ret, char *const *command, const sigset_t *mask,
		const char *preload)
{
	enum { GO, ERROR, READY, PIPES };
	int pipes[PIPES][2], r = open_pipes(pipes, PIPES);
	char none;
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	r = pid < 0 ? -errno : 0;
	if (pid == 0) {
		close(pipes[GO][1]);
		close(pipes[ERROR][0]);
		close(pipes[READY][0]);
		if (preload)
			prepare_wp(preload);
		close(pipes[READY][1]);
		errno = 0;
		be_child(pipes[GO][0], pipes[ERROR][1], command, mask);
	}
	close(pipes[GO][0]);
	close(pipes[ERROR][1]);
	close(pipes[READY][1]);
	/* Its end, when the child is prepared. */
	while (r == 0 && read(pipes[READY][0], &none, 1) < 0 && errno == EINTR)
		;
	close(pipes[READY][0]);
	if (r < 0) {
		close(pipes[GO][1]);
		close(pipes[ERROR][0]);
		return r;
	}
	*ret = (struct run_child){pid, pipes[GO][1], pipes[ERROR][0]};
	return 0;
}

static void
reap(struct run_child *child)
{
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
run_child_release(struct run_child *child)
{
	int why = 0;
	ssize_t n;

	if (write(child->go_fd, "g", 1) != 1)
		why = EPIPE;
	close(child->go_fd);
	do
		n = read(child->error_fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	close(child->error_fd);
	if (n == (ssize_t)sizeof(why))
		reap(child);
	return -why;
}

void
run_child_abandon(struct run_child *child)
{
	close(child->go_fd);
	close(child->error_fd);
	reap(child);
}
