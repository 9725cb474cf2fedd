/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skeleton.c - the manual for policy authors: a whole policy that moves nothing.
 *
 * Copy it (and param.h) to NAME.c, change the name at the end, and fill in decide(). README.md of
 * this folder says how to build and test it; include/sluice/policy.h is the contract.
 *
 * What a policy is: a function from a view of memory to a plan of moves. Once a round the engine
 * shows which memory is how hot and where, and the policy asks for moves. The engine carries them
 * out, or refuses: it never fills the fast tier past its watermark, never moves more than its
 * budget, and drops moves that would not pay back. So a policy only has to want the right things.
 *
 * What a policy is not: it opens no file, starts no thread, prints nothing, and keeps no pointer
 * from the view or the plan past decide(). By default it runs where it could not do so anyway.
 */
#include "param.h"

/* All state of a policy hangs on one struct: two engines in one process each have their own. */
struct skeleton {
	const struct sluice_host *host; /* outlives us */
	double threshold;
	uint64_t rounds;
};

/* What users set with --policy-set KEY=VALUE, and `sluice policies` prints. Every parameter has a
 * fallback with which the policy works well; a number carries its unit in its name. */
enum { THRESHOLD };
static const struct sluice_param params[] = {
	[THRESHOLD] = {"threshold", "10",
		       "accesses per second and page above which memory would be moved, if this "
		       "policy moved any"},
	{0},
};

/* Once, before the first round. values[k] belongs to params[k], is never NULL, and is gone after
 * the call. Allocate everything here. On failure free it again and say why in one sentence: what
 * is wrong, and what would be right. */
static int
skeleton_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	      struct sluice_err *reterr)
{
	struct skeleton *self = calloc(1, sizeof(*self));

	if (!self)
		return sluice_fail(reterr, -ENOMEM, "no memory for the policy");
	self->host = host;
	if (param_number(params, values, THRESHOLD, 0, 1e9, &self->threshold, reterr) < 0) {
		free(self);
		return -EINVAL;
	}
	*ret_self = self;
	return 0;
}

/* Once a round, always from the same thread. Allocate nothing; take milliseconds for a terabyte. */
static int
skeleton_decide(void *data, const struct sluice_view *view, struct sluice_plan *plan,
		struct sluice_err *reterr)
{
	struct skeleton *self = data;

	self->rounds++;

	/* Tiers come fastest first. free_bytes is what the machine has, room_bytes what the engine
	 * would let us fill; shortage_bytes is not 0 when something must leave. */
	for (uint32_t i = 0; i < view->tier_count; i++) {
		const struct sluice_tier *tier = sluice_view_tier(view, i);

		if (tier->room_bytes > tier->total_bytes)
			return sluice_fail(
				reterr, -EINVAL,
				"tier %u has more room than it is large; this view is damaged", i);
	}

	/* Step the arrays with these two functions only: an engine newer than your build has larger
	 * elements. Before reading a member that is newer than your oldest engine, ask
	 *     if (SLUICE_HAS(view->region_stride, region, new_member))
	 */
	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *region = sluice_view_region(view, i);

		/* heat is an estimate. The truth lies above heat_low with 84 % probability, and
		 * below heat_high too. Admit to fast memory on heat_low and evict on heat_high:
		 * then noise moves nothing. Memory not yet watched has heat_low 0 and heat_high
		 * huge (even infinite). */
		int hot = region->heat_low > self->threshold;

		/* Let what has just moved rest, or pages go to and fro. */
		int rested = region->age_ms >= 3000;

		/* Ask like this. Demotions first: moves are done in this order, and promotions need
		 * the room. Gain is how much hotter this is than what gives way to it; 0 for
		 * demotions. The answer is 0, or -ENOSPC when the plan is full, which is no error.
		 *
		 *     if (hot && rested && region->tier > 0)
		 *             self->host->move(plan, i, region->tier - 1, region->heat);
		 */
		(void)hot;
		(void)rested;
	}
	(void)plan;

	/* On -errno nothing of this round's plan is used, and the sentence is shown to the user. */
	return 0;
}

/* At the end, or when another policy takes over. */
static void
skeleton_fini(void *data)
{
	free(data);
}

/* The one symbol that is exported. The loader checks it before it runs any of the above. */
SLUICE_POLICY(.name = "skeleton", .summary = "moves nothing; copy it to write a policy",
	      .params = params, .init = skeleton_init, .decide = skeleton_decide,
	      .fini = skeleton_fini);
