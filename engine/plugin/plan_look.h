/* SPDX-License-Identifier: Apache-2.0 */
/* plan_look.h - is a plan a sensible one? Pure. */
#ifndef PLUGIN_PLAN_LOOK_H
#define PLUGIN_PLAN_LOOK_H

#include <stddef.h>

#include "canned_view.h"
#include "plan.h"

/* What is odd about a plan for a canned view, as a sentence; "" nothing. */
void plan_look(enum canned_kind kind, const struct sluice_plan *plan, char *worry, size_t size);
int plans_are_equal(const struct sluice_plan *one, const struct sluice_plan *other);

#endif
