/* SPDX-License-Identifier: Apache-2.0 */
/*
 * surprise.h - pages that are watched one by one tell a change of ways too, and sooner than a
 * coarse tracker: when a region that was believed cold is touched all over, soon after its marking.
 */
#ifndef HEAT_SURPRISE_H
#define HEAT_SURPRISE_H

#include "fold.h"

/* A page of the region, which is not huge, was touched so many ticks after its marking, and waits
 * no more. */
void surprise_touched(struct heat *heat, struct region *region, uint64_t ticks, uint64_t tick);

#endif
