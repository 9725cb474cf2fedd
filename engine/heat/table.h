/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - the region table behind heat.h; private to this room.
 *
 * Times are kept in ticks of a microsecond since shortly before the table's first sight of a clock,
 * so that 0 can mean never.
 */
#ifndef HEAT_TABLE_H
#define HEAT_TABLE_H

#include <math.h>

#include "heat.h"
#include "mixture.h"

#define TICK_NS 1000u
#define TICKS_PER_S 1e6f
/* What stands in the way of a table that is written anew moves on by this part of it, and more. */
#define REBUILD_PART 16u
#define REBUILD_MORE 1024u
#define NO_DETAIL UINT32_MAX
#define MEAN_OF_LOG 0.3466f /* ln(2)/2: a variance in octaves raises the mean by this much */
#define COARSE_SCALE_LEAST (1.0f / 32)
#define COARSE_SCALE_MOST 4.0f

/* What is known of one page (or one huge page); see estimate.h. */
struct page_heat {
	uint8_t time;        /* code of the log of the seconds for which it was watched; 0: never */
	uint8_t touches : 7; /* within that time */
	uint8_t drawn : 1;   /* and some more, since its region was told the time; see count.c */
	uint8_t tier : 4;    /* page_tier() */
	uint8_t watched : 1; /* marked, and not touched since */
	uint8_t again : 1;   /* marked again while it was, so the last marking began no gap */
	uint8_t surprise : 1; /* the last gap did not fit the estimate at all, */
	uint8_t doubted : 1;  /* or something else said so */
	uint8_t moved;        /* epoch_of() its last change of tier; 0: long ago */
};

#define TIER_NONE 15u

/* HEAT_TIER_ABSENT: not resident. */
static inline uint8_t
page_tier(const struct page_heat *page)
{
	return page->tier == TIER_NONE ? HEAT_TIER_ABSENT : page->tier;
}

static inline void
page_set(struct page_heat *page, uint8_t tier)
{
	page->tier = (uint8_t)((tier < TIER_NONE ? tier : TIER_NONE) & 15u);
}

/* There is one for each 2 MiB, so its size is most of what tracking costs. Times that need no
 * precision are `when_of` a tick. */
struct region {
	uint64_t addr;
	uint64_t
		armed[2]; /* tick of the last marking of the pages before page `split`, and of those
			   * from there on: windows of the kernel end within regions; 0: never */
	uint64_t counted; /* its process's clock of drawn accesses when its pages were told */
	uint32_t seen;    /* when the short memory was fed last */
	uint32_t viewed;  /* the view that its entries are of */
	uint32_t renew;   /* when they are too old to be used again; 0: at once */
	uint32_t drawn_at; /* when the last SAMPLE_COUNT or SAMPLE_EXACT came */
	int32_t pid;
	uint32_t detail; /* index into the pool, or NO_DETAIL */
	uint32_t draws;  /* of a region without detail, since its pages were told the time */
	float events;    /* short memory: decayed SAMPLE_RATE evidence, or gaps without detail */
	float exposure_s;
	float prior_mean; /* of its pages' log2 rate, computed by the last view */
	float prior_var;  /* how far pages may be from it (octaves squared); negative when that is
			   * a guess: nothing of the region was sampled */
	struct page_heat whole; /* a huge page; or the mean of the pages, by drawn and exact
				 * counts while there is no detail */
	uint32_t pages : 10, split : 10;
	uint32_t watched : 10; /* pages that are, when there is no detail */
	uint8_t entry_count;   /* in the last view */
	uint8_t differ; /* spread_code() of its pages when it lost its detail, and 1; 0: unknown */
	uint16_t touched;     /* pages since the last marking */
	uint16_t suspicion;   /* SUSPICION_UNITs: the log of how much likelier it is that it is far
			       * hotter than believed */
	uint16_t resident[6]; /* pages by tier when there is no detail; tiers above 5 count as 5 */
	uint8_t fine : 1;     /* the short memory is of single pages' gaps, not of ranges */
	uint8_t by_bits : 1; /* what is known of its pages came by SAMPLE_SEEN: how hot, at least */
	uint8_t by_time : 1; /* or otherwise by times that touches do not end */
	uint8_t drawn : 1;   /* by SAMPLE_COUNT or SAMPLE_EXACT */
	uint8_t alarmed : 1; /* since the last view, so that nothing is believed of it */
	uint8_t one_thing : 1; /* table_is_one_thing(), as of the last view */
	uint8_t guessed : 1; /* its detail was made without knowing which pages are in which of its
			      * tiers; until residency is told they are not watched one by one */
	uint8_t spread : 4, page_spread : 4; /* of RATE, and of SEEN and COUNT: see spread_code() */
	/* See pace.h. What is usual, of the first pages that are touched after a marking. */
	int16_t usual; /* log2 of touches per page and second, in 1/256 octaves; 0: unknown */
	uint8_t usual_pages : 5, usual_times : 3; /* that were marked then, by 17; markings that it
						   * was learned from */
	int8_t lasting;  /* the process's pace in the long run, as of the last marking, and */
	int16_t pace[2]; /* at its last two, as `armed`: 1/8 and 1/256 octaves */
};

