/* SPDX-License-Identifier: Apache-2.0 */
/* fault_price.c - see fault_price.h. */
#include "fault_price.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "clock.h"

#define BATCH 16u /* short enough that few of them are interrupted on a busy machine */
#define PAGE_BYTES 4096u

static int
shorter_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of many short batches: a mean is that of the machine's other work, and trackers that
 * think faults six times as dear as they are hardly look. */
uint64_t
fault_price_ns(uint32_t pages)
{
	uint64_t took[FAULT_PRICE_PAGES / BATCH];
	size_t batches = (pages < FAULT_PRICE_PAGES ? pages : FAULT_PRICE_PAGES) / BATCH;
	size_t bytes = batches * BATCH * PAGE_BYTES;
	volatile char *p =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 2000;
	madvise((void *)p, bytes, MADV_NOHUGEPAGE);
	for (size_t b = 0; b < batches; b++) {
		uint64_t began = clock_now_ns();

		for (size_t i = b * BATCH; i < (b + 1) * BATCH; i++)
			p[i * PAGE_BYTES] = 1;
		took[b] = (clock_now_ns() - began) / BATCH;
	}
	munmap((void *)p, bytes);
	qsort(took, batches, sizeof(took[0]), shorter_first);
	return took[batches / 2] ? took[batches / 2] : 1;
}
