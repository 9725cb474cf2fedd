/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - see lock.h. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "sluiced.lock"
#define DEVICES_NAME "devices.lock"

static pid_t
pid_in(int fd)
{
	char text[32] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	return len > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static int
folder_open(const char *path, struct sluice_err *reterr)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return sluice_fail(reterr, -errno, "cannot make the state folder '%s': %s", path,
				   strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot open the state folder '%s': %s", path,
				   strerror(errno));
	if (fstat(fd, &st) < 0 || (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & 0022) != 0) {
		close(fd);
		return sluice_fail(reterr, -EPERM,
				   "the state folder '%s' belongs to somebody else, or others may "
				   "write to it; choose another --state-dir",
				   path);
	}
	return fd;
}

/* The file of that name is locked by us, or *ret_holder is who has it. */
static int
take(const char *state_dir, const char *name, int *ret_fd, pid_t *ret_holder,
     struct sluice_err *reterr)
{
	char text[32];
	int folder = folder_open(state_dir, reterr);
	int fd, len;

	if (folder < 0)
		return folder;
	fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close(folder);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot open '%s/%s': %s", state_dir, name,
				   strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		*ret_holder = pid_in(fd);
		close(fd);
		return -EBUSY;
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len) {
		int r = -errno;

		close(fd);
		return sluice_fail(reterr, r, "cannot write '%s/%s': %s", state_dir, name,
				   strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

int
lock_take(const char *state_dir, int *ret_fd, struct sluice_err *reterr)
{
	pid_t holder = 0;
	int r = take(state_dir, LOCK_NAME, ret_fd, &holder, reterr);

	if (r == -EBUSY)
		sluice_fail(reterr, r,
			    "another sluiced (pid %d) tiers this machine's memory already; use "
			    "'sluice attach PID' to add a process to it, or stop it",
			    (int)holder);
	return r;
}

int
lock_take_devices(const char *state_dir, int *ret_fd, struct sluice_err *reterr)
{
	pid_t holder = 0;
	int r = take(state_dir, DEVICES_NAME, ret_fd, &holder, reterr);

	if (r == -EBUSY)
		sluice_fail(reterr, r,
			    "another 'sluice tier' (its sluiced has pid %d) is changing this "
			    "machine's memory; wait for its end",
			    (int)holder);
	return r;
}

void
lock_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

pid_t
lock_holder(const char *state_dir)
{
	char path[4096];
	pid_t pid = 0;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", state_dir, LOCK_NAME) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		pid = pid_in(fd);
	close(fd);
	return pid;
}
