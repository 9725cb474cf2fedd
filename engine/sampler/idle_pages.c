/* SPDX-License-Identifier: Apache-2.0 */
/* idle_pages.c - see idle_pages.h. */
#include "idle_pages.h"

#define SET_ADDRESS 0xa0
#define SIZE_4K 4096ull
#define SIZE_2M (2ull << 20)
#define SIZE_1G (1ull << 30)
#define ADDRESS_MOST (1ull << 57)

/* By the upper half of a byte. */
static const struct {
	uint64_t bytes;
	enum idle_pages_state state;
} kinds[] = {
	{SIZE_4K, IDLE_PAGES_ACCESSED}, {SIZE_2M, IDLE_PAGES_ACCESSED},
	{SIZE_1G, IDLE_PAGES_ACCESSED}, /* present: of those nothing more is told */
	{SIZE_4K, IDLE_PAGES_ACCESSED}, {SIZE_2M, IDLE_PAGES_ACCESSED}, /* and dirty */
	{SIZE_4K, IDLE_PAGES_IDLE},     {SIZE_2M, IDLE_PAGES_IDLE},
	{SIZE_2M, IDLE_PAGES_IDLE}, /* 512 small ones */
	{SIZE_4K, IDLE_PAGES_HOLE},     {SIZE_2M, IDLE_PAGES_HOLE},
};

static int
set_address(struct idle_pages *pages)
{
	uint64_t addr = 0;

	if (pages->size - pages->at < 8)
		return 0;
	for (int i = 0; i < 8; i++)
		addr = addr << 8 | pages->bytes[pages->at++];
	/* Backwards it never goes. */
	if (addr % SIZE_4K || addr >= ADDRESS_MOST || addr < pages->addr)
		return 0;
	pages->addr = addr;
	return 1;
}

int
idle_pages_next(struct idle_pages *pages, struct idle_pages_run *ret, int *ret_bad)
{
	*ret_bad = 0;
	while (pages->at < pages->size) {
		uint8_t byte = pages->bytes[pages->at++];
		unsigned int kind = byte >> 4, count = byte & 0xf;
		uint64_t end;

		if (byte == SET_ADDRESS) {
			if (!set_address(pages))
				goto bad;
			continue;
		}
		if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !pages->addr)
			goto bad;
		if (!count)
			continue;
		/* Of a larger page that the look began in the middle of, up to its end. */
		end = (pages->addr & ~(kinds[kind].bytes - 1)) + count * kinds[kind].bytes;
		if (end > ADDRESS_MOST)
			goto bad;
		*ret = (struct idle_pages_run){pages->addr, end, kinds[kind].state};
		pages->addr = end;
		return 1;
	}
	return 0;
bad:
	pages->at = pages->size;
	*ret_bad = 1;
	return 0;
}
