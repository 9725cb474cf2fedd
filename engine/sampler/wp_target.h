/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wp_target.h - the userfaultfd of another process, borrowed, and its pages write-protected by it.
 *
 * Registering memory and PAGEMAP_SCAN act on the memory that the descriptor, or the pagemap, was
 * opened in, so both work from outside once there is a descriptor. One thread.
 */
#ifndef SAMPLER_WP_TARGET_H
#define SAMPLER_WP_TARGET_H

#include <stdint.h>

#include "scan_out.h"

struct wp_target {
	int32_t pid; /* 0: free */
	int uffd, pagemap_fd;
	uint64_t looked_ns; /* when one was looked for in vain */
};

/* Its descriptor, as our own. -ENOENT: it has none that write-protects asynchronously; -EPERM,
 * -ESRCH ... */
int wp_find(int32_t pid);

/* Which pages of the slice were written since they were protected; with `mark` all are, anew, and
 * the memory registered where that is needed. -EAGAIN: its memory is another now, or not ours: give
 * up the descriptor. */
int wp_scan(struct wp_target *target, const struct scan_slice *slice, int mark,
	    uint64_t bits[SCAN_WORDS]);
/* Take the protection off all memory that the process has, and let go of it. */
void wp_release(struct wp_target *target, const struct heat_span *spans, size_t count);

/* What the kernel lacks: 0, or -errno with a sentence. */
int wp_kernel(char *sentence, size_t capacity);

#endif
