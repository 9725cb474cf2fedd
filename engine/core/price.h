/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price.h - what tracking costs, and keeping it at a price when the user set one.
 *
 * Every tracker has three kinds of cost: CPU time of our own thread, of kernel threads that work
 * for it, and the time that it takes from the targets. Besides, our thread looks at mappings and
 * keeps the heat whoever tracks. All of it is measured, none estimated from plans. With a ceiling
 * each tracker is told an effort that makes what is measured meet its part of the price; what one
 * cannot use, as its targets are idle, the others may. Pure.
 */
#ifndef CORE_PRICE_H
#define CORE_PRICE_H

#include <stddef.h>
#include <stdint.h>

#define PRICE_TRACKERS_MAX 4

struct price_cost { /* of one tracker, since it started */
	uint64_t own_ns, kernel_ns, target_ns;
};

/* Shares of one CPU, over about the last 10 seconds. */
struct price_told {
	int known;
	double own, kernel, target, all;
};

struct price {
	double ceiling; /* share of one CPU, 0: none is set */
	size_t count;
	double weight[PRICE_TRACKERS_MAX]; /* sum to 1 */
	double effort[PRICE_TRACKERS_MAX]; /* to be told to each */
	double share[PRICE_TRACKERS_MAX];  /* that each costs, over some seconds */
	double bank_s;                     /* seconds of CPU that were left over; < 0 owed */
	int resting;                       /* trackers are paused: nothing is to be learned from */
	uint64_t looked_ns;                /* 0 not yet */
	struct price_cost last[PRICE_TRACKERS_MAX];
	uint64_t last_base_ns;
	double filled; /* of the 10 seconds */
	struct price_told told;
};

/* sentinel[i]: that tracker only watches beside others, and gets a smaller part. */
void price_init(struct price *price, double ceiling, const int *sentinel, size_t count);
/* Whether a look is due: about once a second. */
int price_is_due(const struct price *price, uint64_t now_ns);
/* cost of each tracker, and what our thread spent on tracking besides. 1 when efforts have
 * changed. */
int price_look(struct price *price, const struct price_cost *cost, uint64_t base_ns,
	       uint64_t now_ns);
/* Trackers are paused, or not any more. */
void price_rest(struct price *price, int resting);

#endif
