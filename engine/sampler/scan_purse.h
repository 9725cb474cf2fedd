/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_purse.h - what a tracker that looks at pages itself may still spend: it fills with time,
 * each look takes its price from it, and while it is empty nothing new is begun. Pure, one thread.
 */
#ifndef SAMPLER_SCAN_PURSE_H
#define SAMPLER_SCAN_PURSE_H

#include <stdint.h>

#define SCAN_PURSE_MOST_S 0.5
#define SCAN_PURSE_DEBT_S 20.0

struct scan_purse {
	double effort; /* share of one CPU */
	double ns;
	uint64_t at_ns; /* 0: not begun */
};

static inline void
scan_purse_fill(struct scan_purse *purse, uint64_t now_ns)
{
	double most = SCAN_PURSE_MOST_S * 1e9 * purse->effort;

	if (purse->at_ns && now_ns > purse->at_ns)
		purse->ns += purse->effort * (double)(now_ns - purse->at_ns);
	purse->at_ns = now_ns;
	if (purse->ns > most)
		purse->ns = most;
}

static inline void
scan_purse_pay(struct scan_purse *purse, double ns)
{
	double least = -SCAN_PURSE_DEBT_S * 1e9 * purse->effort;

	purse->ns -= ns;
	if (purse->ns < least)
		purse->ns = least;
}

static inline void
scan_purse_effort(struct scan_purse *purse, double effort)
{
	/* Debts are paid at the pace at which they were made. */
	if (purse->ns < 0 && purse->effort > 0)
		purse->ns *= effort / purse->effort;
	purse->effort = effort;
}

#endif
