/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagemap_runs.h - what the entries of /proc/PID/pagemap say of pages. Pure; the entries may be
 * anything.
 */
#ifndef SAMPLER_PAGEMAP_RUNS_H
#define SAMPLER_PAGEMAP_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "scan_out.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_SOFT_DIRTY (1ull << 55)
#define PAGEMAP_PFN ((1ull << 55) - 1)

/* Sets the bit of each page whose entry has all of `wanted`; count at most HEAT_REGION_PAGES.
 * Returns how many that are. */
uint32_t pagemap_bits(const uint64_t *entries, size_t count, uint64_t wanted,
		      uint64_t ret_bits[SCAN_WORDS]);
/* The physical page of a resident page; 0: none, or the kernel hides it from us. */
uint64_t pagemap_pfn(uint64_t entry);

/* Whether we are told physical pages: to those who may not know them, which takes CAP_SYS_ADMIN,
 * all are 0. 1, 0, or -errno. */
int pagemap_tells_pfn(const char *sysroot);

/* Entries of the slice, of a process whose memory may have changed: pages that the file does not
 * tell of are absent. *fd is /proc/PID/pagemap as opened before, or -1, and is kept open for the
 * next time. -errno, and -ESRCH when the process has ended. */
int pagemap_read(const char *sysroot, const struct scan_slice *slice, int *fd, uint64_t *entries);

#endif
