/* SPDX-License-Identifier: Apache-2.0 */
/* endless.c - a policy that never comes to an end, not even while it is loaded. */
#include "sluice/policy.h"

static volatile int sink;

__attribute__((constructor)) static void
loop(void)
{
	for (;;)
		sink++;
}

static int
endless_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	     struct sluice_err *reterr)
{
	(void)host, (void)values, (void)reterr;
	*ret_self = NULL;
	return 0;
}

static int
endless_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	(void)self, (void)view, (void)plan, (void)reterr;
	return 0;
}

SLUICE_POLICY(.name = NAME, .summary = "never ends", .init = endless_init,
	      .decide = endless_decide);