_Static_assert(sizeof(struct region) == 112, "a region is 0.22 bytes for each of its pages");

struct detail {
	struct page_heat page[HEAT_REGION_PAGES];
};

/* How much of what happens SAMPLE_RATE tells: accesses of cold memory, that fade. */
enum { COARSE_SLOW, COARSE_FAST, COARSE_SPEEDS };

struct coarse {
	float seen, expected;
};

/* What is watched, mostly: mean bytes of a SAMPLE_RATE, and of bytes times log2 of what is believed
 * of them, smoothed. */
struct coarse_mean {
	float bytes, rates;
};

/* What all of a view's entries come to. */
struct totals {
	uint64_t resident_bytes[8], unknown_bytes;
	double access_rate[8];
};

/* Half octaves from RATE_LOWEST. */
#define CUT_BINS 64

/* What all regions together say of how alike they and their pages are. */
struct spread {
	double pages;
	double mean_sum, mean_square_sum, mean_noise_sum; /* of regions' means, weighted by pages */
	double excess_sum, excess_pages;                  /* of variance within regions */
	uint64_t bytes[CUT_BINS];                         /* of known regions, by their means */
	struct mixture_found found;
};

/* The spreads need all regions, so now and then all are done anew: those of a small table at once,
 * of a large one as many in each view as take a few ms. */
#define SWEEP_REGIONS 65536u /* 128 GiB is small */
#define SWEEP_PART 32768u    /* regions; one in detail takes as long as */
#define SWEEP_DETAIL 32u     /* others */

struct sweep {
	int is_under_way;
	uint32_t next; /* region */
	struct spread found;
};

/* Regions in a row, so that a view need not look at each of those of which nothing was heard. */
#define STRETCH_REGIONS 64u

struct stretch {
	uint32_t renew; /* the earliest of them; 0: at once */
	uint32_t entry_count;
};

/* What is known of pages of one kind; see kinds.h. */
struct evidence {
	int known; /* 0: the page was never watched, the rest means nothing */
	unsigned int touches;
	float rate; /* log2 of touches, but at least one, per second of watching */
};

struct kind {
	struct page_heat page; /* `again`: it is not before its region's split */
	uint32_t bits;
	struct evidence evidence;
	uint16_t pages, place;
};

#define KINDS_PLACES_LOG2 10u
#define KINDS_PLACES (1u << KINDS_PLACES_LOG2)

/* Of the bits of a page, those of its time and its touches. */
#define KINDS_NEAR (1u << 12)

struct kinds {
	struct kind kind[HEAT_REGION_PAGES];
	uint32_t count;
	/* 1 + index of a kind, all zero between regions: by its bits if it differs from the
	 * region's first one only in time and touches, as most do, else by hash, behind those. */
	uint16_t place[KINDS_NEAR + KINDS_PLACES];
};

/* Accesses of a process are drawn, one of `odds` since `since`; see count.c. */
#define HEAT_COUNTERS_MAX 256u

struct counter {
	int32_t pid;
	float odds; /* 0: none are drawn */
	uint64_t since, watched;
};

#define PACE_REGIONS 64u
#define HEAT_PACES_MAX 256u /* processes */

