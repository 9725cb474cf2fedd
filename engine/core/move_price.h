/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move_price.h - what moving a page costs, as it was measured.
 *
 * What others do meanwhile only makes it longer: a call that was interrupted, or a virtual CPU that
 * had to wait for a real one, made pages look ten times as dear, and hot ones stayed where they
 * were. What such a machine saves by a move grows as much, and nobody measures that. So it is the
 * second cheapest of the last calls, if there are three. And since a price at which nothing is
 * moved would never be measured again, it fades.
 */
#ifndef CORE_MOVE_PRICE_H
#define CORE_MOVE_PRICE_H

#include <stddef.h>
#include <stdint.h>

#define MOVE_PRICE_CALLS 15u
/* Of a call with fewer pages the call itself is most of the cost. */
#define MOVE_PRICE_PAGES 64u
#define MOVE_PRICE_FADES_NS 60000000000u

struct move_price {
	uint64_t page_ns[MOVE_PRICE_CALLS]; /* of the last calls that tell something */
	size_t calls;                       /* so far */
	uint64_t heard_ns;                  /* the last of them */
};

/* A call moved so many pages of 4 KiB, at that cost in all. */
void move_price_add(struct move_price *price, uint64_t pages, uint64_t cost_ns, uint64_t now_ns);
/* Of one page of 4 KiB; `unknown` before the first call. Halves each MOVE_PRICE_FADES_NS without a
 * call, down to `unknown`. */
uint64_t move_price_ns(const struct move_price *price, uint64_t unknown, uint64_t now_ns);

#endif
