/* SPDX-License-Identifier: Apache-2.0 */
/* pagemap_runs.c - see pagemap_runs.h. */
#include "pagemap_runs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

uint32_t
pagemap_bits(const uint64_t *entries, size_t count, uint64_t wanted, uint64_t ret_bits[SCAN_WORDS])
{
	uint32_t found = 0;

	memset(ret_bits, 0, SCAN_WORDS * sizeof(*ret_bits));
	for (uint32_t p = 0; p < count && p < HEAT_REGION_PAGES; p++) {
		if ((entries[p] & wanted) != wanted)
			continue;
		scan_bit_set(ret_bits, p);
		found++;
	}
	return found;
}

uint64_t
pagemap_pfn(uint64_t entry)
{
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

int
pagemap_read(const char *sysroot, const struct scan_slice *slice, int *fd, uint64_t *entries)
{
	size_t wanted = slice->pages * sizeof(*entries);
	ssize_t length = 0;

	/* An open file stays with the memory that the process had then: after execve(2) it is
	 * empty, and has to be opened anew. */
	for (int attempt = 0; attempt < 2 && length == 0; attempt++) {
		int fresh = *fd < 0;

		if (fresh)
			*fd = procfs_open(sysroot, slice->pid, "pagemap", O_RDONLY);
		if (*fd < 0)
			return *fd == -ENOENT ? -ESRCH : *fd;
		length = pread(*fd, entries, wanted, (off_t)(slice->addr / HEAT_PAGE_BYTES * 8));
		if (length < 0)
			return -errno;
		if (length == 0) {
			close(*fd);
			*fd = -1;
		}
		if (fresh)
			break;
	}
	memset((char *)entries + length, 0, wanted - (size_t)length);
	return 0;
}

int
pagemap_tells_pfn(const char *sysroot)
{
	static volatile char page[2 * HEAT_PAGE_BYTES];
	struct scan_slice slice = {.pid = getpid(), .pages = 1};
	uint64_t entry = 0;
	int fd = -1, r;

	page[0] = 1;
	page[HEAT_PAGE_BYTES] = 1;
	/* Of a made-up /proc only the first entries are there. */
	if (!sysroot[0])
		slice.addr = (uint64_t)(uintptr_t)page & ~(HEAT_PAGE_BYTES - 1ull);
	r = pagemap_read(sysroot, &slice, &fd, &entry);
	if (fd >= 0)
		close(fd);
	return r < 0 ? r : pagemap_pfn(entry) != 0;
}
