/* SPDX-License-Identifier: Apache-2.0 */
/* canned_view.h - views that every policy has to bear, made up; for `sluice policy check`. Pure. */
#ifndef PLUGIN_CANNED_VIEW_H
#define PLUGIN_CANNED_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/policy.h"

#define CANNED_TIERS_MAX 8u
#define CANNED_REGION_BYTES (2u << 20)

enum canned_kind {
	CANNED_MIXED,    /* two tiers, the hot and the cold in either */
	CANNED_EMPTY,    /* no region at all */
	CANNED_ONE_TIER, /* nowhere to go */
	CANNED_FULL,     /* no room anywhere above the watermarks */
	CANNED_SHORTAGE, /* fast memory is below its watermark */
	CANNED_MANY,     /* eight tiers */
	CANNED_REMOVED,  /* three tiers, and the middle one has lost its memory */
	CANNED_UNKNOWN,  /* nothing was ever watched: bounds 0 and infinite */
	CANNED_UNIFORM,  /* all equally hot */
	CANNED_YOUNG,    /* all has just been moved */
	CANNED_PIECES,   /* entries of single pages of shared spans */
	CANNED_NO_BUDGET,
	CANNED_EXTREME, /* heat from 0 to infinite, entries of 4 KiB to 2 MiB, several processes */
	CANNED_KINDS
};

struct canned_view {
	struct sluice_view view; /* of the arrays below */
	struct sluice_tier tiers[CANNED_TIERS_MAX];
};

const char *canned_name(enum canned_kind kind); /* "mixed" */
/* regions: room for so many; for some kinds fewer are used. round: another one a round, with the
 * same memory and other heat. */
void canned_make(enum canned_kind kind, uint64_t region_count, unsigned int round,
		 struct sluice_region *regions, struct canned_view *ret);

#endif
