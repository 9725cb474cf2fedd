/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi1.c - a policy as somebody built it with the first policy.h; abi1.so beside it is kept as a
 * binary, and must load and decide the same for as long as SLUICE_POLICY_ABI is 1. It was built,
 * for x86-64 and against the policy.h of commit c787da8, by
 *
 *     gcc -O1 -fPIC -shared -nostdlib -s -Wl,--build-id=none -Wl,-z,noseparate-code
 *         -fvisibility=hidden -fno-asynchronous-unwind-tables -Wl,--hash-style=gnu
 *         -I include -o abi1.so abi1.c
 *
 * Never build it again: another one would no longer be old. It uses every member of the first
 * policy.h, and tells by its moves what it read: for region i it asks for a move to the other one
 * of two tiers, with a gain that is a sum of all members of the region; where the view's own
 * members are not as its test sets them, it fails, with the number of the first that is not.
 */
#include "sluice/policy.h"

static const struct sluice_host *the_host;
static float the_factor;

static int
abi1_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	  struct sluice_err *reterr)
{
	(void)reterr;
	if (host->size < sizeof(*host) || values[0][0] < '0' || values[0][0] > '9')
		return -22;
	the_host = host;
	the_factor = (float)(values[0][0] - '0');
	*ret_self = &the_factor;
	return 0;
}

static int
failed(struct sluice_err *reterr, char number)
{
	reterr->code = -5;
	reterr->msg[0] = number;
	reterr->msg[1] = '\0';
	return -5;
}

static int
abi1_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	const float *factor = self;

	if (view->size < sizeof(*view))
		return failed(reterr, '1');
	if (view->tier_count != 2 || view->region_count == 0)
		return failed(reterr, '2');
	if (view->budget_bytes != 64u << 20 || view->now_ms != 1000000)
		return failed(reterr, '3');
	for (uint32_t t = 0; t < view->tier_count; t++) {
		const struct sluice_tier *tier = sluice_view_tier(view, t);

		if (tier->total_bytes != 1000 + t || tier->free_bytes != 900 + t ||
		    tier->room_bytes != 800 + t || tier->shortage_bytes != 700 + t ||
		    tier->latency_ns != 80 + t || tier->kind != 1 + t)
			return failed(reterr, '4');
	}
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *region = sluice_view_region(view, i);
		float sum = (float)(region->addr >> 21) + (float)(region->span_bytes >> 12) +
			    (float)(region->bytes >> 12) + (float)region->pid + region->heat +
			    region->heat_low + region->heat_high + (float)region->age_ms;

		if (the_host->move(plan, i, 1 - region->tier, *factor * sum) != 0)
			return failed(reterr, '5');
	}
	return 0;
}

static void
abi1_fini(void *self)
{
	(void)self;
}

static const struct sluice_param params[] = {{"factor", "2", "of all gains"}, {0}};

SLUICE_POLICY(.name = "abi1", .summary = "built with the first policy.h", .params = params,
	      .init = abi1_init, .decide = abi1_decide, .fini = abi1_fini);
