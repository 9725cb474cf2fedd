/* SPDX-License-Identifier: Apache-2.0 */
/* move_price.c - see move_price.h. */
#include "move_price.h"

#include <stdlib.h>
#include <string.h>

void
move_price_add(struct move_price *price, uint64_t pages, uint64_t cost_ns, uint64_t now_ns)
{
	if (pages < MOVE_PRICE_PAGES)
		return;
	/* One call must not bring old prices back. */
	if (price->calls && now_ns - price->heard_ns >= MOVE_PRICE_FADES_NS)
		price->calls = 0;
	price->page_ns[price->calls++ % MOVE_PRICE_CALLS] = cost_ns / pages;
	price->heard_ns = now_ns;
}

static int
cheaper_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint64_t
move_price_ns(const struct move_price *price, uint64_t unknown, uint64_t now_ns)
{
	uint64_t sorted[MOVE_PRICE_CALLS], page_ns;
	size_t count = price->calls < MOVE_PRICE_CALLS ? price->calls : MOVE_PRICE_CALLS;

	if (!count)
		return unknown;
	memcpy(sorted, price->page_ns, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), cheaper_first);
	page_ns = sorted[count > 2];
	page_ns = page_ns ? page_ns : 1;
	for (uint64_t old_ns = now_ns - price->heard_ns;
	     old_ns >= MOVE_PRICE_FADES_NS && page_ns > unknown; old_ns -= MOVE_PRICE_FADES_NS)
		page_ns = page_ns / 2 > unknown ? page_ns / 2 : unknown;
	return page_ns;
}
