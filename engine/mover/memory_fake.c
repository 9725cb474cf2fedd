/* SPDX-License-Identifier: Apache-2.0 */
/* memory_fake.c - memory_ops over a fake_world, for tests. */
#include <errno.h>

#include "fake_world.h"
#include "memory_registry.h"

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	if (!fake_world_used())
		return sluice_fail(reterr, -ENOTSUP, "the fake memory needs a test to set it up");
	*ret_self = fake_world_used();
	return 0;
}

static int
spans(void *self, int32_t pid, struct heat_span *list, size_t capacity, size_t *ret_count,
      uint64_t *ret_pinned_bytes, struct sluice_err *reterr)
{
	int r = fake_world_refusal(self, pid);

	if (r < 0)
		return sluice_fail(reterr, r, "process %d refuses (%d)", pid, r);
	*ret_count = fake_world_spans(self, pid, list, capacity);
	*ret_pinned_bytes = 0;
	return 0;
}

/* Tiers of the pages that leave, or of those that do not. */
static int
find(struct fake_world *world, int32_t pid, uint64_t addr, uint32_t len_bytes, int leaving,
     uint8_t *tiers, int *ret_huge, struct sluice_err *reterr)
{
	int r = fake_world_refusal(world, pid);

	if (r < 0)
		return sluice_fail(reterr, r, "process %d refuses (%d)", pid, r);
	for (uint32_t i = 0; i < len_bytes / HEAT_PAGE_BYTES; i++) {
		tiers[i] = fake_world_tier_of(world, pid, addr + (uint64_t)i * HEAT_PAGE_BYTES);
		if (fake_world_leaves(world, tiers[i]) != leaving)
			tiers[i] = HEAT_TIER_ABSENT;
	}
	*ret_huge = len_bytes == HEAT_REGION_BYTES && fake_world_is_huge(world, pid, addr);
	return 0;
}

static int
resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	int r = fake_world_refusal(self, pid);

	if (r < 0)
		return sluice_fail(reterr, r, "process %d refuses (%d)", pid, r);
	*ret_bytes = 0;
	for (uint8_t t = 0; t < fake_world_tier_count(self); t++)
		*ret_bytes += fake_world_resident(self, pid, t);
	return 0;
}

static int
residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	  struct sluice_err *reterr)
{
	return find(self, pid, addr, len_bytes, 0, tiers, ret_huge, reterr);
}

static int
leaving(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *ret_huge,
	struct sluice_err *reterr)
{
	return find(self, pid, addr, len_bytes, 1, tiers, ret_huge, reterr);
}

static int
tiers(void *self, struct sluice_tier *list, size_t capacity, size_t *ret_count,
      struct sluice_err *reterr)
{
	size_t count = fake_world_tier_count(self);

	(void)reterr;
	if (count > capacity)
		count = capacity;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct sluice_tier){
			.total_bytes = fake_world_total_bytes(self, (uint8_t)i),
			.free_bytes = fake_world_free_bytes(self, (uint8_t)i),
			.latency_ns = 100 * (uint32_t)(i + 1),
			.kind = i == 0 ? SLUICE_TIER_DRAM : SLUICE_TIER_CXL,
		};
	for (size_t i = 0; i < count; i++) {
		if (fake_world_leaves(self, (uint8_t)i))
			list[i].total_bytes = list[i].free_bytes = 0;
	}
	*ret_count = count;
	return 0;
}

static void
stop(void *self)
{
	(void)self; /* the test's */
}

const struct memory_ops memory_fake = {
	.name = "fake",
	.start = start,
	.spans = spans,
	.resident = resident,
	.residency = residency,
	.leaving = leaving,
	.tiers = tiers,
	.stop = stop,
};
