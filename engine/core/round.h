/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round.h - one round: sample, fold into heat, let the policy decide, let the governor admit, move,
 * account. Pure: it sees time, samplers, memory and mover only through its arguments, so live,
 * test and replay run the same code. After round_new nothing is allocated. One thread.
 */
#ifndef CORE_ROUND_H
#define CORE_ROUND_H

#include <stddef.h>
#include <stdint.h>

#include "ops.h"
#include "price.h"
#include "sluice/err.h"
#include "sluice/policy.h"

#define ROUND_TIERS_MAX 8
#define ROUND_SAMPLERS_MAX PRICE_TRACKERS_MAX

enum round_refusal {
	REFUSED_ROOM,    /* the tier has no room above its watermark */
	REFUSED_BUDGET,  /* more than may be moved until the next decision */
	REFUSED_PAYBACK, /* would cost more than it is expected to save */
	ROUND_REFUSALS
};

struct round_options {
	uint32_t interval_ms;        /* between decisions; 100 to 60000; default 1000 */
	uint64_t rate_bps;           /* bytes moved per second at most, both directions together */
	double watermark_percent;    /* of the fast tier that policies keep free; default 3 */
	uint64_t payback_horizon_ms; /* how long heat is expected to stay, at first; grows to 12
				      * times that while what was promoted stays hot; default 300000
				      */
	double tracking_percent; /* of one CPU that tracking may cost in the steady state; default 1
				  */
	double ceiling_percent; /* of one CPU that tracking costs, always; 0, the default: as above,
				 * and more while there is much to learn */
	int dry_run;            /* plan, count, move nothing */
	uint32_t region_max;    /* capacity of the region table */
	uint64_t detail_bytes_max;
};

struct round_stats {
	uint64_t rounds;                        /* decisions so far */
	uint64_t promoted_bytes, demoted_bytes; /* verified as landed */
	uint64_t planned_bytes; /* asked for by the policy and admitted, also when dry */
	uint64_t refused_bytes[ROUND_REFUSALS]; /* by the governor */
	uint64_t outcome_pages[MOVE_OUTCOMES];  /* 4 KiB pages, huge pages as 512 */
	uint64_t move_calls, move_ns;           /* spent in the mover */
	uint64_t decide_ns;                     /* last decision of the policy */
	uint64_t pingpong_bytes; /* demoted within half a minute of their last move */
	double doubt;      /* share of accesses that better knowledge could bring there, 0 to 1 */
	double fast_share; /* estimated share of accesses served by tier 0, 0 to 1 */
	double effort;     /* share of one CPU that tracking may cost just now */
	uint64_t tracking_own_ns; /* CPU time of our threads, without deciding and moving */
	struct price_told price;  /* what tracking costs, all in all */
	uint64_t page_move_ns;    /* CPU time that moving 4 KiB takes, measured */
	uint64_t horizon_ms;      /* how long heat is believed to stay */
	struct heat_stats heat;
};

/* Emptying nodes that leave. */
struct round_drain {
	int under_way; /* asked for, and not called off */
	int complete;  /* no more can be moved */
	int refused;   /* a sampler does not let pages move: nothing may take the nodes offline */
	int knows_left;
	uint64_t moved_bytes;
	uint64_t left_bytes;    /* of targets, on these nodes, when it was complete */
	uint64_t no_room_bytes; /* of these: no other tier had room for them */
};

struct round;

void round_default_options(struct round_options *ret);
const struct sluice_host *round_host(void); /* what policies are loaded with */

struct round_parts {
	const struct sampler_ops *sampler_ops[ROUND_SAMPLERS_MAX];
	void *samplers[ROUND_SAMPLERS_MAX];
	size_t sampler_count;
	const struct memory_ops *memory_ops;
	void *memory;
	const struct mover_ops *mover_ops;
	void *mover;
	const struct sluice_policy *policy;
	void *policy_self;
	void *view_memory; /* round_view_bytes() for the policy's views; NULL: the round's own */
	uint64_t (*clock_ns)(
		void *ctx); /* what a move costs is measured with it; NULL: real time */
	void *clock_ctx;
	/* CPU time of the calling thread; what tracking costs is measured with it. NULL: the real.
	 */
	uint64_t (*cpu_ns)(void *ctx);
	void *cpu_ctx;
};

/* Of a view at most, and of the memory that views are made in. */
size_t round_entry_max(const struct round_options *options);
size_t round_view_bytes(const struct round_options *options);

/* parts are borrowed until round_free. -ENOMEM, -EINVAL. */
int round_new(const struct round_options *options, const struct round_parts *parts,
	      struct round **ret, struct sluice_err *reterr);
void round_free(struct round *round);

int round_add(struct round *round, int32_t pid, uint64_t now_ns, struct sluice_err *reterr);
void round_remove(struct round *round, int32_t pid);

/* One tick, at the time given: drains the samplers, decides when the interval has passed, and moves
 * a slice of the plan. Returns the time in ns until it wants to be called again. What goes wrong
 * ends no round; *reterr says why nothing may be moved just now, and is left alone otherwise.
 * ended: pids of targets that ended, at most capacity. */
int64_t round_tick(struct round *round, uint64_t now_ns, int32_t *ended, size_t capacity,
		   size_t *ret_ended, struct sluice_err *reterr);

/* The nodes of ops_env.leaving have changed. On: move what the targets have there to other tiers,
 * within their watermarks and the rate, from the next tick on. Off: no more of that. */
void round_drain(struct round *round, int on);
void round_get_drain(const struct round *round, struct round_drain *ret);

void round_get_stats(const struct round *round, struct round_stats *ret);
/* Per target: resident bytes and estimated accesses per second, by tier. -ESRCH. */
int round_target_stats(const struct round *round, int32_t pid, uint64_t *resident_bytes,
		       double *access_rate, uint64_t *ret_pinned_bytes);

#define ROUND_EXPLAIN_LINES 16

/* One move that was asked for. */
struct journal_line {
	uint64_t time_ns; /* of the decision */
	uint64_t addr;    /* of the region */
	uint32_t span_bytes;
	int32_t pid;
	uint8_t from, to; /* tiers */
	uint8_t refused;  /* a bit for each enum round_refusal that took some of it */
	float heat, gain;
	uint32_t asked_bytes, admitted_bytes;
};

/* Why a page is where it is. */
struct round_explanation {
	struct sluice_region entry; /* that the page belongs to, as the policy saw it last */
	int exact;           /* 0: its region's largest entry; which is its own is not known */
	uint32_t unit_bytes; /* what moves as one */
	uint64_t decided_ns;
	uint64_t hotter_bytes;      /* of all targets, in any tier */
	uint64_t fast_bytes;        /* that targets have or could have in the fastest tier */
	uint64_t fast_colder_bytes; /* of these, colder than the page */
	float fast_coldest;         /* heat of the coldest there; infinite: none is known */
	uint64_t page_move_ns, horizon_ms;
	int dry_run;
	size_t tier_count;
	struct sluice_tier tiers[ROUND_TIERS_MAX];
	size_t line_count; /* what was decided on its region, newest first */
	struct journal_line lines[ROUND_EXPLAIN_LINES];
};

/* -EFAULT: no memory of a target is there. -EAGAIN: nothing has been decided yet. */
int round_explain(const struct round *round, int32_t pid, uint64_t addr,
		  struct round_explanation *ret, struct sluice_err *reterr);

#endif
