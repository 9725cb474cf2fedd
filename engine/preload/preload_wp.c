/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preload_wp.c - a library that `sluice run --sampler wp` has loaded into the program: it opens a
 * userfaultfd there, and does nothing else.
 *
 * A userfaultfd belongs to the memory of the process that opens it, and does not outlive execve(2),
 * so it has to be opened in the program after its start; this is the way that needs neither
 * ptrace(2) nor a change of the program. The service finds the descriptor in /proc/PID/fd and takes
 * a copy by pidfd_getfd(2). The program may close it without harm to either. Statically linked
 * programs, and those that gain rights, load no such library; the service says then that it cannot
 * watch them.
 *
 * It runs in other people's processes: it says nothing, never fails, allocates nothing.
 */
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd.h"

static int uffd = -1;

static int
is_uffd(int fd)
{
	static const char wanted[] = "anon_inode:[userfaultfd]";
	char path[32] = "/proc/self/fd/", digits[12], text[sizeof(wanted)];
	size_t used = strlen(path), n = 0;

	for (int rest = fd; n == 0 || rest > 0; rest /= 10)
		digits[n++] = (char)('0' + rest % 10);
	while (n > 0)
		path[used++] = digits[--n];
	path[used] = '\0';
	return readlink(path, text, sizeof(text)) == (ssize_t)sizeof(wanted) - 1 &&
	       memcmp(text, wanted, sizeof(wanted) - 1) == 0;
}

static void
open_one(void)
{
	int before = errno, fd = uffd_open();

	if (fd >= 0) {
		/* Out of the way of programs that expect the lowest numbers to be free. */
		int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);

		if (high >= 0) {
			close(fd);
			fd = high;
		}
	}
	uffd = fd;
	errno = before;
}

/* That of the parent is of the parent's memory. The program may have closed it meanwhile, and have
 * another file of this number. */
static void
in_child(void)
{
	if (uffd >= 0 && is_uffd(uffd))
		close(uffd);
	open_one();
}

__attribute__((constructor)) static void
begin(void)
{
	open_one();
	pthread_atfork(NULL, NULL, in_child);
}
