/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysroot.c - bounded reads under a replaceable root.
 *
 * Links in a captured tree are resolved inside that tree (openat2 with RESOLVE_IN_ROOT), so that
 * an absolute link in it shows the captured machine and not this one.
 */
#include "sysroot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local const struct sysroot_watcher *watching;

void
sysroot_watch(const struct sysroot_watcher *watcher)
{
	watching = watcher;
}

/* Takes the watcher off while it works, so that it may read. */
static void
tell_file(int root, const char *path, const char *text, int r)
{
	const struct sysroot_watcher *watcher = watching;

	if (!watcher)
		return;
	watching = NULL;
	if (r >= 0)
		watcher->file(watcher->userdata, root, path, text);
	else if (r == -EACCES || r == -EPERM)
		watcher->unreadable(watcher->userdata, path);
	watching = watcher;
}

static void
tell_link(int root, const char *path, const char *target)
{
	const struct sysroot_watcher *watcher = watching;

	if (!watcher)
		return;
	watching = NULL;
	watcher->link(watcher->userdata, root, path, target);
	watching = watcher;
}

static void
tell_entry(int root, const char *path, const char *name)
{
	const struct sysroot_watcher *watcher = watching;

	if (!watcher)
		return;
	watching = NULL;
	watcher->entry(watcher->userdata, root, path, name);
	watching = watcher;
}

int
sysroot_open(const char *root)
{
	int fd = open(root && *root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Is it the root of this process, which no link leads out of? */
static bool
is_own_root(int root)
{
	struct stat given, own;

	return fstat(root, &given) == 0 && stat("/", &own) == 0 && given.st_dev == own.st_dev &&
	       given.st_ino == own.st_ino;
}

static int
open_under(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	int error = fd < 0 ? errno : 0;

	/* Container seccomp filters of some years ago refuse what they do not know. Of a captured
	 * tree a plain open would follow links out of it: that is not read there. */
	if ((error == ENOSYS || error == EPERM) && is_own_root(root)) {
		fd = openat(root, path, flags | O_CLOEXEC);
		error = fd < 0 ? errno : 0;
	}
	return fd < 0 ? -error : fd;
}

static int
format_path(char path[PATH_MAX], const char *format, va_list args)
{
	int length = vsnprintf(path, PATH_MAX, format, args);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int
read_whole(int root, const char *path, char *buffer, size_t size, bool cut)
{
	struct stat st;
	size_t length = 0;
	int r = 0;
	/* O_NONBLOCK: a pipe in a captured tree must not hold us up. */
	int fd = open_under(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	while (r == 0 && length < size) {
		ssize_t n = read(fd, buffer + length, size - length);

		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	close(fd);
	if (r == 0 && length == size) {
		if (!cut)
			r = -EFBIG;
		length--;
	}
	if (r < 0)
		return r;
	while (length > 0 && isspace((unsigned char)buffer[length - 1]))
		length--;
	buffer[length] = '\0';
	return (int)length;
}

static int
read_formatted(int root, char *buffer, size_t size, bool cut, const char *format, va_list args)
{
	char path[PATH_MAX];
	int r;

	r = format_path(path, format, args);
	if (r < 0) {
		buffer[0] = '\0';
		return r;
	}
	r = read_whole(root, path, buffer, size, cut);
	if (r < 0)
		buffer[0] = '\0';
	tell_file(root, path, buffer, r);
	return r;
}

int
sysroot_open_write(int root, const char *path)
{
	return open_under(root, path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY);
}

int
sysroot_read(int root, char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = read_formatted(root, buffer, size, false, format, args);
	va_end(args);
	return r;
}

int
sysroot_read_head(int root, char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = read_formatted(root, buffer, size, true, format, args);
	va_end(args);
	return r;
}

int
sysroot_read_number(int root, uint64_t min, uint64_t max, uint64_t *ret, const char *format, ...)
{
	char buffer[64];
	const char *text = buffer;
	uint64_t number;
	va_list args;
	int r;

	va_start(args, format);
	r = read_formatted(root, buffer, sizeof(buffer), false, format, args);
	va_end(args);
	if (r < 0)
		return r;
	/* A NUL byte inside would hide what follows it: the whole file must be the number. */
	if (!sysroot_number(&text, max, &number) || text != buffer + r || number < min)
		return -EINVAL;
	*ret = number;
	return 0;
}

int
sysroot_read_link(int root, char *buffer, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	ssize_t length;
	int fd, r;

	va_start(args, format);
	r = format_path(path, format, args);
	va_end(args);
	buffer[0] = '\0';
	if (r < 0)
		return r;
	fd = open_under(root, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	length = readlinkat(fd, "", buffer, size);
	r = length < 0 ? -errno : 0;
	close(fd);
	if (r == 0 && (size_t)length >= size)
		r = -ENAMETOOLONG;
	buffer[r < 0 ? 0 : (size_t)length] = '\0';
	if (r == 0)
		tell_link(root, path, buffer);
	return r < 0 ? r : (int)length;
}

static int
is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
sysroot_list(int root, const char *path, int (*each)(const char *name, void *userdata),
	     void *userdata)
{
	struct dirent **entries;
	int r = 0, count;
	int fd = open_under(root, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	/* In order, so that one machine reads the same wherever its files lie. */
	count = scandirat(fd, ".", &entries, is_entry, versionsort);
	if (count < 0)
		r = -errno;
	close(fd);
	for (int i = 0; i < count; i++) {
		/* A watcher is told of all, also of those that the reader does not get to. */
		tell_entry(root, path, entries[i]->d_name);
		if (r == 0)
			r = each(entries[i]->d_name, userdata);
		free(entries[i]);
	}
	if (count >= 0) {
		free(entries);
		tell_entry(root, path, NULL);
	}
	return r;
}

bool
sysroot_number(const char **text, uint64_t max, uint64_t *ret)
{
	const char *p = *text;
	uint64_t base = 10, number = 0;
	bool any = false;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && isxdigit((unsigned char)p[2])) {
		base = 16;
		p += 2;
	}
	for (; base == 16 ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
		uint64_t digit = isdigit((unsigned char)*p)
					 ? (uint64_t)(*p - '0')
					 : (uint64_t)(tolower((unsigned char)*p) - 'a' + 10);

		if (digit > max || number > (max - digit) / base)
			return false;
		number = number * base + digit;
		any = true;
	}
	if (!any)
		return false;
	*text = p;
	*ret = number;
	return true;
}

bool
sysroot_numbered(const char *name, const char *prefix, uint64_t max, uint32_t *ret)
{
	size_t length = strlen(prefix);
	const char *text = name + length;
	uint64_t number;

	if (strncmp(name, prefix, length) != 0 || !sysroot_number(&text, max, &number) || *text)
		return false;
	*ret = (uint32_t)number;
	return true;
}
