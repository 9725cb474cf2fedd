/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve.h - big tables whose capacity costs address space, and only their use costs memory.
 * Zeroed. Any thread.
 */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stddef.h>
#include <sys/mman.h>

static inline void *
reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* p may be NULL; bytes as reserved. */
static inline void
release(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

#endif
