/* SPDX-License-Identifier: Apache-2.0 */
/* page_table.c - see page_table.h. */
#include "page_table.h"

#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node_map.h"
#include "procfs.h"

/* The kernel's Documentation/admin-guide/mm/pagemap.rst. */
#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_PFN ((1ull << 55) - 1)
#define FLAG_COMPOUND_HEAD (1ull << 15)
#define FLAG_COMPOUND_TAIL (1ull << 16)
#define FLAG_HUGE_TLB (1ull << 17)
#define FLAG_THP (1ull << 22)
#define FLAG_ZERO_PAGE (1ull << 24)

#define FILES 16 /* open pagemaps; more processes take turns */

struct pagemap_file {
	int32_t pid;
	int fd;
	uint64_t used; /* the least lately used gives way */
};

struct page_table {
	char sysroot[256];
	struct node_map *nodes; /* NULL: no memory blocks; ask by move_pages */
	int flags_fd;           /* kpageflags, -1 */
	uint64_t zero_pfn;      /* 0 unknown */
	uint64_t uses;
	struct pagemap_file files[FILES];
};

/* All reads of memory never written to show the kernel's one zero page: look at one of our own. */
static uint64_t
zero_page_pfn(void)
{
	uint64_t entry = 0;
	volatile char *page;
	int fd;

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 0;
	(void)*page;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (pread(fd, &entry, 8, (off_t)((uintptr_t)page / 4096 * 8)) != 8)
			entry = 0;
		close(fd);
	}
	munmap((void *)page, 4096);
	return entry & ENTRY_PRESENT ? entry & ENTRY_PFN : 0;
}

int
page_table_new(const char *sysroot, struct page_table **ret, struct sluice_err *reterr)
{
	struct page_table *table = calloc(1, sizeof(*table));

	if (!table)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	if (strlen(sysroot) >= sizeof(table->sysroot)) {
		free(table);
		return sluice_fail(reterr, -ENAMETOOLONG, "'%.64s...' is too long", sysroot);
	}
	strcpy(table->sysroot, sysroot);
	for (int i = 0; i < FILES; i++)
		table->files[i].fd = -1;
	table->flags_fd = procfs_open(sysroot, 0, "proc/kpageflags", O_RDONLY);
	if (sysroot[0] == '\0')
		table->zero_pfn = zero_page_pfn();
	/* Without memory blocks there is still move_pages(2). */
	if (node_map_new(sysroot, &table->nodes, NULL) < 0)
		table->nodes = NULL;
	*ret = table;
	return 0;
}

void
page_table_free(struct page_table *table)
{
	if (!table)
		return;
	for (int i = 0; i < FILES; i++) {
		if (table->files[i].fd >= 0)
			close(table->files[i].fd);
	}
	if (table->flags_fd >= 0)
		close(table->flags_fd);
	node_map_free(table->nodes);
	free(table);
}

static struct pagemap_file *
file_find(struct page_table *table, int32_t pid)
{
	struct pagemap_file *oldest = &table->files[0];

	table->uses++;
	for (int i = 0; i < FILES; i++) {
		struct pagemap_file *file = &table->files[i];

		if (file->fd >= 0 && file->pid == pid) {
			file->used = table->uses;
			return file;
		}
		if (file->fd < 0 || (oldest->fd >= 0 && file->used < oldest->used))
			oldest = file;
	}
	if (oldest->fd >= 0)
		close(oldest->fd);
	oldest->pid = pid;
	oldest->used = table->uses;
	oldest->fd = -1;
	return oldest;
}

void
page_table_forget(struct page_table *table, int32_t pid)
{
	for (int i = 0; i < FILES; i++) {
		if (table->files[i].fd >= 0 && table->files[i].pid == pid) {
			close(table->files[i].fd);
			table->files[i].fd = -1;
		}
	}
}

/* Entries of the page table; pages past the end of what the file gives are absent. */
static int
entries_read(struct page_table *table, int32_t pid, uint64_t addr, size_t count, uint64_t *entries)
{
	struct pagemap_file *file = file_find(table, pid);
	ssize_t length = 0;
	int r;

	/* An open file stays with the memory that the process had then: after execve(2) it is
	 * empty, and has to be opened anew. */
	for (int attempt = 0; attempt < 2; attempt++) {
		int fresh = file->fd < 0;

		if (fresh) {
			file->fd = procfs_open(table->sysroot, pid, "pagemap", O_RDONLY);
			if (file->fd < 0)
				return file->fd == -ENOENT ? -ESRCH : file->fd;
		}
		length = pread(file->fd, entries, count * 8, (off_t)(addr / 4096 * 8));
		if (length > 0)
			break;
		r = length < 0 ? -errno : 0;
		close(file->fd);
		file->fd = -1;
		if (fresh) {
			int state = procfs_state(table->sysroot, pid);

			return state < 0 ? state : r < 0 ? r : -EFAULT;
		}
	}
	memset((char *)entries + length, 0, count * 8 - (size_t)length);
	return 0;
}

