/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_unpack.c - a tree as files in a folder. A capture may come from anybody: folders are walked
 * down one name at a time, through no link, and links are made last.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

/* Opens the folder that path is in, made where it is missing. *ret_name is the last part. */
static int
open_parent(int folder, char *path, const char **ret_name)
{
	char *part = path, *slash;
	int fd = dup(folder);

	while (fd >= 0 && (slash = strchr(part, '/'))) {
		int next;

		*slash = '\0';
		next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT && mkdirat(fd, part, 0700) == 0)
			next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		next = next < 0 ? -errno : next;
		close(fd);
		fd = next;
		part = slash + 1;
	}
	*ret_name = part;
	return fd;
}

static int
put_file(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t len = strlen(text), done = 0;
	int r = fd < 0 ? -errno : 0;

	while (r == 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* The folder of the entry before: entries are sorted, so most are in the same one. */
struct parent {
	int fd; /* -1: none */
	size_t length;
	char path[PATH_MAX];
};

static void
parent_close(struct parent *parent)
{
	if (parent->fd >= 0)
		close(parent->fd);
	parent->fd = -1;
}

static int
parent_move(struct parent *parent, int folder, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	char copy[PATH_MAX];
	const char *ignored;

	*ret_name = slash ? slash + 1 : path;
	if (parent->fd >= 0 && parent->length == length && memcmp(parent->path, path, length) == 0)
		return parent->fd;
	parent_close(parent);
	snprintf(copy, sizeof(copy), "%s", path);
	parent->fd = open_parent(folder, copy, &ignored);
	parent->length = length;
	memcpy(parent->path, path, length);
	return parent->fd;
}

static int
put_entry(const struct tree_entry *entry, int folder, struct parent *parent)
{
	const char *name;
	int fd, r = 0;

	if (strlen(entry->path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = parent_move(parent, folder, entry->path, &name);
	if (fd < 0)
		return fd;
	switch (entry->type) {
	case TREE_FOLDER:
		if (mkdirat(fd, name, 0700) < 0 && errno != EEXIST)
			r = -errno;
		break;
	case TREE_LINK:
		if (symlinkat(entry->text, fd, name) < 0)
			r = -errno;
		break;
	case TREE_FILE:
		r = put_file(fd, name, entry->text);
		break;
	}
	return r;
}

static int
unpack_all(const struct tree *tree, int folder, struct parent *parent, struct sluice_err *reterr)
{
	for (int links = 0; links < 2; links++) {
		for (size_t i = 0; i < tree->count; i++) {
			const struct tree_entry *entry = &tree->entries[i];
			int r;

			if ((entry->type == TREE_LINK) != links)
				continue;
			r = put_entry(entry, folder, parent);
			if (r == -EEXIST || r == -ENOTDIR || r == -ELOOP)
				return sluice_fail(reterr, -EINVAL,
						   "'%.200s' is in it twice, or both as a file and "
						   "as a folder",
						   entry->path);
			if (r < 0)
				return sluice_fail(reterr, r, "cannot unpack '%.200s': %s",
						   entry->path, strerror(-r));
		}
	}
	return 0;
}

int
tree_unpack(const struct tree *tree, int folder, struct sluice_err *reterr)
{
	struct parent parent = {.fd = -1};
	int r = unpack_all(tree, folder, &parent, reterr);

	parent_close(&parent);
	return r;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
tree_remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
