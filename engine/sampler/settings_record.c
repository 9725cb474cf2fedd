/* SPDX-License-Identifier: Apache-2.0 */
/* settings_record.c - see settings_record.h. */
#include "settings_record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "procfs.h"

#define RECORD_BYTES 512
#define RECORD_FORMAT "sluice-setting 1\n"

static int
printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			return 0;
	}
	return 1;
}

int
record_path_ok(const char *path)
{
	size_t length = strlen(path);

	if (length >= RECORD_PATH_BYTES || !printable(path))
		return 0;
	if (strncmp(path, "/proc/sys/", 10) != 0 && strncmp(path, "/sys/", 5) != 0)
		return 0;
	/* '!' stands for '/' in the record's name. */
	return !strstr(path, "..") && !strchr(path, '!') && path[length - 1] != '/';
}

void
record_name(const char *path, char name[RECORD_NAME_BYTES])
{
	snprintf(name, RECORD_NAME_BYTES, "%s", path + 1);
	for (char *c = name; *c; c++) {
		if (*c == '/')
			*c = '!';
	}
}

int
record_write(int dir_fd, const struct record *record, int *ret_fd, struct sluice_err *reterr)
{
	char name[RECORD_NAME_BYTES], temporary[RECORD_NAME_BYTES + 8], text[RECORD_BYTES];
	int fd, length, r;

	length = snprintf(text, sizeof(text), RECORD_FORMAT "%s\n%s\n%llu\n%d\n%s\n", record->path,
			  record->old, (unsigned long long)record->order_ns, record->pid,
			  record->boot);
	record_name(record->path, name);
	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		goto failed;
	/* Locked before it has its name, so nobody ever sees it without its owner. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || write(fd, text, (size_t)length) != length ||
	    fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0)
		goto failed;
	if (fsync(dir_fd) < 0 && errno != EINVAL)
		goto failed;
	*ret_fd = fd;
	return 0;
failed:
	r = errno ? -errno : -EIO;
	if (fd >= 0) {
		unlinkat(dir_fd, temporary, 0);
		unlinkat(dir_fd, name, 0);
		close(fd);
	}
	return sluice_fail(reterr, r,
			   "could not write down the value of %s before changing it: %s; nothing "
			   "was changed",
			   record->path, strerror(-r));
}

/* One line of *text, cut off and stepped over; NULL when there is none. */
static char *
next_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static int
record_parse(char *text, struct record *ret)
{
	char *path, *old, *order, *pid, *boot;
	size_t head = strlen(RECORD_FORMAT);

	if (strncmp(text, RECORD_FORMAT, head) != 0)
		return -EBADMSG;
	text += head;
	path = next_line(&text);
	old = path ? next_line(&text) : NULL;
	order = old ? next_line(&text) : NULL;
	pid = order ? next_line(&text) : NULL;
	boot = pid ? next_line(&text) : NULL;
	if (!boot || !record_path_ok(path) || !printable(old) || strlen(old) >= sizeof(ret->old) ||
	    strlen(boot) >= sizeof(ret->boot))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->path, path, strlen(path));
	memcpy(ret->old, old, strlen(old));
	memcpy(ret->boot, boot, strlen(boot));
	if (sscanf(order, "%20lu", &ret->order_ns) != 1 || sscanf(pid, "%9d", &ret->pid) != 1)
		return -EBADMSG;
	return 0;
}

int
record_take(int dir_fd, const char *name, struct record *ret, int *ret_fd)
{
	char text[RECORD_BYTES + 1], expected[RECORD_NAME_BYTES];
	ssize_t length;
	int fd, r, locked;

	fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	length = pread(fd, text, RECORD_BYTES, 0);
	if (length < 0) {
		r = -errno;
		goto out;
	}
	text[length] = '\0';
	r = record_parse(text, ret);
	if (r < 0)
		goto out;
	record_name(ret->path, expected);
	if (strcmp(expected, name) != 0) {
		r = -EBADMSG;
		goto out;
	}
	locked = flock(fd, LOCK_EX | LOCK_NB) < 0;
	/* A child of a killed owner may hold the lock for the moment it takes it to die too. */
	for (int i = 0; locked && i < 20 && kill(ret->pid, 0) < 0 && errno == ESRCH; i++) {
		usleep(50000);
		locked = flock(fd, LOCK_EX | LOCK_NB) < 0;
	}
	if (!locked) {
		*ret_fd = fd;
		return 0;
	}
	r = -EAGAIN;
out:
	close(fd);
	return r;
}

void
record_drop(int dir_fd, const char *name, int fd)
{
	unlinkat(dir_fd, name, 0);
	close(fd);
}

void
record_boot_id(const char *sysroot, char boot[40])
{
	if (procfs_line(sysroot, 0, "proc/sys/kernel/random/boot_id", boot, 40) <= 0)
		snprintf(boot, 40, "unknown");
}
