/* SPDX-License-Identifier: Apache-2.0 */
/* procfs.c - see procfs.h. */
#include "procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_EXITING 0x4        /* PF_EXITING of the kernel, in the flags field of stat */
#define STAT_KTHREAD 0x00200000 /* PF_KTHREAD */

int
procfs_open(const char *sysroot, int32_t pid, const char *name, int flags)
{
	char path[512];
	int fd, length;

	length = pid > 0 ? snprintf(path, sizeof(path), "%s/proc/%d/%s", sysroot, pid, name)
			 : snprintf(path, sizeof(path), "%s%s%s", sysroot,
				    name[0] == '/' ? "" : "/", name);
	if (length >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fd;
}

int
procfs_lines_open(struct procfs_lines *lines, const char *sysroot, int32_t pid, const char *name)
{
	lines->fd = procfs_open(sysroot, pid, name, O_RDONLY);
	lines->eof = lines->skip = 0;
	lines->start = lines->end = 0;
	return lines->fd < 0 ? lines->fd : 0;
}

void
procfs_lines_close(struct procfs_lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = -1;
}

/* More text behind what is there. 0 at the end of the file, -errno. */
static ssize_t
lines_fill(struct procfs_lines *lines)
{
	ssize_t length;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	do {
		length = read(lines->fd, lines->buffer + lines->end,
			      sizeof(lines->buffer) - 1 - lines->end);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	lines->end += (size_t)length;
	return length;
}

char *
procfs_lines_next(struct procfs_lines *lines, int *ret_error)
{
	*ret_error = 0;
	while (lines->fd >= 0) {
		char *line = lines->buffer + lines->start;
		char *newline = memchr(line, '\n', lines->end - lines->start);
		ssize_t length;

		if (newline) {
			lines->start = (size_t)(newline + 1 - lines->buffer);
			*newline = '\0';
			if (!lines->skip)
				return line;
			lines->skip = 0;
			continue;
		}
		if (lines->eof) {
			int last = lines->end > lines->start && !lines->skip;

			procfs_lines_close(lines);
			lines->buffer[lines->end] = '\0';
			lines->start = lines->end;
			return last ? line : NULL;
		}
		if (lines->start == 0 && lines->end == sizeof(lines->buffer) - 1) {
			int first = !lines->skip;

			lines->buffer[lines->end] = '\0';
			lines->start = lines->end;
			lines->skip = 1;
			if (first)
				return lines->buffer;
			continue;
		}
		length = lines_fill(lines);
		if (length < 0) {
			*ret_error = (int)length;
			procfs_lines_close(lines);
			return NULL;
		}
		lines->eof = length == 0;
	}
	return NULL;
}

int
procfs_write(const char *sysroot, int32_t pid, const char *name, const char *text)
{
	int fd = procfs_open(sysroot, pid, name, O_WRONLY);
	size_t length = strlen(text);
	int r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, length) != (ssize_t)length)
		r = errno ? -errno : -EIO;
	close(fd);
	return r;
}

int
procfs_text(const char *sysroot, int32_t pid, const char *name, char *ret_text, size_t size)
{
	int fd = procfs_open(sysroot, pid, name, O_RDONLY);
	ssize_t length;
	int r;

	if (fd < 0)
		return fd;
	length = read(fd, ret_text, size - 1);
	r = length < 0 ? -errno : length == 0 && pid > 0 ? -ESRCH : (int)length;
	close(fd);
	if (r >= 0)
		ret_text[r] = '\0';
	return r;
}

int
procfs_line(const char *sysroot, int32_t pid, const char *name, char *ret_line, size_t size)
{
	int r = procfs_text(sysroot, pid, name, ret_line, size);

	if (r < 0)
		return r;
	r = (int)strcspn(ret_line, "\n");
	while (r > 0 && (ret_line[r - 1] == ' ' || ret_line[r - 1] == '\t'))
		r--;
	ret_line[r] = '\0';
	return r;
}

int
procfs_number(const char *sysroot, int32_t pid, const char *name, int64_t *ret)
{
	char line[64], *end;
	int64_t number;
	int r = procfs_line(sysroot, pid, name, line, sizeof(line));

	if (r < 0)
		return r;
	errno = 0;
	number = strtoll(line, &end, 10);
	if (end == line || *end || errno)
		return -EBADMSG;
	*ret = number;
	return 0;
}

