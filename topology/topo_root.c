/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_root.c - see topo_root.h. A capture becomes real files, rather than something in memory that
 * looks like files, so that all that reads under a root reads captures too.
 */
#include "topo_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysroot.h"
#include "tree.h"

#define UNPACKED "sluice-capture-"

/* The whole of a regular file as a text, the caller's to free. */
static int
read_text(const char *path, char **ret, struct sluice_err *reterr)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	struct stat st;
	size_t size;
	int r = 0;

	if (!file)
		return sluice_fail(reterr, -errno, "cannot read '%s': %s", path, strerror(errno));
	if (fstat(fileno(file), &st) < 0 || st.st_size > TREE_BYTES_MAX) {
		r = sluice_fail(reterr, -EFBIG, "'%s' is too large to be a capture", path);
	} else {
		text = malloc((size_t)st.st_size + 1);
		size = text ? fread(text, 1, (size_t)st.st_size, file) : 0;
		if (!text)
			r = sluice_fail(reterr, -ENOMEM, "no memory to read '%s'", path);
		else if (memchr(text, '\0', size))
			r = sluice_fail(reterr, -EINVAL, "'%s' is not a capture: it is binary",
					path);
		else
			text[size] = '\0';
	}
	fclose(file);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret = text;
	return 0;
}

/* In memory, where nobody asked for another place: a thousand files are to be made in no time. */
static const char *
unpack_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp && tmp[0] == '/' && strlen(tmp) <= 40)
		return tmp;
	return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* The lock of a folder that we unpacked, or that another process of this user did and left. -errno,
 * -EWOULDBLOCK: whoever unpacked it is alive. */
static int
lock_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	else if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_nlink == 0)
		r = -EPERM;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* What a load that was killed has left. Names that are just like ours, folders of ours that nobody
 * holds. */
static void
remove_left(const char *tmp)
{
	DIR *folder = opendir(tmp);
	const struct dirent *entry;
	char path[PATH_MAX];
	int lock;

	while (folder && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, UNPACKED, strlen(UNPACKED)) != 0 ||
		    strlen(entry->d_name) != strlen(UNPACKED) + 6)
			continue;
		lock = lock_folder(dirfd(folder), entry->d_name);
		if (lock < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", tmp, entry->d_name);
		tree_remove_folder(path);
		close(lock);
	}
	if (folder)
		closedir(folder);
}

static int
make_folder(struct topo_root *root, struct sluice_err *reterr)
{
	/* Between making it and taking its lock another may take it for one that was left. */
	for (int tries = 0; tries < 10; tries++) {
		snprintf(root->unpacked, sizeof(root->unpacked), "%s/" UNPACKED "XXXXXX",
			 unpack_folder());
		if (!mkdtemp(root->unpacked)) {
			int r = sluice_fail(reterr, -errno, "cannot make the folder %s: %s",
					    root->unpacked, strerror(errno));

			root->unpacked[0] = '\0';
			return r;
		}
		root->lock = lock_folder(AT_FDCWD, root->unpacked);
		if (root->lock >= 0)
			break;
		rmdir(root->unpacked);
		root->unpacked[0] = '\0';
	}
	if (root->lock >= 0)
		root->fd = sysroot_open(root->unpacked);
	if (root->fd < 0)
		return sluice_fail(reterr, root->lock < 0 ? root->lock : -EIO,
				   "cannot open or lock a folder in %s", unpack_folder());
	return 0;
}

static int
unpack(const char *path, struct topo_root *root, struct sluice_err *reterr)
{
	struct tree tree = {0};
	struct sluice_err why = {0, ""};
	char *text = NULL;
	int r = read_text(path, &text, reterr);

	if (r < 0)
		return r;
	remove_left(unpack_folder());
	r = tree_parse(text, &tree, &why);
	if (r == 0)
		r = make_folder(root, &why);
	if (r == 0)
		r = tree_unpack(&tree, root->fd, &why);
	tree_clear(&tree);
	free(text);
	if (r < 0)
		topo_root_close(root);
	return r < 0 ? sluice_fail(reterr, r, "'%s' is not a capture of this sluice: %s", path,
				   why.msg)
		     : 0;
}

int
topo_root_open(const char *sysroot, struct topo_root *ret, struct sluice_err *reterr)
{
	struct stat st;

	*ret = (struct topo_root){.fd = -1, .lock = -1};
	if (sysroot && *sysroot && stat(sysroot, &st) == 0 && S_ISREG(st.st_mode))
		return unpack(sysroot, ret, reterr);
	ret->fd = sysroot_open(sysroot);
	if (ret->fd < 0)
		return sluice_fail(reterr, ret->fd, "cannot open the folder '%s': %s",
				   sysroot && *sysroot ? sysroot : "/", strerror(-ret->fd));
	return 0;
}

void
topo_root_close(struct topo_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	if (root->unpacked[0])
		tree_remove_folder(root->unpacked);
	if (root->lock >= 0)
		close(root->lock);
	*root = (struct topo_root){.fd = -1, .lock = -1};
}
