/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - see kinds.h. */
#include "kinds.h"

#include <string.h>

_Static_assert(sizeof(struct page_heat) == sizeof(uint32_t), "a page's codes are compared as one");

/* Bits of a page in which pages of one kind agree. `again` says nothing to a view, so it can stand
 * for the side of the split that a watched page is on. */
static const struct page_heat told_apart = {
	.time = 0xff, .touches = 0x7f, .tier = 0xf, .watched = 1, .moved = 0xff};
static const struct page_heat only_watched = {.watched = 1}, only_again = {.again = 1},
			      only_moved = {.moved = 0xff}, only_tier = {.tier = 0xf},
			      tier_none = {.tier = TIER_NONE};

static uint32_t
bits_of(const struct page_heat *page)
{
	uint32_t bits;

	memcpy(&bits, page, sizeof(bits));
	return bits;
}

/* Where in the hash table these bits are, or would be. */
static uint16_t *
place_of(struct kinds *kinds, uint32_t bits)
{
	uint32_t place = bits * 0x9e3779b1u >> (32 - KINDS_PLACES_LOG2);
	uint16_t *hashed = kinds->place + KINDS_NEAR;

	while (hashed[place] && kinds->kind[hashed[place] - 1].bits != bits)
		place = (place + 1) % KINDS_PLACES;
	return &hashed[place];
}

void
kinds_find(struct heat *heat, const struct region *region, const struct prior *prior)
{
	struct kinds *kinds = &heat->kinds;
	struct page_heat *pages = heat->details[region->detail].page;
	const uint32_t apart = bits_of(&told_apart), watched = bits_of(&only_watched),
		       again = bits_of(&only_again), moved = bits_of(&only_moved),
		       tier = bits_of(&only_tier), none = bits_of(&tier_none);
	uint32_t common = none; /* the rest of the bits of those that are near */
	uint32_t count = 0;

	for (uint32_t p = 0; p < region_pages(region); p++) {
		uint32_t bits = bits_of(&pages[p]) & apart;
		uint16_t *place;

		if ((bits & tier) == none)
			continue;
		if (bits & moved) {
			prior_forget_move(prior, &pages[p]);
			bits = bits_of(&pages[p]) & apart;
		}
		if (p >= prior->split && (bits & watched))
			bits |= again;
		if (!count)
			common = bits & ~(KINDS_NEAR - 1);
		place = (bits & ~(KINDS_NEAR - 1)) == common ? &kinds->place[bits % KINDS_NEAR]
							     : place_of(kinds, bits);
		if (*place && !heat->unmerged) {
			kinds->kind[*place - 1].pages++;
			continue;
		}
		kinds->kind[count++] = (struct kind){
			.bits = bits, .pages = 1, .place = (uint16_t)(place - kinds->place)};
		if (!*place)
			*place = (uint16_t)count;
	}
	kinds->count = count;
	for (uint32_t k = 0; k < count; k++) {
		struct kind *kind = &kinds->kind[k];

		kinds->place[kind->place] = 0;
		memcpy(&kind->page, &kind->bits, sizeof(kind->page));
		kind->evidence = page_evidence(&kind->page, kind->page.again, prior);
	}
}
