/* SPDX-License-Identifier: Apache-2.0 */
/* tier_room.c - see tier_room.h. */
#include "tier_room.h"

#include <stdint.h>

void
tiers_fill_room(struct sluice_tier *tiers, size_t count, double watermark_percent)
{
	for (size_t t = 0; t < count; t++) {
		struct sluice_tier *tier = &tiers[t];
		uint64_t keep = (uint64_t)((double)tier->total_bytes * watermark_percent / 100.0);

		tier->room_bytes = tier->free_bytes > keep ? tier->free_bytes - keep : 0;
		/* A little below the watermark is where a full tier lives; act when half of it is
		 * gone. */
		tier->shortage_bytes =
			t + 1 < count && tier->free_bytes < keep / 2 ? keep - tier->free_bytes : 0;
	}
}
