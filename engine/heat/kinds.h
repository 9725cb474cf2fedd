/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds.h - pages of a region of which exactly the same is known, taken as one.
 *
 * Evidence comes in small codes (estimate.h), so the 512 pages of a region are of a few dozen
 * kinds, and logarithms are taken of kinds rather than of pages.
 */
#ifndef HEAT_KINDS_H
#define HEAT_KINDS_H

#include "prior.h"

/* Find the kinds of a region's resident pages, as of the time that `prior` was set to; they are
 * heat->kinds->kind[] until the next call. Stamps of moves long ago are forgotten by the way. */
void kinds_find(struct heat *heat, const struct region *region, const struct prior *prior);

#endif
