/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - the contract between the engine and one placement policy (.so).
 *
 * A policy reads one view of memory and asks for moves. The engine samples before decide() and
 * moves after it. A policy opens no file, starts no thread, and keeps no pointer past the call,
 * so any recorded view replays in a test.
 *
 * To write one: copy policies/skeleton.c, fill in decide(), end with SLUICE_POLICY(...).
 *
 * Growth: members are only ever appended. Test SLUICE_HAS() before reading a member newer than
 * the ones below: SLUICE_HAS(view->size, view, m), SLUICE_HAS(view->region_stride, region, m).
 */
#ifndef SLUICE_POLICY_H
#define SLUICE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes only when an existing member changes its meaning; the loader wants an exact match. */
#define SLUICE_POLICY_ABI 1u
#define SLUICE_HAS(have, p, m) ((have) >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))

struct sluice_plan; /* opaque: the moves asked for during one decide() */

/* Pages of one process that lie in [addr, addr + span_bytes), in the same tier, with about the
 * same heat. Usually that is all of the span; a region that the engine sees in 4 KiB detail
 * appears as several entries over the same span, each standing for `bytes` of its pages. */
struct sluice_region {
	uint64_t addr;       /* start of the span, page aligned */
	uint32_t span_bytes; /* at most 2 MiB, never crosses a mapping */
	uint32_t bytes;      /* resident pages this entry stands for, never 0 */
	int32_t pid;
	uint32_t tier;   /* index into the view's tiers */
	float heat;      /* estimated accesses per second and 4 KiB page, >= 0 */
	float heat_low;  /* the heat is above this with 69 % probability, ... */
	float heat_high; /* ... and below this with 69 % probability */
	uint32_t age_ms; /* time since these pages last changed tier, or were first seen */
};

struct sluice_tier {
	uint64_t total_bytes;
	uint64_t free_bytes;     /* free now */
	uint64_t room_bytes;     /* how much more the engine lets policies put here now, given the
				  * watermark; demotions of this round add to it */
	uint64_t shortage_bytes; /* below its watermark by this much; 0 normally */
	uint32_t latency_ns;     /* idle read latency as seen from the fast CPUs; 0 when unknown */
	uint32_t kind;           /* enum sluice_tier_kind of topology.h */
	/* Newer than the first engines: test SLUICE_HAS(view->tier_stride, tier, m). */
	float access_rate;          /* accesses per second that it serves, as far as is known */
	uint32_t loaded_latency_ns; /* read latency under the present load; 0 when unknown */
};

/* Tiers are not the same for ever: memory may come and go between two calls, and a tier may be left
 * without any. */
struct sluice_view { /* constant, and valid only inside decide() */
	uint32_t size;
	uint32_t tier_count;
	uint32_t tier_stride; /* step the arrays by these, not by sizeof */
	uint32_t region_stride;
	uint64_t region_count;
	uint64_t budget_bytes; /* the engine moves no more than this before the next decide(), or
				* one huge page */
	uint64_t now_ms;       /* monotonic; only differences mean something */
	const void *tiers;     /* struct sluice_tier[], fastest first */
	const void *regions;   /* struct sluice_region[], by pid, then address */
};

static inline const struct sluice_tier *
sluice_view_tier(const struct sluice_view *view, uint32_t i)
{
	return (const struct sluice_tier *)(const void *)((const char *)view->tiers +
							  (size_t)i * view->tier_stride);
}

static inline const struct sluice_region *
sluice_view_region(const struct sluice_view *view, uint64_t i)
{
	return (const struct sluice_region *)(const void *)((const char *)view->regions +
							    (size_t)i * view->region_stride);
}

struct sluice_host { /* engine services; outlives the policy */
	uint32_t size;
	uint32_t reserved;
	/* Ask to move the pages of region `i` to `tier`. Moves are carried out in the order in
	 * which they are asked for, but that those between the same two tiers are put together by
	 * process; so demote first, then promote. The governor drops what does
	 * not fit, would not pay back, or exceeds the budget. The last ask for a region counts.
	 * `gain` is the heat that the move wins: this region's heat less that of what gives way
	 * (accesses per second and page; for demotions, which pay by making room, give 0).
	 * Returns 0, -EINVAL for an index out of range or a gain that is no number (then nothing of
	 * this round's plan is used, as after a failed decide()), -ENOSPC when the plan is full. */
	int (*move)(struct sluice_plan *plan, uint64_t i, uint32_t tier, float gain);
};

/* A parameter that users set with --policy-set KEY=VALUE. Frozen: this struct never grows. */
struct sluice_param {
	const char *key, *fallback, *help;
};

struct sluice_policy {
	uint32_t abi; /* SLUICE_POLICY_ABI; filled in by SLUICE_POLICY, as is size */
	uint32_t size;
	const char *name;                  /* [a-z0-9-]+, the file is NAME.so. Required. */
	const char *summary;               /* one line for `sluice policies`. Required. */
	const struct sluice_param *params; /* ends at key == NULL. Optional. */
	/* values[k] is the text for params[k], never NULL. On success *ret_self is the policy's
	 * own until fini(); on failure nothing is kept. Allocate here, not in decide(). 0 or
	 * -errno with a sentence. Required. */
	int (*init)(const struct sluice_host *host, const char *const *values, void **ret_self,
		    struct sluice_err *reterr);
	/* Once a round, always from the same thread, never re-entered. Reading the view and
	 * calling host->move is all it may do. 0 or -errno: then nothing of its plan is used.
	 * Required. */
	int (*decide)(void *self, const struct sluice_view *view, struct sluice_plan *plan,
		      struct sluice_err *reterr);
	/* Frees self; accepts NULL. Optional. */
	void (*fini)(void *self);
};

/* The one symbol a policy exports: data, so that the loader checks it before any code runs. */
extern __attribute__((visibility("default"))) const struct sluice_policy sluice_policy;

#define SLUICE_POLICY(...)                                                                         \
	const struct sluice_policy sluice_policy = {                                               \
		.abi = SLUICE_POLICY_ABI, .size = sizeof(struct sluice_policy), __VA_ARGS__}

#ifdef __cplusplus
}
#endif
#endif
