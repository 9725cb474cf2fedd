/* SPDX-License-Identifier: Apache-2.0 */
/* round_parts.h - the round's state, shared by round.c, targets.c and carry.c; private to core. */
#ifndef CORE_ROUND_PARTS_H
#define CORE_ROUND_PARTS_H

#include "effort.h"
#include "heat.h"
#include "horizon.h"
#include "journal.h"
#include "move_price.h"
#include "plan.h"
#include "price.h"
#include "round.h"

#define ROUND_TARGETS_MAX 256
#define ROUND_SPANS_MAX 65536
#define ROUND_SAMPLES 4096
#define ROUND_BATCH 512
#define PAGE_MOVE_UNKNOWN_NS 2000 /* until measured: what servers take */

struct target {
	int32_t pid;
	int ended;
	uint64_t added_ns;
	uint64_t spans_due_ns; /* when its mappings are read next */
	uint64_t spans_hash;
	uint64_t resident_now;  /* of the whole process, 0: not looked yet */
	uint64_t peak_bytes;    /* the most that it had lately: more than that is growth */
	uint64_t learned_bytes; /* resident when it was last learned, 0: never */
	int grew;               /* fast, since then */
	uint64_t pinned_bytes;
	uint64_t resident_bytes[ROUND_TIERS_MAX];
	double access_rate[ROUND_TIERS_MAX];
};

/* One page, or huge page, on its way. */
struct queued_page {
	uint64_t addr;
	int32_t pid;
	uint8_t tier, from;
	uint8_t moved_before; /* within the last minutes, */
	uint8_t moved_lately; /* and within half a minute */
	uint32_t bytes;       /* 4 KiB, or 2 MiB */
};

/* Where emptying nodes is: it goes over all targets, again while that helps. */
struct drain {
	struct round_drain told;
	int32_t pid;   /* the target it is at */
	uint64_t addr; /* and the address */
	size_t passed; /* targets that are done in this pass */
	uint64_t pass_moved, pass_left, pass_no_room;
	int pass_blind; /* some memory could not be looked at */
	unsigned int passes, refused_ticks;
};

struct round {
	struct round_options options;
	struct round_parts parts;
	struct heat *heat;
	struct effort effort;
	struct price price;
	uint64_t drained_ns[ROUND_SAMPLERS_MAX]; /* CPU time that took the samples of each */
	uint64_t base_ns;                        /* and of the rest that tracking is, */
	uint64_t no_track_ns;                    /* less what the policy took in this tick */
	struct target targets[ROUND_TARGETS_MAX];
	size_t target_count;

	struct sluice_tier tiers[ROUND_TIERS_MAX];
	size_t tier_count;
	const struct sluice_region *entries; /* of the last view; the heat's */
	size_t entry_count;
	uint64_t decided_ns; /* when it was made */
	struct journal journal;
	struct sluice_plan plan;

	struct queued_page *queue;
	size_t queue_max, queue_count, queue_done;
	int queue_promotes;                       /* some of it may go up */
	uint64_t room_bytes[ROUND_TIERS_MAX];     /* as moves land */
	uint64_t shortage_bytes[ROUND_TIERS_MAX]; /* that demotions have to cure first */
	int announced;                            /* the samplers know that pages are moving */
	double allowance_bytes;                   /* token bucket of rate_bps */
	uint64_t allowance_ns;
	int slice_is_used; /* pages are queued that only the length of a slice held up */

	uint64_t next_decision_ns;
	uint64_t hurry_bytes;     /* moved in all: the next decision need not wait; or UINT64_MAX */
	unsigned int calm;        /* intervals more between decisions: see CALM_MOST */
	double seen;              /* samples so far, of each page that was resident then, */
	uint64_t seen_samples;    /* up to this one of heat's */
	int busy;                 /* the last decision planned much */
	unsigned int little;      /* decisions in a row that moved nothing, as it was so little */
	uint64_t growth_due_ns;   /* when growth is looked at next */
	unsigned int still_looks; /* in a row that saw no growth */
	size_t residency_next;    /* region whose residency is read next */
	size_t residency_urgent;  /* regions to read at once, after mappings changed */
	int residency_changed;    /* in this pass over the regions; */
	unsigned int residency_still; /* passes in a row in which nothing was */
	struct horizon horizon;
	struct move_price move_price; /* CPU time */
	uint64_t page_pace_ns;        /* by the clock, smoothed */
	uint64_t promoted_standing;   /* bytes in tier 0 that were promoted in the last minutes */
	uint64_t alarms;              /* of the heat, so far */
	uint64_t alarms_before;       /* when those began that are looked at together, */
	uint64_t alarm_ns;            /* which was then */
	struct round_stats stats;
	struct drain drain;

	struct heat_span *spans;
	struct sample samples[ROUND_SAMPLES];
};

static inline uint64_t
round_moved_bytes(const struct round *round)
{
	return round->stats.promoted_bytes + round->stats.demoted_bytes;
}

#define QUIET_TIMES 4.0 /* the steady effort, but no more than a quarter of the full one */

/* Little is to be learned, or a look at what was moved goes on unhurried: what goes on all the time
 * may go slowly. At a price that the user set effort does not tell. */
static inline int
round_is_quiet(const struct round *round)
{
	const struct effort *effort = &round->effort;
	double little = effort->full / 4 < QUIET_TIMES * effort->steady
				? effort->full / 4
				: QUIET_TIMES * effort->steady;

	return !effort->paused &&
	       (effort->now <= little || effort->now <= effort->steady ||
		effort_is_unhurried(effort)) &&
	       (!effort->fixed || round->calm);
}

/* round.c */
/* No later than so many intervals from now. */
void round_decide_soon(struct round *round, uint64_t now_ns, double intervals);
void round_set_effort(struct round *round);
/* Fold what arrived. Also after each call that moved pages, before heat is told: a page that was
 * marked and then moved is not marked any more, and heat must hear of both in that order, or it
 * waits for an access that nobody will report. */
void round_read_samplers(struct round *round, uint64_t now_ns);
/* The tiers as they are now, with their room above so many percent. -errno: untouched. */
int round_read_tiers(struct round *round, double watermark_percent,
		     struct sluice_tier tiers[ROUND_TIERS_MAX], size_t *ret_count);
/* The clock that costs are measured with. */
uint64_t round_clock_ns(const struct round *round);
/* CPU time of this thread. */
uint64_t round_cpu_ns(const struct round *round);

/* targets.c */
void targets_sync(struct round *round, uint64_t now_ns);
void targets_account(struct round *round, const struct sluice_region *entries, size_t count);
void target_mark_ended(struct round *round, int32_t pid);

/* carry.c: put the admitted moves into the queue; move a slice of it. */
void carry_enqueue(struct round *round);
void carry_slice(struct round *round, uint64_t now_ns, struct sluice_err *reterr);
/* drain.c: a slice of emptying nodes; the samplers know that pages are moving. */
int drain_works(const struct round *round);
void drain_restart(struct round *round); /* a pass from the beginning: targets have other places */
void drain_slice(struct round *round, uint64_t now_ns);

#endif
