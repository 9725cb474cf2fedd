/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - entries of a view in the order of a number, from the lowest, in linear time.
 *
 * The upper half of a float's bits order as the float does (none is negative here). One pass over
 * 32,768 buckets of them sorts to 0.8 %; what is closer keeps the order of the view, so neighbours
 * move together.
 */
#ifndef POLICIES_ORDER_H
#define POLICIES_ORDER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/policy.h"

#define ORDER_BUCKETS 32768u

struct order_item {
	float key;
	uint32_t entry;
};

struct order {
	struct order_item *items, *sorted; /* sorted: valid after order_sort() */
	uint32_t *buckets;
	uint64_t count;
};

static inline int
order_init(struct order *order, double max, struct sluice_err *reterr)
{
	order->items = malloc((size_t)max * sizeof(*order->items));
	order->sorted = malloc((size_t)max * sizeof(*order->sorted));
	order->buckets = malloc((ORDER_BUCKETS + 1) * sizeof(*order->buckets));
	if (!order->items || !order->sorted || !order->buckets)
		return sluice_fail(reterr, -ENOMEM,
				   "no memory to sort %.0f entries; lower regions_max", max);
	return 0;
}

static inline void
order_fini(struct order *order)
{
	free(order->items);
	free(order->sorted);
	free(order->buckets);
}

static inline void
order_add(struct order *order, double key, uint64_t entry)
{
	order->items[order->count++] =
		(struct order_item){key > 0 ? (float)key : 0, (uint32_t)entry};
}

static inline uint32_t
order_bucket(float key)
{
	uint32_t bits;

	memcpy(&bits, &key, sizeof(bits));
	return bits >> 16;
}

static inline void
order_sort(struct order *order)
{
	memset(order->buckets, 0, (ORDER_BUCKETS + 1) * sizeof(*order->buckets));
	for (uint64_t i = 0; i < order->count; i++)
		order->buckets[order_bucket(order->items[i].key) + 1]++;
	for (uint32_t b = 0; b < ORDER_BUCKETS; b++)
		order->buckets[b + 1] += order->buckets[b];
	for (uint64_t i = 0; i < order->count; i++)
		order->sorted[order->buckets[order_bucket(order->items[i].key)]++] =
			order->items[i];
}

#endif