int
procfs_comm(const char *sysroot, int32_t pid, char *ret_comm, size_t size)
{
	char text[64];
	int r = pid > 0 ? procfs_text(sysroot, pid, "comm", text, sizeof(text)) : -ESRCH;

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0'; /* a name may end with blanks */
	snprintf(ret_comm, size, "%s", text);
	return 0;
}

/* *start: 0 when the line is too short to tell. */
static int
stat_read(const char *sysroot, int32_t pid, uint64_t *start)
{
	char text[1024], *after, state;
	unsigned long flags;
	int r = pid > 0 ? procfs_text(sysroot, pid, "stat", text, sizeof(text)) : -ESRCH;

	if (r == -ENOENT)
		return -ESRCH;
	if (r < 0)
		return r;
	/* The name in brackets may hold anything, brackets too. */
	after = strrchr(text, ')');
	if (!after || sscanf(after, ") %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
		return -EBADMSG;
	if (flags & STAT_KTHREAD)
		return -EINVAL;
	if (state == 'Z' || state == 'X' || (flags & STAT_EXITING))
		return -ESRCH;
	for (int i = 2; after && i < 22; i++) /* it is the 22nd, and the bracket ends the 2nd */
		after = strchr(after + 1, ' ');
	*start = after ? strtoull(after, NULL, 10) : 0;
	return 0;
}

int
procfs_state(const char *sysroot, int32_t pid)
{
	uint64_t start;

	return stat_read(sysroot, pid, &start);
}

int
procfs_started(const char *sysroot, int32_t pid, uint64_t *ret_start_ticks)
{
	uint64_t start;
	int r = stat_read(sysroot, pid, &start);

	if (r == 0 && start == 0)
		return -EBADMSG;
	if (r == 0)
		*ret_start_ticks = start;
	return r;
}

int
procfs_resident(const char *sysroot, int32_t pid, uint64_t *ret_bytes)
{
	char line[128], *size_end, *end;
	uint64_t pages;
	int r = procfs_line(sysroot, pid, "statm", line, sizeof(line));

	if (r < 0)
		return r;
	(void)strtoull(line, &size_end, 10); /* the second number is what is resident */
	pages = strtoull(size_end, &end, 10);
	if (size_end == line || end == size_end)
		return -EBADMSG;
	*ret_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/* Hexadecimal or decimal digits, then `end`. NULL when it is not that. */
static const char *
field(const char *text, int base, char end, uint64_t *ret)
{
	char *stop;

	if (!isxdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*ret = strtoull(text, &stop, base);
	if (errno || stop == text || *stop != end)
		return NULL;
	return stop + 1;
}

int
procfs_map_parse(const char *line, struct procfs_map *ret)
{
	struct procfs_map map = {0};
	const char *text = line;
	uint64_t ignored;

	text = field(text, 16, '-', &map.start);
	text = text ? field(text, 16, ' ', &map.end) : NULL;
	if (!text || map.start >= map.end || (map.start | map.end) & 4095)
		return 0;
	for (int i = 0; i < 4; i++) {
		if (text[i] == '\0' || !strchr(i == 3 ? "ps" : "rwx-", text[i]))
			return 0;
		map.perms[i] = text[i];
	}
	text += 4;
	text = *text == ' ' ? field(text + 1, 16, ' ', &ignored) : NULL;
	text = text ? field(text, 16, ':', &ignored) : NULL;
	text = text ? field(text, 16, ' ', &ignored) : NULL;
	if (!text || !isdigit((unsigned char)*text))
		return 0;
	while (isdigit((unsigned char)*text))
		map.inode = map.inode * 10 + (uint64_t)(*text++ - '0');
	while (*text == ' ')
		text++;
	map.name = text;
	*ret = map;
	return 1;
}

int
procfs_number_parse(const char *line, const char *key, uint64_t *ret)
{
	size_t length = strlen(key);
	uint64_t number;
	char *stop;

	if (strncmp(line, key, length) != 0)
		return 0;
	line += length;
	while (*line == ' ' || *line == '\t')
		line++;
	if (!isdigit((unsigned char)*line))
		return 0;
	errno = 0;
	number = strtoull(line, &stop, 10);
	if (errno)
		return 0;
	*ret = number;
	return 1;
}
