/* SPDX-License-Identifier: Apache-2.0 */
/* tier_room.h - how much may be moved into each tier, and how much has to leave it. Pure. */
#ifndef CORE_TIER_ROOM_H
#define CORE_TIER_ROOM_H

#include <stddef.h>

#include "sluice/policy.h"

/* From free_bytes: free memory above the watermark is room; a tier far below it is short of what is
 * missing, which demotion cures, so not the last one. */
void tiers_fill_room(struct sluice_tier *tiers, size_t count, double watermark_percent);

#endif
