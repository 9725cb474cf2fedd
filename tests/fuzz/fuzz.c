/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c - see fuzz.h. Whatever fails here is the harness's own trouble, and ends it. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void
fuzz_require(int holds, const char *condition, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

static void
trouble(const char *what)
{
	perror(what);
	_exit(2);
}

char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		trouble("fuzz");
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
remove_folder(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
fuzz_folder(void)
{
	if (folder[0])
		return folder;
	strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX");
	if (!mkdtemp(folder))
		trouble(folder);
	atexit(remove_folder);
	return folder;
}

/* In a static buffer. */
static const char *
path_of(const char *name)
{
	static char path[512];

	if (snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name) >= (int)sizeof(path))
		trouble(name);
	return path;
}

static void
make_folders(const char *name)
{
	char part[256];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
		if (mkdir(path_of(part), 0700) < 0 && errno != EEXIST)
			trouble(part);
	}
}

void
fuzz_write(const char *name, const void *data, size_t size)
{
	static const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd = open(path_of(name), flags, 0600);

	if (fd < 0 && errno == ENOENT) {
		make_folders(name);
		fd = open(path_of(name), flags, 0600);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		trouble(name);
}

const char *
fuzz_read(const char *name)
{
	static char text[65536];
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return NULL;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		trouble(name);
	text[length] = '\0';
	return text;
}

void
fuzz_remove(const char *name)
{
	if (unlink(path_of(name)) < 0 && errno != ENOENT)
		trouble(name);
}

int
fuzz_open(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		trouble("memfd");
	return fd;
}

const uint8_t *
fuzz_part(const uint8_t **data, size_t *size, size_t *ret_size)
{
	const uint8_t *part = *data, *end = part;
	size_t left = *size;

	while (left > 0) {
		const uint8_t *newline = memchr(end, '\n', left);
		size_t line = newline ? (size_t)(newline - end) + 1 : left;

		left -= line;
		if (line == 3 && memcmp(end, "==\n", 3) == 0) {
			*ret_size = (size_t)(end - part);
			*data = end + line;
			*size = left;
			return part;
		}
		end += line;
	}
	*ret_size = *size;
	*data = part + *size;
	*size = 0;
	return part;
}
