/* SPDX-License-Identifier: Apache-2.0 */
/* run_child.c - see run_child.h. */
#include "run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

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

int
run_child_start(struct run_child *ret, char *const *command, const sigset_t *mask)
{
	int go[2], error[2], r;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(error, O_CLOEXEC) < 0) {
		r = -errno;
		close(go[0]);
		close(go[1]);
		return r;
	}
	pid = fork();
	r = pid < 0 ? -errno : 0;
	if (pid == 0) {
		close(go[1]);
		close(error[0]);
		errno = 0;
		be_child(go[0], error[1], command, mask);
	}
	close(go[0]);
	close(error[1]);
	if (r < 0) {
		close(go[1]);
		close(error[0]);
		return r;
	}
	*ret = (struct run_child){pid, go[1], error[0]};
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
