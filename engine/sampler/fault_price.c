/* SPDX-License-Identifier: Apache-2.0 */
/* fault_price.c - see fault_price.h. */
#include "fault_price.h"

#include <sys/mman.h>

#include "clock.h"

uint64_t
fault_price_ns(void)
{
	const size_t pages = 512, page_bytes = 4096;
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 3; round++) {
		volatile char *p = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint64_t began, took;

		if (p == MAP_FAILED)
			return 2000;
		madvise((void *)p, pages * page_bytes, MADV_NOHUGEPAGE);
		began = clock_now_ns();
		for (size_t i = 0; i < pages; i++)
			p[i * page_bytes] = 1;
		took = (clock_now_ns() - began) / pages;
		munmap((void *)p, pages * page_bytes);
		if (took < best)
			best = took;
	}
	return best ? best : 1;
}
