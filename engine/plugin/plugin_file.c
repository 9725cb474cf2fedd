/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_file.c - is this file safe to load, and a shared object at all?
 *
 * The file is opened once and everything is asked of that descriptor, which is also what gets
 * loaded: so nobody can swap the file between the check and the load. Its content cannot change
 * either, because only root and we may write it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin_internal.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_DATA ELFDATA2LSB
#else
#define OWN_DATA ELFDATA2MSB
#endif
#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

/* Only root and we may be able to change what is loaded into us. */
static int
check_owner(const struct stat *st, const char *what, struct sluice_err *reterr)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return sluice_fail(
			reterr, -EACCES,
			"'%s' belongs to user %u, who could change the policy: only root's and "
			"one's own are loaded; run: chown root '%s'",
			what, (unsigned)st->st_uid, what);
	/* In a sticky folder others may add files, but not replace ours. */
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return 0;
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return sluice_fail(
			reterr, -EACCES,
			"'%s' is writable by its group or by everybody, who could change the "
			"policy; run: chmod go-w '%s'",
			what, what);
	return 0;
}

static int
check_folders(const char *path, struct sluice_err *reterr)
{
	char folder[PATH_MAX];
	struct stat st;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t length = slash == path ? 1 : (size_t)(slash - path);

		memcpy(folder, path, length);
		folder[length] = '\0';
		if (stat(folder, &st) < 0)
			return sluice_fail(reterr, -errno, "cannot look at folder '%s': %s", folder,
					   strerror(errno));
		int r = check_owner(&st, folder, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The loader trusts the sizes in the headers: a file that was cut short would kill us with SIGBUS
 * when it is mapped, so hold them against the file's size first. */
static int
check_elf(int fd, const char *path, uint64_t size, struct sluice_err *reterr)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) part;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return sluice_fail(
			reterr, -ENOEXEC,
			"'%s' is not a shared object; a policy is a .so built from a C file, "
			"see policies/README.md",
			path);
	/* We are for this machine, so our own link map tells what e_machine must be. */
	ElfW(Ehdr) own;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int known = self >= 0 && pread(self, &own, sizeof(own), 0) == (ssize_t)sizeof(own);

	if (self >= 0)
		close(self);
	if (head.e_ident[EI_CLASS] != OWN_CLASS || head.e_ident[EI_DATA] != OWN_DATA ||
	    (known && head.e_machine != own.e_machine))
		return sluice_fail(reterr, -ENOEXEC,
				   "'%s' was built for another kind of machine; build it here",
				   path);
	if (head.e_type != ET_DYN)
		return sluice_fail(
			reterr, -ENOEXEC,
			"'%s' is a program or an object file; link it with -shared -fPIC", path);
	if (head.e_phentsize != sizeof(part))
		return sluice_fail(reterr, -ENOEXEC, "'%s' is damaged; build or copy it again",
				   path);
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))) !=
			    (ssize_t)sizeof(part) ||
		    (part.p_type == PT_LOAD &&
		     (part.p_filesz > size || part.p_offset > size - part.p_filesz)))
			return sluice_fail(reterr, -ENOEXEC,
					   "'%s' is cut short; build or copy it again", path);
	}
	return 0;
}

static int
check_all(int fd, const char *path, struct sluice_err *reterr)
{
	char link[32], real[PATH_MAX];
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return sluice_fail(reterr, -errno, "cannot look at '%s': %s", path,
				   strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sluice_fail(reterr, -ENOEXEC,
				   "'%s' is a folder or a special file, not a policy; name a .so",
				   path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, real, sizeof(real) - 1);
	if (length < 0)
		return sluice_fail(reterr, -errno,
				   "loading policies needs /proc: cannot read %s: %s", link,
				   strerror(errno));
	real[length] = '\0';
	/* The folders as named, which say which file is meant, and those where it really lies. */
	if ((r = check_owner(&st, path, reterr)) < 0 || (r = check_folders(path, reterr)) < 0 ||
	    (r = check_folders(real, reterr)) < 0)
		return r;
	return check_elf(fd, path, (uint64_t)st.st_size, reterr);
}

int
plugin_file_open(const char *path, struct sluice_err *reterr)
{
	/* Not blocking: a FIFO of that name must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return sluice_fail(reterr, -ENOENT, "there is no policy file '%s'", path);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "cannot open the policy '%s': %s", path,
				   strerror(errno));
	r = check_all(fd, path, reterr);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