/* Of one process; see pace.h. */
struct pace {
	int32_t pid;
	float now;     /* octaves, by its regions; */
	float lasting; /* mean over seconds; */
	float mean;    /* over the last `mean_ticks`, a minute at most; */
	float mean_ticks;
	float shown;    /* and what views show */
	float unrest;   /* mean square of what regions are off from `now`, with chance */
	float jitter;   /* half the mean square of what `now` changes by when it is told */
	float changed;  /* octaves by which `shown` did since the last view */
	uint64_t told;  /* tick at which `now` was found; 0: never */
	uint64_t begun; /* until then: when regions learned what is usual, on average */
	uint32_t beginners;
	/* A leap of the pace: of what was marked between nobody knows at which it was. */
	uint64_t leap_from, leap_to;
	float leap; /* octaves */
	/* What a coarse tracker sees of its cold memory beside what is usual, over seconds and over
	 * a minute. */
	struct coarse coarse[COARSE_SPEEDS];
	struct coarse_mean coarse_mean;
	uint64_t coarse_tick; /* of the last of these */
	uint64_t since; /* tick of the first of these regions, of which the next `now` is made: */
	uint32_t count;
	struct pace_region {
		uint64_t addr;
		float off;    /* octaves sooner than usual, */
		float beyond; /* and than is believed of it; NAN: nothing is */
	} region[PACE_REGIONS];
};

struct heat {
	struct region *regions; /* sorted by pid, then address; twice region_max is reserved, for
				 * rebuilding them where they are */
	uint32_t region_count, region_max;
	struct detail *details;
	uint32_t *detail_free; /* stack of free indices */
	uint32_t detail_free_count, detail_max;
	uint64_t origin_ns;   /* tick 0 */
	uint64_t latest_tick; /* of any sample */
	uint64_t samples, samples_lost, alarms;
	uint32_t last_region; /* where the last look-up ended: samples come in runs */
	uint32_t evict_hand;

	/* Found by the last sweep, for the views after it: variance of log2 rates within regions
	 * and between them, in octaves squared, noise taken off, and their mean; */
	float within_var, between_var, overall_mean;
	struct mixture mixture; /* and what means regions have */
	int have_spread;
	float cut_mean; /* of regions by their means, the hottest fit into the fast tier down to
			 * this; found with the spreads */
	int have_cut;
	int gaps_known;    /* a tracker reports single pages: where it does, SAMPLE_RATE raises
			      alarms only */
	int touches_known; /* and it tells each page's next access to the microsecond */

	struct counter counters[HEAT_COUNTERS_MAX];
	uint32_t counter_count, last_counter, looks;
	struct pace paces[HEAT_PACES_MAX];
	uint32_t pace_count, last_pace;
	int32_t paceless; /* a process that has none */

	float seen_gap_s; /* how long SAMPLE_SEEN's pages were watched, smoothed */
	struct coarse coarse[COARSE_SPEEDS];
	struct coarse_mean coarse_mean;
	float seen_weight, seen_rates; /* of log2 of the rate that a SAMPLE_RATE sees, by bytes */
	struct sweep sweep;
	uint64_t spread_tick;    /* when the last sweep began */
	uint64_t spread_ticks;   /* after how long they will be again: little is known at first */
	uint64_t spread_samples; /* all samples then */
	double spread_pages;     /* of which something was known */
	int all_renewed;         /* this view does no region by its old entries */
	uint64_t tracked_bytes;  /* of all regions */
	uint64_t view_tick;
	/* Of the last view, and which pages of their region they stand for: page_key(), or
	 * WHOLE_REGION. A view is written over the last one, of which [old, old_end) is unread. */
	struct sluice_region *entries;
	uint16_t *keys;
	size_t entry_count, entry_max;
	size_t entries_shown; /* of which pages may be asked for */
	int entries_dropped;  /* some have a key of DROPPED_ENTRY */
	size_t old, old_end;
	int entries_borrowed; /* their memory is somebody else's */
	/* The most of each that there was: pages of memory that were touched stay. */
	uint32_t region_most, detail_most;
	size_t entry_most;
	struct totals totals, told; /* as they are, and as of the last view */
	struct stretch *stretches;
	uint8_t view_epoch;
	/* Scratch of the view. */
	uint16_t group_of_key[1u << 13]; /* all zero between regions */
	struct kinds kinds;
	int unmerged; /* for tests: each page is a kind of its own */
};

#define WHOLE_REGION 0xffffu
#define DROPPED_ENTRY 0xfffeu

/* When any of the regions in this stretch of the table has to be renewed; see region.renew. */
static inline uint32_t *
stretch_of(struct heat *heat, const struct region *region)
{
	return &heat->stretches[(size_t)(region - heat->regions) / STRETCH_REGIONS].renew;
}

