/* SPDX-License-Identifier: Apache-2.0 */
/* canned_view.c - see canned_view.h. */
#include "canned_view.h"

#include <math.h>

#define PAGE 4096u

const char *
canned_name(enum canned_kind kind)
{
	static const char *const names[CANNED_KINDS] = {
		"mixed",       "empty",        "one tier", "full",    "shortage",
		"eight tiers", "removed tier", "unknown",  "uniform", "young",
		"pieces",      "no budget",    "extreme"};

	return kind < CANNED_KINDS ? names[kind] : "?";
}

static uint64_t
random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
make_tiers(enum canned_kind kind, uint64_t bytes, struct canned_view *ret)
{
	uint32_t count = kind == CANNED_ONE_TIER  ? 1
			 : kind == CANNED_MANY    ? CANNED_TIERS_MAX
			 : kind == CANNED_REMOVED ? 3
						  : 2;

	for (uint32_t t = 0; t < count; t++) {
		struct sluice_tier *tier = &ret->tiers[t];
		int is_full =
			kind == CANNED_FULL || kind == CANNED_SHORTAGE || kind == CANNED_UNIFORM;

		/* Each holds an equal part, and twice that is there. */
		*tier = (struct sluice_tier){.total_bytes = bytes / count * 2 + (64u << 20),
					     .latency_ns = 80 + 100 * t,
					     .kind = t == 0 ? 1 : 3};
		tier->free_bytes = tier->total_bytes - bytes / count;
		tier->room_bytes = is_full ? 0 : tier->free_bytes / 2;
		if (kind == CANNED_MIXED && t == 0) /* room is scarce, as it is in life */
			tier->room_bytes = 4 * CANNED_REGION_BYTES;
	}
	if (kind == CANNED_UNIFORM)
		ret->tiers[1].room_bytes = ret->tiers[1].free_bytes / 2;
	if (kind == CANNED_SHORTAGE) {
		ret->tiers[0].shortage_bytes = bytes / 64 + PAGE;
		ret->tiers[0].free_bytes = 0;
		ret->tiers[1].room_bytes = ret->tiers[1].free_bytes / 2;
	}
	if (kind == CANNED_REMOVED)
		ret->tiers[1] = (struct sluice_tier){.latency_ns = 180, .kind = 3};
	ret->view.tier_count = count;
}

static uint32_t
tier_of(const struct canned_view *view, enum canned_kind kind, uint64_t random)
{
	uint32_t tier = (uint32_t)(random >> 32) % view->view.tier_count;

	return kind == CANNED_REMOVED && tier == 1 ? 2 : tier;
}

static void
make_extreme(struct sluice_region *region, uint64_t i)
{
	static const float heats[] = {0, 1e-30f, 1, 1e12f, 3e38f};
	float heat = heats[i % 5];

	region->heat = region->heat_low = region->heat_high = heat;
	if (i % 7 == 0)
		region->heat_high = HUGE_VALF;
	region->bytes = PAGE << (i % 10);
	region->age_ms = i % 3 ? 0 : UINT32_MAX;
	region->pid = (int32_t)(1 + i / 100);
}

void
canned_make(enum canned_kind kind, uint64_t region_count, unsigned int round,
	    struct sluice_region *regions, struct canned_view *ret)
{
	/* Where memory is depends on the seed of all rounds, how hot it is on that of this one. */
	uint64_t seed = 88172645463325252u, heat_seed = seed + 977u * (uint64_t)(round + 1);

	if (kind == CANNED_EMPTY)
		region_count = 0;
	*ret = (struct canned_view){.view = {.size = sizeof(ret->view),
					     .tier_stride = sizeof(ret->tiers[0]),
					     .region_stride = sizeof(*regions),
					     .region_count = region_count,
					     .budget_bytes = 64u << 20,
					     .now_ms = 1000000 + 1000ull * round,
					     .tiers = ret->tiers,
					     .regions = regions}};
	make_tiers(kind, region_count * CANNED_REGION_BYTES, ret);
	if (kind == CANNED_NO_BUDGET)
		ret->view.budget_bytes = 0;
	for (uint64_t i = 0; i < region_count; i++) {
		uint64_t random = random_next(&seed);
		float heat = 1e4f / (float)(1 + random_next(&heat_seed) % 10000);

		if (kind == CANNED_UNIFORM)
			heat = 20;
		regions[i] = (struct sluice_region){
			.addr = 0x100000000ull + i * CANNED_REGION_BYTES,
			.span_bytes = CANNED_REGION_BYTES,
			.bytes = CANNED_REGION_BYTES,
			.pid = 1000,
			.tier = tier_of(ret, kind, random),
			.heat = heat,
			.heat_low = heat * 0.8f,
			.heat_high = heat * 1.25f,
			.age_ms = kind == CANNED_YOUNG ? 100 : 3600000,
		};
		if (kind == CANNED_UNKNOWN) {
			regions[i].heat = regions[i].heat_low = 0;
			regions[i].heat_high = HUGE_VALF;
		}
		if (kind == CANNED_PIECES) { /* four entries a span */
			regions[i].addr = 0x100000000ull + i / 4 * CANNED_REGION_BYTES;
			regions[i].bytes = PAGE * (uint32_t)(1 + random % 128);
		}
		if (kind == CANNED_EXTREME)
			make_extreme(&regions[i], i);
	}
}
