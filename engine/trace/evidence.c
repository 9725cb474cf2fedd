/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - see evidence.h. */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGION_SHIFT 21
#define REGION_BYTES (UINT64_C(1) << REGION_SHIFT)
#define PAGE_SHIFT 12
#define REGION_PAGES 512u
#define SLOTS_FIRST 256u
/* More than this no machine has; a file may say anything. */
#define SAMPLE_BYTES_MAX (UINT64_C(1) << 46)
#define REGIONS_MAX (UINT64_C(1) << 23)

/* Pages of 2 MiB that are armed, all since the same time. */
struct region {
	uint64_t number; /* of its address */
	int32_t pid;
	int is_used;
	uint64_t armed_ns;
	uint64_t armed[REGION_PAGES / 64]; /* a bit for each page that was not touched since */
};

struct evidence {
	void (*tell)(void *ctx, const struct evidence_told *told);
	void *ctx;
	struct region *regions; /* by hash */
	size_t slots, used;
};

struct evidence *
evidence_new(void (*tell)(void *ctx, const struct evidence_told *told), void *ctx)
{
	struct evidence *evidence = calloc(1, sizeof(*evidence));

	if (!evidence)
		return NULL;
	evidence->tell = tell;
	evidence->ctx = ctx;
	evidence->slots = SLOTS_FIRST;
	evidence->regions = calloc(evidence->slots, sizeof(*evidence->regions));
	if (evidence->regions)
		return evidence;
	free(evidence);
	return NULL;
}

void
evidence_free(struct evidence *evidence)
{
	if (!evidence)
		return;
	free(evidence->regions);
	free(evidence);
}

static struct region *
find(struct region *regions, size_t slots, int32_t pid, uint64_t number)
{
	uint64_t hash = (number ^ (uint64_t)(uint32_t)pid << 40) * 0x9e3779b97f4a7c15u;
	size_t at = (hash >> 20) & (slots - 1);

	while (regions[at].is_used && (regions[at].number != number || regions[at].pid != pid))
		at = (at + 1) & (slots - 1);
	return &regions[at];
}

/* NULL: no memory. */
static struct region *
find_or_add(struct evidence *evidence, int32_t pid, uint64_t number)
{
	struct region *region;

	if (evidence->used >= REGIONS_MAX)
		return NULL;
	if (evidence->used * 4 >= evidence->slots * 3) {
		size_t slots = evidence->slots * 2;
		struct region *grown = calloc(slots, sizeof(*grown));

		if (!grown)
			return NULL;
		for (size_t i = 0; i < evidence->slots; i++) {
			const struct region *old = &evidence->regions[i];

			if (old->is_used)
				*find(grown, slots, old->pid, old->number) = *old;
		}
		free(evidence->regions);
		evidence->regions = grown;
		evidence->slots = slots;
	}
	region = find(evidence->regions, evidence->slots, pid, number);
	if (!region->is_used) {
		*region = (struct region){.number = number, .pid = pid, .is_used = 1};
		evidence->used++;
	}
	return region;
}

static double
seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

static int
is_armed(const struct region *region, uint32_t page)
{
	return region->armed[page / 64] >> (page % 64) & 1;
}

/* The pages of a region that were armed and not accessed until now. */
static void
tell_untouched(const struct evidence *evidence, const struct region *region, uint64_t now_ns)
{
	if (now_ns <= region->armed_ns)
		return;
	for (uint32_t page = 0; page < REGION_PAGES;) {
		uint32_t run = 0;

		while (page + run < REGION_PAGES && is_armed(region, page + run))
			run++;
		if (run)
			evidence->tell(evidence->ctx,
				       &(struct evidence_told){
					       .pid = region->pid,
					       .addr = (region->number << REGION_SHIFT) +
						       ((uint64_t)page << PAGE_SHIFT),
					       .len_bytes = (uint64_t)run << PAGE_SHIFT,
					       .from_ns = region->armed_ns,
					       .to_ns = now_ns,
					       .watched_s = seconds(region->armed_ns, now_ns),
				       });
		page += run + 1;
	}
}

/* Of [from, to) in the region. */
static void
set_armed(struct region *region, uint32_t from, uint32_t to, int on)
{
	for (uint32_t page = from; page < to; page++) {
		uint64_t bit = UINT64_C(1) << (page % 64);

		if (on)
			region->armed[page / 64] |= bit;
		else
			region->armed[page / 64] &= ~bit;
	}
}

