/* SPDX-License-Identifier: Apache-2.0 */
/* fake_root.h - a made-up /proc and /sys in a temporary folder, for tests of what reads them. */
#ifndef TEST_FAKE_ROOT_H
#define TEST_FAKE_ROOT_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char fake_root[64];

static inline int
fake_root_make(void **unused)
{
	(void)unused;
	strcpy(fake_root, "/tmp/sluice-test-XXXXXX");
	return mkdtemp(fake_root) ? 0 : -1;
}

static inline int
fake_root_remove(void **unused)
{
	char command[96];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf '%s'", fake_root);
	return system(command);
}

/* Where a file is, its folders made. */
static inline const char *
fake_path(const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s/%s", fake_root, path);
	for (char *c = full + 1; *c; c++) {
		if (*c == '/') {
			*c = '\0';
			mkdir(full, 0755);
			*c = '/';
		}
	}
	return full;
}

static inline void
fake_put_bytes(const char *path, const void *bytes, size_t length, uint64_t offset)
{
	int fd = open(fake_path(path), O_WRONLY | O_CREAT, 0644);

	if (fd < 0 || pwrite(fd, bytes, length, (off_t)offset) != (ssize_t)length)
		abort();
	close(fd);
}

static inline void
fake_put(const char *path, const char *text)
{
	unlink(fake_path(path));
	fake_put_bytes(path, text, strlen(text), 0);
}

static inline const char *
fake_get(const char *path)
{
	static char text[4096];
	int fd = open(fake_path(path), O_RDONLY);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

#endif
