/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uffd.h - a userfaultfd(2) that write-protects asynchronously: the kernel (6.7 and later) resolves
 * each write fault by itself and remembers that there was one. It belongs to the memory of whoever
 * opens it, so `sluice run` and its preloaded library do, in the program to be watched; the sampler
 * wp then borrows it. Only libc, since it runs inside other people's programs. Any thread.
 */
#ifndef BASE_UFFD_H
#define BASE_UFFD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in the headers of older kernels. */
#define UFFD_WP_UNPOPULATED (1ull << 13)
#define UFFD_WP_ASYNC (1ull << 15)
#define UFFD_FOR_USER_MODE                                                                         \
	1 /* needs no rights; the kernel's own writes are resolved all the same */

/* The descriptor, or -errno: -ENOSYS, -EPERM, or -EINVAL where the kernel knows no asynchronous
 * write-protection. */
static inline int
uffd_open(void)
{
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_WP_ASYNC | UFFD_WP_UNPOPULATED};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_FOR_USER_MODE), r;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

#endif