static int
take_armed(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	uint64_t at = sample->addr, end = sample->addr + sample->len_bytes;

	while (at < end) {
		uint64_t number = at >> REGION_SHIFT;
		uint64_t stop = (number + 1) << REGION_SHIFT;
		struct region *region = find_or_add(evidence, sample->pid, number);
		uint32_t first = (uint32_t)(at >> PAGE_SHIFT) % REGION_PAGES;

		if (!region)
			return -ENOMEM;
		if (stop > end || stop <= at)
			stop = end;
		if (region->armed_ns != sample->time_ns) {
			/* Others of the region go on being watched, from now on for us. */
			tell_untouched(evidence, region, sample->time_ns);
			region->armed_ns = sample->time_ns;
		}
		set_armed(region, first, first + (uint32_t)((stop - at) >> PAGE_SHIFT), 1);
		at = stop;
	}
	return 0;
}

/* Accessed once since they were armed; since when is known of armed pages only. */
static void
take_touched(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	uint64_t at = sample->addr,
		 end = at + (sample->len_bytes ? sample->len_bytes : SLUICE_TRACE_PAGE_BYTES);

	while (at < end) {
		uint64_t stop = ((at >> REGION_SHIFT) + 1) << REGION_SHIFT,
			 from_ns = sample->time_ns;
		struct region *region =
			find(evidence->regions, evidence->slots, sample->pid, at >> REGION_SHIFT);
		uint32_t first = (uint32_t)(at >> PAGE_SHIFT) % REGION_PAGES;

		if (stop > end || stop <= at)
			stop = end;
		if (region->is_used && region->armed_ns <= sample->time_ns &&
		    is_armed(region, first)) {
			from_ns = region->armed_ns;
			set_armed(region, first,
				  first + (uint32_t)((stop - at + SLUICE_TRACE_PAGE_BYTES - 1) >>
						     PAGE_SHIFT),
				  0);
		}
		evidence->tell(evidence->ctx,
			       &(struct evidence_told){
				       .pid = sample->pid,
				       .addr = at,
				       .len_bytes = stop - at,
				       .from_ns = from_ns,
				       .to_ns = sample->time_ns,
				       .events = 1,
				       .is_moment = 1,
				       .watched_s = seconds(from_ns, sample->time_ns),
			       });
		at = stop;
	}
}

static int
take_sample(struct evidence *evidence, const struct sluice_trace_sample *sample)
{
	struct evidence_told told = {
		.pid = sample->pid,
		.addr = sample->addr & ~(uint64_t)(SLUICE_TRACE_PAGE_BYTES - 1),
		.len_bytes = sample->len_bytes,
		.from_ns = sample->time_ns,
		.to_ns = sample->time_ns,
		.events = (double)sample->events,
	};
	uint64_t watched_ns;

	switch (sample->kind) {
	case SLUICE_TRACE_ARMED:
		return sample->len_bytes > SAMPLE_BYTES_MAX ? 0 : take_armed(evidence, sample);
	case SLUICE_TRACE_TOUCH:
	case SLUICE_TRACE_SEEN:
		if (sample->len_bytes <= SAMPLE_BYTES_MAX)
			take_touched(evidence, sample);
		return 0;
	case SLUICE_TRACE_RATE:
	case SLUICE_TRACE_EXACT:
		told.watched_s = (double)sample->exposure_s;
		if (told.watched_s > 1e9)
			return 0; /* nobody watches for so long */
		watched_ns = (uint64_t)(told.watched_s * 1e9);
		told.from_ns = sample->time_ns > watched_ns ? sample->time_ns - watched_ns : 0;
		break;
	case SLUICE_TRACE_COUNT:
		told.len_bytes = SLUICE_TRACE_PAGE_BYTES;
		told.is_drawn = 1;
		break;
	default:
		return 0;
	}
	if (told.len_bytes && told.addr + told.len_bytes > told.addr)
		evidence->tell(evidence->ctx, &told);
	return 0;
}

/* Of one process, or with pid NULL of all. */
static void
end_regions(struct evidence *evidence, const int32_t *pid, uint64_t now_ns)
{
	for (size_t i = 0; i < evidence->slots; i++) {
		struct region *region = &evidence->regions[i];

		if (!region->is_used || (pid && region->pid != *pid))
			continue;
		tell_untouched(evidence, region, now_ns);
		memset(region->armed, 0, sizeof(region->armed));
	}
}

int
evidence_take(struct evidence *evidence, const struct sluice_trace_item *item)
{
	int r = 0;

	if (item->kind == SLUICE_TRACE_EXIT)
		end_regions(evidence, &item->pid, item->time_ns);
	if (item->kind != SLUICE_TRACE_SAMPLES)
		return 0;
	for (size_t i = 0; i < item->count && r == 0; i++)
		r = take_sample(evidence, &item->samples[i]);
	return r;
}

void
evidence_end(struct evidence *evidence, uint64_t now_ns)
{
	end_regions(evidence, NULL, now_ns);
}
