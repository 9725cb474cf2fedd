/* SPDX-License-Identifier: Apache-2.0 */
/* wp_target.c - see wp_target.h. */
#include "wp_target.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "uffd.h"

/* Of linux/fs.h, since 6.7. */
struct scan_region {
	uint64_t start, end, categories;
};
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted,
		category_mask, category_anyof_mask, return_mask;
};
#define SCAN_PAGEMAP _IOWR('f', 16, struct scan_arg)
#define SCAN_WP_MATCHING 1ull
#define SCAN_CHECK_WPASYNC 2ull
#define SCAN_IS_WPALLOWED 1ull
#define SCAN_IS_WRITTEN 2ull
#define SCAN_IS_PRESENT 8ull

static int
is_ours(int32_t pid, const char *name)
{
	char path[64], text[64];
	struct procfs_lines lines;
	unsigned long long api, features;
	const char *line;
	ssize_t length;
	int found = 0, error;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.10s", pid, name);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0)
		return 0;
	text[length] = '\0';
	if (strcmp(text, "anon_inode:[userfaultfd]") != 0)
		return 0;
	snprintf(path, sizeof(path), "fdinfo/%.10s", name);
	if (procfs_lines_open(&lines, "", pid, path) < 0)
		return 0;
	/* "API:	aa:8000a000:1ff": what was asked for, and that it was. The program may have
	 * others: those it resolves itself, and what was registered by us it would wait for. */
	while (!found && (line = procfs_lines_next(&lines, &error)))
		found = sscanf(line, "API: %16llx:%16llx", &api, &features) == 2 &&
			(features & INT32_MAX) == (UFFD_WP_ASYNC | UFFD_WP_UNPOPULATED);
	procfs_lines_close(&lines);
	return found;
}

int
wp_find(int32_t pid)
{
	char path[32];
	struct dirent *entry;
	DIR *folder;
	int pidfd, r = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? -ESRCH : -errno;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		r = -errno;
	while (pidfd >= 0 && r < 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || !is_ours(pid, entry->d_name))
			continue;
		r = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		if (r < 0)
			r = -errno;
	}
	if (pidfd >= 0)
		close(pidfd);
	closedir(folder);
	return r;
}

static int
scan(int fd, const struct scan_slice *slice, uint64_t flags, uint64_t mask,
     struct scan_region *regions, size_t capacity)
{
	struct scan_arg arg = {
		.size = sizeof(arg),
		.flags = flags,
		.start = slice->addr,
		.end = slice->addr + (uint64_t)slice->pages * HEAT_PAGE_BYTES,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = capacity,
		.category_mask = mask,
		.return_mask = mask,
	};
	int r = ioctl(fd, SCAN_PAGEMAP, &arg);

	return r < 0 ? -errno : r;
}

/* Registered by us, the memory must show so in the process's own page table: a descriptor that a
 * child has from its parent is of the parent's memory. */
static int
protect(struct wp_target *target, const struct scan_slice *slice)
{
	struct uffdio_register range = {
		.range = {slice->addr, (uint64_t)slice->pages * HEAT_PAGE_BYTES},
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct scan_region region;

	if (ioctl(target->uffd, UFFDIO_REGISTER, &range) < 0)
		/* Unmapped meanwhile, or another's: only this slice. Else the memory is gone. */
		return errno == EINVAL || errno == EBUSY || errno == EPERM ? -errno : -EAGAIN;
	if (scan(target->pagemap_fd, slice, 0, SCAN_IS_WPALLOWED, &region, 1) > 0)
		return 0;
	ioctl(target->uffd, UFFDIO_UNREGISTER, &range.range);
	return -EAGAIN;
}

int
wp_scan(struct wp_target *target, const struct scan_slice *slice, int mark,
	uint64_t bits[SCAN_WORDS])
{
	struct scan_region regions[SCAN_SLICE_SAMPLES];
	uint64_t flags = mark ? SCAN_WP_MATCHING | SCAN_CHECK_WPASYNC : 0;
	int count = -EPERM;

	if (target->pagemap_fd < 0)
		target->pagemap_fd = procfs_open("", target->pid, "pagemap", O_RDONLY);
	if (target->pagemap_fd < 0)
		return -EAGAIN;
	for (int attempt = 0; attempt < 2 && count == -EPERM; attempt++) {
		int r = attempt ? protect(target, slice) : 0;

		if (r < 0)
			return r;
		count = scan(target->pagemap_fd, slice, flags, SCAN_IS_WRITTEN | SCAN_IS_PRESENT,
			     regions, SCAN_SLICE_SAMPLES);
	}
	if (count < 0)
		return count == -EPERM ? -EINVAL : -EAGAIN;
	for (int i = 0; i < count; i++) {
		for (uint64_t addr = regions[i].start; addr < regions[i].end;
		     addr += HEAT_PAGE_BYTES)
			scan_bit_set(bits, (uint32_t)((addr - slice->addr) / HEAT_PAGE_BYTES));
	}
	return 0;
}

void
wp_release(struct wp_target *target, const struct heat_span *spans, size_t count)
{
	for (size_t i = 0; i < count && target->uffd >= 0; i++) {
		struct uffdio_range range = {spans[i].start, spans[i].end - spans[i].start};

		/* What was never registered is refused, which is fine. */
		ioctl(target->uffd, UFFDIO_UNREGISTER, &range);
	}
	if (target->uffd >= 0)
		close(target->uffd);
	if (target->pagemap_fd >= 0)
		close(target->pagemap_fd);
	*target = (struct wp_target){.uffd = -1, .pagemap_fd = -1};
}

int
wp_kernel(char *sentence, size_t capacity)
{
	struct scan_slice slice = {.addr = (uint64_t)(uintptr_t)&slice & ~(HEAT_PAGE_BYTES - 1ull),
				   .pages = 1};
	struct scan_region region;
	int fd = uffd_open(), r;

	if (fd < 0) {
		snprintf(sentence, capacity,
			 "this kernel has no asynchronous write-protection by userfaultfd (%s); "
			 "kernels from 6.7 on have it",
			 strerror(-fd));
		return fd == -EPERM ? -EACCES : -ENOTSUP;
	}
	close(fd);
	fd = procfs_open("", 0, "/proc/self/pagemap", O_RDONLY);
	r = fd < 0 ? fd : scan(fd, &slice, 0, SCAN_IS_PRESENT, &region, 1);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		snprintf(
			sentence, capacity,
			"PAGEMAP_SCAN does not work on /proc/PID/pagemap (%s); kernels from 6.7 on "
			"have it",
			strerror(-r));
		return -ENOTSUP;
	}
	return 0;
}
