/* SPDX-License-Identifier: Apache-2.0 */
/* process_hold.c - see process_hold.h. */
#include "process_hold.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "procfs.h"

int
process_has_ended(int fd)
{
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	return poll(&ended, 1, 0) > 0;
}

/* Asks by pid, with a descriptor open: what is learned is of this process when that has not ended
 * afterwards. */
static int
check(int32_t pid, int fd, uint64_t start_ticks, char *comm, struct sluice_err *reterr)
{
	uint64_t started;
	char path[64];
	int r = procfs_comm("", pid, comm, PROCESS_COMM_BYTES), may_look;

	if (r == 0)
		r = procfs_started("", pid, &started);
	/* What the kernel's ptrace check allows is what move_pages will allow. */
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	may_look = access(path, R_OK) == 0;
	if (r == -EINVAL)
		return sluice_fail(reterr, r,
				   "%d (%s) is a kernel thread and has no memory of its own", pid,
				   comm);
	if (r < 0 || process_has_ended(fd))
		return sluice_fail(reterr, -ESRCH, "process %d has ended", pid);
	if (start_ticks && start_ticks != started)
		return sluice_fail(reterr, -ESRCH,
				   "process %d has ended, and its number is another's now", pid);
	if (!may_look)
		return sluice_fail(
			reterr, -EPERM,
			"not allowed to look into process %d; run as root or as its owner", pid);
	return 0;
}

int
process_hold(int32_t pid, uint64_t start_ticks, char ret_comm[PROCESS_COMM_BYTES],
	     struct sluice_err *reterr)
{
	char comm[PROCESS_COMM_BYTES] = "";
	int fd, r;

	if (pid <= 0)
		return sluice_fail(reterr, -EINVAL, "%d is not a process id", pid);
	if (pid == getpid())
		return sluice_fail(reterr, -EINVAL, "process %d is sluiced itself", pid);
	if (pid == 1)
		return sluice_fail(reterr, -EINVAL, "process 1 (init) is not to be tiered");
	fd = pidfd_open(pid, 0);
	/* -EINVAL: the number is that of a thread, not of a process. */
	if (fd < 0 && (errno == ESRCH || errno == EINVAL))
		return sluice_fail(reterr, -ESRCH, "there is no process %d", pid);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot hold on to process %d: %s", pid,
				   strerror(errno));
	r = check(pid, fd, start_ticks, comm, reterr);
	if (r < 0) {
		close(fd);
		return r;
	}
	memcpy(ret_comm, comm, sizeof(comm));
	return fd;
}
