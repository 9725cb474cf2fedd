/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heat.h - how often each piece of memory is accessed, and how sure we are of it.
 *
 * Pure: no system call, no clock of its own. One thread at a time.
 *
 * Memory is a table of regions: at most 2 MiB, 2 MiB aligned, never crossing a mapping. A region
 * whose pages differ is kept in 4 KiB detail, from a pool of bounded size; the others cost one
 * record for all of their pages.
 *
 * All trackers speak one language, Poisson evidence: so many events in so much watched time. A
 * page's estimate is the log of its access rate with a spread; pages borrow strength from their
 * region, and regions from all others, as far as the data say that they are alike (empirical
 * Bayes). So uniform memory comes out uniform, rather than as noise that looks hot here and cold
 * there, and a compact hot block is known after a few samples per region.
 */
#ifndef HEAT_H
#define HEAT_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"
#include "sluice/policy.h"

#define HEAT_PAGE_BYTES 4096u
#define HEAT_NEVER_MOVED_MS 3600000u /* age in a view of pages that did not move for long */
#define HEAT_REGION_BYTES (2u << 20)
#define HEAT_REGION_PAGES (HEAT_REGION_BYTES / HEAT_PAGE_BYTES)
#define HEAT_TIER_ABSENT 0xffu /* the page is not resident */
/* Accesses are never quite random, so a region's mean is not exact, however many gaps it rests on:
 * only what others are like makes it surer. Octaves squared. */
#define HEAT_MODEL_VAR 0.1f

/* A mapping of a target; spans of one process are sorted and do not overlap. */
struct heat_span {
	uint64_t start, end; /* page aligned */
};

/* What trackers tell. Three ways of watching, each fair evidence of a rate:
 * - page by page, one access at a time: ARMED, then TOUCH, at the time of the access, or SEEN, when
 *   all that is known is that there was one since (accessed and dirty bits);
 * - sampled accesses: COUNTING, then a COUNT for each access that was drawn (hardware counters);
 * - rates of ranges: RATE, by a tracker that sees a part of what happens (DAMON), or EXACT, all. */
enum sample_kind {
	SAMPLE_ARMED, /* the resident pages of [addr, addr+len) are watched from time_ns on: each
		       * gives one SAMPLE_TOUCH or SAMPLE_SEEN when next accessed. events: how many
		       * of them were not before, as the tracker counted; 0: all, presumably */
	SAMPLE_TOUCH, /* the watched page at addr (or its huge page) was accessed at time_ns */
	SAMPLE_RATE,  /* pages of [addr, addr+len) were seen accessed `events` times in `exposure_s`
		       * seconds of watching, on average per page watched */
	SAMPLE_SEEN,  /* the watched pages of [addr, addr+len) were accessed between their marking
		       * and  time_ns, once at least; they are not watched any more */
	SAMPLE_COUNTING, /* accesses of the whole process are drawn from time_ns on, one of
			  * `events`; addr and len are 0. Told again at least every two seconds,
			  * with the odds from then on; events 0: no more are drawn */
	SAMPLE_COUNT, /* an access of the page at addr was drawn at time_ns; it stands for `events`
		       */
	SAMPLE_EXACT  /* each page of [addr, addr+len) was accessed `events` times in the
		       * `exposure_s`  seconds before time_ns, exactly and all counted (replay of
		       * perfect input) */
};

struct sample {
	uint64_t addr;
	uint64_t len_bytes; /* SAMPLE_TOUCH, SAMPLE_COUNT: 0 */
	uint64_t time_ns;   /* CLOCK_MONOTONIC */
	int32_t pid;        /* the process, not the thread */
	uint32_t kind;      /* enum sample_kind */
	float events;
	float exposure_s;
	uint32_t tiers; /* SAMPLE_ARMED: bit t set: pages in tier t are watched; 0 means all */
	float spread;   /* how far the tracker's rates may be off all together, in octaves (one
			 * sigma); 0: its kind's own default */
};

struct heat_options {
	uint32_t region_max;       /* capacity; allocated by heat_new */
	uint64_t detail_bytes_max; /* pool for 4 KiB detail; allocated by heat_new */
	/* Where views are made, heat_view_bytes() of it, borrowed; NULL: allocated by heat_new. So
	 * a view can lie in memory that is shared with the policy's process. */
	void *view_memory;
};

