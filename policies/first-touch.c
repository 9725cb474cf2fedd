/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first-touch.c - never moves anything: memory stays where the kernel first put it.
 *
 * That is what a machine does without tiering, so it is what tiering must beat. Kernels take the
 * fastest node with room at the first touch, hence the name.
 */
#include "param.h"

static int
first_touch_init(const struct sluice_host *host, const char *const *values, void **ret_self,
		 struct sluice_err *reterr)
{
	(void)host;
	(void)values;
	(void)reterr;
	*ret_self = NULL; /* nothing to remember */
	return 0;
}

static int
first_touch_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
		   struct sluice_err *reterr)
{
	(void)self;
	(void)view;
	(void)plan;
	(void)reterr;
	return 0;
}

SLUICE_POLICY(.name = "first-touch", .summary = "never move: memory stays where it was first put",
	      .init = first_touch_init, .decide = first_touch_decide);
