/* SPDX-License-Identifier: Apache-2.0 */
/* hint_purse.c - see hint_purse.h. */
#include "hint_purse.h"

#include <math.h>

#define NS_PER_S 1e9
/* What is saved up for a burst, in seconds of refilling: longer at low effort. Marking flushes
 * TLBs, and so DAMON sees hot memory that it is blind to otherwise (emulators' TLBs hold all of
 * it); several looks in a row tell it more than as many with seconds between them. */
#define MOST_S 0.5
#define MOST_LOW_S 4.0
#define MOST_SHARE 0.05 /* of a second of CPU time, between them */
#define DEBT_MOST_S 5.0 /* a burst of faults is paid for, but must not keep us blind for ever */
#define SOON_S 2.0      /* half-life of what was marked lately, */
#define LONG_S 60.0     /* and of what share of it is touched */
#define WAITING_S 1.0   /* what is filled in so long is enough for what waits */

void
hint_purse_init(struct hint_purse *purse, double effort, uint64_t fault_ns, uint64_t now_ns)
{
	*purse = (struct hint_purse){.effort = effort, .fault_ns = fault_ns, .at_ns = now_ns};
}

double
hint_purse_most(const struct hint_purse *purse)
{
	double most_s = purse->effort > 0 ? MOST_SHARE / purse->effort : MOST_LOW_S;

	return purse->effort * fmin(fmax(most_s, MOST_S), MOST_LOW_S) * NS_PER_S;
}

void
hint_purse_fill(struct hint_purse *purse, uint64_t now_ns)
{
	double ns = (double)(now_ns - purse->at_ns);
	double soon = exp2(-ns / (SOON_S * NS_PER_S)), late = exp2(-ns / (LONG_S * NS_PER_S));

	purse->at_ns = now_ns;
	purse->ns = fmin(purse->ns + purse->effort * ns, hint_purse_most(purse));
	purse->ns = fmax(purse->ns, -DEBT_MOST_S * purse->effort * NS_PER_S);
	purse->marked *= soon;
	purse->touched *= soon;
	purse->forgiven *= soon;
	purse->marked_long *= late;
	purse->touched_long *= late;
}

/* Pages that were marked lately and are to be touched soon, as many as usual. */
static double
waiting_pages(const struct hint_purse *purse)
{
	double share =
		purse->marked_long > 0 ? fmin(purse->touched_long / purse->marked_long, 1) : 0;

	return fmax(purse->marked * share - purse->touched, 0);
}

void
hint_purse_effort(struct hint_purse *purse, double effort)
{
	/* Forgiven when we must look again; else paid at the pace at which they were made. */
	if (purse->ns < 0 && effort > 2 * purse->effort)
		purse->ns = 0;
	else if (purse->ns < 0 && purse->effort > 0)
		purse->ns *= effort / purse->effort;
	/* What waits was marked at the old pace, and is no debt of the new one. */
	if (effort < purse->effort / 2) {
		purse->forgiven += waiting_pages(purse);
		purse->marked = purse->touched = 0;
	}
	purse->effort = effort;
}

void
hint_purse_marked(struct hint_purse *purse, double pages)
{
	purse->marked += pages;
	purse->marked_long += pages;
}

void
hint_purse_touched(struct hint_purse *purse, uint64_t ours, uint64_t all)
{
	double costless = fmin(purse->forgiven, (double)ours);

	purse->forgiven -= costless;
	purse->touched += (double)ours - costless;
	purse->touched_long += (double)ours;
	purse->ns -= ((double)all - costless) * (double)purse->fault_ns;
}

double
hint_purse_left(const struct hint_purse *purse)
{
	double waiting_ns = waiting_pages(purse) * (double)purse->fault_ns;

	return purse->ns - fmax(waiting_ns - WAITING_S * purse->effort * NS_PER_S, 0);
}
