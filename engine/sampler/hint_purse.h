/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint_purse.h - what hint faults may cost the targets, and what marked pages are going to cost.
 *
 * The purse fills with the share of a CPU that is allowed, and each fault takes its price. But
 * pages are marked before they fault. Of the pages that were marked lately and wait, as many as
 * usual will be touched soon, and the purse must have that too: otherwise it looks full while pages
 * wait, more is marked, and then all of them fault. Pure, no clock of its own; one thread.
 */
#ifndef SAMPLER_HINT_PURSE_H
#define SAMPLER_HINT_PURSE_H

#include <stdint.h>

struct hint_purse {
	double effort; /* share of one CPU */
	double ns;     /* of the targets' time that may still be spent; negative: debts */
	uint64_t at_ns, fault_ns;
	double marked, touched;           /* pages of the last moments, */
	double marked_long, touched_long; /* and of the last minute */
	double forgiven; /* faults to come that cost nothing: of pages marked while more was allowed
			  */
};

void hint_purse_init(struct hint_purse *purse, double effort, uint64_t fault_ns, uint64_t now_ns);
void hint_purse_fill(struct hint_purse *purse, uint64_t now_ns);
void hint_purse_effort(struct hint_purse *purse, double effort);
void hint_purse_marked(struct hint_purse *purse, double pages);
/* So many hint faults came: of the whole machine, which are paid for, and of targets among them. */
void hint_purse_touched(struct hint_purse *purse, uint64_t ours, uint64_t all);
/* What may be spent on marking more, in ns of faults; hint_purse_most() when it is full. */
double hint_purse_left(const struct hint_purse *purse);
double hint_purse_most(const struct hint_purse *purse);

#endif