/* Something was heard of the region: its entries are not used again. */
static inline void
region_renew(struct heat *heat, struct region *region)
{
	region->renew = 0;
	*stretch_of(heat, region) = 0;
}

uint64_t table_tick(struct heat *heat, uint64_t time_ns);
/* 1 to 255, advancing every 4 s; what page_heat.moved holds. */
uint8_t table_epoch(uint64_t tick);
/* Where the region that holds addr probably is, as mappings are large; may be out of range. */
uint32_t table_guess(const struct heat *heat, uint64_t addr);
/* Index of the region that holds addr, or -1. */
int64_t table_find(struct heat *heat, int32_t pid, uint64_t addr);
/* Index of the first region that is not wholly before (pid, addr). */
uint32_t table_lower(const struct heat *heat, int32_t pid, uint64_t addr);
/* Index of the first region of the process that ends behind addr, or -1. */
int64_t table_next(struct heat *heat, int32_t pid, uint64_t addr);
/* Of its pages, those that are watched. */
uint32_t region_waiting(const struct heat *heat, const struct region *region);
/* The region's detail, made if the pool has room (or can make some); NULL otherwise. */
struct detail *table_detail(struct heat *heat, uint32_t region);
/* Its mean and how far its pages differ are kept. */
void table_drop_detail(struct heat *heat, uint32_t region);
/* Whether pages with this mean, and so far from it (octaves squared), are alike or on one side of
 * the cut line. */
int table_is_one_thing(const struct heat *heat, float mean, float var);
/* Whether the region's pages are worth the detail of another's: not if they were all alike or all
 * far from the cut line when it lost its own, but for a look now and then. */
int table_wants_detail(struct heat *heat, const struct region *region);
/* Entry of the last view: the next one will not have it, since its region is no more. The array
 * stays as it is until then. */
void view_drop(struct heat *heat, size_t entry);

/* Time passed. Samples are read after the tick's time was, and come from several CPUs' rings, so
 * what happened "before" may lie a little ahead: then no time has passed. */
static inline uint64_t
ticks_since(uint64_t tick, uint64_t then)
{
	return tick > then ? tick - then : 0;
}

/* Times to 8 ms, that last for a year; never 0. */
#define WHEN_TICKS 8192u

static inline uint32_t
when_of(uint64_t tick)
{
	uint32_t when = (uint32_t)(tick / WHEN_TICKS);

	return when ? when : 1;
}

static inline uint64_t
ticks_since_when(uint64_t tick, uint32_t then)
{
	int32_t passed = (int32_t)(when_of(tick) - then);

	return passed > 0 ? (uint64_t)passed * WHEN_TICKS : 0;
}

static inline uint32_t
region_pages(const struct region *region)
{
	return region->pages;
}

static inline uint64_t
region_end(const struct region *region)
{
	return region->addr + (uint64_t)region->pages * HEAT_PAGE_BYTES;
}

/* At most half of it is in fast memory. Of what is there already an alarm is no use. */
static inline int
region_is_slow(const struct region *region)
{
	return region->resident[0] * 2u < region_pages(region);
}

/* Tick of the last marking of a page, and of any page. */
static inline uint64_t
region_armed(const struct region *region, uint32_t page)
{
	return region->armed[page >= region->split];
}

static inline uint64_t
region_armed_last(const struct region *region)
{
	return region->armed[0] > region->armed[1] ? region->armed[0] : region->armed[1];
}

/* Octaves in quarters. */
static inline uint8_t
spread_code(float spread)
{
	return spread >= 3.75f ? 15 : spread > 0 ? (uint8_t)(spread * 4 + 0.5f) : 0;
}

static inline float
spread_var(uint8_t code)
{
	float octaves = (float)code / 4;

	return octaves * octaves;
}

/* How far pages differed when the region lost its detail; `differ` is not 0. */
static inline float
region_differ_var(const struct region *region)
{
	return spread_var((uint8_t)(region->differ - 1u));
}

static inline float
coarse_scale(const struct coarse *coarse)
{
	return fminf(fmaxf(coarse->seen / coarse->expected, COARSE_SCALE_LEAST), COARSE_SCALE_MOST);
}

static inline int
table_has_room(const struct heat *heat)
{
	return heat->detail_free_count || heat->detail_most < heat->detail_max;
}

static inline int
region_is_huge(const struct region *region)
{
	return region->whole.tier != TIER_NONE;
}

#endif
