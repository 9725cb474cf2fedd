/* SPDX-License-Identifier: Apache-2.0 */
/* safe_policy.h - what decides when the policy cannot: nothing but what keeps the watermarks. */
#ifndef PLUGIN_SAFE_POLICY_H
#define PLUGIN_SAFE_POLICY_H

#include "plan.h"

/* Where a tier is short of free memory its coldest goes down, to the next tier that has room; all
 * else stays. Keeps no state, allocates nothing, cannot fail. The plan was begun for the view. */
void safe_policy_decide(const struct sluice_view *view, struct sluice_plan *plan);

#endif