/* 512 entries that hold one aligned run of physical pages: is it a huge page, or the huge zero
 * page? */
static int
run_flags(struct page_table *table, const uint64_t *entries, uint64_t *ret_flags)
{
	uint64_t first = entries[0] & ENTRY_PFN, flags[HEAT_REGION_PAGES];

	if (table->flags_fd < 0 || first == 0 || first % HEAT_REGION_PAGES)
		return 0;
	for (size_t i = 0; i < HEAT_REGION_PAGES; i++) {
		if (!(entries[i] & ENTRY_PRESENT) || (entries[i] & ENTRY_PFN) != first + i)
			return 0;
	}
	if (pread(table->flags_fd, flags, sizeof(flags), (off_t)(first * 8)) != sizeof(flags))
		return 0;
	if (!(flags[0] & FLAG_COMPOUND_HEAD) || !(flags[0] & (FLAG_THP | FLAG_ZERO_PAGE)) ||
	    flags[0] & FLAG_HUGE_TLB)
		return 0;
	/* Smaller folios that happen to lie side by side have heads in between. */
	for (size_t i = 1; i < HEAT_REGION_PAGES; i++) {
		if (!(flags[i] & FLAG_COMPOUND_TAIL))
			return 0;
	}
	*ret_flags = flags[0];
	return 1;
}

static int
nodes_asked(int32_t pid, uint64_t addr, size_t count, int16_t *nodes)
{
	void *pages[HEAT_REGION_PAGES];
	int status[HEAT_REGION_PAGES];

	for (size_t i = 0; i < count; i++)
		pages[i] = (void *)(uintptr_t)(addr + i * 4096);
	if (move_pages(pid, count, pages, NULL, status, 0) < 0)
		return -errno;
	for (size_t i = 0; i < count; i++)
		nodes[i] = (int16_t)(status[i] >= 0 ? status[i] : PAGE_ABSENT);
	return 0;
}

/* 1 when some could not be told. */
static int
nodes_told(struct page_table *table, const uint64_t *entries, size_t count, int16_t *nodes)
{
	int unknown = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t pfn = entries[i] & ENTRY_PFN;
		int node;

		if (!(entries[i] & ENTRY_PRESENT) || (pfn && pfn == table->zero_pfn)) {
			nodes[i] = PAGE_ABSENT;
			continue;
		}
		node = pfn && table->nodes ? node_map_find(table->nodes, pfn) : -1;
		nodes[i] = (int16_t)(node >= 0 ? node : PAGE_UNKNOWN);
		unknown |= node < 0;
	}
	return unknown;
}

int
page_table_nodes(struct page_table *table, int32_t pid, uint64_t addr, size_t count, int16_t *nodes,
		 int *ret_huge, struct sluice_err *reterr)
{
	uint64_t entries[HEAT_REGION_PAGES], flags;
	int r, unknown, huge = 0;

	if (addr % 4096 || count == 0 || count > HEAT_REGION_PAGES)
		return sluice_fail(reterr, -EINVAL, "%zu pages at %#llx are not a region", count,
				   (unsigned long long)addr);
	r = entries_read(table, pid, addr, count, entries);
	if (r == -ESRCH)
		return sluice_fail(reterr, r, "process %d has ended", pid);
	if (r < 0 && r != -EFAULT)
		return sluice_fail(
			reterr, r,
			"could not read /proc/%d/pagemap: %s; run Sluice as root, or as the "
			"process's user",
			pid, strerror(-r));
	if (r == -EFAULT)
		memset(entries, 0, sizeof(entries));
	unknown = nodes_told(table, entries, count, nodes);
	if (unknown && table->sysroot[0] == '\0') {
		r = nodes_asked(pid, addr, count, nodes);
		if (r < 0)
			return sluice_fail(reterr, r,
					   "could not ask where pages of process %d are: %s", pid,
					   strerror(-r));
	}
	if (count == HEAT_REGION_PAGES && run_flags(table, entries, &flags)) {
		huge = !(flags & FLAG_ZERO_PAGE);
		for (size_t i = 0; i < count && !huge; i++)
			nodes[i] = PAGE_ABSENT;
	}
	*ret_huge = huge;
	return 0;
}

int
page_table_is_huge(struct page_table *table, int32_t pid, uint64_t addr)
{
	uint64_t entries[HEAT_REGION_PAGES], flags;

	return addr % HEAT_REGION_BYTES == 0 &&
	       entries_read(table, pid, addr, HEAT_REGION_PAGES, entries) == 0 &&
	       run_flags(table, entries, &flags) && !(flags & FLAG_ZERO_PAGE);
}
