/* SPDX-License-Identifier: Apache-2.0 */
/* entries.h - what a policy sees of one region; private to this room. */
#ifndef HEAT_ENTRIES_H
#define HEAT_ENTRIES_H

#include "prior.h"

#define ENTRIES_MOST 64u /* of a region */

/* The entries of a region for which prior_find() has just been called, and which of its pages they
 * stand for; at most ENTRIES_MOST, and when there is no room for so many, one for each tier. */
size_t entries_find(struct heat *heat, struct region *region, struct prior *prior, size_t room,
		    struct sluice_region *entries, uint16_t *keys);

#endif
