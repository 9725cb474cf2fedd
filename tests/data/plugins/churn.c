/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn.c - a test policy that moves everything to and fro, all the time.
 *
 * It walks round and round the view: what is in the fastest tier goes down, what is slower comes up
 * into the room that this makes, as fast as the budget allows. A program whose memory survives this
 * unchanged for a minute has shown safety rule 1. It claims a huge gain, so that every move pays.
 */
#include <errno.h>
#include <stdlib.h>

#include "sluice/policy.h"

struct churn {
	const struct sluice_host *host;
	uint64_t next; /* where the last round stopped */
};

static int
churn_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	   struct sluice_err *reterr)
{
	struct churn *churn = calloc(1, sizeof(*churn));

	(void)values;
	if (!churn)
		return sluice_fail(reterr, -ENOMEM, "no memory for churn");
	churn->host = host;
	*ret_self = churn;
	return 0;
}

static int
churn_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	     struct sluice_err *reterr)
{
	struct churn *churn = self;
	uint64_t budget_bytes = view->budget_bytes, fast_room, slow_room;

	(void)reterr;
	if (view->tier_count < 2)
		return 0;
	fast_room = sluice_view_tier(view, 0)->room_bytes;
	slow_room = sluice_view_tier(view, 1)->room_bytes;
	for (uint64_t k = 0; k < view->region_count; k++) {
		uint64_t i = (churn->next + k) % view->region_count;
		const struct sluice_region *region = sluice_view_region(view, i);
		int down = region->tier == 0;
		uint64_t *into = down ? &slow_room : &fast_room;
		uint64_t *from = down ? &fast_room : &slow_room;

		if (*into < region->bytes)
			continue; /* it has its turn when the others have made room */
		/* Also when only part of it fits: on a busy machine no budget may hold it whole. */
		if (!budget_bytes ||
		    churn->host->move(plan, i, down ? 1 : 0, down ? 0 : 1e9f) < 0) {
			churn->next = i;
			return 0;
		}
		budget_bytes -= region->bytes < budget_bytes ? region->bytes : budget_bytes;
		*into -= region->bytes;
		*from += region->bytes;
	}
	return 0;
}

SLUICE_POLICY(.name = "churn", .summary = "moves everything to and fro; for tests only",
	      .init = churn_init, .decide = churn_decide, .fini = free);
