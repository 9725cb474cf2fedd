/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle_bits.h - the kernel's bitmap of idle pages, /sys/kernel/mm/page_idle/bitmap: one bit for
 * each physical page, that we set and that the kernel clears at the page's next access.
 *
 * Only the head of a large page has a bit, its tails always read as accessed; /proc/kpageflags
 * tells which pages those are. Both files are read 64 pages at a time and the last words are kept,
 * as neighbours in virtual memory mostly are so in physical memory too. One thread.
 */
#ifndef SAMPLER_IDLE_BITS_H
#define SAMPLER_IDLE_BITS_H

#include <stdint.h>

#include "scan_out.h"

#define IDLE_BITMAP "/sys/kernel/mm/page_idle/bitmap"

struct idle_bits {
	int bitmap_fd, flags_fd; /* flags_fd: -1, there are none */
	uint64_t word_at, word;  /* number of the bitmap's word that is kept, UINT64_MAX none */
	uint64_t flags_at, flags[64];
	uint64_t set_at, set; /* bits to be set, written when another word's turn comes */
};

/* -ENOENT: the kernel has none. */
int idle_bits_open(struct idle_bits *bits, const char *sysroot);
void idle_bits_close(struct idle_bits *bits);

/* entries: of pagemap. The bit of each resident page that is not idle is set. -errno. */
int idle_bits_look(struct idle_bits *bits, const uint64_t *entries, uint32_t count,
		   uint64_t ret_seen[SCAN_WORDS]);
/* All of them idle from now on. */
int idle_bits_mark(struct idle_bits *bits, const uint64_t *entries, uint32_t count);

#endif
