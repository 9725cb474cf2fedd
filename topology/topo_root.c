/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_root.c - see topo_root.h. A capture becomes real files, rather than something in memory that
 * looks like files, so that all that reads under a root reads captures too.
 */
#include "topo_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysroot.h"
#include "tree.h"

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

static int
unpack(const char *path, struct topo_root *root, struct sluice_err *reterr)
{
	const char *tmp = getenv("TMPDIR");
	struct tree tree = {0};
	struct sluice_err why = {0, ""};
	char *text = NULL;
	int r = read_text(path, &text, reterr);

	if (r < 0)
		return r;
	r = tree_parse(text, &tree, &why);
	if (r == 0 &&
	    snprintf(root->unpacked, sizeof(root->unpacked), "%.40s/sluice-XXXXXX",
		     tmp && tmp[0] == '/' && strlen(tmp) <= 40 ? tmp : "/tmp") > 0 &&
	    !mkdtemp(root->unpacked)) {
		r = sluice_fail(&why, -errno, "cannot make the folder %s: %s", root->unpacked,
				strerror(errno));
		root->unpacked[0] = '\0';
	}
	if (r == 0) {
		root->fd = sysroot_open(root->unpacked);
		r = root->fd < 0 ? sluice_fail(&why, root->fd, "cannot open %s", root->unpacked)
				 : tree_unpack(&tree, root->fd, &why);
	}
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

	*ret = (struct topo_root){.fd = -1};
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
	*root = (struct topo_root){.fd = -1};
}
