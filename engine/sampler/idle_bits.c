/* SPDX-License-Identifier: Apache-2.0 */
/* idle_bits.c - see idle_bits.h. */
#include "idle_bits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pagemap_runs.h"
#include "procfs.h"

#define FLAG_COMPOUND_TAIL (1ull << 16)
#define LARGE_MOST 512u /* pages; what is larger is hugetlb's, and has no bit */

int
idle_bits_open(struct idle_bits *bits, const char *sysroot)
{
	*bits = (struct idle_bits){.flags_fd = -1,
				   .word_at = UINT64_MAX,
				   .flags_at = UINT64_MAX,
				   .set_at = UINT64_MAX};
	bits->bitmap_fd = procfs_open(sysroot, 0, IDLE_BITMAP, O_RDWR);
	if (bits->bitmap_fd < 0)
		return bits->bitmap_fd;
	bits->flags_fd = procfs_open(sysroot, 0, "/proc/kpageflags", O_RDONLY);
	return 0;
}

void
idle_bits_close(struct idle_bits *bits)
{
	if (bits->bitmap_fd >= 0)
		close(bits->bitmap_fd);
	if (bits->flags_fd >= 0)
		close(bits->flags_fd);
	bits->bitmap_fd = bits->flags_fd = -1;
}

static int
is_tail(struct idle_bits *bits, uint64_t pfn)
{
	if (bits->flags_fd < 0)
		return 0;
	if (bits->flags_at != pfn / 64) {
		ssize_t length = pread(bits->flags_fd, bits->flags, sizeof(bits->flags),
				       (off_t)(pfn / 64 * sizeof(bits->flags)));

		if (length < 0)
			length = 0;
		memset((char *)bits->flags + length, 0, sizeof(bits->flags) - (size_t)length);
		bits->flags_at = pfn / 64;
	}
	return (bits->flags[pfn % 64] & FLAG_COMPOUND_TAIL) != 0;
}

/* The page that has the bit: heads are aligned to the size of their page. */
static uint64_t
head_of(struct idle_bits *bits, uint64_t pfn)
{
	for (uint64_t size = 1; size <= LARGE_MOST; size *= 2) {
		if (!is_tail(bits, pfn & ~(size - 1)))
			return pfn & ~(size - 1);
	}
	return pfn;
}

static int
is_idle(struct idle_bits *bits, uint64_t pfn, int *ret_idle)
{
	if (bits->word_at != pfn / 64) {
		ssize_t length = pread(bits->bitmap_fd, &bits->word, 8,
				       (off_t)(pfn / 64 * sizeof(uint64_t)));

		bits->word_at = UINT64_MAX;
		if (length < 0)
			return -errno;
		if (length != 8) /* past the end of memory: a device's page */
			bits->word = 0;
		bits->word_at = pfn / 64;
	}
	*ret_idle = (int)(bits->word >> (pfn % 64) & 1);
	return 0;
}

int
idle_bits_look(struct idle_bits *bits, const uint64_t *entries, uint32_t count,
	       uint64_t ret_seen[SCAN_WORDS])
{
	uint64_t last_head = 0;
	int idle = 0, r = 0;

	memset(ret_seen, 0, SCAN_WORDS * sizeof(*ret_seen));
	bits->word_at = bits->flags_at = UINT64_MAX; /* of another time */
	for (uint32_t p = 0; p < count && r == 0; p++) {
		uint64_t pfn = pagemap_pfn(entries[p]), head;

		if (!pfn)
			continue;
		head = head_of(bits, pfn);
		if (head != last_head)
			r = is_idle(bits, head, &idle);
		last_head = head;
		if (r == 0 && !idle)
			scan_bit_set(ret_seen, p);
	}
	return r;
}

static int
write_word(struct idle_bits *bits)
{
	ssize_t length = 8;

	if (bits->set_at != UINT64_MAX)
		length = pwrite(bits->bitmap_fd, &bits->set, 8, (off_t)(bits->set_at * 8));
	bits->set_at = UINT64_MAX;
	bits->set = 0;
	return length < 0 && errno != ENXIO ? -errno : 0;
}

int
idle_bits_mark(struct idle_bits *bits, const uint64_t *entries, uint32_t count)
{
	int r = 0;

	for (uint32_t p = 0; p < count && r == 0; p++) {
		uint64_t pfn = pagemap_pfn(entries[p]), head;

		if (!pfn)
			continue;
		head = head_of(bits, pfn);
		if (bits->set_at != head / 64) {
			r = write_word(bits);
			bits->set_at = head / 64;
		}
		bits->set |= 1ull << (head % 64);
	}
	return r < 0 ? r : write_word(bits);
}
