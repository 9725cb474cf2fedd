/* SPDX-License-Identifier: Apache-2.0 */
/* mover_fake.c - mover_ops over a fake_world, for tests: what it moves, memory_fake shows. */
#include <errno.h>
#include <stdio.h>

#include "fake_world.h"
#include "mover_registry.h"

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	(void)env;
	snprintf(sentence, OPS_SENTENCE_BYTES, "for tests: moves made-up pages");
	return fake_world_used() ? 0 : -ENOTSUP;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	if (!fake_world_used())
		return sluice_fail(reterr, -ENOTSUP, "the fake mover needs a test to set it up");
	*ret_self = fake_world_used();
	return 0;
}

static int
move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier, uint8_t *outcomes,
     uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	int r;

	if (count > 512 || tier >= fake_world_tier_count(self))
		return sluice_fail(reterr, -EINVAL, "cannot move %zu pages to tier %u", count,
				   tier);
	fake_world_called(self);
	r = fake_world_refusal(self, pid);
	for (size_t i = 0; i < count; i++) {
		if (r == 0) {
			outcomes[i] = (uint8_t)fake_world_move(self, pid, addrs[i], (uint8_t)tier,
							       &bytes[i], &landed[i]);
			continue;
		}
		outcomes[i] = r == -ESRCH ? MOVE_GONE : MOVE_FAILED;
		bytes[i] = HEAT_PAGE_BYTES;
		landed[i] = HEAT_TIER_ABSENT;
	}
	return r < 0 ? sluice_fail(reterr, r, "process %d refuses (%d)", pid, r) : 0;
}

static void
stop(void *self)
{
	(void)self; /* the test's */
}

const struct mover_ops mover_fake = {
	.name = "fake",
	.for_tests = 1,
	.summary = "for tests: moves made-up pages",
	.probe = probe,
	.start = start,
	.move = move,
	.stop = stop,
};
