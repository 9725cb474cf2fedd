/* SPDX-License-Identifier: Apache-2.0 */
/* output_file.c - see output_file.h. */
#include "output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
output_file_open(struct output_file *file, const char *path)
{
	mode_t mask = umask(0);
	struct stat st;
	int fd, r;

	umask(mask);
	*file = (struct output_file){.path = path};
	/* /dev/stdout is a link, perhaps to a regular file, and stays one. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		file->stream = fopen(path, "we");
		return file->stream ? 0 : -errno;
	}
	if (snprintf(file->temporary, sizeof(file->temporary), "%s.XXXXXX", path) >=
	    (int)sizeof(file->temporary))
		return -ENAMETOOLONG;
	fd = mkstemp(file->temporary);
	if (fd < 0)
		return -errno;
	file->stream = fdopen(fd, "w");
	if (file->stream && fchmod(fd, 0666 & ~mask) == 0)
		return 0;
	r = -errno;
	if (file->stream)
		fclose(file->stream);
	else
		close(fd);
	unlink(file->temporary);
	return r;
}

int
output_file_close(struct output_file *file, int r)
{
	errno = 0;
	if (r == 0 && (fflush(file->stream) != 0 || ferror(file->stream)))
		r = errno ? -errno : -EIO;
	if (r == 0 && file->temporary[0] && fsync(fileno(file->stream)) < 0)
		r = -errno;
	if (fclose(file->stream) != 0 && r == 0)
		r = -errno;
	if (!file->temporary[0])
		return r;
	if (r == 0 && rename(file->temporary, file->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(file->temporary);
	return r;
}

int
output_file_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}