struct heat_stats {
	uint64_t metadata_bytes; /* allocated for regions and detail */
	uint32_t regions, regions_in_detail;
	uint64_t samples;      /* folded so far */
	uint64_t samples_lost; /* fell outside any known region */
	uint64_t alarms; /* regions that turned out much hotter than they were believed to be */
	uint64_t tracked_bytes;     /* sum of the regions' lengths */
	uint64_t resident_bytes[8]; /* by tier */
	uint64_t unknown_bytes;     /* resident, and nothing of their region was ever sampled */
	double access_rate[8];      /* estimated accesses per second, by tier */
	float never_known_var; /* variance of a log2 rate, octaves squared, that no looking removes
				*/
	float within_var, between_var; /* how pages within regions differ, and regions: variance of
					* their log2 rates, noise taken off */
};

struct heat;

/* The most entries that a view may have, and the bytes that two views of so many take. */
size_t heat_entry_max(const struct heat_options *options);
size_t heat_view_bytes(const struct heat_options *options);

/* Allocates all that it will ever use. -ENOMEM, -EINVAL. */
int heat_new(const struct heat_options *options, struct heat **ret, struct sluice_err *reterr);
void heat_free(struct heat *heat);

/* Tell the mappings of a process, at first and whenever they changed; what is known of parts that
 * remain is kept. span_count 0 forgets the process. -ENOSPC: more regions than region_max; then
 * the biggest spans that fit are tracked and the rest is not. */
int heat_set_spans(struct heat *heat, int32_t pid, const struct heat_span *spans, size_t span_count,
		   uint64_t now_ns, struct sluice_err *reterr);

/* Touches of one region should come about in the order of time: the first of them tell the pace. */
void heat_fold(struct heat *heat, const struct sample *samples, size_t count);

/* Where pages are. Walk regions by index, 0 to heat_region_count-1; indices hold until the next
 * heat_set_spans. tiers: one per page of the region, HEAT_TIER_ABSENT when not resident; huge: the
 * region is one huge page and moves as one. heat_set_residency returns whether that was news. */
size_t heat_region_count(const struct heat *heat);
void heat_region_at(const struct heat *heat, size_t index, int32_t *ret_pid, uint64_t *ret_addr,
		    uint32_t *ret_len_bytes);
int heat_set_residency(struct heat *heat, size_t index, const uint8_t *tiers, int huge,
		       uint64_t now_ns);
/* A page that was believed to be in tier `from` lives in another (HEAT_TIER_ABSENT: in none).
 * Moving disarms the page. */
void heat_page_moved(struct heat *heat, int32_t pid, uint64_t addr, uint8_t from, uint8_t tier,
		     uint64_t now_ns);

/* What was seen of a process so far says nothing of what it does from now on: forget it. Pages that
 * are watched are watched from now on. */
void heat_restart(struct heat *heat, int32_t pid, uint64_t now_ns);

/* The entries that a policy sees, sorted by pid and address. The array is the table's, and stays as
 * it is until the next view. Entry i can be asked for its pages until the next heat_set_spans. */
const struct sluice_region *heat_view(struct heat *heat, uint64_t now_ns, size_t *ret_count);
/* Addresses of the pages of entry i (for a huge page only its first), at most 512. */
size_t heat_entry_pages(const struct heat *heat, size_t i, uint64_t *addrs, size_t capacity);
/* What moves as one in entry i: 4 KiB, or 2 MiB when it is a huge page. */
uint32_t heat_entry_unit(const struct heat *heat, size_t i);

uint64_t heat_alarms(const struct heat *heat); /* as in the stats, cheaper */
/* Slow memory of which what is believed may not hold any more, though it looks well known: what was
 * not marked since then; and, in regions where many are, pages whose last gap was far too short for
 * it (one such gap may be chance, so it is believed after the second). */
void heat_unsettled(const struct heat *heat, uint64_t since_ns, uint64_t *ret_stale_bytes,
		    uint64_t *ret_surprised_bytes);
void heat_get_stats(const struct heat *heat, struct heat_stats *ret);

#endif
